"""Locks of a store: of its open segments, and of the store itself while it is reorganized.

The kernel frees a lock with the process that holds it, also after `kill -9`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.events.clock import monotonic, sleep

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK: Final = "compact.lock"
_TRIES: Final = 100
"""Attempts of a writer: the test of `is_in_use` holds the lock of a segment for some microseconds."""
_PAUSE_S: Final = 0.05


def mark_in_use(descriptor: int) -> None:
    """Mark a segment as one that has a writer, as long as the descriptor is open. Never raises."""
    for _ in range(_TRIES if fcntl else 0):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:  # a file system without locks
            pass
        return


def is_in_use(path: Path) -> bool:
    """Return whether a segment has a writer.

    Raises:
        StoreError: The system or the file system has no locks.
        OSError: The segment cannot be opened.
    """
    if fcntl is None:
        raise StoreError("this system has no flock")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(root: Path, name: str = LOCK, *, within_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock of a store: by default that for everything that moves or deletes its files.

    Args:
        root: The folder of the store, which is created.
        name: The file of the lock.
        within_s: Seconds to wait for another process.

    Yields:
        False, without the lock, if another process holds it.

    Raises:
        StoreError: The system or the file system has no locks, or the store cannot be written.
    """
    if fcntl is None:
        raise StoreError(f"{root} cannot be changed on this system, which has no flock; change it on another one")
    private_files.make_folder(root)
    path = root / name
    try:
        with suppress(FileExistsError):
            os.close(private_files.create(path, os.O_RDWR))
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{root} cannot be changed: {error.strerror or error}") from None
    deadline = monotonic() + within_s
    try:
        while not (is_locked := _locked(descriptor)) and monotonic() < deadline:
            sleep(_PAUSE_S)
        yield is_locked
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(f"the file system of the store has no locks: {error.strerror or error}") from None
    return True
