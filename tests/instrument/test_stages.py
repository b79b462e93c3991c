"""Stages: the events of a batch, and that a measured stage behaves as before."""

from __future__ import annotations

import asyncio
import copy
import csv
import gc
import inspect
import io
import pickle
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, encode
from odibi_core.instrument import stage_batch
from odibi_core.observability import (
    EventBus,
    InstrumentedStage,
    StructuredLogger,
    get_logger,
    measured_stage,
    performance_monitor,
)
from odibi_core.testing import FakeClock, RecordingSink


class Double:
    """Doubles."""

    unit = "celsius"

    def process(self, records: Iterable[int]) -> list[int]:
        """Each record twice as large."""
        return [record * 2 for record in records]


class Lazy:
    def process(self, records: Iterable[int]) -> Iterator[int]:
        for record in records:
            yield record * 2


def only(heard: RecordingSink) -> Event:
    (event,) = heard.events
    return event


def counted(event: Event) -> tuple[Any, Any]:
    return event.fields.get("recordsIn"), event.fields.get("recordsOut")


def test_a_wrapped_stage_stays_what_it_is(heard: RecordingSink) -> None:
    """Its attributes, its signature, its docstring; a copy is a stage of its own."""
    stage = InstrumentedStage(Double())
    assert (stage.unit, stage.process.__doc__) == ("celsius", "Each record twice as large.")
    assert list(inspect.signature(stage.process).parameters) == ["records"]
    with pytest.raises(AttributeError):
        _ = stage.color
    twin = copy.deepcopy(stage)
    assert twin.stage is not stage.stage
    assert twin.process([1]) == [2]


def test_a_stage_is_named_by_hand_by_itself_or_by_its_class() -> None:
    """In this order."""
    named = Double()
    named.name = "twice"  # type: ignore[attr-defined]
    stages = (InstrumentedStage(named, "by hand"), InstrumentedStage(named), InstrumentedStage(Double()))
    assert [stage.name for stage in stages] == ["by hand", "twice", "Double"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "got 3 (int)"),
        (None, "got None (NoneType)"),
        ("normalize", "got normalize (str)"),
        (Double, "the class Double; make a stage of it first, Double()"),
        (sorted, "the function sorted; a function is measured by @measured_stage"),
    ],
)
def test_a_stage_without_process_is_refused(given: Any, said: str) -> None:
    """At construction, with what was given and what would be right."""
    with pytest.raises(ConfigurationError) as raised:
        InstrumentedStage(given)
    assert said in str(raised.value)
    assert "an object with process(records, …)" in str(raised.value)


def test_a_logger_that_is_none_is_refused() -> None:
    """By both forms, when they are made."""
    with pytest.raises(ConfigurationError, match="got a int"):
        InstrumentedStage(Double(), logger=3)
    with pytest.raises(ConfigurationError, match="got a Double"):
        measured_stage("double", logger=Double())


@pytest.mark.parametrize(
    ("records", "size"),
    [
        (lambda: [1, 2], 2),
        (lambda: {1, 2, 3}, 3),
        (lambda: range(4), 4),
        (lambda: pd.DataFrame({"a": [1, 2, 3]}), 3),
        (lambda: pl.DataFrame({"a": [1, 2, 3]}), 3),
        (lambda: pl.LazyFrame({"a": [1]}), None),
        (lambda: {"a": [1, 2], "b": [3, 4]}, None),
        (lambda: {"id": 7}, None),
        (lambda: "a text", None),
        (lambda: None, None),
    ],
)
def test_records_are_counted_where_that_is_free(heard: RecordingSink, records: Any, size: int | None) -> None:
    """Rows of a frame, lengths of collections; a lazy frame is not forced, a text is no collection of records."""

    @measured_stage
    def keep(records: Any) -> Any:
        return records

    keep(records())
    assert counted(only(heard)) == (size, size)


class Rude:
    """A collection of records that breaks when it is looked at."""

    def __len__(self) -> int:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[int]:
        return iter([1])

    def __contains__(self, item: object) -> bool:
        return False

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_records_that_cannot_be_counted_are_processed_all_the_same(heard: RecordingSink) -> None:
    """The stage has them as they are."""
    assert InstrumentedStage(Double()).process(Rude()) == [2]
    assert counted(only(heard)) == (None, 1)


