"""The state of the process: parts are renewed in place, singletons are forgotten, and both can be restored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from odibi_core._state import ProcessState


class Part:
    """State that a module keeps a reference to."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.renewals = 0


class Observed(Part):
    """A part that is called after each reset and restore."""

    seen: list[list[str]] = []  # noqa: RUF012 (of the class, which a reset leaves alone)

    def renewed(self) -> None:
        self.seen.append(self.items)


def test_a_part_is_renewed_in_place_and_restored() -> None:
    """A module keeps its reference: the object is the same, its attributes are those of a new one, then the old."""
    state = ProcessState()
    part = state.part(Part)
    part.items.append("before")
    restore = state.reset()
    assert state.part(Part) is part
    assert part.items == []
    part.items.append("meanwhile")
    restore()
    assert part.items == ["before"]


def test_a_part_learns_of_each_reset_and_restore() -> None:
    """`renewed` runs when the attributes are in place."""
    state = ProcessState()
    Observed.seen.clear()
    state.part(Observed).items.append("before")
    state.reset()()
    assert Observed.seen == [[], ["before"]]


def test_a_part_that_was_made_after_a_reset_stays() -> None:
    """A module that is imported meanwhile keeps its reference."""
    state = ProcessState()
    restore = state.reset()
    late = state.part(Part)
    late.items.append("late")
    restore()
    assert state.part(Part) is late
    assert late.items == ["late"]


def test_a_singleton_is_made_once_and_forgotten_by_a_reset() -> None:
    """Another object after a reset, and the first one again after the restore."""
    state = ProcessState()
    first = state.singleton(Part)
    assert state.singleton(Part) is first
    restore = state.reset()
    assert state.singleton(Part) is not first
    restore()
    assert state.singleton(Part) is first


def test_threads_get_the_same_singleton() -> None:
    """However many ask at once."""
    state, together = ProcessState(), Barrier(8)

    def take(_: int) -> Part:
        together.wait()
        return state.singleton(Part)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(take, range(8))))) == 1
