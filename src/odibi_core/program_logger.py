"""Logging for a whole program: `get_logger(__name__)`, with stderr and a file behind it as the environment says.

What a logger says inside `observe()` or a step belongs to that run and stands in its record too; outside any run it
goes to one bus of the program, which is made when the first line is said.
"""

from __future__ import annotations

import os
import sys
import weakref
from threading import RLock
from typing import Any, Final, TextIO

from odibi_core.event_bus import EventBus, Sink
from odibi_core.events import Event, clean_text
from odibi_core.events.context import bus_here
from odibi_core.events.leveled import Leveled
from odibi_core.log_context import take_up_inherited
from odibi_core.program import program_bus
from odibi_core.settings import Log, color_choice, read_log_settings
from odibi_core.sinks.text import TextSink
from odibi_core.store.log_file import LogFile

__all__ = ["ProgramLog", "ProgramLogger", "get_logger"]


class ProgramLog:
    """What the loggers of a program share: where they speak, and where it is shown, stderr and the settings' file.

    Nothing is opened before the first line. `get_logger` uses the one of the process; one of your own, with other
    settings or another stream, is for programs inside programs, and for tests.

    >>> log = ProgramLog(Log(level="debug", file="app.jsonl"))
    >>> log.get_logger("etl.load").debug("orders_loaded", row_count=3)
    """

    def __init__(
        self, settings: Log | None = None, stream: TextIO | None = None, *, bus: EventBus | None = None
    ) -> None:
        self.settings = read_log_settings() if settings is None else settings
        self.file = LogFile(self.settings.file) if self.settings.file else None
        self._stream = stream
        self._own = EventBus() if bus is None else bus
        self._outlets: list[Sink] = []
        self._loggers: dict[str, ProgramLogger] = {}
        self._components: set[str] = set()
        self._joined: weakref.WeakSet[EventBus] = weakref.WeakSet()
        self._lock = RLock()
        _logs.add(self)

    def get_logger(self, name: str) -> ProgramLogger:
        """The logger of that name, always the same one."""
        found = self._loggers.get(name)
        if found is None:
            with self._lock:
                found = self._loggers.setdefault(name, ProgramLogger(name, self))
                self._components.add(found.component)
        return found

    def bus(self) -> EventBus:
        """The bus to speak on here: that of the run that we are in, else the program's own."""
        found: EventBus = bus_here.get() or self._own
        if found not in self._joined:
            self._join(found)
        return found

    def _join(self, bus: EventBus) -> None:
        """Have what our loggers say on a bus shown; what others say on it is theirs to show."""
        with self._lock:
            if bus in self._joined:
                return
            self._joined.add(bus)
            if not self._outlets:
                self._outlets = [self._console(), *([self.file] if self.file is not None else [])]
            for outlet in self._outlets:
                bus.subscribe(_OfLoggers(outlet, self._components), name=type(outlet).__name__)

    def _console(self) -> TextSink:
        color = color_choice()
        if color is None:
            color = _is_terminal(self._stream or sys.stderr)
        return TextSink(self._stream, self.settings.format, color=color)


class _OfLoggers:
    """Passes on what our loggers say, told by its component."""

    def __init__(self, outlet: Sink, components: set[str]) -> None:
        self._outlet = outlet
        self._components = components

    def __call__(self, event: Event) -> None:
        if event.component in self._components:
            self._outlet(event)


class ProgramLogger(Leveled):
    """A logger of `get_logger`: its name is the `component` of every line; keywords become fields.

    The first argument is the event's type; a field that is called as the recorder's own (`component`, `level`, …) is
    kept with a `_` behind its name. Nothing here raises.
    """

    def __init__(self, name: str, log: ProgramLog) -> None:
        self.name = name
        self.component = clean_text(str(name))
        self._log = log
        self.set_level(log.settings.level)

    def _say(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if "component" in fields:
            fields["component_"] = fields.pop("component")
        self._log.bus().say(event, level=level, fields={"component": self.component, **fields})

    def __repr__(self) -> str:
        return f"ProgramLogger({self.name!r}, level={self.level!r})"


def get_logger(name: str) -> ProgramLogger:
    """The program's logger of that name, by custom `get_logger(__name__)`.

    `LOG_LEVEL`, `LOG_FORMAT` and `LOG_FILE` are read by the first call in a process; raises `ConfigurationError`
    when one of them cannot be right.
    """
    take_up_inherited()
    with _default_lock:
        if not _default:
            _default.append(ProgramLog(bus=program_bus()))
    return _default[0].get_logger(name)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (ValueError, AttributeError):  # closed, or no real file
        return False


_default: Final[list[ProgramLog]] = []
_default_lock = RLock()
_logs: weakref.WeakSet[ProgramLog] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: locks that another thread may have held are made anew."""
    global _default_lock
    _default_lock = RLock()
    for log in _logs:
        log._lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
