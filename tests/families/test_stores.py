"""One test over every store: a sink that gives back what it took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.store.base import Store
from odibi_core.store.journal import Journal
from odibi_core.store.memory import Memory
from odibi_core.testing import RecordingSink, an_event

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: Memory(),
    "written": lambda folder: Journal(folder),
    "buffered": lambda folder: Journal(folder, durability="buffered"),
    "synced": lambda folder: Journal(folder, durability="synced"),
    "rotating": lambda folder: Journal(folder, max_segment_bytes=500),
    "recording": lambda _: RecordingSink(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


def test_it_gives_back_what_it_took_in_order(store: Store) -> None:
    """Equal events, before and after it is closed."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    bus.subscribe(store)
    for number in range(50):
        bus.publish(
            "x",
            "message",
            level="error" if number % 7 == 0 else "info",
            fields={"n": number, "node_name": "a", "deep": {"l": [1, None]}},
        )
    assert list(store.read()) == heard.events
    store.close()
    assert list(store.read()) == heard.events


def test_it_can_be_read_while_it_takes(store: Store) -> None:
    """A reader sees what was there; each call of `read` begins anew."""
    store(an_event("a"))
    reader = store.read()
    assert next(reader).event_type == "a"
    store(an_event("b"))
    assert [event.event_type for event in store.read()] == ["a", "b"]


def test_after_close_nothing_raises(store: Store) -> None:
    """A late event of another thread is no error of the program."""
    store.close()
    store(an_event("late"))
    store.close()


def test_memory_is_bounded_and_counts_what_made_room() -> None:
    """The latest stay."""
    memory = Memory(bound=3)
    for number in range(10):
        memory(an_event("a", seq=number))
    assert [event.seq for event in memory.read()] == [7, 8, 9]
    assert (memory.accepted, memory.dropped) == (10, 7)
