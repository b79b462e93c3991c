"""Handling of Ctrl-C, SIGTERM and SIGHUP during a run: its record is closed as cancelled within five seconds.

The signal handler raises in the main thread, and the orchestrator ends the record. A second thread, which the signal
wakes too, repeats the signal until the handler runs: a system call that begins in the moment of the signal is not
interrupted by it. The handler cannot raise inside compiled code; then the second thread ends the record.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Flag
from threading import Lock, Thread, current_thread, get_ident, main_thread
from types import FrameType
from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.runtime.sigterm import SIGNALS, SignalHandlers, Stopped

_WAITS_S: Final = (0.1, 0.4, 0.5, 1.0, 2.0)
"""Seconds between the repetitions of a signal whose handler has not run."""
GRACE_S: Final = sum(_WAITS_S)
"""Seconds that the main thread has to close the record; the promise is five seconds."""
_SIGNALS: Final = (signal.SIGINT, *SIGNALS)


class Interruption(AbstractContextManager["Interruption"]):
    """A context manager in which the first signal raises `Stopped` and further signals are ignored.

    `give_up(number)` is called from another thread if the block does not end in time. If it returns, the main thread is
    closing the record, and has the same time again before the process exits. Outside of the main thread this does
    nothing. It is a sink too: if a library swallowed `Stopped`, the next event of the step raises it again.
    """

    def __init__(self, give_up: Callable[[int], object]) -> None:
        self._give_up = give_up
        self._received: int | None = None
        self._installed = Lock()  # a signal is not repeated once its handler is removed (it would end the process)
        self._over = Flag()
        self._handlers: SignalHandlers | None = None

    def __enter__(self) -> Interruption:
        if current_thread() is main_thread():
            self._main = get_ident()
            self._reader, self._writer = os.pipe()
            if hasattr(os, "set_blocking"):  # Windows has it from Python 3.12 on, and does not need it
                os.set_blocking(self._writer, False)
            # nohup and `&` leave a signal ignored
            numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._handlers = SignalHandlers(self._raise, numbers, self._writer)
            Thread(target=self._watch, name="odibi-signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._installed:
            self._over.set()
            if self._handlers is not None:
                self._handlers.restore()
                os.close(self._writer)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self._received is None:
            self._received = number
            raise Stopped(number)

    def __call__(self, event: Event) -> None:
        if self._received is not None and event.event_type in kinds.NODE_EDGES and current_thread() is main_thread():
            raise Stopped(self._received)

    def _watch(self) -> None:
        woken = os.read(self._reader, 1)
        while woken and woken[0] not in _SIGNALS:
            woken = os.read(self._reader, 1)
        if woken and not self._ends(woken[0]):
            self._give_up(woken[0])
            if not self._over.wait(GRACE_S):
                os._exit(128 + woken[0])
        self._over.wait()  # the next signal is written to it too: not closed before
        os.close(self._reader)

    def _ends(self, number: int) -> bool:
        """Return whether the block ends in time; repeat the signal until its handler has run."""
        for seconds in _WAITS_S:
            if self._over.wait(seconds):
                return True
            with self._installed:
                if self._received is None and not self._over.is_set():
                    signal.pthread_kill(self._main, number)
        return self._over.is_set()
