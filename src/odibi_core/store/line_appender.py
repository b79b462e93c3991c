"""The common part of the stores that append lines to a file: the journal and the log file."""

from __future__ import annotations

import errno
import os
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from odibi_core import _fork
from odibi_core.errors import STOPS
from odibi_core.events import Event
from odibi_core.store.drop_counter import DropCounter
from odibi_core.store.shorten import MAX_LINE, shortened_line

CHECK_EVERY: Final = timedelta(seconds=1)
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LineAppender(ABC):
    """A sink that appends each event as one line, with one `write` a block, and never raises.

    A line that cannot be written is counted by its reason. A line that broke off is ended before the next one begins.
    Once a second of the events' time, the path is compared with the open file, because a write to a deleted file
    succeeds without effect.
    """

    path: Path
    """The file that is being written."""

    def __init__(
        self, path: Path, to_line: Callable[[Event], bytes], what: str, *, limit: int = -1, is_synced: bool = False
    ) -> None:
        self.path = path
        self._to_line = to_line
        self._is_synced = is_synced
        self._limit = limit
        self._fd = -1
        self._size = 0
        self._torn = False
        self._identity = (0, 0)
        self._checked = self._check_due = NEVER
        self._reset(what)
        _fork.in_child(self._after_fork)

    def _reset(self, what: str) -> None:
        """Begin to count as a process that has written nothing: at construction, and in a forked child."""
        # Reentrant: a signal handler or a `__del__` may log in the thread that holds it (deadlock).
        self._lock = threading.RLock()
        self._drops = DropCounter(what)
        self.accepted = self.written = 0

    def __call__(self, event: Event) -> None:
        """Keep an event. Never raises."""
        try:
            line = self._to_line(event)
            if len(line) > MAX_LINE:
                line = shortened_line(self._to_line, event, MAX_LINE)
        except STOPS:
            raise
        except BaseException as error:
            with self._lock:
                self.accepted += 1
                self._drops.add_error(1, error)
            return
        with self._lock:
            self.accepted += 1
            self._keep(line, event)

    def _keep(self, line: bytes, event: Event) -> None:
        """Write a line, hold it back, or drop it; called under the lock."""
        self._write(line, 1, event.timestamp)

    @abstractmethod
    def _prepare(self, size: int, now: datetime) -> None:
        """Open or check the file before a block of this size. May raise.

        Called under the lock: for a closed file, once a second, and for a block that exceeds `_limit`.
        """

    def _write(self, block: bytes, lines: int, now: datetime) -> None:
        """Write whole lines, and count those that are written and those that are dropped."""
        done = 0
        torn = self._torn
        try:
            if self._size + len(block) > self._limit or not self._checked <= now < self._check_due:
                self._prepare(len(block), now)
                torn = self._torn
            if torn:
                block = b"\n" + block
            done = os.write(self._fd, block)
            while done < len(block):  # a short write raises nothing
                done += os.write(self._fd, block[done:]) or _refuse()
            if self._is_synced:
                os.fsync(self._fd)
            self._size += done
            if torn:
                self._torn = False
            self.written += lines
        except BaseException as error:
            self._size += done
            # After an error of fsync no line counts: none of them is known to be on the disk.
            whole = 0 if done == len(block) else block.count(b"\n", 0, done) - (torn and done > 0)
            if done:
                self._torn = block[done - 1 : done] != b"\n"
            self.written += whole
            self._drops.add_error(lines - whole, error)
            if isinstance(error, STOPS):
                raise

    def _is_moved(self, now: datetime) -> bool:
        """Return whether the path no longer leads to the open file; the next check is due in a second."""
        self._checked, self._check_due = now, now + CHECK_EVERY
        identity = self._identity
        try:
            found = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            moved = True
        except OSError:
            return False  # the folder cannot be searched, which proves nothing about the file
        else:
            moved = (found.st_dev, found.st_ino) != identity
        # A signal handler may have logged meanwhile, and begun another file.
        return moved and identity == self._identity and self._fd >= 0

    def _use(self, fd: int) -> None:
        """Write to a newly opened descriptor from now on."""
        self._fd, self._size, self._torn = fd, 0, False
        self._check_due = NEVER
        found = os.fstat(fd)
        self._identity = found.st_dev, found.st_ino

    def _close_descriptor(self) -> None:
        fd, self._fd = self._fd, -1
        self._check_due = NEVER
        if fd >= 0:
            with suppress(OSError):  # the descriptor is gone in any case, and every line was written before
                os.close(fd)

    @property
    def dropped(self) -> Counter[str]:
        """The number of lost events, by reason."""
        return self._drops.by_reason

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close_descriptor()

    def __del__(self) -> None:
        """Close a store that was dropped open: no descriptor stays, and no buffered event is lost."""
        with suppress(Exception):  # the constructor may have raised, or the interpreter may be ending
            self.close()

    @abstractmethod
    def _after_fork(self) -> None:
        """Replace the locks and counters in a forked child."""


def _refuse() -> int:
    raise OSError(errno.EIO, "the system wrote nothing, and gave no reason")
