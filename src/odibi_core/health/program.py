"""The health checks of this program: the built-in ones and the registered ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_value
from odibi_core.health.checks import built_in
from odibi_core.health.monitor import BackgroundChecks, HealthCheck, HealthChecker, HealthStatus

__all__ = ["endpoint_answer", "register_health_check", "run_health_checks", "start_background_checks"]

FRESH_FOR_S: Final = 5.0
"""Maximum age of the answer of `GET /health`, so that frequent requests do not run the checks more often."""


class ProgramChecker(HealthChecker):
    """The checks of this program: the built-in ones, and those of `register_health_check`."""

    def __init__(self) -> None:
        super().__init__()
        for check in built_in():
            self.register_check(check)


def program_checker() -> HealthChecker:
    """Return the checker of the process."""
    return STATE.singleton(ProgramChecker)


def register_health_check(
    check: HealthCheck | Callable[[], Any], name: str | None = None, timeout_seconds: float = 10.0
) -> HealthCheck:
    """Register a check of the program, in place of a check of the same name.

    Args:
        check: A `HealthCheck`, or a function for one.
        name: Name for a function, by default its own. Without it a function replaces only itself, as when a cell of a
            notebook runs again; another function of the same name gets the next free name: `check_2`.
        timeout_seconds: Timeout for a function.

    Raises:
        ConfigurationError: If `check` is neither.
    """
    if not isinstance(check, HealthCheck):
        if not callable(check) or isinstance(check, type):
            hint = f"; give {check.__name__}()" if isinstance(check, type) else ""
            raise ConfigurationError(
                f"check must be a HealthCheck or a function, got {sanitize_value(check)!r:.200}{hint}"
            )
        called = program_checker().name_for(check) if name is None else name
        check = HealthCheck(called, timeout_seconds, function=check)
    return program_checker().register_check(check)


def run_health_checks() -> dict[str, Any]:
    """Run all checks of this program: return `{status, timestamp, checks: {name: {status, message, …}}}`."""
    return program_checker().report()


def endpoint_answer() -> tuple[int, dict[str, Any]]:
    """Return status code and body of `GET /health`: 503 if a check is unhealthy, else 200."""
    report = program_checker().report(fresh_for_s=FRESH_FOR_S)
    return (503 if report["status"] == HealthStatus.UNHEALTHY else 200), report


def start_background_checks(interval_s: float) -> BackgroundChecks:
    """Run the program's checks every `interval_s` seconds, until `.stop()` of the returned object."""
    return BackgroundChecks(program_checker(), interval_s)
