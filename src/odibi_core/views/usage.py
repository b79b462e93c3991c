"""Use of a program: its commands, arguments, features, BigQuery operations and data checks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views.values import number, passed_of, text

MAX_NAMES: Final = 1_000
OTHER: Final = "(other)"
"""The name under which those beyond the first thousand of a kind are counted."""


class UsageView:
    """Counts by name, in bounded memory."""

    def __init__(self) -> None:
        self._commands: dict[str, _Command] = {}
        self._arguments: Counter[str] = Counter()
        self._features: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._checks: dict[str, _Check] = {}

    def __call__(self, event: Event) -> None:
        kind, fields = event.event_type, event.fields
        if kind == kinds.CLI_COMMAND:
            if name := text(fields.get("command")):
                self._command(name).add(event)
        elif kind == kinds.CLI_ARGUMENT:
            command, argument = text(fields.get("command")), text(fields.get("argument"))
            if command and argument:
                _count(self._arguments, f"{command} {argument}")
        elif kind == kinds.FEATURE_USAGE:
            _count(self._features, text(fields.get("feature")))
        elif kind == kinds.BIGQUERY_OPERATION:
            _count(self._operations, text(fields.get("operation_type")))
        elif kind == kinds.DATA_QUALITY_CHECK and (name := text(fields.get("check"))):
            self._check(name).add(event)

    def _command(self, name: str) -> _Command:
        return self._commands.setdefault(_known(self._commands, name), _Command())

    def _check(self, name: str) -> _Check:
        return self._checks.setdefault(_known(self._checks, name), _Check())

    def answer(self) -> dict[str, Any]:
        """Return each part by name; durations in milliseconds, rates between 0 and 1."""
        return {
            "commands": {name: self._commands[name].answer() for name in sorted(self._commands)},
            "arguments": dict(sorted(self._arguments.items())),
            "features": dict(sorted(self._features.items())),
            "bigquery_operations": dict(sorted(self._operations.items())),
            "data_quality": {name: self._checks[name].answer() for name in sorted(self._checks)},
        }


def _known(names: Any, name: str) -> str:
    return name if name in names or len(names) < MAX_NAMES else OTHER


def _count(counts: Counter[str], name: str | None) -> None:
    if name:
        counts[_known(counts, name)] += 1


class _Durations:
    """The sum and the greatest of the known durations."""

    __slots__ = ("count", "most", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.most = 0.0

    def add(self, event: Event) -> None:
        duration = number(event.duration_ms)
        if duration is not None and duration >= 0:
            self.count += 1
            self.total += duration
            self.most = max(self.most, duration)

    def answer(self) -> dict[str, float]:
        mean = self.total / self.count if self.count else 0.0
        return {"avg_duration_ms": mean, "max_duration_ms": self.most}


class _Command:
    __slots__ = ("durations", "ended", "last", "last_error", "started", "users")

    def __init__(self) -> None:
        self.started = 0
        self.ended: Counter[str] = Counter()
        self.durations = _Durations()
        self.users: Counter[str] = Counter()
        self.last: datetime | None = None
        self.last_error: str | None = None

    def add(self, event: Event) -> None:
        self.last = event.timestamp
        if event.status == "running":
            self.started += 1
            _count(self.users, text(event.user))
            return
        self.ended["success" if event.status == "success" else "failed"] += 1
        self.durations.add(event)
        if event.status != "success":
            self.last_error = text(event.error)

    def answer(self) -> dict[str, Any]:
        ended = self.ended.total()
        return {
            "started": self.started,
            "success": self.ended["success"],
            "failed": self.ended["failed"],
            "success_rate": self.ended["success"] / ended if ended else 0.0,
            **self.durations.answer(),
            "users": len(self.users),
            "last_used": iso(self.last) if self.last else None,
            "last_error": self.last_error,
        }


class _Check:
    __slots__ = ("durations", "last", "last_passed", "results")

    def __init__(self) -> None:
        self.results: Counter[bool | None] = Counter()
        self.durations = _Durations()
        self.last: datetime | None = None
        self.last_passed: bool | None = False

    def add(self, event: Event) -> None:
        self.last = event.timestamp
        self.last_passed = passed_of(event)
        self.results[self.last_passed] += 1
        self.durations.add(event)

    def answer(self) -> dict[str, Any]:
        passed, failed = self.results[True], self.results[False]
        return {
            "executed": self.results.total(),
            "passed": passed,
            "failed": failed,
            "not_checked": self.results[None],
            "pass_rate": passed / (passed + failed) if passed or failed else None,
            **self.durations.answer(),
            "last_passed": self.last_passed,
            "last_asked": iso(self.last) if self.last else None,
        }
