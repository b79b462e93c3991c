"""The finding: one figure of a run that its earlier runs do not explain."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from odibi_core.events.clock import as_id


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is unusual: what came, what was expected from which runs, and how unlikely it is."""

    alert_id: str
    """Its id for `odibi ack`, equal each time the run is judged."""
    node_name: str | None
    """The step; None for the run as a whole."""
    family: str
    """The kind of figure: rows, join, nulls, schema, duration, …"""
    series: str
    """The figure, such as `flights.rows` or `flights.dep_delay.nulls`."""
    column: str | None = None
    actual: str
    expected: str
    low: float | None = None
    high: float | None = None
    likelihood: float
    """The probability that a run without any change has a finding like this one, about."""
    compared_runs: int
    follows_from: str | None = None
    """The `alert_id` of the finding upstream that this one follows from; None where it begins."""
    message: str
    is_drift: bool = False
    """True for a slow change against 30 runs ago, which no single run shows."""

    def fields(self) -> dict[str, Any]:
        """Return the fields of an `anomaly` event."""
        names = ("alert_id", "node_name", "family", "series", "column", "actual", "expected", "low", "high")
        more = ("likelihood", "compared_runs", "follows_from", "message")
        return {name: value for name in (*names, *more) if (value := getattr(self, name)) is not None}


def alert_id(run_id: str, series: str, family: str) -> str:
    """Return the id of a finding: one run, one series and one family have one id."""
    return as_id(blake2b(f"{run_id}\n{series}\n{family}".encode("utf-8", "replace"), digest_size=5).hexdigest())
