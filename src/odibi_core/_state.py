"""The state of this process: everything that it has once, in one object.

A module declares a class for its state and takes the instance: `_root = STATE.part(Root)`. It keeps no mutable global,
except those that `tests/architecture/test_state.py` lists.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Final, TypeVar

from odibi_core._fork import in_child

T = TypeVar("T")


class ProcessState:
    """Parts, which modules keep a reference to, and singletons, which are looked up at each use."""

    def __init__(self) -> None:
        self._parts: dict[type[Any], Any] = {}
        self._singletons: dict[type[Any], Any] = {}
        self._after_fork()
        in_child(self._after_fork)

    def part(self, kind: type[T]) -> T:
        """Return the part of this kind, made by `kind()` at the first call.

        A reset renews the attributes of the object in place, so that a module may keep it. If the kind has a method
        `renewed`, it is called after each reset and restore.
        """
        with self.creation_lock:
            if kind not in self._parts:
                self._parts[kind] = kind()
            part: T = self._parts[kind]
        return part

    def singleton(self, kind: type[T]) -> T:
        """Return the instance of this kind that the process has, made by `kind()` when it is first needed."""
        if kind not in self._singletons:
            with self.creation_lock:
                if kind not in self._singletons:
                    self._singletons[kind] = kind()
        instance: T = self._singletons[kind]
        return instance

    def reset(self) -> Callable[[], None]:
        """Renew every part and forget every singleton, as in a process that has just begun.

        Returns:
            A function that restores the state from before.
        """
        before = {kind: vars(part).copy() for kind, part in self._parts.items()}
        singletons, self._singletons = self._singletons, {}
        self._renew({kind: vars(kind()) for kind in self._parts})

        def restore() -> None:
            self._singletons = singletons
            self._renew(before)

        return restore

    def _renew(self, attributes: dict[type[Any], dict[str, Any]]) -> None:
        for kind, values in attributes.items():
            part = self._parts[kind]
            vars(part).update(values)
            if hook := getattr(part, "renewed", None):
                hook()

    def _after_fork(self) -> None:
        """Fork: another thread of the parent may hold the lock."""
        self.creation_lock = RLock()


STATE: Final = ProcessState()
