"""The SQLite file of an index: created, set aside if it is damaged, replaced by memory if it cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odibi_core import private_files
from odibi_core.events.clock import boot_id, utc_now
from odibi_core.history.index.columns import STATEMENTS, VERSION

if TYPE_CHECKING:
    from sqlite3 import Connection

FILE: Final = "index.sqlite"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside its own."""


class DamagedIndexError(Exception):
    """The file is no index of this version, or it cannot be read."""


def open_file(path: Path, busy_s: float, *, waits: bool = True) -> Connection:
    """Return a connection to the file, which is created if there is none.

    Args:
        path: The file.
        busy_s: Seconds to wait for another process that writes.
        waits: False never waits for the disk (benchmark: the end of a short run). A file beside the index then marks
            that it is lost if the machine stops, until `sync`.

    Raises:
        DamagedIndexError: The file is damaged, of another version, or perhaps incomplete since the machine stopped.
        sqlite3.OperationalError: The file cannot be written.
    """
    import sqlite3

    waits = waits or not boot_id()
    _check_mark(path, waits)
    is_new = True
    try:
        os.close(private_files.create(path, os.O_RDWR))  # SQLite gives its other files the mode of this one
    except FileExistsError:
        is_new = False
    except OSError as error:
        raise sqlite3.OperationalError(str(error)) from None
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        if is_new or not waits:  # an empty index is no loss
            connection.execute("pragma synchronous = off")
        connection.execute("pragma journal_mode = wal")
        _prepare(connection)
        if waits:
            connection.execute("pragma synchronous = normal")
    except sqlite3.OperationalError:
        connection.close()
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        connection.close()
        raise DamagedIndexError(str(error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _check_mark(path: Path, waits: bool) -> None:
    """Refuse an index that was written without waiting before the machine stopped; mark the one that will be."""
    mark = _mark_of(path)
    try:
        boot = mark.read_text()
    except OSError:
        boot = ""
    if boot and boot != boot_id():
        mark.unlink(missing_ok=True)
        raise DamagedIndexError("it was perhaps incomplete on the disk when the machine stopped")
    if not waits and not boot:
        with suppress(OSError):
            private_files.write_atomic(mark, boot_id())


def sync(path: Path) -> None:
    """Wait until the index is on the disk, if it was written without waiting."""
    mark = _mark_of(path)
    if mark.exists():
        with suppress(OSError):
            with path.open("rb") as file:
                os.fsync(file.fileno())
            mark.unlink(missing_ok=True)


def _mark_of(path: Path) -> Path:
    return path.with_suffix(".unsynced")


def open_memory(path: Path) -> Connection:
    """Return a connection to memory, which begins as a copy of the file if that can be read."""
    import sqlite3

    for mode in ("ro", "ro&immutable=1"):  # the second one for media on which SQLite cannot keep its lock
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.Error, UnicodeError, DamagedIndexError, ValueError):
            source = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=0.1)
            try:
                source.backup(connection)
            finally:
                source.close()
            if connection.execute("pragma quick_check(1)").fetchone() == ("ok",):
                _prepare(connection)
                return connection
        connection.close()
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _prepare(connection)
    return connection


def is_damage(error: Exception) -> bool:
    """Return whether an `OperationalError` is about the tables of the file, and not about writing to it."""
    return str(error).startswith(("no such", "table", "malformed"))


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit the writes of the block together; the lock to write is taken at the start, so that none fails later."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(Exception):
            connection.execute("rollback")
        raise


def _prepare(connection: Connection) -> None:
    """Create the tables of an empty database; several processes may do so at once."""
    if _version(connection) == VERSION:
        return
    with transaction(connection):
        if _version(connection) != VERSION:
            if connection.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise DamagedIndexError(f"it is of version {_version(connection)}, not {VERSION}")
            for statement in STATEMENTS:
                connection.execute(statement)


def _version(connection: Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file, and return its new name; None if another process has done so, or if it cannot be done."""
    aside = path.with_name(f"{path.stem}.unusable-{utc_now():%Y%m%dT%H%M%S%f}.sqlite")
    try:
        os.rename(path, aside)
    except OSError:
        return None
    for ending in _BESIDE:
        with suppress(OSError):
            os.rename(f"{path}{ending}", f"{aside}{ending}")
    return aside
