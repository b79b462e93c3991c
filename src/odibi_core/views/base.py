"""The protocol of a view, and the built-in views."""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable

from odibi_core.events import Event


@runtime_checkable
class View(Protocol):
    """A fold over events, which may be asked for its answer at any moment and from any thread.

    The event bus calls it with one event at a time. It accepts any event, of an unknown kind or with fields of the
    wrong type, and never raises. `answer()` consists of structs and plain JSON values and depends on nothing but the
    events and their order. It may share nested values (samples) with the events: read it, do not write to it.
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
"""The family table: one line a view, loaded on first use."""
