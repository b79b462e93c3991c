"""One registry of what happens when this process forks: the locks, threads and files that a child makes anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from types import MethodType
from typing import Final
from weakref import ref

Call = Callable[[], object]

_before: Final[list[Call]] = []
_after: Final[list[Call]] = []
_resets: Final[dict[int, tuple[ref[object] | None, Callable[..., object]]]] = {}
"""By number: a function, or a method without its object and a weak reference to that."""
_numbers: Final = count()


def in_child(reset: Call) -> Call:
    """Call `reset()` in every forked child, in the order of registration; return it.

    A bound method is called while its object lives, a function always.
    """
    number = next(_numbers)
    if isinstance(reset, MethodType):
        forget = _resets.pop  # at the end of the interpreter, the names of this module are gone
        _resets[number] = ref(reset.__self__, lambda _: forget(number, None)), reset.__func__
    else:
        _resets[number] = None, reset
    return reset


def around(before: Call, after: Call) -> None:
    """Call `before()` in the parent before each fork, and `after()` in both processes when every reset is done."""
    _before.insert(0, before)
    _after.append(after)


def _in_parent() -> None:
    _run(_after)


def _in_child() -> None:
    _run([*_living_resets(), *_after])


def _living_resets() -> Iterator[Call]:
    for owner, reset in list(_resets.values()):
        if owner is None:
            yield reset
        elif (living := owner()) is not None:
            yield partial(reset, living)


def _prepare() -> None:
    _run(_before)


def _run(calls: list[Call]) -> None:
    """Make every call, then raise what failed, which Python reports as unraisable."""
    errors: list[Exception] = []
    for call in calls:
        try:
            call()
        except Exception as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:  # of a group that is unraisable, Python prints the message alone
        raise ExceptionGroup("; ".join(f"{type(error).__name__}: {error}" for error in errors), errors)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare, after_in_parent=_in_parent, after_in_child=_in_child)
