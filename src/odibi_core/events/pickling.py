"""Objects that a process has once: copies, pickles, and their way to worker processes of every start method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar
from weakref import WeakValueDictionary

from odibi_core.events.clock import new_id

T = TypeVar("T")
_here: Final[WeakValueDictionary[str, Any]] = WeakValueDictionary()


class OneHere:
    """An object that a process has once: a copy is the object itself, and so is a pickle in the same process.

    In another process (not a fork) it is made by the function and the arguments that `_made_of()` returns.
    """

    _travels_as: str | None = None

    def _made_of(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        raise TypeError(f"{type(self).__name__} objects cannot be sent to another process")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if self._travels_as is None:
            self._travels_as = new_id(24)
            _here[self._travels_as] = self
        return _found, (self._travels_as, *self._made_of())

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: dict[int, Any]) -> T:
        return self


def _found(name: str, make: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    found = _here.get(name)
    if found is None:
        found = _here[name] = make(*arguments)
        found._travels_as = name
    return found


class Stays:
    """An object that cannot be pickled; `_stays_because` is the reason. A copy is the object itself."""

    _stays_because = ""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} objects cannot be sent to another process: {self._stays_because}")

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: dict[int, Any]) -> T:
        return self
