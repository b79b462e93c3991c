"""The keys of a terminal, read one by one while a screen is drawn."""

from __future__ import annotations

import os
import select
import sys
from types import TracebackType
from typing import Any, Final, Self

from odibi_core.events.clock import sleep

UP: Final = "up"
DOWN: Final = "down"
ENTER: Final = "enter"
BACK: Final = "back"
_SEQUENCES: Final = {
    b"\x1b[A": UP, b"\x1bOA": UP, b"k": UP, b"\x1b[B": DOWN, b"\x1bOB": DOWN, b"j": DOWN, b"\r": ENTER, b"\n": ENTER,
    b"\x1b": BACK, b"\x7f": BACK, b"\x1b[D": BACK, b"\x1bOD": BACK, b"\x1b[C": ENTER, b"\x1bOC": ENTER,
}  # fmt: skip
_LONGEST: Final = 64


class Keyboard:
    """The keys of stdin, without waiting for the end of a line; the terminal is as before after the block.

    Without a terminal, or on a system without POSIX, there are no keys: `read` waits.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        try:
            import termios
            import tty

            descriptor = sys.stdin.fileno()
            self._before = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor)
            self._descriptor = descriptor
        except Exception:  # no POSIX, no terminal, or a closed stdin; `termios.error` is no OSError
            self._descriptor = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            import termios

            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    @property
    def has_keys(self) -> bool:
        """True if keys can be read."""
        return self._descriptor is not None

    def read(self, within_s: float) -> str | None:
        """Return the next key: `up`, `down`, `enter`, `back`, or its character; None if there is none in time."""
        if self._descriptor is None:
            sleep(within_s)
            return None
        ready, _, _ = select.select([self._descriptor], [], [], within_s)
        if not ready:
            return None
        typed = os.read(self._descriptor, _LONGEST)
        if not typed:  # the terminal was closed
            self._descriptor = None
            return "q"
        return key_of(typed)


def key_of(typed: bytes) -> str:
    """Return the key of the bytes that a terminal sends for it; of several typed at once, the first."""
    known = max((sequence for sequence in _SEQUENCES if typed.startswith(sequence)), key=len, default=None)
    if known is None:
        return typed[:1].decode("ascii", "replace")
    if known == b"\x1b" and len(typed) > 1:
        return ""  # a key that has no use here
    return _SEQUENCES[known]
