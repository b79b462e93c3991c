"""Pseudo-terminals that are like a terminal of this process."""

from __future__ import annotations

import os
from contextlib import suppress


def open_like(number: int) -> tuple[int, int]:
    """Open a pseudo-terminal that changes no byte, of the size of a terminal; return its two ends."""
    import tty  # here: systems without terminals import this module too

    ours, end = os.openpty()
    tty.setraw(end)  # the real terminal behind it makes the ends of lines
    resize(ours, number)
    return ours, end


def resize(ours: int, number: int) -> None:
    """Give a pseudo-terminal the size of a terminal."""
    import fcntl
    import termios

    with suppress(OSError):
        fcntl.ioctl(ours, termios.TIOCSWINSZ, fcntl.ioctl(number, termios.TIOCGWINSZ, b"\0" * 8))
