"""Error reports of a program: each is an event with a fingerprint, in the log, and in Sentry if that is set up.

`capture_exception(error)` records a handled exception, `with_error_tracking()` those of a block or a function, and
`excepthook.setup_exception_hook()` uncaught ones. A report holds breadcrumbs, contexts, and the context of the log.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus
from odibi_core.delivery.exit_time import left_at_exit
from odibi_core.error_reporting.context import add_breadcrumb, breadcrumbs, contexts, set_context
from odibi_core.errors import STOPS, ConfigurationError, OdibiError, is_failure
from odibi_core.events import kinds
from odibi_core.events.clock import new_id
from odibi_core.events.context import current
from odibi_core.events.error_id import error_id_of
from odibi_core.events.failure import describe_failure, message_of
from odibi_core.events.fingerprint import fingerprint, fingerprint_of_failure
from odibi_core.events.normalize import to_text
from odibi_core.events.recent import remember
from odibi_core.logs.program_logger import process_log, warn_of
from odibi_core.plugins import load
from odibi_core.process.state import current_bus, listen, unlisten
from odibi_core.process_end import before_child_ends
from odibi_core.settings import ObservabilityConfig, get_config
from odibi_core.wrapping.callables import is_decorable
from odibi_core.wrapping.calls import BlockObserver, observe_calls

if TYPE_CHECKING:
    from odibi_core.sinks.sentry_sink import SentrySink

__all__ = [
    "ErrorTracker",
    "add_breadcrumb",
    "capture_exception",
    "capture_message",
    "close_error_tracking",
    "init_error_tracking",
    "set_context",
    "with_error_tracking",
]

F = TypeVar("F", bound=Callable[..., Any])

MAX_CAPTURED: Final = 10_000
"""Captured exceptions that are remembered, so that each is recorded once."""
_CLOSE_TIMEOUT_S: Final = 1.5

_log = logging.getLogger("odibi_core")


class ErrorTracker:
    """Publishes what is captured on the bus of the current run, or on one that was given; the process has one."""

    def __init__(self, bus: EventBus | None = None) -> None:
        self.sentry: SentrySink | None = None
        self._bus = bus
        self._captured: dict[str, None] = {}

    def capture_exception(
        self, error: object = None, context: Any = None, level: str = "error", *, handled: bool = True
    ) -> str | None:
        """Do as the function of this name; `handled` is False for an uncaught exception."""
        try:
            caught = sys.exc_info()[1] if error is None else error
            if caught is None:
                self._publish(kinds.MESSAGE, "capture_exception: no exception was there", "warning", {}, context)
                return None
            identity = error_id_of(caught) if isinstance(caught, BaseException) else new_id(32)
            if identity in self._captured:
                return identity
            message, fields = _describe(caught)
            mark = fingerprint_of_failure(fields, fields["error"], _current_place())
            fields |= {"error_id": identity, "fingerprint": mark, "handled": handled}
            # If the stack is full, the event may be lost on its way: a capture further out repeats it.
            if not isinstance(caught, RecursionError) or _stack_has_room():
                remember(self._captured, identity, None, MAX_CAPTURED)
            self._publish(kinds.ERROR, message, kinds.level_name(level, "error"), fields, context)
            return identity
        except STOPS:
            raise
        except BaseException as reason:
            _log_failure(reason)
            return None

    def capture_message(self, message: object, level: str = "info", context: Any = None) -> str | None:
        """Do as the function of this name."""
        try:
            content, identity = to_text(message), new_id(32)
            fields = {"message_id": identity, "fingerprint": fingerprint(None, content, None, _current_place())}
            self._publish(kinds.MESSAGE, content, level, fields, context)
            return identity
        except STOPS:
            raise
        except BaseException as reason:
            _log_failure(reason)
            return None

    def _publish(self, kind: str, message: str | None, level: str, fields: dict[str, Any], context: Any) -> None:
        if context is not None:
            fields["context"] = context if issubclass(type(context), Mapping) else {"value": context}
        if known := contexts():
            fields["contexts"] = known
        if before := breadcrumbs():
            fields["breadcrumbs"] = before
        if self._bus is None:
            _open_log()
        (self._bus or current_bus()).publish(kind, message, level=level, fields=fields)

    def init(self, config: ObservabilityConfig | None = None) -> bool:
        """Do as `init_error_tracking`."""
        settings = get_config() if config is None else config
        self.close()
        if not settings.sentry_enabled:
            return False
        try:
            self.sentry = load("sinks", "sentry").connect(
                settings.sentry_dsn,
                environment=settings.sentry_environment,
                release=settings.sentry_release,
                traces_sample_rate=settings.sentry_traces_sample_rate,
                report=self._warn,
            )
        except OdibiError as problem:
            for reason in settings.prevented().get("sentry_enabled", [str(problem)]):
                warn_of(reason)
            return False
        listen(self.sentry, name="sentry")
        return True

    def close(self, timeout: float = _CLOSE_TIMEOUT_S) -> None:
        """Send Sentry the waiting reports for at most `timeout` seconds, and send it no more."""
        sentry, self.sentry = self.sentry, None
        if sentry is not None:
            unlisten(sentry)
            sentry.close(timeout)

    def _warn(self, message: str) -> None:
        self._publish(kinds.MESSAGE, message, "warning", {"component": "odibi_core"}, None)


def program_uses_sentry() -> bool:
    """Return true if the program called `sentry_sdk.init` itself, so that no DSN is needed."""
    client_of = getattr(sys.modules.get("sentry_sdk"), "get_client", None)  # an old SDK has none
    return client_of is not None and bool(client_of().is_active())


def _open_log() -> None:
    """Open the log of the process, since an error is logged also if the program has made no logger."""
    try:
        process_log()
    except ConfigurationError:
        pass  # wrong settings of the log are reported where a logger is made


def capture_exception(error: object = None, context: Any = None, level: str = "error") -> str | None:
    """Record an exception; an exception that was recorded before keeps its id, and is not recorded again.

    Never raises.

    Args:
        error: The exception, by default the one being handled. Any other object is recorded as an error, with a note.
        context: Further details, as a dict.
        level: Level of the event.

    Returns:
        The id of the report, in Sentry too; None if there was nothing to record.
    """
    return STATE.singleton(ErrorTracker).capture_exception(error, context, level)


def capture_message(message: object, level: str = "info", context: Any = None) -> str | None:
    """Record a message as a report, and return its id. Never raises."""
    return STATE.singleton(ErrorTracker).capture_message(message, level, context)


def init_error_tracking(config: ObservabilityConfig | None = None) -> bool:
    """Send errors to Sentry from now on, if the settings enable it (`SENTRY_ENABLED`, `SENTRY_DSN`, …).

    A second call replaces the connection. At the end of the program, waiting reports have 1.5 seconds.

    Args:
        config: Settings, by default those of `get_config()`.

    Returns:
        False if Sentry is disabled, or unavailable: then one warning is logged.
    """
    atexit.unregister(close_error_tracking_at_exit)
    atexit.register(close_error_tracking_at_exit)
    return STATE.singleton(ErrorTracker).init(config)


def close_error_tracking(timeout: float = _CLOSE_TIMEOUT_S) -> None:
    """Send Sentry the waiting reports for at most `timeout` seconds, and send it no more; the log goes on."""
    STATE.singleton(ErrorTracker).close(timeout)


def close_error_tracking_at_exit() -> None:
    """Close the connection in the time that is left of the end of the program."""
    close_error_tracking(left_at_exit())


before_child_ends(close_error_tracking)


@overload
def with_error_tracking(function: F, /) -> F: ...
@overload
def with_error_tracking(context: Mapping[str, Any] | None = None, reraise: bool = True) -> TrackedErrors: ...
def with_error_tracking(context: Any = None, reraise: bool = True) -> Any:
    """Capture the exceptions of a block: `with with_error_tracking({"batch": 7}): …`; also a decorator of functions.

    Decorates functions, coroutines and generators of both kinds. Ctrl-C, exits and cancelled tasks are not captured.

    Args:
        context: Further details for the report, as a dict.
        reraise: If false, an `Exception` ends here: the block is left, the call returns None, the generator ends.
    """
    if is_decorable(context):
        return TrackedErrors(None, reraise)(context)
    return TrackedErrors(context, reraise)


class TrackedErrors:
    """The context manager and decorator that `with_error_tracking` returns."""

    def __init__(self, context: Any, reraise: bool) -> None:
        self.context = context
        self.reraise = reraise

    def __enter__(self) -> None:
        """Do nothing: only `__exit__` captures."""

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None or not is_failure(error):
            return False
        capture_exception(error, self.context)
        return isinstance(error, Exception) and not self.reraise

    def __call__(self, function: F) -> F:
        """Return `function` with the exceptions of each call captured."""
        return observe_calls(function, lambda: BlockObserver(self))


def _describe(caught: object) -> tuple[str | None, dict[str, Any]]:
    """Return a note, if the captured object is no exception, and the fields of the report."""
    if isinstance(caught, BaseException):
        return None, describe_failure(caught)
    fields = {"error": message_of(to_text(caught)), "error_type": type(caught).__name__}
    return "the captured object is no exception", fields


def _stack_has_room(frames: int = 80) -> bool:
    """Return true if an event can be published here."""
    try:
        return frames == 0 or _stack_has_room(frames - 1)
    except RecursionError:
        return False


def _current_place() -> str | None:
    """Return the node, operation or component in force, for the fingerprint of an error without a stack."""
    here = current()
    return here.node_name or here.operation or here.component


def _log_failure(reason: BaseException) -> None:
    try:
        _log.error("an error could not be recorded: %s", type(reason).__name__)
    except STOPS:
        raise
    except BaseException:
        return  # the stack is full
