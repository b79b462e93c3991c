"""Health checks: each in a thread of its own with a timeout, all at once, and their overall status.

A check is a class with `check()`. The runner measures the time, so a check that hangs is `unhealthy` after its timeout
and delays no other. Each result is one `health_check` event.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.bus import EventBus
from odibi_core.coroutines import is_awaitable, run_awaitable
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import kinds, sanitize_text, sanitize_value
from odibi_core.events.arguments import require_number
from odibi_core.events.clock import iso, monotonic, process_id, utc_now
from odibi_core.events.failure import typed_message_of
from odibi_core.events.normalize import is_truthy, to_text
from odibi_core.process.state import current_bus
from odibi_core.process_end import leave_if_forked, watch
from odibi_core.redaction.keys import unique
from odibi_core.wrapping.callables import name_of

__all__ = ["BackgroundChecks", "HealthCheck", "HealthCheckResult", "HealthChecker", "HealthStatus", "overall_status"]


class HealthStatus(StrEnum):
    """The status of a check. `unknown`: the check returned no status; `skipped`: it is not configured."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


_WORST_FIRST: Final = (HealthStatus.UNHEALTHY, HealthStatus.DEGRADED, HealthStatus.UNKNOWN, HealthStatus.HEALTHY)
_LEVELS: Final = {HealthStatus.UNHEALTHY: "error", HealthStatus.DEGRADED: "warning", HealthStatus.UNKNOWN: "warning"}


def overall_status(statuses: Iterable[str]) -> HealthStatus:
    """Return the worst of several, without those skipped; `unknown` if none is left."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), HealthStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class HealthCheckResult:
    """The result of a check. The runner fills in the time, so `HealthCheckResult("db", "healthy")` is enough."""

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
                f"status must be one of {', '.join(known)}, got {given!r:.200}{nearest(given, known)}"
            ) from None
        if self.details is None or not issubclass(type(self.details), Mapping):
            object.__setattr__(self, "details", {} if self.details is None else {"value": self.details})

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values without secrets."""
        return {
            "name": sanitize_text(to_text(self.name)),
            "status": self.status.value,
            "message": sanitize_text(to_text(self.message)),
            "duration_seconds": self.duration_seconds,
            "timestamp": iso(self.timestamp),
            "details": sanitize_value(self.details),
        }


class HealthCheck:
    """A check: a subclass with a `check()` of its own, or one of a function.

    Args:
        name: Name of the check.
        timeout_seconds: Seconds after which the check is `unhealthy`, greater than 0.
        function: Called as `check()`, unless a subclass defines that.

    Raises:
        ConfigurationError: If the timeout is out of range, or there is neither a function nor a `check()`.

    >>> HealthCheck("queue", function=lambda: True).check()
    True
    """

    def __init__(self, name: str, timeout_seconds: float = 10.0, *, function: Callable[[], Any] | None = None) -> None:
        require_number("timeout_seconds", timeout_seconds, above=0, at_most=threading.TIMEOUT_MAX)
        if function is None and type(self).check is HealthCheck.check:
            raise ConfigurationError(
                f"the health check {sanitize_value(name)!r:.200} has nothing to call; subclass HealthCheck with "
                "check(), or give function="
            )
        self.name = to_text(name)
        self.timeout_seconds = float(timeout_seconds)
        self.function = function

    def check(self) -> Any:
        """Return a `HealthCheckResult`, a `HealthStatus`, its text, a bool, or a coroutine of these.

        An exception is `unhealthy`, with its message.
        """
        return self.function() if self.function is not None else HealthStatus.UNKNOWN


