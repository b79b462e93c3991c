"""What every logger has: a method for each level, and a level below which nothing is said."""

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
"""The type of a line that gave none."""
_PROBLEM: Final = 200
"""Characters of the reason why arguments do not fit."""
LOGGER: Final = "logger"
"""The field with the name of the program's logger, which is its component too."""


class Leveled(ABC):
    """Logs through `_say(level, event, fields)`, which who inherits defines.

    Positional arguments behind the event are put into the message as `logging` does, and never raise.
    """

    level: str

    def set_level(self, level: str | LogLevel) -> None:
        """Say nothing below `level`. What is below costs no more than a call of an empty function."""
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
        """An event for whoever looks closely; each keyword becomes a field that can be queried."""
        if args:
            event = _formatted(event, args, fields)
        self._say("debug", (type(event) is str and event) or _named(event, fields), fields)

    def info(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """An event."""
        if args:
            event = _formatted(event, args, fields)
        self._say("info", (type(event) is str and event) or _named(event, fields), fields)

    def warning(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """An event that someone should look at."""
        if args:
            event = _formatted(event, args, fields)
        self._say("warning", (type(event) is str and event) or _named(event, fields), fields)

    def error(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Something failed."""
        if args:
            event = _formatted(event, args, fields)
        self._say("error", (type(event) is str and event) or _named(event, fields), fields)

    def critical(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """Something failed, and nothing goes on."""
        if args:
            event = _formatted(event, args, fields)
        self._say("critical", (type(event) is str and event) or _named(event, fields), fields)

    def exception(self, event: str | None = None, /, *args: Any, **fields: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        if SEVERITY[self.level] > SEVERITY["error"]:
            return
        fields.setdefault("exc_info", True)
        if args:
            event = _formatted(event, args, fields)
        self._say("error", (type(event) is str and event) or _named(event, fields), fields)

    @abstractmethod
    def _say(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Say it, `exc_info` as `with_failure` has it; `fields` may be kept. Never raises."""


def with_failure(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with the keywords of `logging` taken as `logging` takes them.

    `exc_info` is an exception, the triple of one, or True for the one that is being handled; `stack_info=True` adds
    the `stack`; a mapping `extra` is more fields; `stacklevel`, of a line without a place, is left out.
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
    """Return where the line was said, without our own frames."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("odibi_core."):
        frame = frame.f_back
    return "".join(traceback.format_stack(frame))


def _formatted(event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> str:
    """Put `args` into the message, by `%` as `logging` does, and return the template, which is the event's type.

    Arguments that do not fit are kept beside the template, and the reason is told.
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
    """The event's type where it was given by keyword, or as something that is no text."""
    if event is None or type(event) is str:
        event = fields.pop("event", UNNAMED)
    return to_text(to_plain(event))


def _ignore(event: str | None = None, /, *args: Any, **fields: Any) -> None:
    """What a method below the level is replaced by."""