def test_a_reader_is_counted_and_stays_a_reader(heard: RecordingSink) -> None:
    """An iterator's own attributes are there; an open file, which is more than an iterator, is left alone."""

    @measured_stage
    def rows(records: Any) -> list[Any]:
        assert records.fieldnames == ["a"]
        return list(records)

    @measured_stage
    def lines(records: Any) -> list[Any]:
        with records as file:
            return list(file)

    assert len(rows(csv.DictReader(["a", "1", "2"]))) == 2
    assert len(lines(io.StringIO("1\n2\n"))) == 2
    assert [counted(event) for event in heard.events] == [(2, 2), (None, 2)]


def test_a_chain_of_lazy_stages_takes_one_record_at_a_time(heard: RecordingSink) -> None:
    """As if nothing were measured."""
    order: list[str] = []

    def source() -> Iterator[int]:
        for number in range(2):
            order.append(f"made {number}")
            yield number

    first, second = InstrumentedStage(Lazy(), "first"), InstrumentedStage(Lazy(), "second")
    for number in second.process(first.process(source())):
        order.append(f"used {number}")
    assert order == ["made 0", "used 0", "made 1", "used 4"]
    told = {event.component: event for event in heard.events}
    assert [counted(told[name]) for name in ("first", "second")] == [(2, 2), (2, 2)]


