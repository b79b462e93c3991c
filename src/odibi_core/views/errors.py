"""Failures, grouped by fingerprint."""

from __future__ import annotations

from copy import copy
from typing import Final

from msgspec.structs import replace

from odibi_core.events import Event, kinds
from odibi_core.events.fingerprint import fingerprint_of_failure
from odibi_core.events.recent import remember
from odibi_core.views.answers import ErrorExample, ErrorGroup, Errors
from odibi_core.views.values import flag, message, record, records, text

MAX_GROUPS: Final = 1000
MAX_OCCURRENCES: Final = 10_000
"""Exceptions that are known to be counted, and runs that are known to have a failed node."""
MAX_WAITING: Final = 1000
"""Failed runs with a report of the failure, but without a failed node so far."""
_MAX_REPORTS: Final = 8
MAX_NAMES: Final = 10
_MAX_RUNS: Final = 1000
_OF_THE_REPORT: Final = ("handled", "context", "contexts", "breadcrumbs")
_OF_ONE: Final = frozenset(
    {"members", "members_left_out", "fingerprint", "error_id", "error_type", "traceback", "notes"}
)
"""Fields of a group of exceptions that its members have of their own."""
_ERROR_RANK: Final = kinds.severity("error")
_FAILURES: Final = frozenset(
    {kinds.ERROR, kinds.NODE_FAILED, kinds.OPERATION_FAILED, kinds.STAGE_FAILED, kinds.PIPELINE_ERROR}
)


class ErrorsView:
    """Groups of failures by fingerprint, of the latest `limit` fingerprints.

    A failure is an event of a failure kind (`error`, `node_failed`, `operation_failed`, `stage_failed`). So are, at
    level error, every event with an `error` and every message; and the end of a failed run without a failed node.

    An exception with several events, one for each layer that it passed, counts once. So does a failed node with the
    `PipelineError` of its run, in either order. Each member of a group of exceptions, such as that of an
    `asyncio.TaskGroup`, is a failure.
    """

    def __init__(self, limit: int = MAX_GROUPS) -> None:
        self._limit = max(1, limit)
        self._groups: dict[str, _Group] = {}
        self._counted: dict[str, str] = {}
        self._failed_inside: dict[str, str] = {}
        self._waiting: dict[str, list[Event]] = {}
        self._total = 0
        self._forgotten = 0

    def __call__(self, event: Event) -> None:
        if self._is_failure(event):
            for failure in _each(event):
                self._take(failure)

    def _take(self, event: Event) -> None:
        failed_run = text(event.fields.get("failed_run_id"))
        if failed_run is None:
            self._add(event)
        elif failed_run in self._failed_inside:
            self._add(event, self._failed_inside[failed_run], failed_run)
        else:
            waiting = self._waiting.pop(failed_run, [])
            if len(self._waiting) >= MAX_WAITING:
                self._count(self._waiting.pop(next(iter(self._waiting))))
            self._waiting[failed_run] = [*waiting[: _MAX_REPORTS - 1], event]

    def _add(self, event: Event, mark: str | None = None, failed_run: str | None = None) -> None:
        """Add a failure; with `mark`, a fingerprint, it is another report of one that is counted already."""
        occurrence = text(event.fields.get("error_id")) or ""
        known = mark or self._counted.get(occurrence)
        mark = fingerprint_of(event) if known is None else known
        if occurrence:
            remember(self._counted, occurrence, mark, MAX_OCCURRENCES)
        group = self._groups.pop(mark, None)
        if group is not None or known is None:
            if len(self._groups) >= self._limit:
                self._groups.pop(next(iter(self._groups)))
                self._forgotten += 1
            group = group or _Group(mark, event)
            group.add(event, again=known is not None, failed_run=failed_run)
            self._groups[mark] = group
            self._total += known is None
        if event.event_type == kinds.NODE_FAILED and isinstance(event.run_id, str):
            self._failed(event.run_id, mark)

    def _failed(self, run_id: str, mark: str) -> None:
        """Remember the failed node of a run: reports of the run's failure are reports of that one."""
        remember(self._failed_inside, run_id, self._failed_inside.get(run_id, mark), MAX_OCCURRENCES)
        for report in self._waiting.pop(run_id, []):
            self(report)

    def _count(self, waiting: list[Event]) -> None:
        """Count reports of a run's failure as failures: no failed node of that run is known."""
        for event in waiting:
            self._add(event)

    def _count_waiting(self) -> None:
        """Count all waiting reports, those of the innermost runs first, because others may report the same failure."""
        reports = [event for waiting in self._waiting.values() for event in waiting]
        inside = {str(event.run_id) for event in reports if event.event_type == kinds.NODE_FAILED}
        for run_id in sorted(self._waiting, key=inside.__contains__):
            self._count(self._waiting.pop(run_id, []))

    def _is_failure(self, event: Event) -> bool:
        kind = event.event_type
        if event.status == "cancelled":
            return False
        if kind == kinds.PIPELINE_ERROR:
            return not isinstance(event.run_id, str) or event.run_id not in self._failed_inside
        if kind in _FAILURES:
            return True
        return (bool(event.error) or kind == kinds.MESSAGE) and kinds.severity(event.level) >= _ERROR_RANK

    def answer(self) -> Errors:
        """Return the failures, the group that was seen last first."""
        view = self._copy() if self._waiting else self
        if view is not self:
            view._count_waiting()
        groups = [group.answer() for group in view._groups.copy().values()]
        groups.sort(key=lambda group: (group.last_seen, group.fingerprint), reverse=True)
        return Errors(view._total, groups, view._forgotten)

    def _copy(self) -> ErrorsView:
        """Return a view that can add more failures without a change to this one."""
        made = copy(self)
        made._groups = {mark: group.copy() for mark, group in self._groups.copy().items()}
        made._counted, made._failed_inside = self._counted.copy(), self._failed_inside.copy()
        made._waiting = self._waiting.copy()
        return made


