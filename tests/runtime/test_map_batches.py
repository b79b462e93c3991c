"""Short items of a mapped step that go to a worker together: each keeps its own state, attempts and event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from tests.runtime.test_map_runner import mapped, run

from odibi_core.bus.bus import EventBus
from odibi_core.errors import WorkerLostError
from odibi_core.executors import threads
from odibi_core.executors.base import Held, Home, Work
from odibi_core.runtime.batch_size import BatchSize
from odibi_core.testing import RecordingSink

ITEMS = list(range(300))


class _Here(Held):
    def __init__(self, frame: Any) -> None:
        self.frame = frame


class Place:
    """Workers in this thread; the calls of several items are counted, and those of `lost` lose their worker."""

    def __init__(self) -> None:
        self.shared = True
        self.batch_s = 1.0
        self.batches: list[int] = []
        self.lost: set[int] = set()
        self.open_frames: set[Held] = set()

    def open(self, home: Home) -> None:
        pass

    def call(
        self, work: Work, frames: Mapping[str, Any], task: Any, *, timeout_s: float | None = None
    ) -> tuple[dict[str, Held], Any]:
        if work.__name__ == "work_of_items":
            items = frames["day"]
            self.batches.append(len(items[1]))
            if self.lost.intersection(items[1]):
                raise WorkerLostError("the worker ended")
        made, report = work({name: self.fetch(frame) for name, frame in frames.items()}, task)
        held = {name: _Here(frame) for name, frame in made.items()}
        self.open_frames.update(held.values())
        return dict(held), report

    def fetch(self, held: Any) -> Any:
        return held.frame if isinstance(held, _Here) else held

    def release(self, held: Held) -> None:
        self.open_frames.discard(held)

    def close(self) -> None:
        pass


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place()
    begin = threads.ThreadsExecutor.__init__

    def with_place(executor: threads.ThreadsExecutor, max_workers: int = 4) -> None:
        begin(executor, max_workers)
        executor.place = made

    monkeypatch.setattr(threads.ThreadsExecutor, "__init__", with_place)
    return made


def over(function: Any, heard: RecordingSink | None = None, **options: Any) -> Any:
    bus = EventBus()
    if heard is not None:
        bus.subscribe(heard, kinds="task")
    step = mapped(function, inputs={"day": "numbers"}, **options)
    return run(step, bus=bus, initial={"numbers": ITEMS}, executor="threads", max_workers=2)


def test_short_items_go_together_in_the_order_of_the_items(place: Place) -> None:
    """With few calls and few open frames; each item has its event."""
    heard = RecordingSink()
    result = over(lambda day: [day], heard, combine="rows")
    assert result.data["load"] == ITEMS
    assert len(place.batches) < 40
    assert sorted(event.fields["task"] for event in heard.events) == ITEMS
    assert not place.open_frames


def test_an_item_that_fails_in_a_batch_has_its_own_attempts(place: Place) -> None:
    """The others of its batch succeed once; its next attempt has a call of its own."""
    calls: list[int] = []

    def fails(day: int) -> pd.DataFrame:
        calls.append(day)
        if day == 250 or (day == 200 and calls.count(200) == 1):
            raise ValueError(f"no {day}")
        return pd.DataFrame({"n": [day]})

    heard = RecordingSink()
    result = over(fails, heard, retries=1)
    assert result.nodes["load"]["error"] == "step 'load' failed for 1 of 300 items: 250: no 250"
    assert place.batches
    assert sorted(calls) == sorted([*ITEMS, 200, 250])
    states = [(event.fields["task"], event.status, event.fields["attempts"]) for event in heard.events]
    assert sorted(state for state in states if state[0] in (200, 250)) == [
        (200, "retried", 1), (200, "success", 2), (250, "failed", 2), (250, "retried", 1),
    ]  # fmt: skip
    assert {state[1:] for state in states if state[0] not in (200, 250)} == {("success", 1)}


def test_the_items_of_a_batch_whose_worker_ends_run_alone(place: Place) -> None:
    """Only the item during whose own call a worker ends can fail by it."""
    place.lost = {250}
    heard = RecordingSink()
    assert over(lambda day: day, heard).data["load"] == ITEMS
    assert [event.status for event in heard.events] == ["success"] * len(ITEMS)


def test_an_item_with_a_timeout_has_a_call_of_its_own(place: Place) -> None:
    """Because the timeout ends the call, and with it all items of a batch."""
    assert over(lambda day: day, timeout_s=60).data["load"] == ITEMS
    assert not place.batches


def grown(size: BatchSize, items: list[Any], seconds: float) -> int:
    """Return the size after many items of the same length."""
    for _ in range(9):
        size.next(items, 0, 1, 0.1)
        size.learn([seconds])
    return size.next(items, 0, 1, 0.1)


def test_a_batch_is_as_long_as_its_items_are_short() -> None:
    """It grows from one, and never takes long, many bytes, or the end of the list from other workers."""
    numbers = list(range(10_000))
    assert BatchSize().next(numbers, 0, 1, 0.1) == 1
    assert grown(BatchSize(), numbers, 0.0) == 256
    assert grown(BatchSize(), numbers, 0.01) == 10
    assert grown(BatchSize(), numbers, 1.0) == 1
    assert grown(BatchSize(), ["x" * 300_000] * 100, 0.0) == 3
    assert grown(BatchSize(), [pd.DataFrame({"a": [1]})] * 100, 0.0) == 1
    assert grown(BatchSize(), [lambda: 1] * 100, 0.0) == 1
    assert grown(BatchSize(), numbers[:20], 0.0) == 10
    size = BatchSize()
    grown(size, numbers, 0.0)
    size.restart()
    assert size.next(numbers, 0, 1, 0.1) == 1
