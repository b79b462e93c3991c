"""From our stream out to the standard library's `logging`: for who has handlers there already.

Handlers run on a thread of ours, in order: one that is slow, or that waits for a lock, holds up nobody who logs, nor
the program's end. Each record has the time, the thread and the caller of the line that it was made of.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.leveled import UNNAMED
from odibi_core.logs.from_logging import FORWARDED, OF_RECORDS, Installed, bringing_in, levelno_of
from odibi_core.process.state import listen, unlisten

__all__ = ["LoggingSink", "forward_to_logging"]

_QUIET: Final = frozenset({kinds.METRIC, kinds.PIPELINE_PLAN, kinds.SNAPSHOT})
"""What only machines read."""
_SAID_ELSEWHERE: Final = frozenset({"timestamp", "level", "message", "traceback"})
_PACKAGE: Final = __name__.partition(".")[0]
_END_WITHIN_S: Final = 2.0
_ONE_RECORD_S: Final = 0.5
"""Of these, at the program's end, for the record that is being handled when the time for the others is over."""

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
        self._lost = 0
        self.begin()
        _sinks.add(self)

    def begin(self) -> None:
        """A thread of its own: at the start, and in the child of a fork."""
        self._queue = WorkerQueue(workers=1, name="odibi-forwarding")
        self._turn = threading.RLock()
        self._counting = threading.RLock()
        self._at_work: int | None = None
        self._hangs = self._given_up = False

    @property
    def dropped(self) -> int:
        """Events that found the queue full, and those that the handlers had no time for at the end."""
        return self._queue.dropped + self._lost

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
        if self._given_up or not self._turn.acquire(timeout=_END_WITHIN_S if self._closed else -1):
            self._give_up()
            return
        self._at_work = threading.get_ident()
        _handing_on.now = True
        try:
            record = _record_of(event, self._name, caller)
            record.thread, record.threadName = thread, thread_name
            logger.handle(record)
        finally:
            _handing_on.now = self._hangs = False
            self._turn.release()

    def _give_up(self) -> None:
        """One event is not handed on, and none that comes after it."""
        with self._counting:
            self._given_up = True
            self._lost += 1

    def hold(self) -> bool:
        """No handler runs until `go_on`; False when one does not end in time: it is not waited for a second time."""
        held = self._turn.acquire(timeout=0 if self._hangs else _END_WITHIN_S)
        self._hangs = not held
        return held

    def go_on(self) -> None:
        """After a `hold` that was."""
        self._turn.release()

    def close(self, within: float = _END_WITHIN_S) -> bool:
        """Hand on what waits, for two seconds at most; what comes later is handed on by who says it.

        False when the time was too short: what waits still is handed on for as long as the program lives.
        """
        self._closed = True
        return self._queue.close(within)

    def finish(self) -> None:
        """At the program's end: `close`, drop what waits still, and let go of the handlers that do not come back."""
        if self.close(_END_WITHIN_S - _ONE_RECORD_S):
            return
        self._given_up = True
        if self._turn.acquire(timeout=_ONE_RECORD_S):
            self._turn.release()  # they are only slow
            return
        for handler in _handlers_in(self._at_work):
            # `logging.shutdown`, which runs after this, would wait for the lock that is held in there for ever.
            vars(handler).update(dict.fromkeys(("acquire", "flush", "close", "release"), _nothing))


def forward_to_logging(logger_name: str = "odibi", level: int | str | LogLevel = "debug") -> Installed:
    """Hand all that this process says, from `level` up, to the handlers of a standard logger.

    That logger's own level counts too, as ever in `logging`; its name stands on records of no component. What is
    returned ends it, when all was handed on: `restore()`, or `with`. That, and the program's exit, waits for handlers
    for two seconds at most.
    """
    sink = LoggingSink(logger_name, level)
    undo = ExitStack()
    undo.callback(_end, sink)
    undo.callback(unlisten, sink)
    listen(sink, name="forwarding")
    atexit.register(sink.finish)
    return Installed(undo)


def _end(sink: LoggingSink) -> None:
    if sink.close():
        atexit.unregister(sink.finish)  # else a handler is at work yet, and may be when the program ends


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


def _handlers_in(thread: int | None) -> Iterator[logging.Handler]:
    """Those that a thread is in, the innermost first: a handler may hold the lock of another that it hands on to."""
    frame = sys._current_frames().get(thread or 0)
    while frame is not None:
        arguments = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        owner: Any = frame.f_locals.get(arguments[0]) if arguments else None
        if issubclass(type(owner), logging.Handler):
            yield owner
        frame = frame.f_back


def _nothing(*_: object) -> None:
    """In place of what would wait for ever."""


def _is_ours(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


_sinks: weakref.WeakSet[LoggingSink] = weakref.WeakSet()
_held: list[LoggingSink] = []


def _before_fork() -> None:
    """No handler is at work meanwhile: the lock of a file that it writes would stay held in the child for ever."""
    _held.extend(sink for sink in list(_sinks) if sink.hold())


def _after_fork() -> None:
    while _held:
        _held.pop().go_on()


def _in_child() -> None:
    """The thread that handed on is not there."""
    _held.clear()
    for sink in list(_sinks):
        sink.begin()


_fork.around(_before_fork, _after_fork)
_fork.in_child(_in_child)
