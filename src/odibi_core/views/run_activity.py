"""What a run did beside its steps: the errors that it captured, its log, the operations it measured, what it cost."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.events.recent import remember
from odibi_core.views.costs import CostsView
from odibi_core.views.errors import ErrorsView
from odibi_core.views.operations import OperationsView
from odibi_core.views.values import text

MAX_LINES: Final = 200
"""Lines of the log that are kept, the latest; their number is counted exactly."""
MAX_ERRORS: Final = 50
"""Errors that are told, the one seen last first; all are counted."""
MAX_OPERATIONS: Final = 200
MAX_COSTS: Final = 20
_MAX_STEPS: Final = 1_000
_MESSAGE: Final = 500
_FIELDS: Final = 8
_VALUE: Final = 100
_OPERATIONS: Final = frozenset({kinds.OPERATION_COMPLETE, kinds.OPERATION_FAILED})
_COSTS: Final = frozenset({kinds.COST, kinds.QUERY})
_NO_LINES: Final = frozenset(
    {
        kinds.OPERATION_COMPLETE, kinds.COST, kinds.QUERY, kinds.STAGE_COMPLETED, kinds.METRIC, kinds.CACHE_HIT,
        kinds.CACHE_MISS, kinds.FEATURE_USAGE, kinds.CLI_ARGUMENT, kinds.BREADCRUMB, "tracker_warning",
    }
)  # fmt: skip
"""Kinds that are told elsewhere, or are too many for a log that is read."""
_OF_REPORTS: Final = frozenset(
    {
        "error_id", "message_id", "error_type", "traceback", "fingerprint", "handled", "context", "contexts",
        "breadcrumbs", "members", "notes", "message_template", "trace_id", "span_id", "trace_flags", "logger",
    }
)  # fmt: skip


_FIGURES: Final = ("row_count", "duration_ms")


class RunActivity:
    """Folds the events of one run that are not those of its steps."""

    def __init__(self) -> None:
        self._errors = ErrorsView()
        self._operations = OperationsView()
        self._costs = CostsView()
        self._has_costs = False
        self._lines: deque[Event] = deque(maxlen=MAX_LINES)
        self._levels: Counter[str] = Counter()
        self._of_steps: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        kind = event.event_type
        if kind in _OPERATIONS:
            self._operations(event)
        elif kind in _COSTS:
            self._costs(event)
            self._has_costs = True
        if kind not in _NO_LINES:
            self._lines.append(event)
            self._levels[kinds.level_name(event.level)] += 1
        identity = text(event.fields.get("error_id"))
        if identity not in self._of_steps and "failed_run_id" not in event.fields:
            self._errors(event)

    def step_failed(self, event: Event) -> None:
        """Remember the exception of a step: what else is told of it is told of the step."""
        if identity := text(event.fields.get("error_id")):
            remember(self._of_steps, identity, None, _MAX_STEPS)

    def answer(self) -> dict[str, Any]:
        """`errors`, `error_count`, `log`, `log_levels`, `operations`, `costs`: those that there are."""
        errors = self._errors.answer()
        told = {
            "errors": [_error(group) for group in errors["groups"][:MAX_ERRORS]],
            "error_count": errors["total"],
            "log": [_line(event) for event in self._lines.copy()],
            "log_levels": dict(self._levels),
            "operations": self._operations.answer()["operations"][:MAX_OPERATIONS],
            "costs": self._told_costs() if self._has_costs else {},
        }
        return {name: value for name, value in told.items() if value}

    def _told_costs(self) -> dict[str, Any]:
        costs = self._costs.answer()
        return {"total": costs["total"], "by_operation": costs["by_operation"][:MAX_COSTS]}


def _error(group: dict[str, Any]) -> dict[str, Any]:
    told = ("error_type", "message", "count", "first_seen", "last_seen", "operations", "fingerprint")
    example = group["example"] or {}
    about = {name: example.get(name) for name in ("handled", "component", "traceback")}
    return {**{name: group[name] for name in told}, **about}


def _line(event: Event) -> dict[str, Any]:
    figures = {name: value for name in _FIGURES if (value := getattr(event, name)) is not None}
    fields = figures | {name: value for name, value in event.fields.items() if name not in _OF_REPORTS}
    return {
        "timestamp": iso(event.timestamp),
        "level": kinds.level_name(event.level),
        "event_type": None if event.event_type == event.fields.get("message_template") else event.event_type,
        "message": _short(event.message or event.error, _MESSAGE),
        "component": text(event.component),
        "operation": text(event.operation),
        "node_name": text(event.node_name),
        "fields": {name: _short(fields[name], _VALUE) for name in list(fields)[:_FIELDS]},
    }


def _short(value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    written = value if isinstance(value, str) else str(value)
    return written if len(written) <= limit else written[:limit] + "…"
