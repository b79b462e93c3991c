"""Which commands and features of a program are used, how long they take, how they end; and its data checks.

All of it stays in the record of the program: nothing is sent anywhere. `ODIBI_USAGE__ENABLED=false` turns it off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

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
        """How long ago it began."""
        return (monotonic() - self._begun) * 1e3


class UsageAnalytics:
    """Says what is used; `report()` answers for this process, `odibi usage` for all that is recorded.

    Nothing here raises, whatever the arguments are, and with the opt-out nothing is said.

    >>> analytics = UsageAnalytics()
    >>> analytics.track_feature_usage("export", {"format": "csv"})
    >>> analytics.report()["features"]
    {'export': 1}
    """

    def __init__(self) -> None:
        self._view = UsageView()
        program.listen(self._view, name="usage")

    def start_command(self, command: str, args: Any = None, user: str | None = None) -> CommandExecution:
        """A command begins; `args` may be a dict, or a list as in `sys.argv`."""
        execution = CommandExecution(command, user)
        self._say_command(execution, "running", {"args": args}, "debug")
        return execution

    def end_command(
        self, execution: CommandExecution, success: bool = True, error: BaseException | str | None = None
    ) -> None:
        """It ended; a second time for the same execution does nothing."""
        if type(execution) is not CommandExecution or execution.ended:
            return
        execution.ended = True
        about: dict[str, Any] = {"duration_ms": execution.duration_ms}
        if issubclass(type(error), BaseException):
            about |= describe_failure(cast(BaseException, error))
        elif error is not None:
            about["error"] = message_of(to_text(error))
        succeeded = is_truthy(success)
        self._say_command(
            execution, "success" if succeeded else "failed", about, "info" if succeeded else "error"
        )

    def _say_command(
        self, execution: CommandExecution, status: str, about: dict[str, Any], level: str
    ) -> None:
        fields = {"command": execution.command, "status": status, "execution_id": execution.execution_id}
        if execution.user is not None:
            fields["user"] = execution.user
        _say(kinds.CLI_COMMAND, {**fields, **about}, level)

    def track_command_argument(self, command: str, argument: str, value: Any = None) -> None:
        """A command was given this argument; its value stands in the record, and is no label of the metric."""
        if is_secret_name(to_text(argument)) and value is not None:
            value = HIDDEN
        _say(kinds.CLI_ARGUMENT, {"command": command, "argument": argument, "value": value}, "debug")

    def track_feature_usage(self, feature: str, context: Mapping[str, Any] | None = None) -> None:
        """A feature was used."""
        _say(kinds.FEATURE_USAGE, {"feature": feature, "context": context})

    def track_bigquery_operation(
        self,
        operation_type: str,
        dataset: str | None = None,
        table: str | None = None,
        bytes_processed: int | None = None,
        rows_affected: int | None = None,
    ) -> None:
        """A load, an export, a copy, a table made or dropped; `observe_bigquery` says it by itself."""
        about = {
            "operation_type": operation_type, "dataset": dataset, "table": table,
            "bytes_processed": bytes_processed, "rows_affected": rows_affected,
        }  # fmt: skip
        _say(kinds.BIGQUERY_OPERATION, about)

    def track_data_quality_check(
        self,
        check_name: str,
        passed: bool | None,
        duration_seconds: float,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a check of data. One that failed is a warning; `passed=None` is one that could not be asked."""
        passed = None if passed is None else is_truthy(passed)
        status = {True: "success", False: "failed", None: "skipped"}[passed]
        about = {
            "check": check_name, "passed": passed, "status": status,
            "duration_ms": _milliseconds(duration_seconds), "details": details,
        }  # fmt: skip
        _say(kinds.DATA_QUALITY_CHECK, about, "warning" if passed is False else "info")

    def report(self) -> dict[str, Any]:
        """`commands, arguments, features, bigquery_operations, data_quality`, of this process since the first call."""
        answer: dict[str, Any] = self._view.answer()
        return answer


def _say(kind: str, about: dict[str, Any], level: str = "info") -> None:
    if get_config().usage_enabled:
        said = {name: value for name, value in about.items() if value is not None}
        program.current_bus().publish(kind, level=level, fields=said)


def _milliseconds(seconds: Any) -> Any:
    try:
        return float(seconds) * 1e3
    except STOPS:
        raise
    except BaseException:
        return None


def get_analytics() -> UsageAnalytics:
    """The process's own, always the same one."""
    return program.singleton(UsageAnalytics)


class track_cli_command(ClassDecorator):
    """`with track_cli_command("load", {"table": "orders"}): …`: its start, its end, its time and its failure.

    A decorator too, of functions and coroutines; without parentheses the command has the function's name. An exception
    goes on; `SystemExit` is a success where its code says so (None or 0).
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
        """Each call of `function` is an execution of the command."""
        return observe_calls(function, lambda: BlockObserver(track_cli_command(self._command, self._args)))

