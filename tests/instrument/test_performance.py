"""Measurements: their events, and the behaviour that they leave alone."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, encode
from odibi_core.instrument import performance
from odibi_core.observability import (
    EventBus,
    LogContext,
    Observer,
    get_correlation_id,
    get_logger,
    get_metrics,
    performance_monitor,
    set_correlation_id,
    track_performance,
    wrap,
)
from odibi_core.process.state import current_bus
from odibi_core.testing import FailingSink, FakeClock, RecordingSink, fresh_program


def only(heard: RecordingSink) -> Event:
    (event,) = heard.events
    return event


def by_operation(heard: RecordingSink) -> dict[str | None, Event]:
    return {event.operation: event for event in heard.events}


def test_one_inside_another_is_its_part(heard: RecordingSink) -> None:
    """Each has an id, its parent's, and how deep it is; the outermost has no parent."""
    with track_performance("job"), track_performance("load"), track_performance("parse"):
        pass
    with track_performance("next"):
        pass
    told = by_operation(heard)
    ids = [told[name].fields["operation_id"] for name in ("job", "load", "parse", "next")]
    assert len(set(ids)) == 4
    assert "parent_id" not in told["job"].fields
    assert "parent_id" not in told["next"].fields
    assert told["parse"].fields["parent_id"] == told["load"].fields["operation_id"]
    assert [told[name].fields["depth"] for name in ("job", "load", "parse", "next")] == [0, 1, 2, 0]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError()])
def test_what_is_interrupted_is_cancelled(heard: RecordingSink, error: BaseException) -> None:
    """Not every end by exception is a fault of the code: a warning, status `cancelled`, and the exception goes on."""
    with pytest.raises(type(error)) as raised, track_performance("load"):
        raise error
    assert raised.value is error
    event = only(heard)
    assert (event.event_type, event.status, event.level) == ("operation_failed", "cancelled", "warning")


def test_it_may_be_used_again_and_inside_itself(heard: RecordingSink) -> None:
    """One instance, entered twice at once: two measurements, one the part of the other."""
    timer = track_performance("again")
    with timer, timer:
        pass
    inner, outer = heard.events
    assert inner.fields["parent_id"] == outer.fields["operation_id"]


def test_one_instance_serves_many_threads(heard: RecordingSink) -> None:
    """Entered by all before any leaves: each thread's is its own, and none is part of another."""
    timer, together = track_performance("shared"), threading.Barrier(4)

    def work() -> None:
        with timer:
            together.wait(timeout=30)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({event.fields["operation_id"] for event in heard.events}) == 4
    assert {event.fields["depth"] for event in heard.events} == {0}


def test_lines_inside_carry_the_operation_and_no_others(heard: RecordingSink) -> None:
    """Before, inside, deeper, inside again, after."""
    log = get_logger("app")
    log.info("line")
    with track_performance("outer"):
        log.info("line")
        with track_performance("inner"):
            log.info("line")
        log.info("line")
    log.info("line")
    lines = heard.of_kind("line")
    assert [event.operation for event in lines] == [None, "outer", "inner", "outer", None]


def test_what_is_set_inside_stays(heard: RecordingSink) -> None:
    """Measuring changes nothing: a correlation id that was set in a measured function is still there after it."""

    @performance_monitor
    def begin() -> None:
        set_correlation_id("c-1")

    with LogContext(correlation_id="c-0"):
        begin()
        assert get_correlation_id() == "c-1"
        get_logger("app").info("line")
    assert heard.of_kind("line")[0].operation is None


def test_the_operation_of_the_context_is_back_afterwards(heard: RecordingSink) -> None:
    """Inside `LogContext(operation=…)` a measurement has its own name for as long as it lasts."""
    with LogContext(operation="import"):
        with track_performance("load"):
            set_correlation_id("changed inside")
        get_logger("app").info("line")
    assert heard.of_kind("line")[0].operation == "import"


def test_measurements_that_overlap_leave_no_trace(heard: RecordingSink) -> None:
    """Generators whose blocks end in the wrong order: afterwards there is no operation in force."""

    def block(name: str) -> Iterator[None]:
        with track_performance(name):
            yield

    blocks = [block(name) for name in ("first", "second", "third")]
    for each in blocks:
        next(each)
    for each in blocks:
        assert list(each) == []
    with track_performance("after"):
        get_logger("app").info("line")
    get_logger("app").info("line")
    assert [event.operation for event in heard.of_kind("line")] == ["after", None]
    assert by_operation(heard)["after"].fields["depth"] == 0


