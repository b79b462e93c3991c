"""The way out of the program: what exporters send to other systems, off the run's thread and with every item counted.

`Delivery` has a bounded queue, a thread, retries, and a spool on disk if loss matters; `HttpClient` is the one HTTP
client. `base` states the contract of a receiver. The names are loaded on first use: a program without exporters loads
no client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.delivery.base import SENT as SENT
    from odibi_core.delivery.base import Outcome as Outcome
    from odibi_core.delivery.base import Receiver as Receiver
    from odibi_core.delivery.base import refused as refused
    from odibi_core.delivery.base import try_again as try_again
    from odibi_core.delivery.delivery import Delivery as Delivery
    from odibi_core.delivery.delivery import Limits as Limits
    from odibi_core.delivery.http import Answer as Answer
    from odibi_core.delivery.http import HttpClient as HttpClient
    from odibi_core.delivery.http import HttpError as HttpError
    from odibi_core.delivery.http import outcome_of as outcome_of
    from odibi_core.delivery.registry import close_all as close_all
    from odibi_core.delivery.registry import deliveries as deliveries
    from odibi_core.delivery.registry import report_counts_to as report_counts_to
    from odibi_core.delivery.spool import Spool as Spool

__all__ = [
    "SENT", "Answer", "Delivery", "HttpClient", "HttpError", "Limits", "Outcome", "Receiver", "Spool", "close_all",
    "deliveries", "outcome_of", "refused", "report_counts_to", "try_again",
]  # fmt: skip

_MODULES: Final = {
    **dict.fromkeys(("SENT", "Outcome", "Receiver", "refused", "try_again"), "delivery.base"),
    **dict.fromkeys(("Delivery", "Limits"), "delivery.delivery"),
    **dict.fromkeys(("Answer", "HttpClient", "HttpError", "outcome_of"), "delivery.http"),
    **dict.fromkeys(("close_all", "deliveries", "report_counts_to"), "delivery.registry"),
    "Spool": "delivery.spool",
}


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
