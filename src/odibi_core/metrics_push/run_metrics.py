"""`RunMetrics`: the metrics of each run, folded from its events, as Prometheus' text at its end."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from odibi_core.events import Event, kinds
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.exporters.prometheus import PrometheusExporter
from odibi_core.views.metrics.view import HANDLED_KINDS, MetricsView
from odibi_core.views.values import text

__all__ = ["HANDLED_KINDS", "RunMetrics", "RunText"]

_MOST: Final = 1_000
"""Runs that are open at the same time; the oldest is given up beyond it."""


class RunText(NamedTuple):
    """The metrics of one run that ended."""

    pipeline: str
    text: str
    at_ms: int = 0
    """The time of its end, in milliseconds since 1970."""


class RunMetrics:
    """A fold of the events of all runs of a process."""

    def __init__(self) -> None:
        self._views: OrderedDict[str, MetricsView] = OrderedDict()

    def __call__(self, event: Event) -> RunText | None:
        """Fold an event; return the metrics of its run if that ended."""
        run_id = event.run_id
        if run_id is None:
            return None
        view = self._views.get(run_id)
        if view is None:
            view = self._views[run_id] = MetricsView()
            if len(self._views) > _MOST:
                self._views.popitem(last=False)
        view(event)
        if event.event_type not in kinds.PIPELINE_ENDS:
            return None
        del self._views[run_id]
        name = text(event.fields.get("pipeline_name")) or view.pipeline_name or "unnamed"
        metrics = PrometheusExporter().export(MetricsSnapshot(view=view, at=event.timestamp))
        return RunText(name, str(metrics), int(event.timestamp.timestamp() * 1000))


def with_pipeline(metrics: str, pipeline_label: str) -> str:
    """Return Prometheus' text with the label `pipeline` on each sample that has none.

    Args:
        metrics: Text of `PrometheusExporter`.
        pipeline_label: The label as it is written: `pipeline="daily"`.
    """
    return "\n".join(
        line if not line or line[0] == "#" else _labelled(line, pipeline_label) for line in metrics.split("\n")
    )


def _labelled(line: str, label: str) -> str:
    space, brace = line.find(" "), line.find("{")
    if brace < 0 or space < brace:
        return f"{line[:space]}{{{label}}}{line[space:]}"
    name, labels = line[: brace + 1], line[brace + 1 :]
    # A quote inside a value is escaped, so this is the start of a label.
    if labels.startswith('pipeline="') or '",pipeline="' in labels:
        return line
    return f"{name}{label},{labels}"