def test_a_block_that_ends_in_another_context_is_told(heard: RecordingSink) -> None:
    """As when the garbage collector closes a generator: one event, and the context there is left alone."""

    def block() -> Generator[None, None, None]:
        with track_performance("elsewhere"):
            yield

    started = block()
    contextvars.Context().run(next, started)
    with track_performance("here"):
        started.close()
        get_logger("app").info("line")
    assert heard.of_kind("line")[0].operation == "here"
    assert by_operation(heard)["elsewhere"].fields["partial"] is True


def test_tasks_have_their_own(heard: RecordingSink) -> None:
    """Two tasks side by side inside one measurement are both its parts, and not one another's."""

    async def part(name: str) -> None:
        with track_performance(name):
            await asyncio.sleep(0)

    async def main() -> None:
        with track_performance("main"):
            await asyncio.gather(part("a"), part("b"))

    asyncio.run(main())
    told = by_operation(heard)
    assert told["a"].fields["parent_id"] == told["b"].fields["parent_id"] == told["main"].fields["operation_id"]


def test_inside_a_run_it_stands_in_its_record(heard: RecordingSink) -> None:
    """The event is published on the bus of the run in which it began, with the run's id."""
    run_bus = EventBus()
    own = RecordingSink()
    run_bus.subscribe(own)
    with Observer("nightly", bus=run_bus, store=False), track_performance("load"):
        pass
    (event,) = own.of_kind("operation_complete")
    assert event.run_id is not None
    assert heard.of_kind("operation_complete") == []


def test_what_goes_on_after_the_end_is_no_part_of_it(heard: RecordingSink) -> None:
    """Work that was handed out inside a measurement and begins after it: a measurement of its own."""

    def later() -> None:
        with track_performance("later"):
            pass

    with track_performance("job"):
        handed_out = wrap(later)
        still_inside = wrap(later)
        still_inside()
    handed_out()
    assert [(event.operation, event.fields["depth"]) for event in heard.events] == [
        ("later", 1),
        ("job", 0),
        ("later", 0),
    ]


@pytest.mark.parametrize(
    ("code", "status"), [(None, "success"), (0, "success"), (1, "cancelled"), ("no", "cancelled")]
)
def test_a_program_that_exits_well_did_well(heard: RecordingSink, code: Any, status: str) -> None:
    """`sys.exit()` is how a command-line tool ends."""
    with pytest.raises(SystemExit), track_performance("main"):
        sys.exit(code)
    (told,) = heard.events
    assert (told.status, told.error is None) == (status, status == "success")
    assert "partial" not in told.fields


def test_a_chain_of_tasks_does_not_grow() -> None:
    """A task that starts its successor inside its own measurement, for ever: what ended is let go of."""

    async def link(left: int) -> asyncio.Task[Any] | None:
        with track_performance("link"):
            return asyncio.create_task(link(left - 1)) if left else None

    async def main() -> None:
        task: asyncio.Task[Any] | None = asyncio.create_task(link(200))
        while task is not None:
            task = await task

    asyncio.run(main())
    gc.collect()
    from odibi_core.instrument.performance import _Span

    assert sum(type(each) is _Span for each in gc.get_objects()) < 10


