"""One file of JSON Lines that any number of processes append to: what `LOG_FILE` names.

It is never rotated from here: no process could know what the others still write. Whoever rotates it (logrotate, an
operator) renames or removes it, and within a second every writer goes on in a new one of the same name.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events import Event, encode
from odibi_core.events.inert import inert_lines
from odibi_core.events.paths import absolute_path
from odibi_core.store.drop_counter import DropCounter
from odibi_core.store.journal import MAX_LINE
from odibi_core.store.segments import ReadErrors, read_events
from odibi_core.store.shorten import fitting

_LOOK_EVERY: Final = timedelta(seconds=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOKS: Final = 50
_FLAGS: Final = os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
_THERE: Final = os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
"""Also where a file was there just now: it may be rotated away before it is opened."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_ELSEWHERE: Final = "set LOG_FILE to a file in a folder of this program's own"


class LogFile:
    """Appends each event to exactly this file, made with its folders when the first event comes; one `write` a line.

    Never raises: what cannot be kept is counted in `dropped` by its reason, with at most one notice a minute on
    stderr, and each second it is tried again. A half line of a process that was killed is ended before ours begins.
    `to_line` writes lines for another system's reader; ours reads its own only.
    """

    def __init__(self, path: str | Path, to_line: Callable[[Event], bytes] = encode) -> None:
        self.path = absolute_path(path)
        self.written = 0
        self._ours = to_line is encode
        self._to_line = fitting(inert_lines(to_line), MAX_LINE)
        self._drops = DropCounter(f"line(s) for {self.path}")
        self._fd = -1
        self._regular = False
        self._looked = _LONG_AGO
        self._lock = threading.RLock()
        _files.add(self)

    def __call__(self, event: Event) -> None:
        """Keep an event. Never raises."""
        try:
            line = self._to_line(event)
            with self._lock:
                self._append(line, event.timestamp)
            self.written += 1
        except OSError as error:
            self._drops.add(
                1, errno.errorcode.get(error.errno or 0, "OSError"), error.strerror or str(error)
            )
        except STOPS:
            raise
        except BaseException as error:
            self._drops.add(1, type(error).__name__, str(error))

    def _append(self, line: bytes, now: datetime) -> None:
        if self._fd < 0 or not (self._looked <= now < self._looked + _LOOK_EVERY):
            self._looked = now
            self._look()
        if self._regular and self._ends_torn():
            line = b"\n" + line
        done = 0
        while done < len(line):  # a short write raises nothing: it is finished, or the next line seals it
            done += os.write(self._fd, line[done:])

    def _look(self) -> None:
        """Have the descriptor be of the file that has our name now."""
        if self._fd >= 0:
            ours = os.fstat(self._fd)
            try:
                there = os.stat(self.path)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return
            except FileNotFoundError:
                pass
            self._close()
        self._open()

    def _open(self) -> None:
        _refuse_shared_link(self.path)
        private_files.make_folder(self.path.parent)
        # A program that opens a pipe to read as well is its reader, and would wait for itself when it is full.
        self._regular = _is_regular(self.path)
        self._fd = _opened(self.path, os.O_RDWR if self._regular else os.O_WRONLY)
        # Opening did not wait for the reader of a pipe; writing does, as any program's output.
        os.set_blocking(self._fd, True)

    def _ends_torn(self) -> bool:
        """Whether the file's last line has no end, and gets none while we look: another may be writing it just now.

        Where that one takes longer, the end that we write is an empty line, which readers pass over.
        """
        for _ in range(_LOOKS):
            size = os.fstat(self._fd).st_size
            if size == 0 or os.pread(self._fd, 1, size - 1) in (b"\n", b""):
                return False
        return True

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    @property
    def dropped(self) -> Counter[str]:
        """How many events were lost, by reason."""
        return self._drops.by_reason

    def read(self, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Everything that any process kept in the file as it is now.

        Raises `ConfigurationError` when we write it in another system's format, which is not read back.
        """
        if not self._ours:
            raise ConfigurationError(
                f"{self.path} holds lines for another system, which reads them; "
                "what odibi shall read itself is written with LOG_PRESET=odibi"
            )
        return read_events([self.path] if self.path.exists() else [], read_errors)

    def close(self) -> None:
        """Let the file go; an event that comes later opens it again."""
        with self._lock:
            self._close()

    def __del__(self) -> None:
        """Close the descriptor of a file that was dropped open."""
        with suppress(Exception):  # the constructor may have raised, or the interpreter may be ending
            self.close()


def _is_regular(path: Path) -> bool:
    """Whether it is, or would be made as, a file that we may read."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.R_OK)
    except FileNotFoundError:
        return True


def _refuse_shared_link(path: Path) -> None:
    """Raise `OSError` if a link leads to the log file that any user may have put there."""
    if link := private_files.shared_link(path):
        raise OSError(
            errno.ELOOP, f"{link} is a symbolic link in {link.parent}, to which every user may write; {_ELSEWHERE}"
        )


def _opened(path: Path, mode: int) -> int:
    """Return a descriptor of the log file. Raises `OSError` if it may be another user's file, or lead to one."""
    try:
        return private_files.create(path, _FLAGS | mode)
    except FileExistsError:
        pass
    shared = private_files.is_shared(path.parent)
    flags = _FLAGS | _THERE | mode | (_NO_LINK if shared else 0)
    descriptor = private_files.above_standard(os.open(path, flags, 0o600))
    if shared and not _is_own(os.fstat(descriptor)):
        os.close(descriptor)
        raise OSError(
            errno.EPERM, f"it has a second name or another owner, and every user may write to its folder; {_ELSEWHERE}"
        )
    return descriptor


def _is_own(found: os.stat_result) -> bool:
    """Return true for a file of this user's that has no other name: a hard link may lead to any file."""
    return found.st_nlink == 1 and found.st_uid == os.geteuid()


_files: weakref.WeakSet[LogFile] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: the descriptor is shared, which appending allows; a lock that another thread held is not."""
    for file in _files:
        file._lock = threading.RLock()
        file.written = 0
        file._drops = DropCounter(f"line(s) for {file.path}")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
