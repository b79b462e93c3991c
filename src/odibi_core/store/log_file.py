"""The log file: one file of JSON Lines that any number of processes append to (`LOG_FILE`).

odibi-core never rotates it, because a process does not know what the others still write. After a rotation by another
program (logrotate), each writer continues within a second in a new file of the same name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, encode
from odibi_core.events.inert import inert_lines
from odibi_core.events.paths import absolute_path
from odibi_core.store.line_appender import LineAppender
from odibi_core.store.segments import ReadErrors, read_events

_CHECKS: Final = 50
_FLAGS: Final = os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
_MAY_EXIST: Final = os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""`O_CREAT` also for a file that existed a moment ago: it may be rotated away before it is opened."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_ELSEWHERE: Final = "set LOG_FILE to a file in a folder of this program's own"


class LogFile(LineAppender):
    """Events appended to exactly this file, which is created, with its folders, for the first event.

    Never raises. While the file cannot be opened, each event tries again. A half line that a killed process left is
    ended before the next line.

    Args:
        path: The file, a pipe or a device such as `/dev/stdout`.
        to_line: Encodes an event. Only lines of the default format can be read back.
    """

    def __init__(self, path: str | Path, to_line: Callable[[Event], bytes] = encode) -> None:
        path = absolute_path(path)
        self._is_readable = to_line is encode
        self._is_regular = False
        super().__init__(path, inert_lines(to_line), f"line(s) for {path}")

    def _prepare(self, size: int, now: datetime) -> None:
        if not self._checked <= now < self._check_due and self._is_moved(now):
            self._close_descriptor()
        if self._fd < 0:
            self._open()
        if self._is_regular and not self._torn:
            self._torn = self._ends_torn()

    def _open(self) -> None:
        _refuse_shared_link(self.path)
        private_files.make_folder(self.path.parent)
        # A pipe is opened to write only: a program that is its own reader waits for itself when the pipe is full.
        self._is_regular = _is_regular(self.path)
        self._use(_opened(self.path, os.O_RDWR if self._is_regular else os.O_WRONLY))
        # Only opening must not wait for the reader of a pipe; writing waits, as the output of any program.
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(self._fd, True)

    def _ends_torn(self) -> bool:
        """Return true if the last line has no end, and gets none meanwhile from a process that is writing it.

        If that process takes longer, the added line end makes an empty line, which readers skip.
        """
        for _ in range(_CHECKS):
            size = os.fstat(self._fd).st_size
            if size == 0 or os.pread(self._fd, 1, size - 1) in (b"\n", b""):
                return False
        return True

    def read(self, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Return the events that any process has written to the present file.

        Raises:
            ConfigurationError: The lines are in the format of another system.
        """
        if not self._is_readable:
            raise ConfigurationError(
                f"{self.path} holds lines for another system and cannot be read back; "
                "set LOG_PRESET=odibi to write lines that odibi reads"
            )
        return read_events([self.path] if self.path.exists() else [], read_errors)

    def _after_fork(self) -> None:
        """Keep the shared descriptor, which appending allows, but not a lock that another thread held."""
        self._reset(f"line(s) for {self.path}")


def _is_regular(path: Path) -> bool:
    """Return true for a regular file that may be read, and for a file that is not there yet."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.R_OK)
    except FileNotFoundError:
        return True


def _refuse_shared_link(path: Path) -> None:
    """Raise `OSError` if the path has a link in a folder to which every user may write."""
    if link := private_files.shared_link(path):
        raise OSError(
            errno.ELOOP, f"{link} is a symbolic link in {link.parent}, to which every user may write; {_ELSEWHERE}"
        )


def _opened(path: Path, mode: int) -> int:
    """Return a descriptor of the log file.

    Raises:
        OSError: The file may belong to another user, or lead to another file.
    """
    try:
        return private_files.create(path, _FLAGS | mode)
    except FileExistsError:
        pass
    shared = private_files.is_shared(path.parent)
    flags = _FLAGS | _MAY_EXIST | mode | (_NO_LINK if shared else 0)
    descriptor = private_files.above_standard(os.open(path, flags, 0o600))
    if shared and not _is_own(os.fstat(descriptor)):
        os.close(descriptor)
        raise OSError(
            errno.EPERM, f"it has a second name or another owner, and every user may write to its folder; {_ELSEWHERE}"
        )
    return descriptor


def _is_own(found: os.stat_result) -> bool:
    """Return true for a file of this user without a second name: a hard link may lead to any file."""
    return found.st_nlink == 1 and private_files.is_own(found)
