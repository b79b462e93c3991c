"""stdout and stderr of the command if they are closed, full, or a pipe without a reader."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from odibi_core.cli import exits


class QuietStream(io.TextIOWrapper):
    """A stream of notices that drops a text that cannot be written."""

    source: Any = None

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Make both streams usable. Call it before any file is opened: a file would get the number of a closed stream."""
    closed = [number for number in range(3) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # open() returns the lowest free number
    if sys.stdout is None:
        sys.stdout = _of_number(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may have characters that the encoding lacks
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
    made = QuietStream(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True, write_through=True)
    made.source = stream  # reference kept: its finalizer would close the buffer
    return made


def forget_stdout() -> None:
    """Redirect stdout to nothing after its reader has closed it, so that no later write fails, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # a test's stdout has no number
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def leave_broken_pipe(*_: Any) -> None:
    """Exit with the code of SIGPIPE; also the handler of a broken pipe in rich."""
    forget_stdout()
    raise SystemExit(exits.BROKEN_PIPE)
