"""Every kind of step function, on the executors of this process: a coroutine, a generator, an object that is either."""

from __future__ import annotations

import asyncio
import functools
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import PipelineDefinitionError
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.testing import RecordingSink

PATIENCE = 20  # seconds that a correct run never needs
ROWS = [{"n": 1}, {"n": 2}]

pytestmark = [
    pytest.mark.parametrize("executor", ["inline", "threads"]),
    pytest.mark.filterwarnings("error"),  # of a coroutine that was never awaited too
]


def run(steps: list[Any], executor: str, bus: EventBus | None = None, **options: Any) -> Result:
    options = {"store": False, "raise_on_error": False, "max_workers": 3, **options}
    return Orchestrator(steps, event_bus=bus, executor=executor, **options).execute()


async def coroutine() -> list[dict[str, int]]:
    await asyncio.sleep(0)
    return ROWS


def generator() -> Iterator[dict[str, int]]:
    yield from ROWS


async def async_generator() -> Any:
    for row in ROWS:
        await asyncio.sleep(0)
        yield row


def gives_awaitable() -> Any:
    return coroutine()


def gives_iterator() -> Any:
    return map(dict, ROWS)


async def gives_generator_later() -> Any:
    return generator()


async def with_a_task_group() -> list[dict[str, int]]:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(asyncio.sleep(0, row)) for row in ROWS]
    return [task.result() for task in made]


class Called:
    async def __call__(self) -> list[dict[str, int]]:
        return await coroutine()


class Iterated:
    def __call__(self) -> Iterator[dict[str, int]]:
        return generator()


class Owner:
    async def method(self) -> list[dict[str, int]]:
        return await coroutine()

    @staticmethod
    async def static() -> Any:
        yield ROWS[0]
        yield ROWS[1]


async def with_argument(rows: list[dict[str, int]]) -> list[dict[str, int]]:
    return rows


