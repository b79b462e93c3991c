"""Metrics as JSON documents."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Any, ClassVar

from odibi_core.events.clock import iso
from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.views.metrics.nodes import every_node_stats, summary
from odibi_core.views.metrics.series import Series


class JsonExporter(Exporter):
    """JSON document with the summary, each series by its metric, and each node."""

    content_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def export(self, snapshot: MetricsSnapshot, /) -> str:
        numbers = summary(snapshot.view)
        stats = every_node_stats(snapshot.view)
        times = snapshot.last_times()
        by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for series in snapshot.view.every_series_sorted():
            by_type[series.family.metric].append(_entry(series, times.get(series)))
        document = {
            "export_time": iso(snapshot.at),
            "total_metrics": numbers["total_metrics"],
            "summary": numbers,
            "by_type": by_type,
            "by_node": [{"node_name": name, **node, **stats.get(name, {})} for name, node in numbers["nodes"].items()],
        }
        return json.dumps(document, indent=2, allow_nan=False)


def _entry(series: Series, measured_at: datetime | None) -> dict[str, Any]:
    """Return a series with its value (the last one of a histogram), and the time of its last sample if known."""
    answer = series.answer()
    return {
        "name": series.name,
        "value": answer.get("value", answer.get("last")),
        "labels": dict(sorted(series.labels().items())),
        "timestamp": None if measured_at is None else iso(measured_at),
        "kind": series.kind,
        **answer,
    }


class SummaryExporter(Exporter):
    """Short JSON document, as written by `MetricsManager.save_to_file`."""

    content_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def export(self, snapshot: MetricsSnapshot, /) -> str:
        numbers = summary(snapshot.view)
        kept = ("pipeline_name", "total_duration_ms", "total_nodes", "cache_hit_rate", "error_count", "nodes")
        document = {"timestamp": iso(snapshot.at), **{name: numbers[name] for name in kept}}
        return json.dumps(document, indent=2, allow_nan=False)
