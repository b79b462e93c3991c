"""The SQLite file of an index: created, set aside if it is damaged, replaced by memory if it cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odibi_core import private_files
from odibi_core.events.clock import utc_now
from odibi_core.history.index.columns import STATEMENTS, VERSION

if TYPE_CHECKING:
    from sqlite3 import Connection

FILE: Final = "index.sqlite"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside its own."""


class DamagedIndexError(Exception):
    """The file is no index of this version, or it cannot be read."""


def open_file(path: Path, busy_s: float) -> Connection:
    """Return a connection to the file, which is created if there is none.

    Raises:
        DamagedIndexError: The file is damaged or of another version.
        sqlite3.OperationalError: The file cannot be written.
    """
    import sqlite3

    with suppress(FileExistsError):
        os.close(private_files.create(path, os.O_RDWR))  # SQLite gives its other files the mode of this one
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        _prepare(connection)
    except sqlite3.OperationalError:
        connection.close()
        raise
    except (sqlite3.DatabaseError, UnicodeError) as error:
        connection.close()
        raise DamagedIndexError(str(error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


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
