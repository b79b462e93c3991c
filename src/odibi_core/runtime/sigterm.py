"""SIGTERM and SIGHUP, where the program has no handler of its own: one call before they end the process as always."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a program to end."""
_calls: Final[list[tuple[Callable[[int], object], float]]] = []
_restores: Final[list[Callable[[], object]]] = []
_forking = threading.local()


def before_stop_signal(call: Callable[[int], object], within_s: float) -> None:
    """Call `call(number)` first, for at most so long; only in the main thread, and not for a signal that is ignored or
    has another handler.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _stopped)
        _calls[:] = [(call, within_s)]


def restore_in_child(restore: Callable[[], object]) -> None:
    """Call `restore()` in each forked child before it hears any signal."""
    _restores.append(restore)


def _stopped(number: int, frame: FrameType | None) -> None:
    for call, within_s in _calls:
        # On another thread: the main one may hold a lock here that the call waits for, and then it waits in vain.
        thread = threading.Thread(target=call, args=(number,), name="odibi-stop-signal", daemon=True)
        with suppress(
            RuntimeError
        ):  # the interpreter is ending, and starts no thread any more: so is the record
            thread.start()
            thread.join(within_s)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _before_fork() -> None:
    """Python forgets a signal that a child gets before it knows that it is one: such a one waits until then."""
    handled = {number for number in (*SIGNALS, signal.SIGINT) if callable(signal.getsignal(number))}
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, handled) if handled else None


def _after_fork() -> None:
    mask: Any = getattr(_forking, "mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    """A child dies at once, as it would have: the call is its parent's affair."""
    _calls.clear()
    for number in SIGNALS:
        if signal.getsignal(number) is _stopped:
            signal.signal(number, signal.SIG_DFL)
    for restore in _restores:
        restore()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
