"""Errors of a whole program: each is an event with a fingerprint, in the log always, and in Sentry when that is set up.

`capture_exception(error)` where you handle it, `with_error_tracking()` around what may fail, `setup_exception_hook()`
(in `uncaught`) for what nobody handles. What is known here goes along: breadcrumbs, contexts, the log's own context.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from odibi_core.bus.bus import EventBus
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
from odibi_core.process.state import current_bus, listen, singleton, unlisten
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
"""Exceptions of which is remembered that they were captured."""
_END_WITHIN_S: Final = 1.5

_log = logging.getLogger("odibi_core")


class ErrorTracker:
    """Says what is captured on the bus of the run that we are in, or on the program's, or on one of its own.

    The functions below use the one that the program has.
    """

    def __init__(self, bus: EventBus | None = None) -> None:
        self.sentry: SentrySink | None = None
        self._bus = bus
        self._captured: dict[str, None] = {}

    def capture_exception(
        self, error: object = None, context: Any = None, level: str = "error", *, handled: bool = True
    ) -> str | None:
        """See the function of this name; `handled` is False for what nobody caught."""
        try:
            caught = sys.exc_info()[1] if error is None else error
            if caught is None:
                self._say(kinds.MESSAGE, "capture_exception: no exception was there", "warning", {}, context)
                return None
            identity = error_id_of(caught) if isinstance(caught, BaseException) else new_id(32)
            if identity in self._captured:
                return identity
            message, told = _described(caught)
            mark = fingerprint_of_failure(told, told["error"], _place())
            told |= {"error_id": identity, "fingerprint": mark, "handled": handled}
            # If the stack is full, the event may be lost on its way: a capture further out repeats it.
            if not isinstance(caught, RecursionError) or _stack_has_room():
                remember(self._captured, identity, None, MAX_CAPTURED)
            self._say(kinds.ERROR, message, kinds.level_name(level, "error"), told, context)
            return identity
        except STOPS:
            raise
        except BaseException as reason:
            _complain(reason)
            return None

    def capture_message(self, message: object, level: str = "info", context: Any = None) -> str | None:
        """See the function of this name."""
        try:
            said, identity = to_text(message), new_id(32)
            told = {"message_id": identity, "fingerprint": fingerprint(None, said, None, _place())}
            self._say(kinds.MESSAGE, said, level, told, context)
            return identity
        except STOPS:
            raise
        except BaseException as reason:
            _complain(reason)
            return None

    def _say(self, kind: str, message: str | None, level: str, told: dict[str, Any], context: Any) -> None:
        fields = dict(told)
        if context is not None:
            fields["context"] = context if issubclass(type(context), Mapping) else {"value": context}
        if known := contexts():
            fields["contexts"] = known
        if before := breadcrumbs():
            fields["breadcrumbs"] = before
        if self._bus is None:
            _have_a_log()
        (self._bus or current_bus()).publish(kind, message, level=level, fields=fields)

    def init(self, config: ObservabilityConfig | None = None) -> bool:
        """See `init_error_tracking`."""
        wanted = get_config() if config is None else config
        self.close()
        if not wanted.sentry_enabled:
            return False
        try:
            self.sentry = load("sinks", "sentry").connect(
                wanted.sentry_dsn,
                environment=wanted.sentry_environment,
                release=wanted.sentry_release,
                traces_sample_rate=wanted.sentry_traces_sample_rate,
                tell=self._warn,
            )
        except OdibiError as problem:
            for said in wanted.prevented().get("sentry_enabled", [str(problem)]):
                warn_of(said)
            return False
        listen(self.sentry, name="sentry")
        return True

    def close(self, timeout: float = _END_WITHIN_S) -> None:
        """Give Sentry what waits for it, for at most `timeout` seconds, and tell it no more."""
        sentry, self.sentry = self.sentry, None
        if sentry is not None:
            unlisten(sentry)
            sentry.close(timeout)

    def _warn(self, message: str) -> None:
        self._say(kinds.MESSAGE, message, "warning", {"component": "odibi_core"}, None)


def sentry_of_the_program() -> bool:
    """Whether the program called `sentry_sdk.init` itself, so that no DSN is needed."""
    client_of = getattr(sys.modules.get("sentry_sdk"), "get_client", None)  # an old SDK has none
    return client_of is not None and bool(client_of().is_active())


def _have_a_log() -> None:
    """An error stands in the log always, also where the program has said no other line to one so far."""
    try:
        process_log()
    except ConfigurationError:
        pass  # the settings of the log are wrong, which is told to whoever asks for a logger


def capture_exception(error: object = None, context: Any = None, level: str = "error") -> str | None:
    """Record an exception, by default the one that is being handled; gives the id that finds it, in Sentry too.

    An exception is recorded once: captured again by another layer, it gives the id that it has. What is no exception
    is recorded as an error that says so. `context` is a dict of what else is worth knowing. None when there was
    nothing to record. Never raises.
    """
    return singleton(ErrorTracker).capture_exception(error, context, level)


def capture_message(message: object, level: str = "info", context: Any = None) -> str | None:
    """Record something that is worth a report and is no exception; gives its id. Never raises."""
    return singleton(ErrorTracker).capture_message(message, level, context)


def init_error_tracking(config: ObservabilityConfig | None = None) -> bool:
    """Have Sentry told of errors from now on, if the settings say so (`SENTRY_ENABLED`, `SENTRY_DSN`, …).

    False when it is not wanted; also when it cannot be had, which is said once, as a warning. A second call begins
    anew. What waits to be sent at the program's end has 1.5 seconds.
    """
    atexit.unregister(close_error_tracking)
    atexit.register(close_error_tracking)
    return singleton(ErrorTracker).init(config)


def close_error_tracking(timeout: float = _END_WITHIN_S) -> None:
    """Give Sentry what waits for it, for at most `timeout` seconds, and tell it no more; the log goes on."""
    singleton(ErrorTracker).close(timeout)


before_child_ends(close_error_tracking)


@overload
def with_error_tracking(function: F, /) -> F: ...
@overload
def with_error_tracking(context: Mapping[str, Any] | None = None, reraise: bool = True) -> TrackedErrors: ...
def with_error_tracking(context: Any = None, reraise: bool = True) -> Any:
    """Capture what is raised inside, with `context`: `with with_error_tracking({"batch": 7}): …`, and a decorator.

    Of functions, coroutines and generators of both kinds. With `reraise=False` what was raised ends here: the block
    is left, the call gives None, the generator ends. Ctrl-C, exits and cancelled tasks are left
    alone; what else is no `Exception` is captured, and goes on.
    """
    if is_decorable(context):
        return TrackedErrors(None, reraise)(context)
    return TrackedErrors(context, reraise)


class TrackedErrors:
    """What `with_error_tracking` gives."""

    def __init__(self, context: Any, reraise: bool) -> None:
        self.context = context
        self.reraise = reraise

    def __enter__(self) -> None:
        """Nothing is done before something is raised."""

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None or not is_failure(error):
            return False
        capture_exception(error, self.context)
        return isinstance(error, Exception) and not self.reraise

    def __call__(self, function: F) -> F:
        """Each call of `function` is inside."""
        return observe_calls(function, lambda: BlockObserver(self))


def _described(caught: object) -> tuple[str | None, dict[str, Any]]:
    """What there is to say of it, and a remark where it is no exception."""
    if isinstance(caught, BaseException):
        return None, describe_failure(caught)
    told = {"error": message_of(to_text(caught)), "error_type": type(caught).__name__}
    return "what was captured is no exception", told


def _stack_has_room(frames: int = 80) -> bool:
    """Whether saying an event can succeed here."""
    try:
        return frames == 0 or _stack_has_room(frames - 1)
    except RecursionError:
        return False


def _place() -> str | None:
    """Where we are, for an error without a stack."""
    here = current()
    return here.node_name or here.operation or here.component


def _complain(reason: BaseException) -> None:
    try:
        _log.error("an error could not be recorded: %s", type(reason).__name__)
    except STOPS:
        raise
    except BaseException:
        return  # such as a stack that is too deep even for this
