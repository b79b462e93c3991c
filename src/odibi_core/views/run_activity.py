"""The activity of a run beside its steps: captured errors, log, measured operations, costs."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.recent import remember
from odibi_core.views.answers import Activity, CapturedError, Cost, Costs, ErrorGroup, LogLine
from odibi_core.views.costs import CostsView
from odibi_core.views.errors import ErrorsView
from odibi_core.views.operations import OperationsView
from odibi_core.views.values import text

MAX_LINES: Final = 1_000
"""Lines of the log that are kept, the latest; all are counted."""
MAX_ERRORS: Final = 50
"""Errors in the answer, the one seen last first; all are counted."""
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
        kinds.CACHE_MISS, kinds.FEATURE_USAGE, kinds.CLI_ARGUMENT, kinds.FILE_ACCESS, "tracker_warning", kinds.ANOMALY,
        kinds.TASK,
    }
)  # fmt: skip
"""Kinds that other parts of the answer have, or that are too many for a log that people read."""
_ONLY_WARNINGS: Final = frozenset({kinds.JOIN_MATCH, kinds.ROW_CHANGE})
_OF_REPORTS: Final = frozenset(
    {
        "error_id", "message_id", "error_type", "traceback", "fingerprint", "handled", "context", "contexts",
        "breadcrumbs", "members", "notes", "message_template", "trace_id", "span_id", "trace_flags", "logger",
    }
)  # fmt: skip


class RunActivity:
    """A fold of the events of one run that are not those of its steps."""

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
        if kind not in _NO_LINES and (kind not in _ONLY_WARNINGS or event.level == "warning"):
            self._lines.append(event)
            self._levels[kinds.level_name(event.level)] += 1
        identity = text(event.fields.get("error_id"))
        if identity not in self._of_steps and "failed_run_id" not in event.fields:
            self._errors(event)

    def step_failed(self, event: Event) -> None:
        """Remember the exception of a step: captured again, it is no error beside the steps."""
        if identity := text(event.fields.get("error_id")):
            remember(self._of_steps, identity, None, _MAX_STEPS)

    def answer(self) -> Activity | None:
        """Return the activity; None if there was none."""
        errors = self._errors.answer()
        found = Activity(
            errors=[_error(group) for group in errors.groups[:MAX_ERRORS]],
            error_count=errors.total,
            log=[_line(event) for event in self._lines.copy()],
            log_levels=dict(self._levels),
            operations=self._operations.answer()[:MAX_OPERATIONS],
            costs=self._answer_costs() if self._has_costs else None,
        )
        return None if found == Activity() else found

    def _answer_costs(self) -> Costs:
        costs = self._costs.answer()
        return Costs(Cost(**costs["total"]), [Cost(**row) for row in costs["by_operation"][:MAX_COSTS]])


def _error(group: ErrorGroup) -> CapturedError:
    return CapturedError(
        error_type=group.error_type,
        message=group.message,
        count=group.count,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        operations=group.operations,
        fingerprint=group.fingerprint,
        handled=group.example.handled,
        component=group.example.component,
        traceback=group.example.traceback,
    )


def _line(event: Event) -> LogLine:
    fields = {name: value for name, value in event.fields.items() if name not in _OF_REPORTS}
    for name in ("duration_ms", "row_count"):
        if (value := getattr(event, name)) is not None:
            fields = {name: value, **fields}
    return LogLine(
        timestamp=event.timestamp,
        level=kinds.level_name(event.level),
        event_type=None if event.event_type == event.fields.get("message_template") else text(event.event_type),
        message=text(_short(event.message or event.error, _MESSAGE)),
        component=text(event.component),
        operation=text(event.operation),
        node_name=text(event.node_name),
        fields={name: _short(fields[name], _VALUE) for name in list(fields)[:_FIELDS]},
    )


def _short(value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    written = value if isinstance(value, str) else str(value)
    return written if len(written) <= limit else written[:limit] + "…"
