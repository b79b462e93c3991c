"""Whether what a program stands on is well: checks side by side, each within its time, and what they come to.

A check is a class with `check()`. The runner keeps the time and the timeout, so a check that hangs is `unhealthy`
and holds up nobody; each result is one `health_check` event.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds, sanitize_text, sanitize_value
from odibi_core.events.clock import iso, monotonic, process_id, utc_now
from odibi_core.events.failure import message_of
from odibi_core.events.normalize import is_truthy, to_text
from odibi_core.process.state import current_bus
from odibi_core.process_end import leave_if_forked, watch
from odibi_core.redaction.keys import unique
from odibi_core.wrapping.callables import name_of

__all__ = [
    "BackgroundChecks",
    "HealthCheck",
    "HealthCheckResult",
    "HealthChecker",
    "HealthStatus",
    "overall_status",
]


class HealthStatus(StrEnum):
    """How something is. `unknown`: the check gave no answer that can be read; `skipped`: it is not configured."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


_WORST_FIRST: Final = (
    HealthStatus.UNHEALTHY,
    HealthStatus.DEGRADED,
    HealthStatus.UNKNOWN,
    HealthStatus.HEALTHY,
)
_LEVELS: Final = {
    HealthStatus.UNHEALTHY: "error",
    HealthStatus.DEGRADED: "warning",
    HealthStatus.UNKNOWN: "warning",
}


def overall_status(statuses: Iterable[str]) -> HealthStatus:
    """The worst of several; what was skipped does not count, and nothing at all is `unknown`."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), HealthStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class HealthCheckResult:
    """What a check found. The runner fills in the time, so `HealthCheckResult("db", "healthy")` is enough."""

    name: str
    status: HealthStatus
    message: str = ""
    duration_seconds: float = 0.0
    timestamp: datetime = field(default_factory=utc_now)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "status", HealthStatus(self.status))
        except ValueError:
            given, known = sanitize_value(self.status), [status.value for status in HealthStatus]
            raise ConfigurationError(
                f"{given!r:.200} is no status of a health check{nearest(given, known)}; "
                f"there are: {', '.join(known)}"
            ) from None
        if self.details is None or not issubclass(type(self.details), Mapping):
            object.__setattr__(self, "details", {} if self.details is None else {"value": self.details})

    def as_dict(self) -> dict[str, Any]:
        """For JSON: plain values, without secrets."""
        return {
            "name": sanitize_text(to_text(self.name)),
            "status": self.status.value,
            "message": sanitize_text(to_text(self.message)),
            "duration_seconds": self.duration_seconds,
            "timestamp": iso(self.timestamp),
            "details": sanitize_value(self.details),
        }


class HealthCheck:
    """Something that can be asked whether it is well: subclass it with a `check()` of its own, or give a function.

    `check()` may be a coroutine, and may return a `HealthCheckResult`, a `HealthStatus`, its text, or a bool.

    >>> HealthCheck("queue", function=lambda: True).check()
    True
    """

    def __init__(
        self, name: str, timeout_seconds: float = 10.0, *, function: Callable[[], Any] | None = None
    ) -> None:
        if not isinstance(timeout_seconds, (int, float)) or not 0 < timeout_seconds <= threading.TIMEOUT_MAX:
            given = sanitize_value(timeout_seconds)
            raise ConfigurationError(
                f"timeout_seconds of a health check is a number above 0; given was {given!r:.200}"
            )
        if function is None and type(self).check is HealthCheck.check:
            raise ConfigurationError(
                f"the health check {sanitize_value(name)!r:.200} has nothing to ask: subclass HealthCheck with "
                "check(), or give function="
            )
        self.name = to_text(name)
        self.timeout_seconds = float(timeout_seconds)
        self.function = function

    def check(self) -> Any:
        """How it is now; what is raised here is `unhealthy`, with the reason."""
        return self.function() if self.function is not None else HealthStatus.UNKNOWN


class HealthChecker:
    """Runs checks, all side by side, and says each result on the bus (default: the one in force)."""

    def __init__(self, *, bus: EventBus | None = None) -> None:
        self._bus = bus
        self._checks: dict[str, HealthCheck] = {}
        self._results: dict[str, HealthCheckResult] = {}
        self._answered = float("-inf")
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """What a process has for itself: the threads of a parent do not come along."""
        self._hanging: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    def register_check(self, check: HealthCheck) -> HealthCheck:
        """Ask this one too; one of the same name takes the other's place."""
        if not isinstance(check, HealthCheck):
            raise ConfigurationError(
                f"a health check is a HealthCheck, given was a {type(check).__name__}; "
                "HealthCheck(name, function=…) makes one of a function"
            )
        self._checks[check.name] = check
        return check

    def name_for(self, function: Callable[[], Any]) -> str:
        """Return a name for the check of a function: its own, unless a check of another function has it."""
        label = to_text(name_of(function).rpartition(".")[2])
        others = {name: each for name, each in self._checks.items() if not _is_again(function, each.function)}
        return unique(label, others)

    @property
    def names(self) -> list[str]:
        """The checks, in the order in which they were registered."""
        return list(self._checks)

    def run_check(self, name: str) -> HealthCheckResult:
        """Ask one. Raises `ConfigurationError` with the nearest name when there is none of that name."""
        if name not in self._checks:
            raise ConfigurationError(
                f"there is no health check {name!r}{nearest(name, self._checks)}; "
                f"there are: {', '.join(self._checks) or 'none'}"
            )
        return self._run([self._checks[name]])[name]

    def run_all_checks(self) -> dict[str, HealthCheckResult]:
        """Ask all; it takes as long as the slowest, and no longer than the longest timeout."""
        results = self._run(list(self._checks.values()))
        self._answered = monotonic()
        return results

    def get_overall_status(self) -> HealthStatus:
        """The worst of the last results; `unknown` when nothing was asked, or all was skipped."""
        return overall_status(result.status for result in self._results.values())

    def report(self, *, fresh_for_s: float = 0.0) -> dict[str, Any]:
        """`{status, timestamp, checks: {name: {…}}}`; asks anew, unless the last answers are that fresh."""
        if not self._results or monotonic() - self._answered >= fresh_for_s:
            self.run_all_checks()
        checks: dict[str, Any] = {}
        for result in list(self._results.values()):
            told = result.as_dict()
            checks[unique(told["name"], checks)] = told  # names without secrets may be the same
        return {"status": self.get_overall_status().value, "timestamp": iso(utc_now()), "checks": checks}

    def _run(self, checks: list[HealthCheck]) -> dict[str, HealthCheckResult]:
        asked = [(check, self._ask(check)) for check in checks]
        results = {check.name: self._result(check, answer) for check, answer in asked}
        self._results |= results
        for result in results.values():
            self._say(result)
        return results

    def _ask(self, check: HealthCheck) -> _Asked:
        """Begin to ask; one that still hangs from an earlier time is waited for, and not asked again."""
        with self._lock:
            hanging = self._hanging.get(check.name)
            if hanging is not None and not hanging.done.is_set():
                return hanging
            asked = self._hanging[check.name] = _Asked(check)
        asked.begin()
        return asked

    def _result(self, check: HealthCheck, asked: _Asked) -> HealthCheckResult:
        asked.done.wait(max(0.0, asked.begun + check.timeout_seconds - monotonic()))
        if not asked.done.is_set():
            waited = monotonic() - asked.begun
            reason = f"no answer within {check.timeout_seconds:g} s"
            return HealthCheckResult(check.name, HealthStatus.UNHEALTHY, reason, waited)
        return replace(asked.result, name=check.name, duration_seconds=asked.seconds, timestamp=asked.when)

    def _say(self, result: HealthCheckResult) -> None:
        bus = current_bus() if self._bus is None else self._bus
        told: dict[str, Any] = {
            "check": result.name, "status": result.status.value, "duration_ms": result.duration_seconds * 1e3,
        }  # fmt: skip
        if is_truthy(result.details):
            told["details"] = result.details
        bus.publish(
            kinds.HEALTH_CHECK,
            to_text(result.message) or None,
            level=_LEVELS.get(result.status, "debug"),
            fields=told,
        )


