"""The journal: events as lines of JSON in files that are only appended to.

An event is one `write` on a descriptor opened with `O_APPEND`. After the call the kernel has the line: another process
can read it, and `kill -9` cannot lose it. Events that cannot be written are counted by reason, and never raise.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.events import Event, encode
from odibi_core.events.clock import process_id, utc_now
from odibi_core.events.kinds import severity
from odibi_core.events.paths import absolute_path
from odibi_core.store.line_appender import LineAppender
from odibi_core.store.locks import mark_in_use
from odibi_core.store.segments import (
    ReadErrors,
    all_segments,
    read_events,
    safe_name,
    segment_name,
    segments_of,
    writer_of,
)

DURABILITIES: Final = ("buffered", "written", "synced")
_BUFFER: Final = 64 * 1024
_URGENT: Final = severity("error")
_FLAGS: Final = os.O_WRONLY | os.O_APPEND


class Journal(LineAppender):
    """Events in `directory/stem.jsonl` and, when a segment is full, in `stem.000002.jsonl` and so on.

    `accepted == written + dropped + waiting` holds between any two calls; `dropped` counts by reason.

    Args:
        directory: The folder of the segments.
        stem: Begins the name of each segment. A name that another writer has taken gets a number.
        durability: `written` (default) survives the process, `synced` also the machine. `buffered` survives neither
            and is the fastest; events of level error and above are never buffered.
        max_segment_bytes: A segment that would become larger is followed by the next.

    Raises:
        ConfigurationError: An argument is not valid.
        StoreError: The first segment cannot be created. No error is raised later.
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
            raise ConfigurationError(f"durability must be one of {', '.join(DURABILITIES)}, got {durability!r}")
        if max_segment_bytes <= 0:
            raise ConfigurationError(f"max_segment_bytes must be 1 or more, got {max_segment_bytes}")
        self.directory = absolute_path(directory)
        self.durability = durability
        self.max_segment_bytes = max_segment_bytes
        self.base = self.stem = safe_name(stem, 160)
        self._number = 0
        self._closed = False
        super().__init__(
            self.directory / segment_name(self.stem, 1),
            encode,
            f"event(s) of {self.base}",
            limit=max_segment_bytes,
            is_synced=durability == "synced",
        )
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

    def _reset(self, what: str) -> None:
        super()._reset(what)
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._written_at_check = 0

    def _keep(self, line: bytes, event: Event) -> None:
        if self._closed:
            self._drops.add(1, "closed", "the journal was closed before")
        elif self.durability == "buffered":
            self._buffer.append(line)
            self._buffered += len(line)
            if self._buffered >= _BUFFER or severity(event.level) >= _URGENT:
                self._flush(event.timestamp)
        else:
            self._write(line, 1, event.timestamp)

    def _flush(self, now: datetime) -> None:
        if self._buffer:
            lines, self._buffer, self._buffered = self._buffer, [], 0
            self._write(b"".join(lines), len(lines), now)

    def _prepare(self, size: int, now: datetime) -> None:
        is_full = self._size > 0 and self._size + size > self.max_segment_bytes
        if is_full or not self._checked <= now < self._check_due:
            self._check(now)
        if is_full or self._fd < 0:
            self._open_next()

    def _check(self, now: datetime) -> None:
        """Count the events written since the last check as lost if the segment was deleted or replaced."""
        if self._is_moved(now):
            gone = self.written - self._written_at_check
            self._drops.add(gone, "deleted", f"{self.path} was deleted or replaced")
            self.written -= gone
            self._close_descriptor()
        self._written_at_check = self.written

    def _open_next(self) -> None:
        """Create the next segment, under a name that is not taken."""
        self._close_descriptor()
        private_files.make_folder(self.directory)
        stems = (self.stem if n == 1 else f"{self.stem}_{n}" for n in count(1))
        while True:
            number = self._number + 1
            stem = next(stems) if number == 1 else self.stem
            path = self.directory / segment_name(stem, number)
            try:
                fd = private_files.create(path, _FLAGS)
            except FileExistsError:
                self._number += number > 1
                continue
            except FileNotFoundError:  # the empty folder of an ended run was just removed
                private_files.make_folder(self.directory)
                fd = private_files.create(path, _FLAGS)
            break
        self.stem, self._number, self.path = stem, number, path
        mark_in_use(fd)  # compaction leaves a run alone while it has a writer
        self._use(fd)
        self._written_at_check = self.written

    @property
    def waiting(self) -> int:
        """The number of events that are accepted and not yet written: only with the durability `buffered`."""
        return len(self._buffer)

    def paths(self) -> list[Path]:
        """Return all segments written through this journal, by this process and its forked children."""
        return segments_of(self.directory, self.base)

    def segments_of_others(self) -> list[Path]:
        """Return the segments of other writers in the folder: worker processes and forked children."""
        return [path for path in all_segments(self.directory) if writer_of(path) != self.stem]

    def read(self, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        """Return the events kept through this journal; lines that cannot be read are counted in `read_errors`."""
        self.flush()
        return read_events(self.paths(), read_errors)

    def flush(self) -> None:
        """Write the buffered events. Never raises."""
        with self._lock:
            if not self._closed:
                self._flush(utc_now())

    def close(self) -> None:
        """Write the buffered events and close the segment; a later event is counted as dropped."""
        with self._lock:
            if not self._closed:
                self._flush(utc_now())
                self._check(utc_now())
                self._closed = True
                self._close_descriptor()

    def _after_fork(self) -> None:
        """Continue in the child as a writer of its own, whose first segment is created with the first event."""
        self._reset(f"event(s) of {self.base}")
        self._close_descriptor()
        self.stem = f"{self.base}.p{process_id()}"
        self._number = 0


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _flush_all() -> None:
    for journal in list(_journals):
        journal.flush()


atexit.register(_flush_all)
