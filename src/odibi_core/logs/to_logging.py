"""Forwarding of events to the standard library's `logging`, for programs that have handlers there.

Handlers run on one worker thread, in order. A handler that is slow or waits for a lock delays neither the thread that
logs nor the end of the program. Each record has the time, the thread and the caller of its line.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import traceback
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.kinds import SEVERITY, LogLevel
from odibi_core.events.leveled import UNNAMED
from odibi_core.logs.from_logging import FORWARDED, RECORD_ATTRIBUTES, Installed, is_capturing, levelno_of
from odibi_core.process.state import listen, unlisten

__all__ = ["LoggingSink", "forward_to_logging"]

_OWN_ATTRIBUTES: Final = frozenset({"timestamp", "level", "message", "traceback"})
_PACKAGE: Final = __name__.partition(".")[0]
_END_WITHIN_S: Final = 2.0
_LAST_RECORD_S: Final = 0.5
"""The part of these seconds that the record in a handler has, when the time of the others is over."""

_forwarding = threading.local()


class LoggingSink:
    """A sink that gives each event from `level` up to the handlers of a standard logger, as a `LogRecord`.

    `event_type` and the fields are attributes of the record (`extra`), with a `_` behind a name that records have
    themselves. The traceback is its `exc_text`. A record that came from `logging` is not sent back.
    """

    def __init__(self, logger_name: str = "odibi", level: int | str | LogLevel = "debug") -> None:
        self._name = logger_name
        self._rank = levelno_of(level)
        self._closed = False
        self._lost = 0
        self.reset()
        _sinks.add(self)

    def reset(self) -> None:
        """Begin with a thread of its own: at the start, and in a forked child."""
        self._queue = WorkerQueue(workers=1, name="odibi-forwarding")
        self._handling = threading.RLock()
        self._counting = threading.RLock()
        self._worker: int | None = None
        self._hangs = self._given_up = False

    @property
    def dropped(self) -> int:
        """Number of events that found the queue full, or that the handlers had no time for at the end."""
        return self._queue.dropped + self._lost

    def __call__(self, event: Event) -> None:
        if SEVERITY.get(event.level, 20) < self._rank or event.event_type in kinds.FOR_MACHINES:
            return
        if getattr(_forwarding, "now", False) or (event.event_type == UNNAMED and is_capturing()):
            return
        thread = threading.current_thread()
        arguments = (event, _caller(event), thread.ident, thread.name)
        if self._closed:
            self._forward(*arguments)
        else:
            self._queue.put(self._forward, *arguments)

    def _forward(self, event: Event, caller: tuple[str, int, str], thread: int | None, thread_name: str) -> None:
        logger = logging.getLogger(self._name)
        if not logger.isEnabledFor(SEVERITY.get(event.level, 20)):
            return
        if self._given_up or not self._handling.acquire(timeout=_END_WITHIN_S if self._closed else -1):
            with self._counting:
                self._given_up = True
                self._lost += 1
            return
        self._worker = threading.get_ident()
        _forwarding.now = True
        try:
            record = _record_of(event, self._name, caller)
            record.thread, record.threadName = thread, thread_name
            logger.handle(record)
        finally:
            _forwarding.now = self._hangs = False
            self._handling.release()

    def pause(self) -> bool:
        """Wait for the running handler and run no other until `resume`; return False if it does not end in time.

        A handler that hangs is not waited for a second time.
        """
        paused = self._handling.acquire(timeout=0 if self._hangs else _END_WITHIN_S)
        self._hangs = not paused
        return paused

    def resume(self) -> None:
        """Run handlers again, after a `pause` that returned True."""
        self._handling.release()

    def close(self, within: float = _END_WITHIN_S) -> bool:
        """Forward the waiting events, for two seconds at most; later events are forwarded in their own thread.

        Return False if the time was too short. The rest is forwarded as long as the program lives.
        """
        self._closed = True
        return self._queue.close(within)

    def finish(self) -> None:
        """Close at the end of the program: drop the events that still wait, and leave handlers that hang behind."""
        if self.close(_END_WITHIN_S - _LAST_RECORD_S):
            return
        self._given_up = True
        if self._handling.acquire(timeout=_LAST_RECORD_S):
            self._handling.release()  # they are only slow
            return
        for handler in _handlers_in(self._worker):
            # Exit: `logging.shutdown` runs after this and would wait forever for the lock of this handler. It offers
            # no way to leave a handler out.
            handler.acquire = handler.flush = handler.close = handler.release = _nothing  # type: ignore[method-assign]


def forward_to_logging(logger_name: str = "odibi", level: int | str | LogLevel = "debug") -> Installed:
    """Forward all events of this process to the handlers of a standard logger.

    The end of forwarding, and of the program, waits for the handlers for two seconds at most.

    Args:
        logger_name: Name of the logger, whose own level applies too. Records without a component have this name.
        level: Least level of the events.

    Returns:
        An object that ends forwarding: call it, or use it in `with`.

    Raises:
        ConfigurationError: If the level is unknown.
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
        atexit.unregister(sink.finish)  # otherwise a handler is still running, and may be so at the program's end


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
        if field not in _OWN_ATTRIBUTES:
            while field in RECORD_ATTRIBUTES or field in attributes:
                field += "_"
            attributes[field] = value
    attributes[FORWARDED] = True
    return record


def _caller(event: Event) -> tuple[str, int, str]:
    """Return file, line and function of the caller: as the event has them, or else outside of this library."""
    path, line, function = (event.fields.get(f"code.{name}") for name in ("file.path", "line.number", "function.name"))
    if isinstance(path, str) and isinstance(line, int):
        return path, line, str(function)
    for frame, number in traceback.walk_stack(None):
        if str(frame.f_globals.get("__name__")).partition(".")[0] != _PACKAGE:
            return frame.f_code.co_filename, number, frame.f_code.co_name
    return "(unknown file)", 0, "(unknown function)"


def _handlers_in(thread: int | None) -> Iterator[logging.Handler]:
    """Return the handlers that a thread is in, the innermost first: a handler may forward to another one."""
    for frame, _ in traceback.walk_stack(sys._current_frames().get(thread or 0)):
        owner: Any = frame.f_locals.get("self")
        if issubclass(type(owner), logging.Handler):
            yield owner


def _nothing(*_: object) -> None:
    """Return at once, in place of a method that would wait forever."""


_sinks: weakref.WeakSet[LoggingSink] = weakref.WeakSet()
_paused: list[LoggingSink] = []


def _before_fork() -> None:
    """Fork: a lock that a running handler holds would stay held in the child."""
    _paused.extend(sink for sink in list(_sinks) if sink.pause())


def _after_fork() -> None:
    while _paused:
        _paused.pop().resume()


def _in_child() -> None:
    """Fork: the worker threads of the parent do not exist in the child."""
    _paused.clear()
    for sink in list(_sinks):
        sink.reset()


_fork.around(_before_fork, _after_fork)
_fork.in_child(_in_child)
