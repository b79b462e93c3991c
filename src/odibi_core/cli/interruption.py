"""Ctrl-C, SIGTERM and SIGHUP while a pipeline runs: the record is closed as cancelled, within five seconds in any case.

The main thread is made to raise, as Ctrl-C does by itself, so that the orchestrator ends the record. It cannot raise
while it is inside a library's compiled code; then a second thread, which the signal wakes too, ends it instead.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Flag
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.runtime.sigterm import SIGNALS, SignalHandlers, Stopped

GRACE_S: Final = 4.0
"""How long the main thread has for closing the record, of the five seconds that are promised."""
_SIGNALS: Final = (signal.SIGINT, *SIGNALS)
_OF_STEPS: Final = frozenset({kinds.NODE_START, kinds.NODE_COMPLETE, kinds.NODE_FAILED})


class Interruption(AbstractContextManager["Interruption"]):
    """Inside the block the first signal raises `Stopped`, further ones are ignored, and `give_up(number)` is called
    from another thread when the block is not left in time. Outside the main thread it does nothing.

    It is a sink as well: a library may have made an error of its own out of what was raised, or swallowed it, and then
    the step's next event raises it again.
    """

    def __init__(self, give_up: Callable[[int], object]) -> None:
        self._give_up = give_up
        self._heard: int | None = None
        self._over = Flag()
        self._handlers: SignalHandlers | None = None

    def __enter__(self) -> Interruption:
        if current_thread() is main_thread():
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            # nohup and `&` leave a signal ignored.
            numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._handlers = SignalHandlers(self._raise, numbers, self._writer)
            Thread(target=self._watch, name="odibi-signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._handlers is not None:
            self._handlers.restore()
            os.close(self._writer)
        self._over.set()

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self._heard is None:
            self._heard = number
            raise Stopped(number)

    def __call__(self, event: Event) -> None:
        if self._heard is not None and event.event_type in _OF_STEPS and current_thread() is main_thread():
            raise Stopped(self._heard)

    def _watch(self) -> None:
        woken = os.read(self._reader, 1)
        while woken and woken[0] not in _SIGNALS:
            woken = os.read(self._reader, 1)
        if woken and not self._over.wait(GRACE_S):
            self._give_up(woken[0])
        self._over.wait()  # the next signal is written there too, so it is not closed before
        os.close(self._reader)
