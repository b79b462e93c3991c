"""Usage of a program's commands and features, with durations and outcomes, and its data checks.

The events stay in the record of the program, and are sent nowhere. `ODIBI_USAGE__ENABLED=false` turns them off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from odibi_core._state import STATE
from odibi_core.errors import STOPS
from odibi_core.events import kinds
from odibi_core.events.clock import monotonic, new_id
from odibi_core.events.context import current
from odibi_core.events.failure import describe_failure, is_clean_exit, message_of
from odibi_core.events.normalize import is_truthy, to_text
from odibi_core.process import state as program
from odibi_core.redaction.redactor import HIDDEN, is_secret_name
from odibi_core.settings import get_config
from odibi_core.views.usage import UsageView
from odibi_core.wrapping.callables import ClassDecorator
from odibi_core.wrapping.calls import BlockObserver, observe_calls

__all__ = ["CommandExecution", "UsageAnalytics", "get_analytics", "track_cli_command"]

F = TypeVar("F", bound=Callable[..., Any])


class CommandExecution:
    """One execution of a command, from `start_command` to `end_command`."""

    __slots__ = ("_begun", "command", "ended", "execution_id", "user")

    def __init__(self, command: str, user: str | None) -> None:
        self.command = command
        self.user = user
        self.execution_id = new_id()
        self.ended = False
        self._begun = monotonic()

    @property
    def duration_ms(self) -> float:
        """Milliseconds since the start."""
        return (monotonic() - self._begun) * 1e3


class UsageAnalytics:
    """Publishes what is used; `report()` covers this process, `odibi usage` everything that is recorded.

    No method raises. If usage is disabled, nothing is published.

    >>> analytics = UsageAnalytics()
    >>> analytics.track_feature_usage("export", {"format": "csv"})
    >>> analytics.report()["features"]
    {'export': 1}
    """

    def __init__(self) -> None:
        self._view = UsageView()
        program.listen(self._view, name="usage")

    def start_command(self, command: str, args: Any = None, user: str | None = None) -> CommandExecution:
        """Publish the start of a command; `args` may be a dict, or a list as in `sys.argv`."""
        execution = CommandExecution(command, user)
        self._publish_command(execution, "running", {"args": args}, "debug")
        return execution

    def end_command(
        self, execution: CommandExecution, success: bool = True, error: BaseException | str | None = None
    ) -> None:
        """Publish the end of a command; a second call for the same execution does nothing."""
        if type(execution) is not CommandExecution or execution.ended:
            return
        execution.ended = True
        about: dict[str, Any] = {"duration_ms": execution.duration_ms}
        if issubclass(type(error), BaseException):
            about |= describe_failure(cast(BaseException, error))
        elif error is not None:
            about["error"] = message_of(to_text(error))
        succeeded = is_truthy(success)
        self._publish_command(execution, "success" if succeeded else "failed", about, "info" if succeeded else "error")

    def _publish_command(self, execution: CommandExecution, status: str, about: dict[str, Any], level: str) -> None:
        fields = {"command": execution.command, "status": status, "execution_id": execution.execution_id}
        if execution.user is not None:
            fields["user"] = execution.user
        _publish(kinds.CLI_COMMAND, {**fields, **about}, level)

    def track_command_argument(self, command: str, argument: str, value: Any = None) -> None:
        """Publish an argument of a command; its value is recorded, and is no label of the metric."""
        if is_secret_name(to_text(argument)) and value is not None:
            value = HIDDEN
        _publish(kinds.CLI_ARGUMENT, {"command": command, "argument": argument, "value": value}, "debug")

    def track_feature_usage(self, feature: str, context: Mapping[str, Any] | None = None) -> None:
        """Publish the use of a feature."""
        _publish(kinds.FEATURE_USAGE, {"feature": feature, "context": context})

    def track_bigquery_operation(
        self,
        operation_type: str,
        dataset: str | None = None,
        table: str | None = None,
        bytes_processed: int | None = None,
        rows_affected: int | None = None,
    ) -> None:
        """Publish a load, an export, a copy, or a table made or dropped; `observe_bigquery` does so by itself."""
        about = {
            "operation_type": operation_type, "dataset": dataset, "table": table,
            "bytes_processed": bytes_processed, "rows_affected": rows_affected,
        }  # fmt: skip
        _publish(kinds.BIGQUERY_OPERATION, about)

    def track_data_quality_check(
        self, check_name: str, passed: bool | None, duration_seconds: float, details: Mapping[str, Any] | None = None
    ) -> None:
        """Publish the result of a data check: a failed one is a warning, `passed=None` one that could not run."""
        passed = None if passed is None else is_truthy(passed)
        status = {True: "success", False: "failed", None: "skipped"}[passed]
        about = {
            "check": check_name, "passed": passed, "status": status,
            "duration_ms": _milliseconds(duration_seconds), "details": details,
        }  # fmt: skip
        _publish(kinds.DATA_QUALITY_CHECK, about, "warning" if passed is False else "info")

    def report(self) -> dict[str, Any]:
        """Return `commands, arguments, features, bigquery_operations, data_quality` since this object was made."""
        answer: dict[str, Any] = self._view.answer()
        return answer


def _publish(kind: str, about: dict[str, Any], level: str = "info") -> None:
    if get_config().usage_enabled:
        fields = {name: value for name, value in about.items() if value is not None}
        program.current_bus().publish(kind, level=level, fields=fields)


def _milliseconds(seconds: Any) -> Any:
    try:
        return float(seconds) * 1e3
    except STOPS:
        raise
    except BaseException:
        return None


def get_analytics() -> UsageAnalytics:
    """Return the usage analytics of the process."""
    return STATE.singleton(UsageAnalytics)


class track_cli_command(ClassDecorator):
    """Track a command: `with track_cli_command("load", {"table": "orders"}): …`; also a decorator of functions.

    Publishes its start, and its end with duration and failure. The exception is raised on; `SystemExit` with the code
    None or 0 is a success.

    Args:
        command: Name of the command; without parentheses that of the decorated function.
        args: Its arguments, as a dict or as a list.
    """

    __slots__ = ("_args", "_begun", "_command")

    def __init__(self, command: str, args: Any = None) -> None:
        self._command, self._args = command, args
        self._begun: list[CommandExecution] = []

    def __enter__(self) -> CommandExecution:
        self._begun.append(get_analytics().start_command(self._command, self._args, current().user))
        return self._begun[-1]

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        succeeded = error is None or is_clean_exit(error)
        get_analytics().end_command(self._begun.pop(), succeeded, None if succeeded else error)

    def __call__(self, function: F) -> F:
        """Return `function` with each call tracked as an execution of the command."""
        return observe_calls(function, lambda: BlockObserver(track_cli_command(self._command, self._args)))
