"""How a door fetches what it is asked for: names whose files are imported when somebody first uses them (PEP 562)."""

from __future__ import annotations

import os
from importlib import import_module
from threading import RLock
from typing import Any, Final

_PACKAGE: Final = __name__.rpartition(".")[0]
_turn = RLock()


def fetch(door: dict[str, Any], rooms: dict[str, str], name: str) -> Any:
    """What the room of this name has under it, in the door's own namespace from now on; AttributeError if none has.

    One thread at a time: where one imports a package and another a module of it, each may wait for the other, and
    Python lets one of them fail.
    """
    if name not in rooms:
        raise AttributeError(f"module {door['__name__']!r} has no attribute {name!r}")
    with _turn:
        found = door[name] = getattr(import_module(f"{_PACKAGE}.{rooms[name]}"), name)
    return found


def _after_fork() -> None:
    """In the child: a lock that another thread may have held is made anew."""
    global _turn
    _turn = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
