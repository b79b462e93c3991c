"""The journal: events as lines of JSON in files that are only ever appended to.

One event is one `write` on a descriptor opened with `O_APPEND`: when the call returns the kernel has it, another
process can read it, and `kill -9` cannot lose it. What cannot be written is counted by its reason, and nothing of
it reaches the observed program.
"""

from __future__ import annotations

import atexit
import errno
import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import STOPS, ConfigurationError, StoreError
from odibi_core.events import Event, encode
from odibi_core.events.clock import process_id, utc_now
from odibi_core.events.kinds import severity
from odibi_core.events.paths import absolute_path
from odibi_core.store.drop_counter import DropCounter
from odibi_core.store.segments import (
    ReadErrors,
    all_segments,
    read_events,
    safe_name,
    segment_name,
    segments_of,
    writer_of,
)
from odibi_core.store.shorten import shortened

MAX_LINE: Final = 1 << 20
"""Bytes of one line; a longer one has its longest fields cut."""
_BUFFER: Final = 64 * 1024
_URGENT: Final = severity("error")
_LOOK_EVERY: Final = timedelta(seconds=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS: Final = os.O_WRONLY | os.O_APPEND
DURABILITIES: Final = ("buffered", "written", "synced")


class Journal:
    """Writes events to `directory/stem.jsonl` and, when a segment is full, on to `stem.000002.jsonl` …

    `durability`: `written` (default) survives the process, `synced` the machine too, `buffered` neither, but is the
    fastest; events of level error and above are never buffered. `accepted == written + dropped + waiting` holds
    between any two calls; `dropped` counts by reason.

    Raises `StoreError` when the first segment cannot be made: that is configuration. Nothing raises later.
    """

    def __init__(
        self,
        directory: str | Path,
        stem: str = "events",
        *,
        durability: str = "written",
        max_segment_bytes: int = 64 << 20,
    ) -> None:
        if durability not in DURABILITIES:
            raise ConfigurationError(
                f"durability is one of {', '.join(DURABILITIES)}, given was {durability!r}"
            )
        if max_segment_bytes <= 0:
            raise ConfigurationError(f"a segment needs room: max_segment_bytes was {max_segment_bytes}")
        self.directory = absolute_path(directory)
        self.durability = durability
        self.max_segment_bytes = max_segment_bytes
        self.accepted = self.written = 0
        self.base = self.stem = safe_name(stem, 160)
        self._drops = DropCounter(f"event(s) of {self.base}")
        self._number = 0
        self._fd = -1
        self._path = self.directory / segment_name(self.stem, 1)
        self._closed = False
        self._begin()
        try:
            self._open_next()
        except OSError as error:
            if self.directory.is_absolute():  # else the working directory is gone: events are counted as lost
                raise StoreError(
                    f"the log cannot be written to {self.directory}: {error.strerror or error}; "
                    "give a folder that this program may write to"
                ) from error
        self.base = self.stem
        _journals.add(self)

    def _begin(self) -> None:
        """The state of a process that has written nothing yet: at the start, and in the child of a fork."""
        self._lock = (
            threading.RLock()
        )  # a signal's handler, or a __del__, may log in the thread that holds it
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._size = 0
        self._inode = (0, 0)
        self._written_at_look = 0
        self._looked = self._look_due = _LONG_AGO
        self._smooth_until = _LONG_AGO
        self._torn = False

    def __call__(self, event: Event) -> None:
        """Keep an event. Never raises."""
        try:
            line = encode(event)
            length = len(line)
            if length > MAX_LINE:
                line = encode(shortened(event, MAX_LINE))
        except STOPS:
            raise
        except BaseException as error:
            with self._lock:
                self.accepted += 1
                self._lose(1, type(error).__name__, str(error))
            return
        now = event.timestamp
        with self._lock:
            size = self._size + length
            if not (self._looked <= now < self._smooth_until) or size > self.max_segment_bytes:
                self._keep(line, now, event.level)
                return
            # The same as `_keep` where nothing is out of the ordinary, which is nearly always.
            self.accepted += 1
            try:
                done = os.write(self._fd, line)
                if done == length:
                    self._size = size
                    self.written += 1
                    return
                self.written += self._write_rest(line, done, 1)
            except OSError as error:
                self._lose(1, _reason(error), error.strerror or str(error))
            self._smooth_until = _LONG_AGO

    def _keep(self, line: bytes, now: datetime, level: str) -> None:
        self.accepted += 1
        if self._closed:
            self._lose(1, "closed", "the journal was closed before")
        elif self.durability == "buffered":
            self._buffer.append(line)
            self._buffered += len(line)
            if self._buffered >= _BUFFER or severity(level) >= _URGENT:
                self._flush(now)
        else:
            self._write(line, 1, now)

    def _flush(self, now: datetime) -> None:
        if self._buffer:
            lines, self._buffer, self._buffered = self._buffer, [], 0
            self._write(b"".join(lines), len(lines), now)

    def _write(self, block: bytes, lines: int, now: datetime) -> None:
        """One write of whole lines, in a segment that is there and has room."""
        whole = 0
        try:
            full = self._size and self._size + len(block) > self.max_segment_bytes
            if full or not (self._looked <= now < self._look_due):
                self._look(now)
            if full or self._fd < 0:
                self._open_next()
            if self._torn:
                block = b"\n" + block
            done = os.write(self._fd, block)
            if done == len(block):
                self._torn, whole = False, lines
                self._size += done
            else:
                whole = self._write_rest(block, done, lines)
            if self.durability == "synced" and whole == lines:
                os.fsync(self._fd)
        except OSError as error:
            whole = 0
            self._lose(lines, _reason(error), error.strerror or str(error))
        self.written += whole
        smooth = whole == lines and self.durability == "written" and not self._torn
        self._smooth_until = self._look_due if smooth else _LONG_AGO

    def _write_rest(self, block: bytes, done: int, lines: int) -> int:
        """A short write raises nothing: try the rest. What is whole of it counts; the next line seals a half one."""
        try:
            while done < len(block):
                done += os.write(self._fd, block[done:]) or _refuse()
            return lines
        except OSError as error:
            seal = self._torn and done > 0
            whole = block.count(b"\n", 0, done) - seal
            self._lose(lines - whole, _reason(error), error.strerror or str(error))
            return whole
        finally:
            self._size += done
            self._torn = block[:done][-1:] != b"\n"

    def _look(self, now: datetime) -> None:
        """A write to a file that was deleted succeeds into nothing: look now and then whether ours is still there."""
        self._looked, self._look_due = now, now + _LOOK_EVERY
        if self._fd < 0:
            return
        inode = self._inode
        try:
            found = os.stat(self._path)
            here = (found.st_dev, found.st_ino) == inode
        except OSError:
            here = False
        if not here and inode == self._inode:  # else a signal's handler has logged meanwhile, into a new segment
            gone = self.written - self._written_at_look
            self._lose(gone, "deleted", f"{self._path} was deleted or replaced")
            self.written -= gone
            self._close_descriptor()
        self._written_at_look = self.written

    def _open_next(self) -> None:
        """A new segment, of a name that nobody has."""
        self._close_descriptor()
        private_files.make_folder(self.directory)
        stems = (self.stem if n == 1 else f"{self.stem}_{n}" for n in count(1))
        while True:
            number = self._number + 1
            stem = next(stems) if number == 1 else self.stem
            path = self.directory / segment_name(stem, number)
            try:
                self._fd = private_files.create(path, _FLAGS)
            except FileExistsError:
                self._number += number > 1
                continue
            break
        self.stem, self._number, self._path, self._size, self._torn = stem, number, path, 0, False
        found = os.fstat(self._fd)
        self._inode = (found.st_dev, found.st_ino)
        self._written_at_look = self.written

    def _close_descriptor(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):  # the descriptor is gone either way, and everything was written before
                os.close(fd)

    def _lose(self, lines: int, reason: str, detail: str) -> None:
        self._drops.add(lines, reason, detail)

    @property
    def dropped(self) -> Counter[str]:
        """How many events were lost, by reason."""
        return self._drops.by_reason

    @property
    def path(self) -> Path:
        """The segment that is being written."""
        return self._path

    @property
    def waiting(self) -> int:
        """Events that are accepted and not yet written: only with the durability `buffered`."""
        return len(self._buffer)

    def paths(self) -> list[Path]:
        """All segments written through this journal, by this process and its forked children."""
        return segments_of(self.directory, self.base)

    def segments_of_others(self) -> list[Path]:
        """The segments beside ours that other writers made: worker processes and forked children."""
        return [path for path in all_segments(self.directory) if writer_of(path) != self.stem]

    def read(self, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Everything kept through this journal."""
        self.flush()
        return read_events(self.paths(), read_errors)

    def flush(self) -> None:
        """Give the kernel whatever is buffered. Never raises."""
        with self._lock:
            if not self._closed:
                self._flush(utc_now())

    def close(self) -> None:
        """Write what waits and let the file go; what comes later is counted as dropped."""
        with self._lock:
            if not self._closed:
                self._flush(utc_now())
                self._look(utc_now())
                self._closed = True
                self._smooth_until = _LONG_AGO
                self._close_descriptor()

    def __del__(self) -> None:
        """Close a journal that was dropped open: no descriptor stays, and no buffered event is lost."""
        with suppress(Exception):  # the constructor may have raised, or the interpreter may be ending
            self.close()

    def _after_fork(self) -> None:
        """In the child: a writer and segments of its own, made when the first event comes."""
        self._begin()
        self._close_descriptor()
        self.accepted = self.written = 0
        self._drops = DropCounter(f"event(s) of {self.base}")
        self.stem = f"{self.base}.p{process_id()}"
        self._number = 0


def _reason(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "OSError")


def _refuse() -> int:
    raise OSError(errno.EIO, "the system wrote nothing, and gave no reason")


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in _journals:
        journal._after_fork()


def _flush_all() -> None:
    for journal in list(_journals):
        journal.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

atexit.register(_flush_all)
