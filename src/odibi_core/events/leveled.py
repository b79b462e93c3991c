"""The base class of loggers: a method for each level, and a level below which lines are left out."""

from __future__ import annotations

import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

from odibi_core.errors import STOPS, ConfigurationError, nearest
from odibi_core.events.failure import describe_failure
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.normalize import to_plain, to_text

UNNAMED: Final = "log"
"""The type of a line without one."""
_PROBLEM: Final = 200
"""Characters of the reason that arguments do not fit."""
LOGGER: Final = "logger"
"""The field with the name of the program's logger, which is also its component."""
LOGGING_KEYWORDS: Final = frozenset({"exc_info", "extra", "stack_info", "stacklevel"})
"""Keywords of `logging`, which `with_failure` resolves."""


class Leveled(ABC):
    """A logger over `_emit(level, event, args, fields)`, which a subclass defines.

    Positional arguments behind the event are put into the message as in `logging`, and never raise.
    """

    level: str

    def set_level(self, level: str | LogLevel) -> None:
        """Leave out lines below `level`.

        Their methods are replaced by an empty function (benchmark: a call below the level, which checks nothing).

        Raises:
            ConfigurationError: There is no such level.
        """
        name = to_text(level, 100).lower()
        if name not in SEVERITY:
            raise ConfigurationError(f"{name!r} is no level{nearest(name, SEVERITY)}; one of: {', '.join(SEVERITY)}")
        self.level = name
        for method, rank in SEVERITY.items():
            if rank < SEVERITY[name]:
                self.__dict__[method] = _ignore
            else:
                self.__dict__.pop(method, None)

    def debug(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event for close inspection; each keyword becomes a field that can be queried."""
        self._emit("debug", event, args, fields)

    def info(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event."""
        self._emit("info", event, args, fields)

    def warning(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event that needs attention."""
        self._emit("warning", event, args, fields)

    def error(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log a failure."""
        self._emit("error", event, args, fields)

    def critical(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log a failure after which the program cannot continue."""
        self._emit("critical", event, args, fields)

    def exception(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        if SEVERITY[self.level] > SEVERITY["error"]:
            return
        fields.setdefault("exc_info", True)
        self._emit("error", event, args, fields)

    @abstractmethod
    def _emit(self, level: str, event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        """Publish a line, whose type is `event`, else `event_type(event, args, fields)`. Never raises.

        `with_failure` resolves `LOGGING_KEYWORDS` in `fields`, which may be kept.
        """


def with_failure(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with the keywords of `logging` resolved as `logging` does.

    `exc_info` is an exception, the triple of one, or True for the one that is being handled; `stack_info=True` adds
    the `stack`; a mapping `extra` is more fields; `stacklevel` is dropped.
    """
    given = fields.pop("exc_info", None)
    error = given[1] if type(given) is tuple and len(given) == 3 else given
    if error is True:
        error = sys.exc_info()[1]
    if fields.pop("stack_info", None):
        fields.setdefault("stack", _stack())
    if isinstance(fields.get("stacklevel"), int):
        del fields["stacklevel"]
    if isinstance(fields.get("extra"), Mapping):
        fields = {**{to_text(to_plain(name)): value for name, value in fields.pop("extra").items()}, **fields}
    return {**describe_failure(error), **fields} if isinstance(error, BaseException) else fields


def _stack() -> str:
    """Return the stack of the calling code, without frames of odibi."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("odibi_core."):
        frame = frame.f_back
    return "".join(traceback.format_stack(frame))


def event_type(event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> str:
    """Return the type of an event that has arguments, was given by keyword, or is not a text.

    Arguments are put into the message by `%` as in `logging`; the type is then the template. Arguments that do not fit
    are kept beside the template, with the reason.
    """
    if event is None or (type(event) is str and not event):
        event = fields.pop("event", UNNAMED)
    template = event if type(event) is str else to_text(to_plain(event))
    if args:
        _add_message(template, args, fields)
    return template


def _add_message(template: str, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
    message, single = template, args[0]
    try:
        message = template % (single if len(args) == 1 and isinstance(single, Mapping) and single else args)
    except STOPS:
        raise
    except BaseException as error:
        fields["message_args"] = to_plain(args)
        fields["message_problem"] = misfit_of(error)
    fields.setdefault("message", message)
    fields["message_template"] = template


def _ignore(event: str | None = None, /, *args: Any, **fields: Any) -> None:
    """Do nothing: the method of a level that is left out."""


def misfit_of(error: BaseException) -> str:
    """Return why the arguments of a line do not fit its message."""
    return f"the arguments do not fit: {type(error).__name__}: {to_text(error, _PROBLEM)}"
