"""The health checks of this program: the built-in ones, and those that it registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_value
from odibi_core.health.checks import built_in
from odibi_core.health.monitor import BackgroundChecks, HealthCheck, HealthChecker, HealthStatus
from odibi_core.process.state import singleton

__all__ = ["endpoint_answer", "register_health_check", "run_health_checks", "start_background_checks"]

FRESH_FOR_S: Final = 5.0
"""How old an answer of `GET /health` may be: whoever asks more often does not make the checks run more often."""


class ProgramChecker(HealthChecker):
    """The checks of this program: the built-in ones, and those of `register_health_check`."""

    def __init__(self) -> None:
        super().__init__()
        for check in built_in():
            self.register_check(check)


def program_checker() -> HealthChecker:
    """The program's own, always the same one."""
    return singleton(ProgramChecker)


def register_health_check(
    check: HealthCheck | Callable[[], Any], name: str | None = None, timeout_seconds: float = 10.0
) -> HealthCheck:
    """Register a check of the program: a `HealthCheck`, or a function under `name` or a name of its own.

    A check of the same name is replaced. A function without `name` replaces only itself, as when a notebook's cell runs
    again; another function, lambda or partial of the same name gets the next free one: `check_2`.
    """
    if not isinstance(check, HealthCheck):
        if not callable(check) or isinstance(check, type):
            hint = f": give {check.__name__}()" if isinstance(check, type) else ""
            raise ConfigurationError(
                f"a health check is a HealthCheck or a function; given was {sanitize_value(check)!r:.200}{hint}"
            )
        called = program_checker().name_for(check) if name is None else name
        check = HealthCheck(called, timeout_seconds, function=check)
    return program_checker().register_check(check)


def run_health_checks() -> dict[str, Any]:
    """Ask all checks of this program now: `{status, timestamp, checks: {name: {status, message, …}}}`."""
    return program_checker().report()


def endpoint_answer() -> tuple[int, dict[str, Any]]:
    """What `GET /health` answers: 200 while nothing is unhealthy, else 503."""
    report = program_checker().report(fresh_for_s=FRESH_FOR_S)
    return (503 if report["status"] == HealthStatus.UNHEALTHY else 200), report


def start_background_checks(interval_s: float) -> BackgroundChecks:
    """Ask the program's checks every `interval_s` seconds, until its `.stop()`."""
    return BackgroundChecks(program_checker(), interval_s)
