"""Names of a module that are loaded on first use (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import Any, Final

from odibi_core._fork import in_child

_PACKAGE: Final = __name__.rpartition(".")[0]
_lock = RLock()


def fetch(namespace: dict[str, Any], modules: dict[str, str], name: str) -> Any:
    """Load a name from its module into a namespace, and return it.

    Args:
        namespace: The globals of the module in which the name was looked up.
        modules: For each name, its module below `odibi_core`.
        name: The name.

    Raises:
        AttributeError: If the table has no such name.
    """
    if name not in modules:
        raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
    with _lock:  # deadlock: if one thread imports a package and another a module of it, Python lets one import fail
        found = namespace[name] = getattr(import_module(f"{_PACKAGE}.{modules[name]}"), name)
    return found


def _after_fork() -> None:
    """Fork: another thread of the parent may hold the lock."""
    global _lock
    _lock = RLock()


in_child(_after_fork)
