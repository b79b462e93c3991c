"""New events of a store as they are written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.history.stores import events_of, write_run

from odibi_core.events import Event, encode
from odibi_core.events.clock import host_name
from odibi_core.history.compaction import Options, compact
from odibi_core.store.follower import Follower
from odibi_core.store.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def everything(_: str) -> bool:
    return True


def check_each_once(store: RunStore, seen: list[Event]) -> None:
    """Every event of the store was seen, and none twice."""
    expected = sorted(encode(event) for event in store.events())
    assert sorted(map(encode, seen)) == expected


def half_read(store: RunStore) -> tuple[Follower, list[Event]]:
    """Follow a run from its first lines on, and write the others; return what was seen of it."""
    events = events_of("r1")
    write_run(store.root, "r1", events[:3])
    follower = Follower(store, ["r1"], everything)
    seen = [*follower.poll()]
    write_run(store.root, "r1", events[3:])
    return follower, seen


def test_lines_of_new_runs_and_new_segments(store: RunStore) -> None:
    """Each event comes once, across a run that begins later, a full segment and a second writer."""
    events = events_of("r1")
    write_run(store.root, "r1", events[:2])
    follower = Follower(store, ["r1"], everything)
    seen = [*follower.poll()]
    assert len(seen) == 2
    write_run(store.root, "r1", events[2:4])
    write_run(store.root, "r1", events[4:6], "events.000002.jsonl")
    write_run(store.root, "r2", events_of("r2"))
    seen += follower.poll()
    write_run(store.root, "r1", events[6:], "events.p7.jsonl")
    seen += follower.poll()
    seen += follower.poll()
    check_each_once(store, seen)
    assert not follower.is_over


def test_a_line_is_read_when_it_is_whole(store: RunStore) -> None:
    """Half of a line waits; a line that is no event is counted."""
    first, second, *_ = events_of("r1")
    path = write_run(store.root, "r1", [first])
    follower = Follower(store, ["r1"])
    assert len(list(follower.poll())) == 1
    line = encode(second)
    with path.open("ab", buffering=0) as file:
        file.write(line[:20])
        assert list(follower.poll()) == []
        file.write(line[20:] + b"no event\n")
        assert list(follower.poll()) == [second]
    assert follower.read_errors.unreadable == 1


def test_runs_that_are_compacted_meanwhile(store: RunStore) -> None:
    """Events that were not read before their segments were deleted come from the batch."""
    follower, seen = half_read(store)
    write_run(store.root, "r2", events_of("r2"))
    compact(store, Options(grace_s=0))
    assert store.segments("r1") == []
    seen += follower.poll()
    seen += follower.poll()
    check_each_once(store, seen)


def test_the_check_sees_a_lost_event(store: RunStore) -> None:
    """Sabotage: a follower that forgets the rest of a compacted run is found."""
    follower, seen = half_read(store)
    kept = shutil.copytree(store.root, store.root.with_name("kept"))
    shutil.rmtree(store.root / "runs")
    seen += follower.poll()
    with pytest.raises(AssertionError):
        check_each_once(RunStore(kept), seen)


def test_one_run_is_followed_until_its_end(store: RunStore) -> None:
    """A run whose process died ends as lost."""
    *begun, end = events_of("r1")
    write_run(store.root, "r1", begun)
    follower = Follower(store, ["r1"])
    assert [len(list(follower.poll())), follower.is_over] == [len(begun), False]
    write_run(store.root, "r1", [end])
    assert [len(list(follower.poll())), follower.is_over] == [1, True]
    write_run(store.root, "dead", events_of("dead", status="running", host=host_name(), pid=2**22 + 7))
    follower = Follower(store, ["dead"])
    kinds = [event.event_type for _ in range(2) for event in follower.poll()]
    assert (kinds[-1], follower.is_over) == ("run_lost", True)


def test_runs_are_chosen(store: RunStore) -> None:
    """A run that was known before, and one that is not wanted, are left out."""
    write_run(store.root, "old", events_of("old"))
    follower = Follower(store, [], lambda run_id: run_id != "other")
    write_run(store.root, "new", events_of("new"))
    write_run(store.root, "other", events_of("other"))
    assert {event.run_id for event in follower.poll()} == {"new"}
