"""`Spool`: items on disk until they are sent, also after `kill -9` and a restart.

Each process appends to a file of its own, one line an item and one write a line, and holds the lock of the file. A file
whose lock is free was left by a process that ended: the next process that opens the folder sends it. Beside a file, a
second one has the position up to which it was sent.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, TypeVar

from odibi_core import private_files
from odibi_core.events.clock import epoch_ns, new_id

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
FOLDER: Final = "delivery"
SUFFIX: Final = ".spool"
POSITION: Final = ".position"
_READ: Final = 1 << 20
"""Bytes of one batch, about."""
_WIDTH: Final = 20
"""Digits of a position, so that one write replaces it."""


class SpoolError(Exception):
    """An item cannot be kept; the message is the reason, a word."""


class _File:
    """One file of a spool, locked by this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.fd = descriptor
        self.size = os.fstat(descriptor).st_size
        self.position_fd = -1
        self.position = self._saved_position()
        self.items = self._count()

    def _position_path(self) -> Path:
        return self.path.with_suffix(POSITION)

    def _saved_position(self) -> int:
        try:
            return min(self.size, int(self._position_path().read_bytes()))
        except (OSError, ValueError):  # nothing was sent yet
            return 0

    def _count(self) -> int:
        """Count the items that are left; the end of a line that broke off was never accepted."""
        found, offset = 0, self.position
        while block := os.pread(self.fd, _READ, offset):
            found += block.count(b"\n")
            offset += len(block)
        return found

    def append(self, line: bytes) -> None:
        """Append a line, whole or not at all. Raises `OSError`."""
        written = os.write(self.fd, line)
        if written < len(line):
            os.ftruncate(self.fd, self.size)
            raise OSError(errno.ENOSPC, "the disk is full")
        self.size += written
        self.items += 1

    def read(self, most: int) -> tuple[list[bytes], int]:
        """Return up to `most` lines from the position, and the position behind them."""
        block, wanted = b"", _READ
        while block.find(b"\n") < 0 and len(block) < self.size - self.position:
            block = os.pread(self.fd, wanted, self.position)  # a line may be longer than a block
            wanted *= 2
        lines = block.split(b"\n")[:-1][:most]
        return lines, self.position + sum(len(line) + 1 for line in lines)

    def advance(self, position: int, items: int) -> None:
        """Save the position up to which the file was sent. Raises `OSError`."""
        if self.position_fd < 0:
            path = self._position_path()
            with suppress(FileExistsError):
                os.close(private_files.create(path, os.O_WRONLY))
            self.position_fd = os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
        self.position, self.items = position, self.items - items
        os.pwrite(self.position_fd, b"%0*d" % (_WIDTH, position), 0)

    def close(self, *, delete: bool) -> None:
        """Release the lock, and delete a file that has been sent."""
        if delete:
            for path in (self.path, self._position_path()):  # the position last: without it, all is sent again
                path.unlink(missing_ok=True)
        for descriptor in (self.fd, self.position_fd):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)