def fingerprint_of(event: Event) -> str:
    """Return the fingerprint of a failure, computed if the event has none."""
    given = event.fields.get("fingerprint")
    if isinstance(given, str) and given:
        return given[:64]
    place = event.node_name or event.operation or event.component
    return fingerprint_of_failure(event.fields, text(event.error or message(event)), text(place))


def _each(event: Event) -> list[Event]:
    """Return the failures of an event: the members of a group of exceptions, else the event itself."""
    members = records(event.fields.get("members"))
    of_all = {name: value for name, value in event.fields.items() if name not in _OF_ONE}
    return [replace(event, error=text(member.get("error")), fields={**of_all, **member}) for member in members] or [
        event
    ]


class _Group:
    __slots__ = ("count", "example", "fingerprint", "first", "last", "nodes", "operations", "run_count", "runs")

    def __init__(self, fingerprint: str, example: Event) -> None:
        self.fingerprint = fingerprint
        self.example = example
        self.count = self.run_count = 0
        self.first = self.last = example.timestamp
        self.runs: dict[str, None] = {}
        self.nodes: dict[str, None] = {}
        self.operations: dict[str, None] = {}

    def copy(self) -> _Group:
        """Return a group of its own with the same failures."""
        made = copy(self)
        made.runs, made.nodes, made.operations = self.runs.copy(), self.nodes.copy(), self.operations.copy()
        return made

    def add(self, event: Event, *, again: bool, failed_run: str | None = None) -> None:
        """Add a failure, or with `again` another report of one; with `failed_run` it reports the end of that run."""
        self.count += not again
        self.first = min(self.first, event.timestamp)
        self.last = max(self.last, event.timestamp)
        if isinstance(event.run_id, str):
            self.run_count += event.run_id not in self.runs
            remember(self.runs, event.run_id, None, _MAX_RUNS)
        for names, name in ((self.nodes, event.node_name), (self.operations, event.operation)):
            if isinstance(name, str) and len(names) < MAX_NAMES:
                names[name] = None
        if failed_run is not None:
            if self.example.run_id == failed_run and event.event_type == kinds.ERROR:
                self.example = _with_report(self.example, event)
        elif detail_of(event) >= detail_of(self.example):
            self.example = event

    def answer(self) -> ErrorGroup:
        """Return the group."""
        example = self.example
        return ErrorGroup(
            fingerprint=self.fingerprint,
            error_type=text(example.fields.get("error_type")),
            message=text(example.error) or message(example),
            count=self.count,
            first_seen=self.first,
            last_seen=self.last,
            run_count=self.run_count,
            runs=list(self.runs)[-MAX_NAMES:],
            nodes=list(self.nodes),
            operations=list(self.operations),
            example=_example(example),
        )


def detail_of(event: Event) -> tuple[bool, bool]:
    """Return the amount of detail: first a traceback, then whether it was captured and did not only pass by."""
    captured = event.event_type == kinds.ERROR or "handled" in event.fields
    return isinstance(event.fields.get("traceback"), str), captured


def _with_report(example: Event, report: Event) -> Event:
    """Return a node's failure with the report of the end of its run."""
    given = {name: report.fields[name] for name in _OF_THE_REPORT if name in report.fields}
    return replace(example, user=example.user or report.user, fields={**given, **example.fields})


def _example(event: Event) -> ErrorExample:
    fields = event.fields
    return ErrorExample(
        timestamp=event.timestamp,
        event_type=text(event.event_type) or "",
        level=text(event.level) or "",
        run_id=text(event.run_id),
        node_name=text(event.node_name),
        operation=text(event.operation),
        component=text(event.component),
        user=text(event.user),
        correlation_id=text(event.correlation_id),
        error_id=text(fields.get("error_id")),
        handled=flag(fields.get("handled")),
        context=record(fields.get("context")),
        contexts=record(fields.get("contexts")),
        breadcrumbs=records(fields.get("breadcrumbs")),
        traceback=text(fields.get("traceback")),
    )
