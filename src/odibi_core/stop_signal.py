"""SIGTERM, where nobody in the program obeys it: one call before it ends the process as it always does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

_MINE: Final = {signal.SIGTERM}
_calls: Final[list[tuple[Callable[[], object], float]]] = []
_forking = threading.local()


def before_sigterm(call: Callable[[], object], within_s: float) -> None:
    """Have `call()` run first, for at most so long; only in the main thread, and where SIGTERM has no other handler."""
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminated)
        _calls[:] = [(call, within_s)]


def _terminated(number: int, frame: FrameType | None) -> None:
    for call, within_s in _calls:
        # On another thread: the main one may hold a lock here that the call waits for, and then it waits in vain.
        thread = threading.Thread(target=call, name="odibi-sigterm", daemon=True)
        with suppress(
            RuntimeError
        ):  # the interpreter is ending, and starts no thread any more: so is the record
            thread.start()
            thread.join(within_s)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _before_fork() -> None:
    """Python forgets a signal that a child gets before it knows that it is one: such a one waits until then."""
    ours = signal.getsignal(signal.SIGTERM) is _terminated
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _MINE) if ours else None


def _after_fork() -> None:
    mask: Any = getattr(_forking, "mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    """A child dies at once, as it would have: the call is its parent's affair."""
    _calls.clear()
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