class Spool(Generic[T]):
    """The items of one delivery on disk, in order. Its `Delivery` calls it, under a lock.

    Args:
        folder: The folder of the delivery, `<store>/delivery/<name>`; several processes may share it.
        encode: Returns an item as one line of bytes, without a line end: JSON.
        decode: Returns the item of a line.
        max_bytes: Bytes that may wait; an item that would exceed them is dropped.
        file_bytes: A file of this size is followed by the next one, so that it can be deleted once it was sent.
    """

    def __init__(
        self,
        folder: Path,
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        *,
        max_bytes: int = 64 << 20,
        file_bytes: int = 4 << 20,
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._encode, self._decode = encode, decode
        self._file_bytes = file_bytes
        self._files: list[_File] = []
        self._is_writing = False
        """True if the last of the files is open for new items."""
        self._next: tuple[_File, int, int] | None = None

    @property
    def waiting(self) -> int:
        """Items that are not sent yet."""
        return sum(file.items for file in self._files)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the items that are not sent yet."""
        return sum(file.size - file.position for file in self._files)

    def adopt(self) -> int:
        """Take over the files that ended processes left, oldest first; return the number of their items."""
        if fcntl is None:  # without locks, a living process may write the file
            return 0
        held = {file.path for file in self._files}
        found = [file for path in sorted(self.folder.glob(f"*{SUFFIX}")) if path not in held for file in _taken(path)]
        for file in [file for file in found if not file.items]:
            found.remove(file)
            file.close(delete=True)
        for position in self.folder.glob(f"*{POSITION}"):  # of a process that was killed while it deleted both
            if not position.with_suffix(SUFFIX).exists():
                position.unlink(missing_ok=True)
        self._files[:0] = found
        return sum(file.items for file in found)

    def append(self, item: T) -> None:
        """Keep an item: when this returns, the kernel has it.

        Raises:
            SpoolError: The spool is full.
            OSError: The file cannot be written.
        """
        line = self._encode(item).replace(b"\n", b" ") + b"\n"
        if self.waiting_bytes + len(line) > self.max_bytes:
            raise SpoolError("spool_full")
        if not self._is_writing or self._files[-1].size >= self._file_bytes:
            self._files.append(self._created())
            self._is_writing = True
        self._files[-1].append(line)

    def take(self, most: int) -> tuple[list[T], int]:
        """Return the next items without removing them, and the number of lines that cannot be read."""
        self._drop_sent()
        for file in self._files:
            lines, position = file.read(most)
            if lines:
                items = [item for line in lines for item in self._decoded(line)]
                self._next = file, position, len(lines)
                return items, len(lines) - len(items)
        return [], 0

    def advance(self) -> None:
        """Remove the items that `take` returned last. Raises `OSError`; they are then sent again after a restart."""
        if self._next is not None:
            (file, position, items), self._next = self._next, None
            file.advance(position, items)

    def close(self) -> None:
        """Release all files; those that were sent are deleted, the others belong to the next process."""
        self._next, self._is_writing = None, False
        while self._files:
            file = self._files.pop()
            with suppress(OSError):
                file.close(delete=not file.items)

    def forget(self) -> None:
        """Leave all files to the parent, in a forked child: the lock belongs to both as long as both have it open."""
        self._next, self._is_writing = None, False
        while self._files:
            self._files.pop().close(delete=False)

    def _drop_sent(self) -> None:
        """Delete files that were sent, but not the one that is open for new items."""
        finished = [file for file in self._files[: -1 if self._is_writing else None] if not file.items]
        for file in finished:
            self._files.remove(file)
            with suppress(OSError):
                file.close(delete=True)

    def _decoded(self, line: bytes) -> list[T]:
        try:
            return [self._decode(line)]
        except Exception:  # damaged, or of another version: counted as unreadable
            return []

    def _created(self) -> _File:
        private_files.make_folder(self.folder)
        while True:
            path = self.folder / f"{epoch_ns():020d}-{new_id(8)}{SUFFIX}"
            descriptor = private_files.create(path, os.O_RDWR | os.O_APPEND)
            if _locked(descriptor, or_else=True):
                return _File(path, descriptor)
            os.close(descriptor)  # another process looked at it before it was locked, and deletes it


def folder_of(root: Path, name: str = "") -> Path:
    """Return the folder of a delivery's spool in a store; without a name, that of all."""
    return root / FOLDER / name if name else root / FOLDER


def waiting_in(folder: Path) -> tuple[int, int]:
    """Return the items and bytes that wait in the spool of a delivery, of every process. Never raises."""
    items = size = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                file = _File(path, descriptor)
                items, size = items + file.items, size + file.size - file.position
            finally:
                os.close(descriptor)
    return items, size


def _taken(path: Path) -> list[_File]:
    """Return the file, locked, if its process has ended and it is still there."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return []
    try:
        if _locked(descriptor, or_else=False) and os.fstat(descriptor).st_nlink:
            return [_File(path, descriptor)]
    except OSError:
        pass
    os.close(descriptor)
    return []


def _locked(descriptor: int, *, or_else: bool) -> bool:
    """Return whether this process has the lock now; `or_else` on a file system without locks."""
    if fcntl is None:
        return or_else
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return or_else
    return True