class _Asked:
    """A check that was asked, in a thread of its own, which a hang cannot take from anybody."""

    def __init__(self, check: HealthCheck) -> None:
        self.check = check
        self._owner = process_id()
        self.done = threading.Event()
        self.begun = monotonic()
        self.when = utc_now()
        self.seconds = 0.0
        self.result = HealthCheckResult(check.name, HealthStatus.UNKNOWN)

    def begin(self) -> None:
        run = copy_context().run
        thread = threading.Thread(target=run, args=(self._answer,), name="odibi-health", daemon=True)
        try:
            thread.start()
            watch(thread)
        except RuntimeError as error:  # too many threads, or the interpreter is ending
            self.result = HealthCheckResult(self.check.name, HealthStatus.UNKNOWN, f"not asked: {error}")
            self.done.set()

    def _answer(self) -> None:
        try:
            answer = self.check.check()
            if inspect.isawaitable(answer):
                import asyncio  # a program without such a check never loads it

                answer = asyncio.run(_awaited(answer))
            self.result = _read(self.check.name, answer)
        except BaseException as error:
            reason = f"{type(error).__name__}: {message_of(error)}"
            self.result = HealthCheckResult(self.check.name, HealthStatus.UNHEALTHY, reason)
        leave_if_forked(self._owner)
        self.seconds = monotonic() - self.begun
        self.done.set()


async def _awaited(answer: Any) -> Any:
    return await answer


def _read(name: str, answer: Any) -> HealthCheckResult:
    """An answer as a result, whatever form the check chose."""
    if isinstance(answer, HealthCheckResult):
        return answer
    if isinstance(answer, bool):
        return HealthCheckResult(name, HealthStatus.HEALTHY if answer else HealthStatus.UNHEALTHY)
    if isinstance(answer, str) and answer in set(HealthStatus):
        return HealthCheckResult(name, HealthStatus(answer))
    given = type(answer).__name__
    reason = f"the check answered with {given}, which is no HealthCheckResult, no status and no bool"
    return HealthCheckResult(name, HealthStatus.UNKNOWN, reason)


def _is_again(function: Any, registered: Any) -> bool:
    """Whether a function is the registered one, or the same module-level definition run again."""
    defined = [
        (getattr(each, "__module__", None), getattr(each, "__qualname__", "<lambda>"))
        for each in (function, registered)
    ]
    has_several = "<lambda>" in defined[0][1] or "<locals>" in defined[0][1]
    return function is registered or (defined[0] == defined[1] and not has_several)


class BackgroundChecks:
    """Asks every `interval_s` seconds, until stopped."""

    def __init__(self, checker: HealthChecker, interval_s: float) -> None:
        if not isinstance(interval_s, (int, float)) or not 0 < interval_s <= threading.TIMEOUT_MAX:
            raise ConfigurationError(
                f"health checks repeat every so many seconds, above 0; given was {interval_s!r}"
            )
        self.interval_s = interval_s
        self._checker = checker
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="odibi-health-interval", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._stopped.wait(self.interval_s):
            self._checker.run_all_checks()

    def stop(self) -> None:
        """Ask no more; a check that hangs just now is left behind."""
        self._stopped.set()