KINDS: dict[str, Any] = {
    "coroutine": coroutine,
    "generator": generator,
    "asynchronous generator": async_generator,
    "function that gives an awaitable": gives_awaitable,
    "function that gives an iterator": gives_iterator,
    "coroutine that gives a generator": gives_generator_later,
    "coroutine with a task group": with_a_task_group,
    "callable object": Called(),
    "callable object that gives a generator": Iterated(),
    "method": Owner().method,
    "static method": Owner.static,
    "partial": functools.partial(with_argument, rows=ROWS),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def two_readers(function: Any, **options: Any) -> list[Step]:
    """A step whose data two others take."""
    return [
        Step(name="rows", layer="ingest", value=function, **options),
        Step(name="first", value=lambda rows: [list(rows), type(rows)], inputs=["rows"]),
        Step(name="second", value=lambda rows: [list(rows), type(rows)], inputs=["rows"]),
    ]


@EVERY_KIND
@pytest.mark.parametrize("policy", [{}, {"retries": 2}, {"timeout_s": PATIENCE}], ids=["once", "retry", "timed"])
def test_every_reader_sees_all_of_it(kind: str, policy: dict[str, Any], executor: str) -> None:
    """As a list, however the step is tried."""
    result = run(two_readers(KINDS[kind], **policy), executor)
    assert result["data"] == {"first": [ROWS, list], "second": [ROWS, list]}


@EVERY_KIND
def test_also_where_a_loop_runs_already(kind: str, executor: str) -> None:
    """As in a notebook."""

    async def cell() -> Result:
        return run(two_readers(KINDS[kind]), executor)

    assert asyncio.run(cell())["data"]["second"] == [ROWS, list]


@pytest.mark.parametrize("layer", ["ingest", "publish"])
def test_what_no_step_reads_is_run_all_the_same(layer: str, executor: str) -> None:
    """A generator that only acts, a coroutine that returns nothing."""
    done: list[str] = []

    def acts(rows: Any) -> Iterator[None]:
        done.append("generator began")
        yield
        done.append("generator ended")

    async def acts_later(rows: Any) -> None:
        done.append("coroutine")

    names = {"inputs": ["rows"], "layer": layer}
    steps = [Step(name="a", value=acts, **names), Step(name="b", value=acts_later, **names)]  # type: ignore[arg-type]
    assert run(steps, executor, initial={"rows": ROWS})["status"] == "success"
    assert sorted(done) == ["coroutine", "generator began", "generator ended"]


def breaks_late() -> Iterator[int]:
    yield 1
    raise ConnectionError("row 2")


async def breaks_late_async() -> Any:
    yield 1
    raise ConnectionError("row 2")


async def breaks() -> Any:
    raise ConnectionError("row 2")


@pytest.mark.parametrize("function", [breaks_late, breaks_late_async, breaks])
def test_its_error_is_the_steps_and_each_attempt_begins_anew(function: Any, executor: str) -> None:
    """The step fails, not the one that takes its data."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    result = run(two_readers(function, retries=1), executor, bus)
    assert {name: told["status"] for name, told in result["nodes"].items()} == {
        "rows": "failed", "first": "skipped", "second": "skipped",
    }  # fmt: skip
    assert [event.error for event in heard.of_kind("node_retry")] == ["row 2"]
    (failed,) = heard.of_kind("node_failed")
    assert "breaks" in failed.fields["traceback"]


def test_an_attempt_reads_all_of_its_input_again(executor: str) -> None:
    """The rows of a generator that a failed attempt read are there for the next one, too."""
    seen: list[int] = []

    def flaky(generator: Any) -> int:
        seen.append(sum(row["n"] for row in generator))
        if len(seen) == 1:
            raise ConnectionError("again")
        return 1

    run([generator, Step(name="flaky", value=flaky, inputs=["generator"], retries=1)], executor)
    assert seen == [3, 3]


def test_of_several_outputs_each_is_run_and_read(executor: str) -> None:
    """In a dict and in a tuple."""

    def as_dict() -> dict[str, Any]:
        return {"a": generator(), "b": coroutine()}

    async def as_tuple() -> tuple[Any, Any]:
        return generator(), async_generator()

    steps = [
        Step(name="dict", layer="ingest", value=as_dict, outputs={"a": "a", "b": "b"}),
        Step(name="tuple", layer="ingest", value=as_tuple, outputs={"c": "c", "d": "d"}),
    ]
    assert run(steps, executor)["data"] == dict.fromkeys("abcd", ROWS)


def test_a_generator_of_several_outputs_is_refused(executor: str) -> None:
    """As any other value that is neither a dict nor a tuple."""
    result = run([Step(name="split", layer="ingest", value=generator, outputs=["a", "b"])], executor)
    assert "got generator" in result["error"]


def test_its_rows_are_counted_and_its_time_is_measured(executor: str) -> None:
    """The time of awaiting and consuming belongs to the step."""
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    released = threading.Event()

    async def waits() -> Any:
        bus.publish("inside")
        released.set()
        yield {"n": 1}

    run([waits], executor, bus)
    (end,), (inside,) = heard.of_kind("node_complete"), heard.of_kind("inside")
    assert end.row_count == 1
    assert inside.node_name == "waits"
    assert heard.events.index(inside) < heard.events.index(end)


def test_past_its_time_it_is_cancelled_and_cleans_up(executor: str) -> None:
    """The next attempt begins after that."""
    done: list[str] = []

    async def slow() -> int:
        done.append("began")
        if len(done) > 2:
            return 7
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            done.append("cleaned up")
        return 0

    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    step = Step(name="slow", layer="ingest", value=slow, timeout_s=1, retries=1)
    assert run([step], executor, bus)["data"] == {"slow": 7}
    assert done == ["began", "cleaned up", "began"]
    (retry,) = heard.of_kind("node_retry")
    assert retry.error == "took longer than its timeout_s of 1 s and was cancelled"


def test_a_run_that_is_interrupted_cancels_it(executor: str) -> None:
    """It cleans up before `execute` raises."""
    began, cleaned = threading.Event(), threading.Event()

    async def long() -> None:
        try:
            began.set()
            await asyncio.sleep(PATIENCE)
        finally:
            cleaned.set()

    def interrupt(main: int = threading.get_ident()) -> None:
        began.wait(PATIENCE)
        while not cleaned.wait(1):  # again, because a signal just before the wait of the thread does not end it
            signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run([long], executor)
    finally:
        signal.signal(signal.SIGINT, before)
    assert cleaned.is_set()


@pytest.mark.parametrize("make", [generator, gives_iterator, async_generator])
@pytest.mark.parametrize("place", ["initial", "params", "step", "connect"])
def test_one_that_the_caller_gives_is_refused_before_anything_runs(make: Any, place: str, executor: str) -> None:
    """One sentence names what to give instead."""
    step = Step(name="s", value=lambda rows: rows, inputs=["rows"])
    options: dict[str, Any] = {"initial": {"rows": ROWS}}
    if place == "initial":
        options = {"initial": {"rows": make()}}
    elif place == "params":
        step, options = Step(name="s", layer="ingest", value=lambda rows: rows), {"params": {"rows": make()}}
    elif place == "step":
        step = Step(name="s", layer="ingest", value=lambda rows: rows, params={"rows": make()})
    else:
        step = Step(name="s", layer="connect", value=make())
    with pytest.raises(PipelineDefinitionError, match="can be read only once; give a list"):
        Orchestrator([step], store=False, executor=executor, **options)
