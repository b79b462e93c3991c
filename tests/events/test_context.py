"""The context of events: it follows the flow of the program, and never mixes with another's."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.events import bind
from odibi_core.events.context import EMPTY, current, enter
from odibi_core.testing import RecordingSink


@pytest.fixture
def heard() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def bus(heard: RecordingSink) -> EventBus:
    bus = EventBus()
    bus.subscribe(heard)
    return bus


def test_everything_said_inside_carries_what_was_bound(bus: EventBus, heard: RecordingSink) -> None:
    """Standard fields by name and any others; inside wins over outside, and a field of the event itself over both."""
    with bind(run_id="r", node_name="outer", shop="s"), bind(node_name="inner"):
        bus.publish("a")
        bus.publish("b", fields={"node_name": "own", "shop": "other"})
    bus.publish("c")
    a, b, c = heard.events
    assert (a.run_id, a.node_name, a.fields) == ("r", "inner", {"shop": "s"})
    assert (b.run_id, b.node_name, b.fields) == ("r", "own", {"shop": "other"})
    assert (c.run_id, c.node_name, c.fields) == (None, None, {})


def test_it_ends_with_an_exception_too() -> None:
    """A block that fails leaves nothing behind."""
    with pytest.raises(ZeroDivisionError), bind(run_id="r"):
        raise ZeroDivisionError
    assert current() is EMPTY


def test_tasks_keep_to_themselves(bus: EventBus, heard: RecordingSink) -> None:
    """Fifty tasks that take turns: each event carries its own task's context and what was bound around them all."""

    async def task(number: int) -> None:
        with bind(node_name=f"n{number}"):
            for _ in range(5):
                await asyncio.sleep(0)
                bus.publish("step", fields={"number": number})

    async def main() -> None:
        with bind(run_id="r"):
            await asyncio.gather(*map(task, range(50)))

    asyncio.run(main())
    assert len(heard.events) == 250
    assert all(e.node_name == f"n{e.fields['number']}" and e.run_id == "r" for e in heard.events)


def test_threads_keep_to_themselves(bus: EventBus, heard: RecordingSink) -> None:
    """A pool's thread that served one is clean for the next."""
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        if number < 4:
            barrier.wait(10)
        with bind(node_name=f"n{number}"):
            bus.publish("step", fields={"number": number})
        bus.publish("after")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    assert all(e.node_name == f"n{e.fields['number']}" for e in heard.of_kind("step"))
    assert all(e.node_name is None for e in heard.of_kind("after"))


def test_a_context_that_is_carried_over_speaks_in_another_thread(bus: EventBus, heard: RecordingSink) -> None:
    """As executors do it: with a copy of the context."""
    with bind(run_id="r"):
        copied = contextvars.copy_context()
    thread = threading.Thread(target=copied.run, args=(bus.publish, "there"))
    thread.start()
    thread.join()
    assert heard.events[0].run_id == "r"


def test_entering_lasts_as_long_as_the_thread() -> None:
    """`enter` has no end of its own, and does not reach other threads."""
    seen: list[object] = []

    def work() -> None:
        enter(run_id="r")
        seen.append(current().standard)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{"run_id": "r"}]
    assert current() is EMPTY


def test_a_node_keeps_what_is_known_around_it() -> None:
    """The context inside a node has the fields around it; only the run and the node are its own."""
    with bind(correlation_id="c", operation="o", user="u", component="p", environment="test", shop="s"):
        outer = current()
        inner = outer.at_node("r", "clean")
    assert (inner.run_id, inner.node_name) == ("r", "clean")
    for name in ("correlation_id", "operation", "user", "component", "unusual", "fields"):
        assert getattr(inner, name) == getattr(outer, name), name
    assert inner.standard == {**outer.standard, "run_id": "r", "node_name": "clean"}


def test_an_operation_keeps_what_is_known_around_it() -> None:
    """As attributes and as the fields that hooks receive."""
    with bind(run_id="r", node_name="n", correlation_id="c", shop="s"):
        outer = current()
    inner = outer.in_operation("sql")
    assert (inner.run_id, inner.node_name, inner.correlation_id, inner.operation) == ("r", "n", "c", "sql")
    assert (inner.standard, inner.fields) == ({**outer.standard, "operation": "sql"}, {"shop": "s"})
