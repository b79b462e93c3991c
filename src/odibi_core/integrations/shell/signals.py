"""`Signals`: the signals that this process gets, for the command that it runs.

They are blocked in every thread, and one thread waits for them: so none is lost before the command begins, and the
thread learns that the terminal sent one, which the command got too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Thread
from typing import Any, Final

_FORWARDED: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
STOPS: Final = frozenset({"SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"})
"""The signals that ask a command to end."""


class Signals:
    """Blocks signals from here on, before any other thread begins; `follow` begins to handle them.

    A signal that is ignored, as by `nohup`, stays so, also for the command.
    """

    def __init__(self) -> None:
        named = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
        self._numbers = {number for number in named if signal.getsignal(number) is not signal.SIG_IGN}
        self.mask: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        """The mask of before, which is that of the command."""

    def follow(self, handle: Callable[[signal.Signals, bool], object]) -> None:
        """Call `handle` with each signal, in a thread; its second argument is True if the command has got it too."""
        Thread(target=self._follow, args=(handle,), name="odibi-exec-signals", daemon=True).start()

    def _follow(self, handle: Callable[[signal.Signals, bool], object]) -> None:
        while True:
            number, of_terminal = _next(self._numbers)
            handle(signal.Signals(number), of_terminal)


def _next(numbers: set[Any]) -> tuple[int, bool]:
    """Return the next signal, and whether the terminal sent it, to all processes of the group."""
    if hasattr(signal, "sigwaitinfo"):
        found = signal.sigwaitinfo(numbers)
        return found.si_signo, found.si_code > 0  # of the kernel, and not of a process
    number = signal.sigwait(numbers)
    return number, number in (signal.SIGINT, signal.SIGQUIT) and _is_in_foreground()


def _is_in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
