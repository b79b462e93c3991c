"""The processes that share a folder: those alive, the one that serves, and the files of those that ended.

A process is alive while it holds the lock on its file `<name>.live`. The system releases the lock however the process
ends, and a reused process id causes no confusion. The process that holds the lock on `holder` serves the whole group.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from odibi_core import private_files
from odibi_core.events.clock import monotonic, new_id, process_id, sleep

_LOCK_TIMEOUT_S: Final = 1.0
_LOCK_POLL_S: Final = 0.005
_LIVE: Final = ".live"
_PART: Final = ".json"
_LOCK: Final = "lock"
_HOLDER: Final = "holder"
_ARCHIVE: Final = "archive"
_DAMAGED: Final = ".damaged"


class ProcessGroup:
    """Membership of one process. Methods raise `OSError`; decisions from the files are made while `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        """Start as a new process: at construction, and in a forked child."""
        self.name = f"{process_id()}-{new_id()}"
        self._live: int | None = None
        self._holder: int | None = None
        self._locked: int | None = None

    @property
    def joined(self) -> bool:
        """True while the other processes can see this one; false after the folder was deleted."""
        return self._live is not None and (self.folder / f"{self.name}{_LIVE}").exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder; raise `TimeoutError` if another process holds it for more than a second."""
        private_files.make_folder(self.folder)
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = monotonic() + _LOCK_TIMEOUT_S
            while not _try_lock(lock):
                if monotonic() > deadline:
                    raise TimeoutError(f"{self.folder / _LOCK} is held by another process")
                sleep(_LOCK_POLL_S)
            self._locked = lock
            yield
        finally:
            self._locked = None
            _unlock(lock)

    def join(self) -> None:
        """Join the group; if no process of it is alive, remove its old files first."""
        if not any(self._is_alive(name) for name in self._names()):
            self._clear()
        self._live = self._lock_on(f"{self.name}{_LIVE}")

    def hold(self) -> None:
        """Become the process that serves the group."""
        if self._holder is None:
            self._holder = self._lock_on(_HOLDER)

    def is_held(self) -> bool:
        """Return true if a process serves the group."""
        return self._holder is not None or not self._is_free(_HOLDER)

    def is_alone(self) -> bool:
        """Return true if the group has, and had, no other process."""
        return all(name == self.name for name in self._names()) and not self._path(_ARCHIVE).exists()

    def write(self, text: str) -> None:
        """Write the part of this process atomically."""
        private_files.write_atomic(self._path(self.name), text)

    def archive(self) -> str | None:
        """Return the merged parts of ended processes; None if there is none. Raises as `part`."""
        return self.part(_ARCHIVE)

    def others(self) -> dict[str, bool]:
        """Return each other process by name: true if it is alive."""
        return {name: self._is_alive(name) for name in self._names() if name != self.name}

    def part(self, name: str) -> str | None:
        """Return the part of a process; None if it wrote none. Raises `OSError` if it is no readable file."""
        try:
            # O_NONBLOCK: opening a named pipe would block the scrape forever.
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(descriptor, encoding="utf-8", errors="replace") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            return file.read()

    def set_archive_aside(self) -> None:
        """Rename a damaged archive, so that it is kept, and the next one does not replace it."""
        self._path(_ARCHIVE).rename(self.folder / f"{_ARCHIVE}{_DAMAGED}")

    def replace_archive(self, text: str) -> None:
        """Write a new archive atomically."""
        private_files.write_atomic(self._path(_ARCHIVE), text)

    def forget(self, names: list[str]) -> None:
        """Remove the files of processes whose parts are in the archive."""
        for name in names:
            self._path(name).unlink(missing_ok=True)
            (self.folder / f"{name}{_LIVE}").unlink(missing_ok=True)

    def leave(self) -> None:
        """Leave the group; the last process removes all files."""
        if self.joined and not any(self._is_alive(name) for name in self._names() if name != self.name):
            self._clear()
        for descriptor in (self._live, self._holder):
            if descriptor is not None:
                _unlock(descriptor)
        self.begin()

    def abandon(self) -> None:
        """Close all descriptors: at the end, and in a forked child, whose parent keeps the locks."""
        for descriptor in (self._live, self._holder, self._locked):
            if descriptor is not None:
                os.close(descriptor)
        self.begin()

    def _names(self) -> list[str]:
        """Return every process that is alive or has left files, sorted by name."""
        return sorted(file.name.removesuffix(_LIVE) for file in self.folder.glob(f"*{_LIVE}"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_PART}"

    def _is_alive(self, name: str) -> bool:
        """Return true for a process that is alive, or whose state is unknown, so that its part is never archived."""
        try:
            return not self._is_free(f"{name}{_LIVE}")
        except OSError:
            return True

    def _is_free(self, file: str) -> bool:
        descriptor = self._lock_on(file)
        if descriptor is not None:
            _unlock(descriptor)
        return descriptor is not None

    def _lock_on(self, file: str) -> int | None:
        """Return a descriptor that holds the lock; None if another process holds it."""
        descriptor = os.open(self.folder / file, os.O_RDWR | os.O_CREAT, 0o600)
        if _try_lock(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def _clear(self) -> None:
        for file in self.folder.iterdir():
            if file.name not in (_LOCK, _HOLDER):
                with suppress(IsADirectoryError, PermissionError):  # not a file of the group
                    file.unlink(missing_ok=True)


def _unlock(descriptor: int) -> None:
    """Unlock explicitly, then close: a child that was just forked may hold the descriptor too."""
    try:
        locks = _locks()
        locks.flock(descriptor, locks.LOCK_UN)
    finally:
        os.close(descriptor)


def _locks() -> Any:
    """Return the module of file locks; Windows has no locks that end with their process: there, each serves itself."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("this system has no locks that end with their process") from error
    return fcntl


def _try_lock(descriptor: int) -> bool:
    locks = _locks()
    try:
        locks.flock(descriptor, locks.LOCK_EX | locks.LOCK_NB)
    except BlockingIOError:
        return False
    return True
