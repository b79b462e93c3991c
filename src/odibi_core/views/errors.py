"""What went wrong: failures that are one and the same, together."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.events.fingerprint import fingerprint
from odibi_core.events.recent import remember
from odibi_core.views.values import flag, record, records, text

MAX_GROUPS: Final = 1000
MAX_OCCURRENCES: Final = 10_000
"""Exceptions of which is remembered that they were counted, and runs that a node of theirs failed."""
MAX_NAMES: Final = 10
_MAX_RUNS: Final = 1000
_ERROR_RANK: Final = kinds.severity("error")
_FAILURES: Final = frozenset(
    {kinds.ERROR, kinds.NODE_FAILED, kinds.OPERATION_FAILED, kinds.STAGE_FAILED, kinds.PIPELINE_ERROR}
)


class ErrorsView:
    """Groups of failures by fingerprint, of the latest `limit` fingerprints.

    A failure is an event that says so (`error`, `node_failed`, `operation_failed`, `stage_failed`), one of any kind
    at level error that has an `error`, a message at that level, and the end of a run that failed when no node of it
    did. An exception that several events tell of, each layer that it went through one, is counted once.
    """

    def __init__(self, limit: int = MAX_GROUPS) -> None:
        self._limit = max(1, limit)
        self._groups: dict[str, _Group] = {}
        self._counted: dict[str, str] = {}
        self._failed_inside: dict[str, None] = {}
        self._total = 0
        self._forgotten = 0

    def __call__(self, event: Event) -> None:
        if event.event_type == kinds.NODE_FAILED and isinstance(event.run_id, str):
            remember(self._failed_inside, event.run_id, None, MAX_OCCURRENCES)
        if not self._is_failure(event):
            return
        occurrence = text(event.fields.get("error_id")) or ""
        known = self._counted.get(occurrence)
        mark = fingerprint_of(event) if known is None else known
        if occurrence:
            remember(self._counted, occurrence, mark, MAX_OCCURRENCES)
        group = self._groups.pop(mark, None) or _Group(mark)
        if len(self._groups) >= self._limit:
            self._groups.pop(next(iter(self._groups)))
            self._forgotten += 1
        group.hear(event, again=known is not None)
        self._groups[mark] = group
        self._total += known is None

    def _is_failure(self, event: Event) -> bool:
        kind = event.event_type
        if event.status == "cancelled":
            return False
        if kind == kinds.PIPELINE_ERROR:
            return not isinstance(event.run_id, str) or event.run_id not in self._failed_inside
        if kind in _FAILURES:
            return True
        told = bool(event.error) or kind == kinds.MESSAGE
        return told and kinds.severity(event.level) >= _ERROR_RANK

    def answer(self) -> dict[str, Any]:
        """`total` failures, the `groups`, the one seen last first, and how many groups were `forgotten`."""
        groups = [group.row() for group in self._groups.copy().values()]
        groups.sort(key=lambda row: (row["last_seen"], row["fingerprint"]), reverse=True)
        return {"total": self._total, "groups": groups, "forgotten": self._forgotten}


def fingerprint_of(event: Event) -> str:
    """The fingerprint that an event has, or the one that it would have."""
    told = event.fields.get("fingerprint")
    if isinstance(told, str) and told:
        return told[:64]
    place = event.node_name or event.operation or event.component
    said = event.error or event.message
    return fingerprint(
        text(event.fields.get("error_type")), text(said), event.fields.get("traceback"), text(place)
    )


class _Group:
    __slots__ = (
        "count",
        "example",
        "fingerprint",
        "first",
        "last",
        "nodes",
        "operations",
        "run_count",
        "runs",
    )

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.count = self.run_count = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.runs: dict[str, None] = {}
        self.nodes: dict[str, None] = {}
        self.operations: dict[str, None] = {}
        self.example: Event | None = None

    def hear(self, event: Event, *, again: bool) -> None:
        """Another failure; `again` when another event told of this one before."""
        self.count += not again
        self.first = min(self.first or event.timestamp, event.timestamp)
        self.last = max(self.last or event.timestamp, event.timestamp)
        if isinstance(event.run_id, str):
            self.run_count += event.run_id not in self.runs
            remember(self.runs, event.run_id, None, _MAX_RUNS)
        for names, name in ((self.nodes, event.node_name), (self.operations, event.operation)):
            if isinstance(name, str) and len(names) < MAX_NAMES:
                names[name] = None
        if self.example is None or _telling(event) >= _telling(self.example):
            self.example = event

    def row(self) -> dict[str, Any]:
        """The group; `runs` are the last ten, `run_count` is exact while a thousand other runs are not in between."""
        example = self.example
        return {
            "fingerprint": self.fingerprint,
            "error_type": text(example.fields.get("error_type")) if example else None,
            "message": (text(example.error) or text(example.message)) if example else None,
            "count": self.count,
            "first_seen": iso(self.first) if self.first else None,
            "last_seen": iso(self.last) if self.last else None,
            "run_count": self.run_count,
            "runs": list(self.runs)[-MAX_NAMES:],
            "nodes": list(self.nodes),
            "operations": list(self.operations),
            "example": _example(example) if example else None,
        }


def _telling(event: Event) -> tuple[bool, bool]:
    """How much can be learnt from it: with a traceback before without, then as captured before as it passed by."""
    return isinstance(event.fields.get("traceback"), str), event.event_type == kinds.ERROR


def _example(event: Event) -> dict[str, Any]:
    """One failure of a group, whole."""
    fields = event.fields
    return {
        "timestamp": iso(event.timestamp),
        "event_type": event.event_type,
        "level": event.level,
        "run_id": text(event.run_id),
        "node_name": text(event.node_name),
        "operation": text(event.operation),
        "component": text(event.component),
        "user": text(event.user),
        "correlation_id": text(event.correlation_id),
        "error_id": text(fields.get("error_id")),
        "handled": flag(fields.get("handled")),
        "context": record(fields.get("context")),
        "contexts": record(fields.get("contexts")),
        "breadcrumbs": records(fields.get("breadcrumbs")),
        "traceback": text(fields.get("traceback")),
    }
