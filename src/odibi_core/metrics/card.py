"""The card of a metrics manager: totals, and its nodes, the slowest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from odibi_core.views.cards import Card, Section, Table
from odibi_core.views.wording import and_more, count, duration, plural

_MOST_NODES: Final = 15
_COLUMNS: Final = ("Node", "Duration", "Rows", "Rows/s", "Memory")


def metrics_card(summary: Mapping[str, Any]) -> Card:
    """Return the card of what `get_summary` returns."""
    nodes: dict[str, dict[str, Any]] = summary["nodes"]
    slowest = sorted(nodes, key=lambda name: -(nodes[name]["duration_ms"] or 0.0))[:_MOST_NODES]
    more = and_more(len(nodes) - len(slowest), "node")
    table = Table(_COLUMNS, [_row(name, nodes[name]) for name in slowest], right=_COLUMNS[1:], more=more)
    errors, lookups = int(summary["error_count"]), summary.get("cache_lookups")
    facts = [f"{plural(int(summary['total_metrics']), 'measurement')}", plural(errors, "error")]
    facts += [f"{summary['cache_hit_rate']:.0%} of lookups from the cache"] if lookups else []
    return Card(
        title=f"metrics of {plural(len(nodes), 'node')}",
        tone="warn" if errors else "plain",
        facts=facts,
        sections=[Section(table=table)] if slowest else [],
    )


def _row(name: str, node: Mapping[str, Any]) -> tuple[str, ...]:
    rows, throughput, memory = node["row_count"], node["throughput"], node["memory_mb"]
    return (
        name,
        duration(node["duration_ms"]),
        count(None if rows is None else int(rows)),
        count(None if throughput is None else int(throughput)),
        "–" if memory is None else f"{memory:,.0f} MB",
    )
