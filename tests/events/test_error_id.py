"""One exception, one id; and the program finds its exceptions as it made them."""

from __future__ import annotations

import copy
import gc
import pickle
import threading

import pytest

from odibi_core.events.error_id import _known, error_id_of


class Plain(Exception):
    """As most programs have them."""


class Compared(Exception):
    """Equal when all that it holds is."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)


class Frozen(Exception):
    """One that refuses every write."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Slotted(Exception):
    """One that takes no weak reference."""

    __slots__ = ("code",)


class Strange(Exception):
    """One whose `__dict__` is a thing of its own."""

    __dict__ = 5  # type: ignore[assignment]
    __slots__ = ()


KINDS = [ValueError, OSError, Plain, Frozen, Slotted]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_has_one_id(kind: type[Exception]) -> None:
    """Asked for again it is the same; another exception of that class has another."""
    error, other = kind("bad"), kind("bad")
    assert error_id_of(error) == error_id_of(error) != error_id_of(other)


@pytest.mark.parametrize("error", [Plain("bad"), Compared(4), Frozen("bad")], ids=repr)
def test_a_class_of_the_program_is_left_as_it_is(error: Exception) -> None:
    """Nothing is added to it: compared, printed, stored or sent, it is the same."""
    before = dict(vars(error)), pickle.dumps(error)
    error_id_of(error)
    assert (vars(error), pickle.dumps(error)) == before


def test_an_exception_equals_what_it_equalled_before() -> None:
    """Equality of the program's own making is not disturbed."""
    error = Compared(4)
    error_id_of(error)
    assert error == Compared(4)


def test_an_exception_that_takes_nothing_has_a_new_id_each_time() -> None:
    """It cannot be known again; nothing is raised."""
    assert error_id_of(Strange("bad"))


def test_an_id_is_forgotten_with_its_exception() -> None:
    """Nothing is kept alive, and what comes to stand at the same address is another."""
    ids = set()
    for _ in range(100):
        error = Plain("bad")
        ids.add(error_id_of(error))
        del error
    gc.collect()
    assert len(ids) == 100
    assert not ids & {identity for _, identity in list(_known.values())}


def test_a_copy_is_an_exception_of_its_own() -> None:
    """It is raised by itself, and it counts by itself."""
    error = Plain("bad")
    assert error_id_of(copy.copy(error)) != error_id_of(error)


def test_threads_agree() -> None:
    """The first call makes the id, and all others return it."""
    error, ids, gate = Plain("bad"), set(), threading.Barrier(8)

    def ask() -> None:
        gate.wait(10)
        ids.add(error_id_of(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(ids) == 1
