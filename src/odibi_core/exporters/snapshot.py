"""The metrics of one process as a document, from which several processes are merged."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.views.metrics.exemplars import as_fields
from odibi_core.views.metrics.series import HistogramSeries, Series


class SnapshotExporter(Exporter):
    """JSON document with each series; in a forked child without the part that was inherited.

    A sum is a list of numbers to add: so the difference from the inherited part is exact, and rounding cannot decrease
    a sum over processes.
    """

    content_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def export(self, snapshot: MetricsSnapshot, /) -> str:
        found = (
            (series, series.answer(), snapshot.inherited.get(series))
            for series in snapshot.view.every_series()
            if series.samples
        )
        document = {
            "at": snapshot.at.timestamp(),
            "uptime_s": snapshot.uptime_s,
            "resident_bytes": snapshot.resident_bytes,
            "series": [
                _entry(series, now, before) | _more(series, snapshot)
                for series, now, before in found
                if before is None or now["count"] > before["count"]
            ],
        }
        return msgspec.json.encode(document).decode()


def _more(series: Series, snapshot: MetricsSnapshot) -> dict[str, Any]:
    """Return what a process measured beyond the answer of a series; the child of a fork begins with nothing."""
    more: dict[str, Any] = {}
    if isinstance(series, HistogramSeries) and (native := series.native_counts()) is not None:
        more["native"] = native.as_fields()
    if snapshot.exemplars is not None and (found := snapshot.exemplars.all_of(series)):
        more["exemplars"] = as_fields(found)
    return more


def _entry(series: Series, now: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    entry = {
        "metric": series.family.metric, "kind": series.kind, "name": series.name, "labels": series.labels(), **now,
    }  # fmt: skip
    summed = "value" if series.kind == "counter" else "sum"
    entry[summed] = [now[summed]]
    if before is None:
        return entry
    entry["count"] -= before["count"]
    entry[summed].append(-before[summed])
    if "buckets" in now:
        counts = {bound: count - before["buckets"].get(bound, 0) for bound, count in now["buckets"].items()}
        entry["buckets"] = {bound: count for bound, count in counts.items() if count}
    return entry
