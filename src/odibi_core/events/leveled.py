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


class Leveled(ABC):
    """A logger over `_emit(level, event, fields)`, which a subclass defines.

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
            raise ConfigurationError(
                f"{name!r} is no level{nearest(name, SEVERITY)}; one of: {', '.join(SEVERITY)}"
            )
        self.level = name
        for method, rank in SEVERITY.items():
            if rank < SEVERITY[name]:
                self.__dict__[method] = _ignore
            else:
                self.__dict__.pop(method, None)

    def debug(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event for close inspection; each keyword becomes a field that can be queried."""
        if args:
            event = _formatted(event, args, fields)
        self._emit("debug", (type(event) is str and event) or _named(event, fields), fields)

    def info(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event."""
        if args:
            event = _formatted(event, args, fields)
        self._emit("info", (type(event) is str and event) or _named(event, fields), fields)

    def warning(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an event that needs attention."""
        if args:
            event = _formatted(event, args, fields)
        self._emit("warning", (type(event) is str and event) or _named(event, fields), fields)

    def error(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log a failure."""
        if args:
            event = _formatted(event, args, fields)
        self._emit("error", (type(event) is str and event) or _named(event, fields), fields)

    def critical(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log a failure after which the program cannot continue."""
        if args:
            event = _formatted(event, args, fields)
        self._emit("critical", (type(event) is str and event) or _named(event, fields), fields)

    def exception(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        if SEVERITY[self.level] > SEVERITY["error"]:
            return
        fields.setdefault("exc_info", True)
        if args:
            event = _formatted(event, args, fields)
        self._emit("error", (type(event) is str and event) or _named(event, fields), fields)

    @abstractmethod
    def _emit(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Publish a line, `exc_info` as `with_failure` reads it; `fields` may be kept. Never raises."""


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


def _formatted(event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> str:
    """Put `args` into the message, by `%` as `logging` does, and return the template, which is the event's type.

    Arguments that do not fit are kept beside the template, with the reason.
    """
    template = (type(event) is str and event) or _named(event, fields)
    message, single = template, args[0]
    try:
        message = template % (single if len(args) == 1 and isinstance(single, Mapping) and single else args)
    except STOPS:
        raise
    except BaseException as error:
        fields["message_args"] = to_plain(args)
        fields["message_problem"] = (
            f"the arguments do not fit: {type(error).__name__}: {to_text(error, _PROBLEM)}"
        )
    fields.setdefault("message", message)
    fields["message_template"] = template
    return template


def _named(event: Any, fields: dict[str, Any]) -> str:
    """Return the type of an event that was given by keyword, or not as a text."""
    if event is None or type(event) is str:
        event = fields.pop("event", UNNAMED)
    return to_text(to_plain(event))


def _ignore(event: str | None = None, /, *args: Any, **fields: Any) -> None:
    """Do nothing: the method of a level that is left out."""
