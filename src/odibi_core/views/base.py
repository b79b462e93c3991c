"""What a view is, and which ones there are."""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable

from odibi_core.events import Event


@runtime_checkable
class View(Protocol):
    """A fold over events: fed one at a time, asked at any moment.

    `__call__` takes any event, of a kind that nobody knows or with fields of the wrong type, and never
    raises. `answer()` is made of plain JSON values and depends on nothing but the events heard and their
    order; it may share nested values (samples, schemas) with the events, so read it and do not write to it.
    """

    def __call__(self, event: Event, /) -> None: ...

    def answer(self) -> Any: ...


BUILTIN: Final = {
    "runs": "odibi_core.views.runs:RunsView",
    "timeline": "odibi_core.views.timeline:TimelineView",
    "logs": "odibi_core.views.logs:LogsView",
    "lineage": "odibi_core.views.lineage:LineageView",
    "metrics": "odibi_core.views.metrics.view:MetricsView",
    "costs": "odibi_core.views.costs:CostsView",
    "errors": "odibi_core.views.errors:ErrorsView",
    "health": "odibi_core.views.health:HealthView",
    "operations": "odibi_core.views.operations:OperationsView",
    "usage": "odibi_core.views.usage:UsageView",
}
"""The family table: one line a view, loaded when first asked for."""
