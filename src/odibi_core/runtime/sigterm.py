"""SIGTERM and SIGHUP: calls before they end the process, and signal handlers that forked children restore."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType
from typing import Any, Final
from weakref import WeakMethod

from odibi_core import _fork
from odibi_core.delivery.exit_time import END_WITHIN_S

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a program to end."""
STOP_WITHIN_S: Final = END_WITHIN_S
_forking = threading.local()


class Stopped(KeyboardInterrupt):
    """The process was asked to stop by signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class SignalHandlers:
    """A handler of some signals, in place of the earlier ones until `restore()`; a forked child restores them at once.

    `wakeup_fd` gets the number of each signal as well, also while the main thread is in compiled code.
    """

    def __init__(
        self, handler: Callable[[int, FrameType | None], Any], numbers: Iterable[int], wakeup_fd: int | None = None
    ) -> None:
        self._handler = handler
        self._wakeup_before = None if wakeup_fd is None else signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, handler) for number in numbers}
        _installed.append(self)

    def restore(self) -> None:
        """Restore the earlier handlers, except where the program has set another; again does nothing."""
        if self not in _installed:
            return
        _installed.remove(self)
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handler:
                signal.signal(number, before)
        if self._wakeup_before is not None:
            signal.set_wakeup_fd(self._wakeup_before)


_installed: Final[list[SignalHandlers]] = []


class StopCall:
    """A method to call before a signal ends the process, while its object lives; `cancel()` takes it back."""

    def __init__(self, method: Callable[[BaseException], object]) -> None:
        self._method = WeakMethod(method)

    def run(self, reason: BaseException) -> None:
        """Call the method on another thread: the main one may hold a lock that it waits for (deadlock)."""
        method = self._method()
        if method is None:
            return
        thread = threading.Thread(target=method, args=(reason,), name="odibi-stop-signal", daemon=True)
        with suppress(RuntimeError):  # the interpreter is ending and starts no threads; the record ends there
            thread.start()
            thread.join(STOP_WITHIN_S)

    def cancel(self) -> None:
        """Take the call back; with the last one, the default handlers return. A second time does nothing."""
        with suppress(ValueError):
            _calls.remove(self)
        if not _calls and _in_main_thread():
            for each in [each for each in _installed if each._handler is _stop]:
                each.restore()


_calls: Final[list[StopCall]] = []


def before_stop(method: Callable[[BaseException], object]) -> StopCall:
    """Call `method(Stopped(number))` before SIGTERM or SIGHUP ends the process, the latest call first.

    Each call has at most `STOP_WITHIN_S` seconds. A signal that is ignored or has another handler is left alone. Python
    allows new handlers in the main thread only, so in other threads nothing is set.
    """
    added = StopCall(method)
    _calls.append(added)
    if _in_main_thread():
        numbers = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
        if numbers:
            SignalHandlers(_stop, numbers)
    return added


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _stop(number: int, frame: FrameType | None) -> None:
    for each in reversed(_calls.copy()):
        each.run(Stopped(number))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _before_fork() -> None:
    """Block signals until the child has restored its handlers: Python forgets those that it gets earlier."""
    handled = {number for number in (*SIGNALS, signal.SIGINT) if callable(signal.getsignal(number))}
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, handled) if handled else None


def _after_fork() -> None:
    mask: Any = getattr(_forking, "mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    """Restore everything: the calls are those of the parent, so the child ends at once."""
    _calls.clear()
    for each in reversed(_installed.copy()):
        each.restore()


_fork.around(_before_fork, _after_fork)
_fork.in_child(_in_child)
