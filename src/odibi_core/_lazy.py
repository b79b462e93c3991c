"""How a door fetches what it is asked for: names whose files are imported when somebody first uses them (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import Any, Final

from odibi_core._fork import in_child

_PACKAGE: Final = __name__.rpartition(".")[0]
_lock = RLock()


def fetch(door: dict[str, Any], rooms: dict[str, str], name: str) -> Any:
    """What the room of this name has under it, in the door's own namespace from now on; AttributeError if none has.

    One thread at a time: where one imports a package and another a module of it, each may wait for the other, and
    Python lets one of them fail.
    """
    if name not in rooms:
        raise AttributeError(f"module {door['__name__']!r} has no attribute {name!r}")
    with _lock:
        found = door[name] = getattr(import_module(f"{_PACKAGE}.{rooms[name]}"), name)
    return found


def _after_fork() -> None:
    """Fork: another thread of the parent may hold the lock."""
    global _lock
    _lock = RLock()


in_child(_after_fork)
