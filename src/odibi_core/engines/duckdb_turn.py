"""The lock of DuckDB relations: one thread at a time may run or look at them.

A relation asks its connection for its columns again after another one was made, and a connection that is busy refuses.
"""

from __future__ import annotations

from threading import RLock
from typing import Any, Final

from odibi_core._fork import in_child


class _Turn:
    def __init__(self) -> None:
        self._renew()
        in_child(self._renew)

    def _renew(self) -> None:
        """Fork: another thread of the parent may hold the lock."""
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()


TURN: Final = _Turn()


def is_relation(value: Any) -> bool:
    """Return whether a value is a relation of DuckDB, without importing it."""
    return type(value).__name__ == "DuckDBPyRelation"