class HealthChecker:
    """Runs checks, all at once, and publishes each result on the bus, by default that of the current run."""

    def __init__(self, *, bus: EventBus | None = None) -> None:
        self._bus = bus
        self._checks: dict[str, HealthCheck] = {}
        self._results: dict[str, HealthCheckResult] = {}
        self._last_run = float("-inf")
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin without running checks; fork: the parent's threads do not exist in the child."""
        self._running: dict[str, _RunningCheck] = {}
        self._lock = threading.Lock()

    def register_check(self, check: HealthCheck) -> HealthCheck:
        """Add a check; it replaces a check of the same name."""
        if not isinstance(check, HealthCheck):
            raise ConfigurationError(
                f"check must be a HealthCheck, got a {type(check).__name__}; "
                "HealthCheck(name, function=…) makes one of a function"
            )
        self._checks[check.name] = check
        return check

    def name_for(self, function: Callable[[], Any]) -> str:
        """Return a name for the check of a function: its own, unless a check of another function has it."""
        label = to_text(name_of(function).rpartition(".")[2])
        others = {name: each for name, each in self._checks.items() if not _is_same_definition(function, each.function)}
        return unique(label, others)

    @property
    def names(self) -> list[str]:
        """Names of the checks, in the order of their registration."""
        return list(self._checks)

    def run_check(self, name: str) -> HealthCheckResult:
        """Run one check; `ConfigurationError` if there is none of that name."""
        if name not in self._checks:
            raise ConfigurationError(
                f"there is no health check {name!r}{nearest(name, self._checks)}; "
                f"there are: {', '.join(self._checks) or 'none'}"
            )
        return self._run([self._checks[name]])[name]

    def run_all_checks(self) -> dict[str, HealthCheckResult]:
        """Run all checks at once, for no longer than the longest timeout."""
        results = self._run(list(self._checks.values()))
        self._last_run = monotonic()
        return results

    def get_overall_status(self) -> HealthStatus:
        """Return the worst of the last results; `unknown` if no check ran, or all were skipped."""
        return overall_status(result.status for result in self._results.values())

    def report(self, *, fresh_for_s: float = 0.0) -> dict[str, Any]:
        """Return `{status, timestamp, checks: {name: {…}}}`; run the checks if the last run is older than that."""
        if not self._results or monotonic() - self._last_run >= fresh_for_s:
            self.run_all_checks()
        checks: dict[str, Any] = {}
        for result in list(self._results.values()):
            row = result.as_dict()
            checks[unique(row["name"], checks)] = row  # names without secrets may be the same
        return {"status": self.get_overall_status().value, "timestamp": iso(utc_now()), "checks": checks}

    def _run(self, checks: list[HealthCheck]) -> dict[str, HealthCheckResult]:
        running = [(check, self._start(check)) for check in checks]
        results = {check.name: self._result(check, each) for check, each in running}
        self._results |= results
        for result in results.values():
            self._publish(result)
        return results

    def _start(self, check: HealthCheck) -> _RunningCheck:
        """Start a check; one that still runs from an earlier time is waited for, and not started again."""
        with self._lock:
            running = self._running.get(check.name)
            if running is not None and not running.done.is_set():
                return running
            running = self._running[check.name] = _RunningCheck(check)
        running.start()
        return running

    def _result(self, check: HealthCheck, running: _RunningCheck) -> HealthCheckResult:
        running.done.wait(max(0.0, running.begun + check.timeout_seconds - monotonic()))
        if not running.done.is_set():
            waited = monotonic() - running.begun
            reason = f"no answer within {check.timeout_seconds:g} s"
            return HealthCheckResult(check.name, HealthStatus.UNHEALTHY, reason, waited)
        return replace(running.result, name=check.name, duration_seconds=running.seconds, timestamp=running.when)

    def _publish(self, result: HealthCheckResult) -> None:
        bus = current_bus() if self._bus is None else self._bus
        fields: dict[str, Any] = {
            "check": result.name, "status": result.status.value, "duration_ms": result.duration_seconds * 1e3,
        }  # fmt: skip
        if is_truthy(result.details):
            fields["details"] = result.details
        level = _LEVELS.get(result.status, "debug")
        bus.publish(kinds.HEALTH_CHECK, to_text(result.message) or None, level=level, fields=fields)


class _RunningCheck:
    """A check that runs in a thread of its own, so that one that hangs blocks no other."""

    def __init__(self, check: HealthCheck) -> None:
        self.check = check
        self._owner = process_id()
        self.done = threading.Event()
        self.begun = monotonic()
        self.when = utc_now()
        self.seconds = 0.0
        self.result = HealthCheckResult(check.name, HealthStatus.UNKNOWN)

    def start(self) -> None:
        run = copy_context().run
        thread = threading.Thread(target=run, args=(self._work,), name="odibi-health", daemon=True)
        try:
            thread.start()
            watch(thread)
        except RuntimeError as error:  # too many threads, or the interpreter is ending
            self.result = HealthCheckResult(self.check.name, HealthStatus.UNKNOWN, f"not run: {error}")
            self.done.set()

    def _work(self) -> None:
        try:
            answer = self.check.check()
            self.result = _result_of(self.check.name, run_awaitable(answer) if is_awaitable(answer) else answer)
        except BaseException as error:
            reason = typed_message_of(error)
            self.result = HealthCheckResult(self.check.name, HealthStatus.UNHEALTHY, reason)
        leave_if_forked(self._owner)
        self.seconds = monotonic() - self.begun
        self.done.set()


def _result_of(name: str, answer: Any) -> HealthCheckResult:
    """Return the result for an answer of a check, in any of its forms."""
    if isinstance(answer, HealthCheckResult):
        return answer
    if isinstance(answer, bool):
        return HealthCheckResult(name, HealthStatus.HEALTHY if answer else HealthStatus.UNHEALTHY)
    if isinstance(answer, str) and answer in set(HealthStatus):
        return HealthCheckResult(name, HealthStatus(answer))
    reason = f"the check must return a HealthCheckResult, a status or a bool, got a {type(answer).__name__}"
    return HealthCheckResult(name, HealthStatus.UNKNOWN, reason)


def _is_same_definition(function: Any, registered: Any) -> bool:
    """Return true if a function is the registered one, or the same module-level definition run again."""
    defined = [
        (getattr(each, "__module__", None), getattr(each, "__qualname__", "<lambda>"))
        for each in (function, registered)
    ]
    has_several = "<lambda>" in defined[0][1] or "<locals>" in defined[0][1]
    return function is registered or (defined[0] == defined[1] and not has_several)


class BackgroundChecks:
    """Runs the checks every `interval_s` seconds, until stopped."""

    def __init__(self, checker: HealthChecker, interval_s: float) -> None:
        self.interval_s = require_number("interval_s", interval_s, above=0, at_most=threading.TIMEOUT_MAX)
        self._checker = checker
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="odibi-health-interval", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._stopped.wait(self.interval_s):
            self._checker.run_all_checks()

    def stop(self) -> None:
        """Run the checks no more; a check that hangs is left behind."""
        self._stopped.set()
