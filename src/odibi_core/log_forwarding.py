"""From our stream out to the standard library's `logging`: for who has handlers there already.

Handlers run on a thread of ours, in order: one that is slow, or that waits for a lock, holds up nobody who logs. Each
record has the time, the thread and the caller of the line that it was made of.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.leveled import UNNAMED
from odibi_core.log_bridge import FORWARDED, OF_RECORDS, Installed, bringing_in, levelno_of
from odibi_core.program import listen, unlisten
from odibi_core.queued import Queued

__all__ = ["LoggingSink", "forward_to_logging"]

_QUIET: Final = frozenset({kinds.METRIC, kinds.PIPELINE_PLAN, kinds.SNAPSHOT})
"""What only machines read."""
_SAID_ELSEWHERE: Final = frozenset({"timestamp", "level", "message", "traceback"})
_PACKAGE: Final = __name__.partition(".")[0]
_END_WITHIN_S: Final = 2.0

_handing_on = threading.local()


class LoggingSink:
    """A sink that hands each event from `level` up to the handlers of a standard logger, as a `LogRecord`.

    `event_type` and the fields are attributes of the record (`extra`), with a `_` behind a name that records have
    themselves; the traceback is its `exc_text`. A record that we brought in is not sent back.
    """

    def __init__(self, logger_name: str = "odibi", level: int | str | LogLevel = "debug") -> None:
        self._name = logger_name
        self._rank = levelno_of(level)
        self._closed = False
        self.begin()
        _sinks.add(self)

    def begin(self) -> None:
        """A thread of its own: at the start, and in the child of a fork."""
        self._queue = Queued(workers=1, name="odibi-forwarding")
        self._turn = threading.RLock()

    @property
    def dropped(self) -> int:
        """Events that found the queue full."""
        return self._queue.dropped

    def __call__(self, event: Event) -> None:
        if SEVERITY.get(event.level, 20) < self._rank or event.event_type in _QUIET:
            return
        if getattr(_handing_on, "now", False) or (event.event_type == UNNAMED and bringing_in()):
            return
        thread = threading.current_thread()
        told = (event, _caller(event), thread.ident, thread.name)
        if self._closed:
            self._hand_on(*told)
        else:
            self._queue.put(self._hand_on, *told)

    def _hand_on(
        self, event: Event, caller: tuple[str, int, str], thread: int | None, thread_name: str
    ) -> None:
        logger = logging.getLogger(self._name)
        if not logger.isEnabledFor(SEVERITY.get(event.level, 20)):
            return
        with self._turn:
            _handing_on.now = True
            try:
                record = _record_of(event, self._name, caller)
                record.thread, record.threadName = thread, thread_name
                logger.handle(record)
            finally:
                _handing_on.now = False

    def hold(self) -> bool:
        """No handler runs until `go_on`; False when one did not end in time, and is not waited for any more."""
        return self._turn.acquire(timeout=_END_WITHIN_S)

    def go_on(self) -> None:
        """After a `hold` that was."""
        self._turn.release()

    def close(self) -> None:
        """Hand on what waits, for two seconds at most; what comes later is handed on by who says it."""
        self._closed = True
        self._queue.close(_END_WITHIN_S)


def forward_to_logging(logger_name: str = "odibi", level: int | str | LogLevel = "debug") -> Installed:
    """Hand all that this process says, from `level` up, to the handlers of a standard logger.

    That logger's own level counts too, as ever in `logging`; its name stands on records of no component. What is
    returned ends it, when all was handed on: `restore()`, or `with`.
    """
    sink = LoggingSink(logger_name, level)
    undo = ExitStack()
    undo.callback(atexit.unregister, sink.close)
    undo.callback(sink.close)
    undo.callback(unlisten, sink)
    listen(sink, name="forwarding")
    atexit.register(sink.close)
    return Installed(undo)


def _record_of(event: Event, name: str, caller: tuple[str, int, str]) -> logging.LogRecord:
    path, line, function = caller
    record = logging.getLogRecordFactory()(
        event.component or name,
        SEVERITY.get(event.level, 20),
        path,
        line,
        event.message or event.event_type,
        None,
        None,
        function,
    )
    seconds = event.timestamp.timestamp()
    record.relativeCreated += (seconds - record.created) * 1000
    record.created, record.msecs = seconds, event.timestamp.microsecond / 1000
    record.exc_text = str(event.fields.get("traceback") or "").rstrip("\n") or None
    attributes = vars(record)
    for field, value in to_dict(event).items():
        if field not in _SAID_ELSEWHERE:
            while field in OF_RECORDS or field in attributes:
                field += "_"
            attributes[field] = value
    attributes[FORWARDED] = True
    return record


def _caller(event: Event) -> tuple[str, int, str]:
    """Where it was said: as the event has it, else the first frame outside of this library."""
    said: Any = [event.fields.get(f"code.{name}") for name in ("file.path", "line.number", "function.name")]
    if isinstance(said[0], str) and isinstance(said[1], int):
        return said[0], said[1], str(said[2])
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    if frame is None:
        return "(unknown file)", 0, "(unknown function)"
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


def _is_ours(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


_sinks: weakref.WeakSet[LoggingSink] = weakref.WeakSet()
_held: list[LoggingSink] = []


def _before_fork() -> None:
    """No handler is at work meanwhile: the lock of a file that it writes would stay held in the child for ever."""
    _held.extend(sink for sink in list(_sinks) if sink.hold())


def _after_in_parent() -> None:
    while _held:
        _held.pop().go_on()


def _after_in_child() -> None:
    """The thread that handed on is not there."""
    _held.clear()
    for sink in list(_sinks):
        sink.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
