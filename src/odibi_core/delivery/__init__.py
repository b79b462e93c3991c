"""The way out of the program: what exporters send to other systems, off the run's thread and with every item counted.

`Delivery` has a bounded queue, a thread, retries, and a spool on disk if loss matters; `HttpClient` is the one HTTP
client. `base` states the contract of a receiver.
"""

from odibi_core.delivery.base import SENT, Outcome, Receiver, refused, try_again
from odibi_core.delivery.delivery import Delivery, Limits
from odibi_core.delivery.http import Answer, HttpClient, HttpError, outcome_of
from odibi_core.delivery.registry import close_all, deliveries, report_counts_to
from odibi_core.delivery.spool import Spool

__all__ = [
    "SENT",
    "Answer",
    "Delivery",
    "HttpClient",
    "HttpError",
    "Limits",
    "Outcome",
    "Receiver",
    "Spool",
    "close_all",
    "deliveries",
    "outcome_of",
    "refused",
    "report_counts_to",
    "try_again",
]
