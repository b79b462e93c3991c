"""The observed BigQuery client.

client   `observe_bigquery`: a client that records the jobs and their costs; estimates and limits
watch    the end of a job, and the events that follow
job      the fields of a job's events
price    prices of bytes and slots by place and day
"""

from odibi_core.costs.bigquery.client import (
    Estimate,
    ObservedClient,
    Price,
    Prices,
    estimate_bigquery,
    observe_bigquery,
)

__all__ = ["Estimate", "ObservedClient", "Price", "Prices", "estimate_bigquery", "observe_bigquery"]