def test_the_time_of_a_stage_is_its_own(heard: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that obeys: not that of the stage before it, and not the consumer's, which are in `duration_ms`."""
    clock = FakeClock()
    monkeypatch.setattr(stage_batch, "monotonic", clock.monotonic)

    def taking(seconds: float) -> Callable[[Iterable[int]], Iterator[int]]:
        def stage(records: Iterable[int]) -> Iterator[int]:
            for record in records:
                clock.advance(seconds)
                yield record

        return stage

    first, second = (measured_stage(f"{seconds} s")(taking(seconds)) for seconds in (1, 2))
    for _ in second(first(iter([1, 2]))):
        clock.advance(10)
    told = {event.component: event for event in heard.events}
    assert [told[name].fields["elapsedMs"] for name in ("1 s", "2 s")] == [2_000, 4_000]
    assert (told["2 s"].duration_ms, told["2 s"].fields["throughputRps"]) == (26_000, 0.5)


def test_a_lazy_result_of_a_plain_function_is_measured_too(heard: RecordingSink) -> None:
    """A generator expression, `map`, and the very iterator that was given, which may be a generator."""

    def with_map(records: Iterable[int]) -> Iterator[int]:
        return map(abs, records)

    def with_expression(records: Iterable[int]) -> Iterator[int]:
        return (record for record in records)

    def as_it_came(records: Iterable[int]) -> Iterable[int]:
        return records

    functions: list[Callable[[Iterable[int]], Iterable[int]]] = [with_map, with_expression, as_it_came]
    for function in functions:
        for records in (iter([1, 2]), (number for number in [1, 2])):
            result = measured_stage(function)(records)
            assert heard.events == []
            assert list(result) == [1, 2]
            assert counted(heard.events.pop()) == (2, 2)


class Countdown:
    """An iterator that begins when it is asked for its iterator, as many a book writes one."""

    def __iter__(self) -> Iterator[int]:
        self.left = 3
        return self

    def __next__(self) -> int:
        self.left -= 1
        if self.left < 0:
            raise StopIteration
        return self.left


class CountdownAsync:
    """The same of an asynchronous one."""

    def __aiter__(self) -> AsyncIterator[int]:
        self.counting = Countdown()
        iter(self.counting)
        return self

    async def __anext__(self) -> int:
        if (number := next(self.counting, None)) is None:
            raise StopAsyncIteration
        return number


class Both(Countdown, CountdownAsync):
    """For either kind of loop."""


class Sized(Countdown):
    """Knows how many are left."""

    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(
    "process",
    [
        lambda records: [*records],
        lambda records: iter(records),
        lambda records: records,
        lambda records: (each for each in records),
    ],
    ids=["list", "iter", "as it came", "generator"],
)
def test_an_iterator_that_begins_anew_does_so(heard: RecordingSink, process: Callable[[Any], Any]) -> None:
    """Its `__iter__` is called where the stage or its consumer calls it; it counts down as it would without us."""
    records = Countdown()
    for _ in range(2):
        assert list(measured_stage("count")(process)(records)) == [2, 1, 0]
        assert counted(heard.events.pop()) == (3, 3)


def test_an_asynchronous_iterator_that_begins_anew_does_so(heard: RecordingSink) -> None:
    """Its `__aiter__` likewise."""

    @measured_stage
    async def gather(records: Any) -> list[int]:
        return [each async for each in records]

    assert asyncio.run(gather(CountdownAsync())) == [2, 1, 0]
    assert counted(heard.events.pop()) == (3, 3)
    assert asyncio.run(gather(Both())) == [2, 1, 0]


def test_what_is_more_than_an_iterator_is_left_alone(heard: RecordingSink) -> None:
    """Its length can be asked as before."""

    @measured_stage
    def length(records: Any) -> list[int]:
        return [len(records)]

    assert length(Sized()) == [3]


def test_leaving_early_is_partial(heard: RecordingSink) -> None:
    """Completed with what was consumed; closing or forgetting are the same."""
    for leave in (lambda generator: generator.close(), lambda generator: None):
        generator = InstrumentedStage(Lazy()).process(iter(range(10)))
        next(generator)
        leave(generator)
        del generator
        gc.collect()
        event = heard.events.pop()
        assert (event.event_type, counted(event), event.fields["partial"]) == (
            "stage_completed",
            (1, 1),
            True,
        )


def test_a_failure_in_the_middle_tells_how_far_it_came(heard: RecordingSink) -> None:
    """`stage_failed` with the records so far; so does a failure of the input."""

    def source() -> Iterator[int]:
        yield 1
        raise OSError("the feed is gone")

    with pytest.raises(OSError, match="the feed is gone"):
        list(InstrumentedStage(Lazy(), "lazy").process(source()))
    event = only(heard)
    assert (event.event_type, event.status, counted(event)) == ("stage_failed", "failed", (1, 1))
    assert event.fields["error_type"] == "OSError"


def test_batches_are_numbered(heard: RecordingSink) -> None:
    """Each stage counts its own."""
    stage = InstrumentedStage(Double())
    stage.process([1])
    stage.process([1])
    InstrumentedStage(Double()).process([1])
    assert [event.fields["batch"] for event in heard.events] == [1, 2, 1]


class Base(InstrumentedStage):
    def process(self, records: list[int]) -> list[int]:
        return [record + 1 for record in records]


class Derived(Base):
    def process(self, records: list[int]) -> list[int]:
        return super().process(records)[:1]


class Retry(InstrumentedStage):
    def process(self, records: list[int]) -> Any:
        return self.stage.process(records)


class Forgetful(InstrumentedStage):
    def __init__(self) -> None:
        """Without its parent's."""

    def process(self, *, records: list[int]) -> list[int]:
        return records


def test_a_stage_that_inherits(heard: RecordingSink) -> None:
    """By name or without; what it inherits is part of its batch; it may wrap, and forget to call its parent."""
    Base("base").process([1, 2])
    Derived().process([1, 2])
    Retry(Double()).process([1])
    Forgetful().process(records=[1])
    assert [(event.component, *counted(event)) for event in heard.events] == [
        ("base", 2, 2),
        ("Derived", 2, 1),
        ("Double", 1, 1),
        ("Forgetful", 1, 1),
    ]


def test_the_logger_may_stand_where_the_name_does() -> None:
    """As in the course: `Base("base", logger)`."""
    stream = io.StringIO()
    Base("base", StructuredLogger("log", stream=stream)).process([1])
    assert '"component":"base"' in stream.getvalue()


def test_every_logger_of_ours_will_do(heard: RecordingSink) -> None:
    """One of `get_logger` speaks where the program does; a bus by itself too; a level is respected."""
    bus, own = EventBus(), RecordingSink()
    bus.subscribe(own)
    InstrumentedStage(Double(), "a", get_logger("app")).process([1])
    InstrumentedStage(Double(), "b", bus).process([1])
    InstrumentedStage(
        Double(), "c", StructuredLogger("log", bus=bus, stream=io.StringIO(), level="error")
    ).process([])
    assert [event.component for event in heard.events] == ["a"]
    assert [event.component for event in own.events] == ["b"]


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_a_process_without_self_is_refused(kind: Any) -> None:
    """It would not know whose batch it is; better no class than one that silently measures nothing."""
    with pytest.raises(ConfigurationError, match=f"process of Still must be a method with self, got a {kind.__name__}"):
        type("Still", (InstrumentedStage,), {"process": kind(lambda *records: None)})


def test_the_records_are_known_through_wrappers_and_decorators(heard: RecordingSink) -> None:
    """`self` is not taken for them, however deep it is."""

    class Pair:
        @performance_monitor
        def process(self, left: Any, right: Any) -> list[Any]:
            return [*left, *right]

    InstrumentedStage(InstrumentedStage(Pair(), "inner"), "outer").process(iter([1]), right=[2, 3])
    told = [event for event in heard.events if event.event_type == "stage_completed"]
    assert [(event.component, event.fields["recordsIn"], event.fields["recordsOut"]) for event in told] == [
        ("inner", 1, 3),
        ("outer", 1, 3),
    ]


@pytest.mark.filterwarnings("error")
def test_a_copy_is_a_stage_of_its_own(heard: RecordingSink) -> None:
    """A wrapped stage can be copied and pickled as before, with and without a logger; it counts its own batches."""
    stage = InstrumentedStage(Double(), "double", logger=StructuredLogger("here"))
    stage.process([1])
    pickled = pickle.loads(pickle.dumps(stage))  # noqa: S301 (our own bytes)
    for each in (copy.copy(stage), copy.deepcopy(stage), pickled):
        assert each.process([1]) == [2]
        assert repr(each) == "<InstrumentedStage 'double'>"
    assert [(event.component, event.fields["batch"]) for event in heard.events] == [("double", 1)] * 3


def test_methods_are_measured_without_their_self(heard: RecordingSink) -> None:
    """The records are the argument of that name, else the first that is not the object."""

    class Stage:
        @measured_stage("method")
        def run(self, batch: list[int]) -> list[int]:
            return batch

        @measured_stage
        @classmethod
        def by_class(cls, batch: list[int]) -> list[int]:
            return batch

        @measured_stage
        def named(self, config: list[int], records: list[int]) -> list[int]:
            return records

    Stage().run([1])
    Stage().run(batch=[1, 2])
    Stage.by_class([1, 2, 3])
    Stage().named([], [1, 2])
    assert [(event.component, counted(event)[0]) for event in heard.events] == [
        ("method", 1), ("method", 2), ("by_class", 3), ("named", 2),
    ]  # fmt: skip


def test_a_source_has_no_records_in(heard: RecordingSink) -> None:
    """A stage that takes nothing; its throughput is of what came out."""

    @measured_stage
    def source() -> list[int]:
        return [1, 2]

    source()
    event = only(heard)
    assert counted(event) == (None, 2)
    assert event.fields["throughputRps"] > 0


async def feed() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


def test_asynchronous_stages(heard: RecordingSink) -> None:
    """Coroutines and asynchronous generators, decorated and wrapped, stay such, with asynchronous input counted."""

    class Collect:
        async def process(self, records: AsyncIterator[int]) -> list[int]:
            return [record async for record in records]

    @measured_stage("stream")
    async def stream(records: AsyncIterator[int]) -> AsyncIterator[int]:
        async for record in records:
            yield record

    stage = InstrumentedStage(Collect())
    assert inspect.iscoroutinefunction(stage.process)
    assert inspect.isasyncgenfunction(stream)

    async def main() -> None:
        assert await stage.process(stream(feed())) == [0, 1, 2]
        left = stream(feed())
        await anext(left)
        await left.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert [(event.component, *counted(event)) for event in heard.events] == [
        ("stream", 3, 3),
        ("Collect", 3, 3),
        ("stream", 1, 1),
    ]


def test_a_cancelled_stage_is_told(heard: RecordingSink) -> None:
    """`stage_failed`, status `cancelled`, and the cancellation goes on."""

    @measured_stage
    async def wait(records: list[int]) -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        task = asyncio.create_task(wait([1]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    event = only(heard)
    assert (event.event_type, event.status, event.level) == ("stage_failed", "cancelled", "warning")


def test_a_name_and_an_error_may_hold_anything(heard: RecordingSink) -> None:
    """Secrets are hidden, the line is valid."""

    @measured_stage("../\n\ud800")
    def send(records: list[int]) -> None:
        raise OSError("postgres://user:hunter2-canary@host/db")

    with pytest.raises(OSError, match="hunter2"):
        send([1])
    assert b"hunter2-canary" not in encode(only(heard))
