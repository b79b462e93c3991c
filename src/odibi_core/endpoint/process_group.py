"""The processes that share a folder: who lives, who holds the place in front, and what the dead left behind.

A process lives as long as it holds the lock on its file `<name>.live`; the system lets go of it whatever the process
dies of, and no number of a process can be mistaken for another's. Whoever holds the lock on `holder` speaks for all.
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

_PATIENCE_S: Final = 1.0
_GLANCE_S: Final = 0.005
_LIVE: Final = ".live"
_PART: Final = ".json"
_LOCK: Final = "lock"
_HOLDER: Final = "holder"
_ARCHIVE: Final = "archive"
_DAMAGED: Final = ".damaged"


class ProcessGroup:
    """One process's membership. Methods raise `OSError`; whatever is decided from the files is decided `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        """As a new process: when made, and in a forked child."""
        self.name = f"{process_id()}-{new_id()}"
        self._live: int | None = None
        self._holder: int | None = None
        self._locked: int | None = None

    @property
    def joined(self) -> bool:
        """Whether the others can see this process; not so any more when somebody deleted the folder."""
        return self._live is not None and (self.folder / f"{self.name}{_LIVE}").exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the folder; `TimeoutError` when another process keeps it for longer than a second."""
        private_files.make_folder(self.folder)
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = monotonic() + _PATIENCE_S
            while not _taken(lock):
                if monotonic() > deadline:
                    raise TimeoutError(f"{self.folder / _LOCK} is held by another process")
                sleep(_GLANCE_S)
            self._locked = lock
            yield
        finally:
            self._locked = None
            _let_go(lock)

    def join(self) -> None:
        """Become one of them; what is left of processes of which none lives any more is not ours, and goes."""
        if not any(self._lives(name) for name in self._names()):
            self._clear()
        self._live = self._lock_on(f"{self.name}{_LIVE}")

    def hold(self) -> None:
        """Be the one who speaks for all."""
        if self._holder is None:
            self._holder = self._lock_on(_HOLDER)

    def is_held(self) -> bool:
        """Whether anybody speaks for all."""
        return self._holder is not None or not self._is_free(_HOLDER)

    def is_alone(self) -> bool:
        """Whether no other process is here, or has been."""
        return all(name == self.name for name in self._names()) and not self._path(_ARCHIVE).exists()

    def write(self, text: str) -> None:
        """This process's part; it is there whole, or as it was before."""
        private_files.write_atomic(self._path(self.name), text)

    def archive(self) -> str | None:
        """Return what the dead left, added up; None if there is nothing. Raises as `part`."""
        return self.part(_ARCHIVE)

    def others(self) -> dict[str, bool]:
        """Return each other process by name: true if it lives."""
        return {name: self._lives(name) for name in self._names() if name != self.name}

    def part(self, name: str) -> str | None:
        """Return the part of a process; None if it wrote none. Raises `OSError` if it is no readable file."""
        try:
            # Not blocking: a named pipe would hold up the scrape for ever.
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
        """A new archive, whole or not at all."""
        private_files.write_atomic(self._path(_ARCHIVE), text)

    def forget(self, names: list[str]) -> None:
        """The files of processes whose parts are in the archive."""
        for name in names:
            self._path(name).unlink(missing_ok=True)
            (self.folder / f"{name}{_LIVE}").unlink(missing_ok=True)

    def leave(self) -> None:
        """No longer one of them; the last one leaves nothing behind."""
        if self.joined and not any(self._lives(name) for name in self._names() if name != self.name):
            self._clear()
        for descriptor in (self._live, self._holder):
            if descriptor is not None:
                _let_go(descriptor)
        self.begin()

    def abandon(self) -> None:
        """Close what is open: at the end, and in a forked child, whose parent keeps its locks."""
        for descriptor in (self._live, self._holder, self._locked):
            if descriptor is not None:
                os.close(descriptor)
        self.begin()

    def _names(self) -> list[str]:
        """Everyone who is here or has left something, oldest file name first."""
        return sorted(file.name.removesuffix(_LIVE) for file in self.folder.glob(f"*{_LIVE}"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_PART}"

    def _lives(self, name: str) -> bool:
        """Return true for a process that lives, and for one of which that cannot be found out: it is never folded."""
        try:
            return not self._is_free(f"{name}{_LIVE}")
        except OSError:
            return True

    def _is_free(self, file: str) -> bool:
        descriptor = self._lock_on(file)
        if descriptor is not None:
            _let_go(descriptor)
        return descriptor is not None

    def _lock_on(self, file: str) -> int | None:
        """A descriptor with the lock, or None when another has it."""
        descriptor = os.open(self.folder / file, os.O_RDWR | os.O_CREAT, 0o600)
        if _taken(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def _clear(self) -> None:
        for file in self.folder.iterdir():
            if file.name not in (_LOCK, _HOLDER):
                with suppress(IsADirectoryError, PermissionError):  # nothing of ours: it is left as it is
                    file.unlink(missing_ok=True)


def _let_go(descriptor: int) -> None:
    """Unlock by name, and not only by closing: a process forked just now may have the descriptor too."""
    try:
        locks = _locks()
        locks.flock(descriptor, locks.LOCK_UN)
    finally:
        os.close(descriptor)


def _locks() -> Any:
    """The system's file locks. Windows has none that a process's death lets go of: there, each serves itself."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("this system has no locks that end with their process") from error
    return fcntl


def _taken(descriptor: int) -> bool:
    locks = _locks()
    try:
        locks.flock(descriptor, locks.LOCK_EX | locks.LOCK_NB)
    except BlockingIOError:
        return False
    return True
