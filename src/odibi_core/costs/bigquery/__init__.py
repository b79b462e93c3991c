"""BigQuery's client, observed.

    client   `observe_bigquery`: a client that records what its jobs do and cost; estimates and limits
    watch    when a job is asked how it ended, and what is said of it
    job      a job's resource as fields of events
    price    what bytes and slots cost, where and since when
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