def test_a_sink_that_fails_is_not_noticed(heard: RecordingSink) -> None:
    """Neither the block nor its result knows of it."""
    current_bus().subscribe(FailingSink())
    with track_performance("load"):
        done = True
    assert done


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=8)
    | st.just("\ud800\x00" * 5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(operation=HOSTILE, tags=HOSTILE | st.dictionaries(st.integers() | st.text(), HOSTILE, max_size=3))
def test_any_operation_and_any_tags_will_do(operation: Any, tags: Any) -> None:
    """With any arguments the block runs, and one event is published that is a valid line."""
    with fresh_program():
        heard = RecordingSink()
        current_bus().subscribe(heard)
        with track_performance(operation, tags):
            pass
        json.loads(encode(only(heard)))
        get_metrics().export_prometheus()


class Hostile:
    """Nothing can be asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__

    def __len__(self) -> int:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")


def cyclic() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    return ring


def untouched() -> Iterator[int]:
    yield from (1, 2, 3)


BAD: dict[str, Callable[[], Any]] = {
    "hostile": Hostile,
    "cycle": cyclic,
    "hostile value": lambda: {"x": Hostile()},
    "hostile key": lambda: {Hostile(): 1},
    "huge": lambda: {"a": "x" * 10_000_000},
    "number": lambda: {"n": 10**5000},
    "generator": untouched,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("place", ["operation", "tags"])
def test_bad_input_is_told_as_far_as_it_can_be(heard: RecordingSink, kind: str, place: str) -> None:
    """Values of the catalogue of bad input: never an exception, and a line within its bounds."""
    value = BAD[kind]()
    given = {"operation": "load", place: value}
    with track_performance(**given):
        pass
    assert len(encode(only(heard))) < 1_000_000
    if kind == "generator":
        assert list(value) == [1, 2, 3]


def test_a_secret_in_a_tag_is_hidden(heard: RecordingSink) -> None:
    """Tags become labels, and go out with the metrics."""
    with track_performance("load", tags={"password": "hunter2-canary", "team": "a"}):
        pass
    assert "hunter2-canary" not in encode(only(heard)).decode() + get_metrics().export_prometheus()
    assert 'team="a"' in get_metrics().export_prometheus()


# --- the decorator


def test_a_function_stays_what_it_is(heard: RecordingSink) -> None:
    """Name, docstring, signature, result; the operation is the qualified name."""

    @performance_monitor
    def add(a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    assert (add(1), add.__name__, add.__doc__) == (3, "add", "Adds.")
    assert list(inspect.signature(add).parameters) == ["a", "b"]
    assert only(heard).operation == add.__qualname__


def test_it_may_have_arguments(heard: RecordingSink) -> None:
    """`@performance_monitor()`, with a name, with tags, and `track_performance` itself."""

    def work() -> int:
        return 1

    for decorate in (
        performance_monitor(),
        performance_monitor("load"),
        performance_monitor(operation="load", tags={"team": "a"}),
        track_performance("load", {"team": "b"}),
    ):
        assert decorate(work)() == 1
    assert [event.operation for event in heard.events] == [work.__qualname__, "load", "load", "load"]
    assert heard.events[3].fields["tags"] == {"team": "b"}


def test_methods_of_every_kind(heard: RecordingSink) -> None:
    """Instance, class and static methods, whichever decorator comes first."""

    class Loader:
        @performance_monitor
        def one(self) -> str:
            return type(self).__name__

        @performance_monitor
        @classmethod
        def two(cls) -> str:
            return cls.__name__

        @classmethod
        @performance_monitor
        def three(cls) -> str:
            return cls.__name__

        @performance_monitor
        @staticmethod
        def four() -> str:
            return "Loader"

    loader = Loader()
    assert {loader.one(), Loader.two(), loader.three(), loader.four()} == {"Loader"}
    assert [str(event.operation)[-10:] for event in heard.events] == [
        "Loader.one", "Loader.two", "ader.three", "oader.four",
    ]  # fmt: skip


def test_what_is_no_function_is_refused_at_once() -> None:
    """An object that cannot be called."""
    with pytest.raises(ConfigurationError, match="given was 3"):
        performance_monitor("load")(3)  # type: ignore[type-var]


def test_what_can_be_called_without_a_name(heard: RecordingSink) -> None:
    """A partial, and an object with an asynchronous `__call__`."""

    class Client:
        async def __call__(self) -> int:
            return 2

    assert performance_monitor(functools.partial(int, "1"))() == 1
    assert asyncio.run(performance_monitor(Client())()) == 2
    assert [event.operation for event in heard.events] == ["int", f"{Client.__qualname__}"]


def test_a_coroutine_is_measured_until_it_is_done(heard: RecordingSink) -> None:
    """It stays a coroutine function; nothing is published before the end, and a failure goes on."""

    @performance_monitor
    async def load(fail: bool) -> list[str]:
        await asyncio.sleep(0)
        if fail:
            raise LookupError("gone")
        return heard.kinds[:]

    assert inspect.iscoroutinefunction(load)
    assert asyncio.run(load(False)) == []
    with pytest.raises(LookupError):
        asyncio.run(load(True))
    assert heard.kinds == ["operation_complete", "operation_failed"]


# --- generators


@performance_monitor("numbers")
def numbers(made: list[int]) -> Generator[int, str | None, str]:
    """Notes what it was asked for."""
    for number in range(3):
        made.append(number)
        said = yield number
        if said is not None:
            made.append(int(said))
    return "done"


def test_a_generator_is_lazy_and_measured_while_consumed(heard: RecordingSink) -> None:
    """Nothing runs before the first value is asked for, nothing ahead, and the end is the end of the measurement."""
    made: list[int] = []
    generator = numbers(made)
    assert inspect.isgeneratorfunction(numbers)
    assert made == []
    assert next(generator) == 0
    assert (made, heard.kinds) == ([0], [])
    assert list(generator) == [1, 2]
    event = only(heard)
    assert event.duration_ms is not None
    assert 0 <= event.fields["active_ms"] <= event.duration_ms
    assert "partial" not in event.fields


def test_the_time_of_the_consumer_is_not_the_generators(heard: RecordingSink) -> None:
    """A measurement of the consumer between two values is no part of it; one of the generator is."""

    @performance_monitor("source")
    def source() -> Iterator[int]:
        for number in range(2):
            with track_performance("inside"):
                yield number if number else 0

    for _ in source():
        with track_performance("consumer"):
            pass
    consumer = next(event for event in heard.events if event.operation == "consumer")
    told = by_operation(heard)
    assert told["inside"].fields["parent_id"] == told["source"].fields["operation_id"]
    assert consumer.fields.get("parent_id") != told["source"].fields["operation_id"]


def test_active_is_the_generators_time_alone(heard: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that obeys: three seconds of its own, and twenty of its consumer's between its values."""
    clock = FakeClock()
    monkeypatch.setattr(performance, "monotonic", clock.monotonic)

    @performance_monitor("source")
    def source() -> Iterator[int]:
        for number in range(2):
            clock.advance(1)
            yield number
        clock.advance(1)

    for _ in source():
        clock.advance(10)
    event = only(heard)
    assert (event.duration_ms, event.fields["active_ms"]) == (23_000, 3_000)


def test_a_generator_consumed_from_inside_itself_ends(heard: RecordingSink) -> None:
    """A yielded object may carry the context and continue in it: the chain of measurements gets no ring."""

    @performance_monitor("source")
    def source() -> Iterator[Callable[..., Any]]:
        yield wrap(next)
        with track_performance("inside"):
            yield wrap(next)
        yield wrap(next)

    generator = source()
    first = next(generator)
    second = first(generator)
    third = second(generator)
    with pytest.raises(StopIteration):
        third(generator)
    assert [event.operation for event in heard.events] == ["inside", "source"]
    get_logger("app").info("line")
    assert heard.of_kind("line")[0].operation is None


def test_lines_of_the_consumer_do_not_carry_the_generators_operation(heard: RecordingSink) -> None:
    """While it is suspended it is not in force."""
    log = get_logger("app")

    @performance_monitor("source")
    def source() -> Iterator[int]:
        log.info("inside")
        yield 1

    for _ in source():
        log.info("outside")
    assert heard.of_kind("inside")[0].operation == "source"
    assert heard.of_kind("outside")[0].operation is None


def test_a_generator_can_all_that_it_could(heard: RecordingSink) -> None:
    """`send`, `throw`, the value it returns, and `yield from` over it."""
    made: list[int] = []

    def around() -> Generator[int, str | None, None]:
        assert (yield from numbers(made)) == "done"

    generator = around()
    next(generator)
    assert generator.send("7") == 1
    assert made == [0, 7, 1]
    with pytest.raises(ZeroDivisionError):
        generator.throw(ZeroDivisionError())
    event = only(heard)
    assert (event.event_type, event.fields["error_type"]) == ("operation_failed", "ZeroDivisionError")


def test_a_generator_that_is_left_early_is_partial(heard: RecordingSink) -> None:
    """Closed or forgotten: no failure, one event, and its own `finally` runs inside the measurement."""

    @performance_monitor("source")
    def source() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            get_logger("app").info("closing")

    generator = source()
    next(generator)
    del generator
    gc.collect()
    (event,) = heard.of_kind("operation_complete")
    assert (event.status, event.fields["partial"]) == ("success", True)
    assert heard.of_kind("closing")[0].operation == "source"


def test_a_generator_that_is_never_started_says_nothing(heard: RecordingSink) -> None:
    """There was nothing to measure."""
    numbers([]).close()
    assert heard.events == []


def test_an_asynchronous_generator(heard: RecordingSink) -> None:
    """It stays one, lazily: to its end, left early, with `asend`, and failing."""

    @performance_monitor("source")
    async def source(stop: int) -> AsyncIterator[Any]:
        said = None
        for number in range(3):
            if number == stop:
                raise ValueError("stop")
            said = yield said or number

    assert inspect.isasyncgenfunction(source)

    async def main() -> None:
        assert [item async for item in source(9)] == [0, 1, 2]
        async with aclosing(source(9)) as early:  # type: ignore[type-var]
            assert await anext(early) == 0
            assert await early.asend("said") == "said"  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="stop"):
            [item async for item in source(1)]

    asyncio.run(main())
    assert heard.kinds == ["operation_complete", "operation_complete", "operation_failed"]
    assert [event.fields.get("partial") for event in heard.events] == [None, True, None]


@pytest.mark.parametrize("make", [track_performance, performance_monitor])
def test_an_exception_keeps_its_cause_and_its_frames(make: Callable[..., Any], heard: RecordingSink) -> None:
    """The very object, with its context, and the user's own frame at the end of its traceback."""

    @make("load")  # type: ignore[untyped-decorator]
    def load() -> None:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first

    with pytest.raises(ValueError, match="second") as raised:
        load()
    assert isinstance(raised.value.__cause__, KeyError)
    assert raised.traceback[-1].name == "load"
    assert only(heard).fields["error_type"] == "ValueError"
