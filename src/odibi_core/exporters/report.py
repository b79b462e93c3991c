"""Metrics as a plain-text report."""

from __future__ import annotations

from typing import Any, ClassVar

from odibi_core.events.clock import iso
from odibi_core.events.inert import printable
from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.views.metrics.nodes import node_stats, rate_text, summary

TITLE = "ODIBI CORE Metrics Report"
_WIDTH = 72
_LISTED = 20


class ReportExporter(Exporter):
    """Report of one screen: totals, cache hit rate, the slowest nodes, and each node."""

    content_type: ClassVar[str] = "text/plain; charset=utf-8"
    suffix: ClassVar[str] = ".txt"

    def export(self, snapshot: MetricsSnapshot, /) -> str:
        numbers = summary(snapshot.view)
        lines = [
            "=" * _WIDTH, TITLE, "=" * _WIDTH,
            f"Generated: {iso(snapshot.at)}",
            f"Pipeline: {_line(numbers['pipeline_name'] or '-')}",
            f"Total Metrics: {numbers['total_metrics']:,}",
            f"Total Nodes: {numbers['total_nodes']:,}",
            f"Total Duration: {numbers['total_duration_ms']:,.2f}ms",
            f"Average Duration: {numbers['avg_duration_ms']:,.2f}ms",
            f"Cache Hit Rate: {rate_text(snapshot.view)}",
            f"Errors: {numbers['error_count']:,}",
            "", "Top Nodes by Duration:", "-" * _WIDTH,
        ]  # fmt: skip
        lines += [
            f"{place:3}. {_line(name):<48} {duration_ms:>12,.2f}ms"
            for place, (name, duration_ms) in enumerate(numbers["top_nodes_by_duration"].items(), start=1)
        ] or ["     none"]
        lines += ["", "Nodes:", "-" * _WIDTH]
        listed = list(numbers["nodes"].items())
        lines += [_node(snapshot, name, node) for name, node in listed[:_LISTED]] or ["     none"]
        if len(listed) > _LISTED:
            lines.append(f"     … and {len(listed) - _LISTED:,} more")
        return "\n".join([*lines, "=" * _WIDTH, ""])


def _node(snapshot: MetricsSnapshot, name: str, node: dict[str, Any]) -> str:
    stats = node_stats(snapshot.view, name)
    parts = [f"{stats['success_count']} ok, {stats['failure_count']} failed"] if stats else []
    parts += [f"{node['duration_ms']:,.2f}ms"] if node["duration_ms"] else []
    parts += [f"{node['row_count']} rows"] if node["row_count"] is not None else []
    parts += [f"{node['memory_mb']:,.1f} MB"] if isinstance(node["memory_mb"], int | float) else []
    return f"     {_line(name):<32} {', '.join(parts)}".rstrip()


def _line(name: str) -> str:
    """Return a name without control characters, cut to the width of its column."""
    shown = printable(name, "\N{REPLACEMENT CHARACTER}")
    return shown if len(shown) <= 48 else f"{shown[:47]}…"
