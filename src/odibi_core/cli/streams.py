"""stdout and stderr of the command where they are closed, full, or a pipe that has no reader any more."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from odibi_core.cli import exits


class QuietStream(io.TextIOWrapper):
    """A stream of notices: what cannot be written is lost, and nothing fails by it."""

    source: Any = None

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Make both streams usable: before any file is opened, which would get the number of a closed one."""
    closed = [number for number in range(3) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number
    if sys.stdout is None:
        sys.stdout = _of_number(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may hold what the terminal's encoding lacks
    if sys.stderr is None or isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _quiet(sys.stderr or _of_number(2))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _of_number(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _quiet(stream: Any) -> QuietStream:
    made = QuietStream(
        stream.buffer, stream.encoding, "backslashreplace", line_buffering=True, write_through=True
    )
    made.source = stream  # which closes the buffer when it is gone
    return made


def forget_stdout() -> None:
    """Its reader has gone: let nothing that is still written there fail, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # a test's stdout has no number
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def leave_broken_pipe(*_: Any) -> None:
    """End the command as a program that SIGPIPE ended; rich asks this of a broken pipe, too."""
    forget_stdout()
    raise SystemExit(exits.BROKEN_PIPE)
