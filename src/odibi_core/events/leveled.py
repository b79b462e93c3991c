"""What every logger has: a method for each level, and a level below which nothing is said."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any, Final

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.failure import describe_failure
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.normalise import plain, text

UNNAMED: Final = "log"
"""The type of a line that gave none."""


class Leveled(ABC):
    """Logs through `_say(level, event, fields)`, which who inherits defines."""

    level: str

    def set_level(self, level: str | LogLevel) -> None:
        """Say nothing below `level`. What is below costs no more than a call of an empty function."""
        name = text(level, 100).lower()
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

    def debug(self, event: str | None = None, /, **fields: Any) -> None:
        """An event for whoever looks closely; every keyword becomes a field that can be queried."""
        self._say("debug", (type(event) is str and event) or _named(event, fields), fields)

    def info(self, event: str | None = None, /, **fields: Any) -> None:
        """An event."""
        self._say("info", (type(event) is str and event) or _named(event, fields), fields)

    def warning(self, event: str | None = None, /, **fields: Any) -> None:
        """An event that someone should look at."""
        self._say("warning", (type(event) is str and event) or _named(event, fields), fields)

    def error(self, event: str | None = None, /, **fields: Any) -> None:
        """Something failed."""
        self._say("error", (type(event) is str and event) or _named(event, fields), fields)

    def critical(self, event: str | None = None, /, **fields: Any) -> None:
        """Something failed, and nothing goes on."""
        self._say("critical", (type(event) is str and event) or _named(event, fields), fields)

    def exception(self, event: str | None = None, /, **fields: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        if SEVERITY[self.level] > SEVERITY["error"]:
            return
        fields.setdefault("exc_info", True)
        self._say("error", (type(event) is str and event) or _named(event, fields), fields)

    @abstractmethod
    def _say(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Say it, `exc_info` as `with_failure` has it; `fields` may be kept. Never raises."""


def with_failure(fields: dict[str, Any]) -> dict[str, Any]:
    """As `logging` has it: `exc_info` is an exception, the triple of one, or True for the one that is being handled."""
    given = fields.pop("exc_info")
    error = given[1] if type(given) is tuple and len(given) == 3 else given
    if error is True:
        error = sys.exc_info()[1]
    return {**describe_failure(error), **fields} if isinstance(error, BaseException) else fields


def _named(event: Any, fields: dict[str, Any]) -> str:
    """The event's type where it was given by keyword, or as something that is no text."""
    if event is None or type(event) is str:
        event = fields.pop("event", UNNAMED)
    return text(plain(event))


def _ignore(event: str | None = None, /, **fields: Any) -> None:
    """What a method below the level is replaced by."""
