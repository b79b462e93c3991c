"""The bus beyond its contract: order, isolation, re-entry, forks, hostile callers."""

from __future__ import annotations

import gc
import io
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

import pytest

from odibi_core.bus import EventBus, EventPriority
from odibi_core.bus.subscriptions import FAILURES_ALLOWED
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, bind
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.testing import FailingSink, FakeClock, RecordingSink, an_event


@pytest.fixture
def heard() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def bus(heard: RecordingSink) -> EventBus:
    bus = EventBus(clock=FakeClock())
    bus.subscribe(heard)
    return bus


def test_seq_counts_from_zero_without_a_gap_in_the_order_of_the_sinks(
    bus: EventBus, heard: RecordingSink
) -> None:
    """Also with eight threads: `seq` is the order of delivery to the sinks."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bus.publish("x", fields={"n": n}), range(2000)))
    assert [event.seq for event in heard.events] == list(range(2000))
    assert {event.writer_id for event in heard.events} == {bus.writer_id}


def test_sinks_are_called_one_at_a_time(bus: EventBus) -> None:
    """A view needs no lock of its own."""
    inside, most = [0], [0]

    def sink(event: Event) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        os.sched_yield()
        inside[0] -= 1

    bus.subscribe(sink)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bus.publish("x"), range(500)))
    assert most == [1]


def test_sinks_are_called_by_priority_then_registration(bus: EventBus) -> None:
    """The journal before what reacts."""
    order: list[str] = []
    for name, priority in (
        ("b", EventPriority.NORMAL),
        ("a", EventPriority.CRITICAL),
        ("c", EventPriority.NORMAL),
        ("d", EventPriority.LOW),
    ):
        bus.subscribe(partial(_append, order, name), priority=priority)
    bus.publish("x")
    assert order == ["a", "b", "c", "d"]


def test_cause_before_effect(bus: EventBus, heard: RecordingSink) -> None:
    """An event that a sink publishes waits until all sinks received its cause, and so do its own effects."""
    late = RecordingSink()

    def chain(event: Event) -> None:
        if event.event_type in "abc":
            bus.publish(chr(ord(event.event_type) + 1))
            bus.deliver(an_event(event.event_type.upper()))

    bus.subscribe(chain)
    bus.subscribe(late)
    bus.publish("a")
    assert heard.kinds == late.kinds == ["a", "b", "A", "c", "B", "d", "C"]


def test_hooks_hear_what_sinks_say_after_its_cause(bus: EventBus) -> None:
    """A rule is a sink; the code that waits for its alert is a hook."""
    heard: list[str] = []
    bus.subscribe(lambda event: bus.publish("alert_raised") if event.event_type == "x" else None)
    bus.register_hook("*", lambda event: heard.append(event["event_type"]))
    bus.publish("x")
    bus.deliver(an_event("x"))
    assert heard == ["x", "alert_raised", "x", "alert_raised"]


def test_what_a_hook_says_reaches_hooks_after_its_round(bus: EventBus, heard: RecordingSink) -> None:
    """Each hook receives the events in one order; no recursion, however long the chain is."""
    order: list[str] = []

    def first(event: dict[str, Any]) -> None:
        order.append(f"first {event['n']}")
        if event["n"] < 3000:
            bus.emit("x", {"n": event["n"] + 1})

    bus.register_hook("x", first)
    bus.register_hook("x", lambda event: order.append(f"second {event['n']}"))
    bus.emit("x", {"n": 0})
    assert order[:4] == ["first 0", "second 0", "first 1", "second 1"]
    assert len(order) == 6002
    assert bus.failures == {}


def test_a_failing_sink_is_reported_once_and_the_others_hear_on(
    bus: EventBus, heard: RecordingSink, caplog: pytest.LogCaptureFixture
) -> None:
    """Logged each time, published as `hook_failed` the first time, redacted."""
    bus.subscribe(FailingSink(ValueError("password=hunter2")), name="broken", priority=EventPriority.HIGH)
    bus.publish("a")
    bus.publish("b")
    assert heard.kinds == ["a", "hook_failed", "b"]
    assert heard.events[1].fields["hook"] == "broken"
    assert "hunter2" not in caplog.text + str(heard.events)
    assert bus.failures == {"broken": 3}  # its own report it received too


def test_a_sink_that_fails_again_and_again_is_called_no_more(bus: EventBus) -> None:
    """Ten times in a row; one that recovers in between stays."""
    failing, calls = FailingSink(), [0]

    def sometimes(event: Event) -> None:
        calls[0] += 1
        if calls[0] % 2:
            raise ValueError

    bus.subscribe(failing)
    bus.subscribe(sometimes)
    for _ in range(50):
        bus.publish("x")
    assert failing.calls == FAILURES_ALLOWED
    assert calls[0] >= 50


def test_a_hook_that_fails_again_and_again_is_disabled_and_can_be_enabled(bus: EventBus) -> None:
    """Ten times in a row; `enable_hook` gives it ten more calls."""
    failing = FailingSink()
    hook = bus.register_hook("x", failing, name="broken")
    for _ in range(50):
        bus.emit("x")
    assert (failing.calls, hook.enabled) == (FAILURES_ALLOWED, False)
    bus.enable_hook("x", "broken")
    bus.emit("x")
    assert (failing.calls, hook.enabled) == (FAILURES_ALLOWED + 1, True)
    for _ in range(50):
        bus.emit("x")
    assert (failing.calls, hook.enabled) == (2 * FAILURES_ALLOWED, False)


def test_a_standard_log_handler_that_speaks_on_the_bus_is_safe(bus: EventBus, heard: RecordingSink) -> None:
    """A failing sink is logged when no sink is being called, so no two locks are taken crosswise."""
    lock = threading.RLock()

    class Bridge(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with lock:
                bus.publish("logged", fields={"text": record.getMessage()})

    logger, bridge = logging.getLogger("odibi_core"), Bridge()
    logger.addHandler(bridge)
    bus.subscribe(FailingSink())
    try:

        def work() -> None:
            for _ in range(20):
                logger.error("x")
                bus.publish("y")

        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        logger.removeHandler(bridge)
    assert "logged" in heard.kinds


def _append(order: list[str], name: str, _: object) -> None:
    order.append(name)


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __hash__ = None  # type: ignore[assignment]


HOSTILE: list[Any] = [
    None,
    5,
    b"x",
    [],
    {},
    Hostile(),
    object(),
    "\ud800",
    "x" * 100_000,
    "",
    "a\nb",
    float("nan"),
    ("a",),
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_nothing_that_a_caller_says_raises(value: Any, bus: EventBus, heard: RecordingSink) -> None:
    """As the kind, the message, the level, the data, a key or a value: an event comes of it."""
    bus.emit(value)
    bus.emit("x", value)
    bus.emit("x", {"v": value})
    bus.publish(value)
    bus.publish("x", value)
    bus.publish("x", level=value)
    bus.publish("x", fields={"node_name": value, "row_count": value, "metadata": value, "v": value})
    bus.deliver(value)
    assert len(heard.events) == 7
    assert all(
        event.level in {"debug", "info", "warning", "error", "critical"}
        for event in heard.events
        if isinstance(event, Event)
    )


def test_configuration_that_cannot_be_right_is_refused(bus: EventBus) -> None:
    """A hook that cannot be called, a kind that is none, a priority that is none; nothing of it is registered."""
    for kind, callback, priority in (
        ("x", 5, 2),
        ("", print, 2),
        (None, print, 2),
        ("x", print, "high"),
        ("x", print, 99),
    ):
        with pytest.raises(ConfigurationError, match="got"):
            bus.register_hook(kind, callback, priority)  # type: ignore[arg-type]
    assert bus.get_hooks("x") == []
    bus.unregister_hook("x", "nobody")
    bus.unsubscribe(print)


def test_hooks_may_register_and_unregister_while_they_are_called(bus: EventBus) -> None:
    """The round that is going on is not changed; the next one is."""
    heard: list[str] = []

    def once(_: dict[str, Any]) -> None:
        heard.append("once")
        bus.unregister_hook("x", "once")
        bus.register_hook("x", lambda _: heard.append("new"))

    bus.register_hook("x", once)
    bus.emit("x")
    bus.emit("x")
    assert heard == ["once", "new"]


def test_live_objects_reach_hooks_as_they_are_and_the_record_as_text(
    bus: EventBus, heard: RecordingSink
) -> None:
    """Only hooks of this process receive objects that JSON cannot hold; no hook receives a secret."""
    thing = object()
    seen: list[dict[str, Any]] = []
    bus.register_hook("x", seen.append)
    bus.emit("x", {"thing": thing, "password": thing})
    assert seen[0]["thing"] is thing
    assert seen[0]["password"] == heard.events[0].fields["password"] == "[REDACTED]"
    assert type(heard.events[0].fields["thing"]) is str


@pytest.mark.parametrize("kind", ["node_complete", "*"])
def test_a_hook_that_runs_a_whole_pipeline_on_the_same_bus_does_not_deadlock(kind: str) -> None:
    """With threads, whose events the same hook would receive: it is called again, and everything ends."""
    bus, depth = EventBus(), threading.local()
    runs: list[str] = []
    busy = threading.Lock()

    def inner_a() -> int:
        return 1

    def inner_b() -> int:
        return 2

    def outer() -> int:
        return 0

    def hook(event: dict[str, Any]) -> None:
        if (
            event.get("node_name") == "outer"
            and event["event_type"] == "node_complete"
            and busy.acquire(False)
        ):
            steps = [inner_a, inner_b]
            runs.append(Orchestrator(steps, event_bus=bus, max_workers=2, store=False).execute()["status"])

    bus.register_hook(kind, hook)
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(
            Orchestrator([outer], event_bus=bus, max_workers=2, store=False).execute()
        ),
        daemon=True,
    )
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert runs == ["success"]
    assert done[0]["status"] == "success"
    del depth


def test_a_hook_is_called_by_one_thread_at_a_time(bus: EventBus) -> None:
    """So that a user's counter needs no lock, as in the older systems that ran one step at a time."""
    inside, most = [0], [0]

    def hook(_: dict[str, Any]) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        os.sched_yield()
        inside[0] -= 1

    bus.register_hook("x", hook)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bus.emit("x"), range(300)))
    assert most == [1]


def test_an_asynchronous_hook_has_the_context_of_who_said_the_event(
    bus: EventBus, heard: RecordingSink
) -> None:
    """An event that it publishes belongs to the same run."""
    bus.register_hook("x", lambda _: bus.publish("y"), async_execution=True)
    with bind(run_id="r"):
        bus.emit("x")
    assert bus.shutdown(10)
    assert [(event.event_type, event.run_id) for event in heard.events] == [("x", "r"), ("y", "r")]


def test_the_child_of_a_fork_is_a_writer_of_its_own_whatever_was_held(
    bus: EventBus, heard: RecordingSink
) -> None:
    """Forked from a hook while other threads are in a sink and in a hook: no deadlock, own writer_id and seq."""
    entered, go = threading.Barrier(3), threading.Event()

    def held(event: Any) -> None:
        kind = event["event_type"] if isinstance(event, dict) else event.event_type
        if kind == "hold":
            entered.wait(10)
            go.wait(10)

    other = EventBus()
    other.subscribe(held)
    bus.register_hook("hold", held, name="held")
    threads = [
        threading.Thread(target=other.publish, args=("hold",)),
        threading.Thread(target=bus.publish, args=("hold",)),
    ]
    for thread in threads:
        thread.start()
    entered.wait(10)
    said_by_child: list[int] = []

    def fork(_: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            signal.alarm(15)
            parent = heard.events[0].writer_id
            heard.events.clear()
            called: list[Any] = []
            bus.register_hook("child", called.append)
            bus.unregister_hook("hold", "held")
            bus.publish("child")
            other.publish("child")
            event = heard.events[0]
            os._exit(0 if event.writer_id != parent and event.seq == 0 and called else 3)
        said_by_child.append(os.waitpid(pid, 0)[1])

    bus.register_hook("fork", fork)
    bus.publish("fork")
    go.set()
    for thread in threads:
        thread.join(10)
    assert said_by_child == [0]


def test_an_object_that_logs_when_it_dies_is_safe(bus: EventBus, heard: RecordingSink) -> None:
    """`__del__` runs wherever the collector runs: inside the bus, inside a sink."""

    class Mourned:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            bus.publish("died")

    gc.set_threshold(5)
    try:
        for number in range(200):
            Mourned()
            bus.publish("x", fields={"n": [number]})
    finally:
        gc.set_threshold(700, 10, 10)
    gc.collect()
    assert heard.kinds.count("died") == 200
    assert heard.kinds.count("x") == 200


@pytest.mark.parametrize("moment", [0, 1])
def test_a_signal_at_the_very_edge_of_a_turn_is_heard(moment: int) -> None:
    """A handler may log between taking the lock and noting its holder, and the other way round: no deadlock."""

    class Edge(EventBus):
        """Publishes an event just before the bus notes the holder of its lock: the first time, or the second."""

        changes: ClassVar[list[int]] = [0]
        value = 0

        @property
        def _holder(self) -> int:
            return self.value

        @_holder.setter
        def _holder(self, value: int) -> None:
            self.changes[0] += 1
            if self.changes[0] == 2 + moment:  # the constructor's own comes first
                self.publish("handler")
            self.value = value

    Edge.changes = [0]
    bus, heard = Edge(), RecordingSink()
    bus.subscribe(heard)
    thread = threading.Thread(target=bus.publish, args=("program",), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert sorted(heard.kinds) == ["handler", "program"]


def test_a_logger_on_the_bus_hears_all(bus: EventBus) -> None:
    """One stream: a logger with `bus=` keeps every event of the bus."""
    out = io.StringIO()
    logger = StructuredLogger("all", stream=out, bus=bus)
    bus.emit("mine", {"a": 1})
    logger.info("own")
    assert [entry["event_type"] for entry in logger.query_logs()] == ["mine", "own"]


def test_memory_costs_no_system_call_a_line(heard: RecordingSink) -> None:
    """The figure is kept for a second of the clock."""
    clock = FakeClock()
    bus = EventBus(clock=clock)
    bus.subscribe(heard)
    bus.publish("x")
    bus._builder._memory_mb = 12.5
    bus.publish("x")
    clock.advance(1.5)
    bus.publish("x")
    memory = [event.memory_mb for event in heard.events]
    assert memory[1] == 12.5
    assert memory[0] == pytest.approx(memory[2], rel=0.5)


def test_the_memory_is_measured_at_the_edges_of_nodes(bus: EventBus, heard: RecordingSink) -> None:
    """Within the second for which other events keep the figure."""
    bus.publish("x")
    bus._builder._memory_mb = 12.5
    assert isinstance(bus.clock, FakeClock)
    bus.clock.advance(0.001)
    bus.publish("x", fields={"node_name": "a"})
    bus.publish("node_complete", fields={"node_name": "a"})
    memory = [event.memory_mb for event in heard.events]
    assert memory[1] == 12.5
    assert memory[2] == pytest.approx(memory[0], rel=0.5)
    assert memory[2] != 12.5


def test_the_fields_of_an_event_take_precedence_over_its_context(bus: EventBus, heard: RecordingSink) -> None:
    """Standard fields and others, for sinks and for hooks."""
    received: list[dict[str, Any]] = []
    bus.register_hook("x", received.append)
    with bind(node_name="outer", layer="outer", batch=1):
        bus.publish("x", fields={"node_name": "own", "batch": 2})
    (event,) = heard.events
    assert (event.node_name, event.layer, event.fields["batch"]) == ("own", "outer", 2)
    assert (received[0]["node_name"], received[0]["layer"], received[0]["batch"]) == ("own", "outer", 2)


def test_emit_gives_failures_the_level_error(bus: EventBus, heard: RecordingSink) -> None:
    """Under their older name too."""
    for kind in ("node_failed", "node_error", "pipeline_error", "error", "node_complete"):
        bus.emit(kind)
    assert [event.level for event in heard.events] == ["error", "error", "error", "error", "info"]


def test_unsubscribe_returns_when_no_thread_calls_the_sink(bus: EventBus) -> None:
    """So that a file may be closed then."""
    inside, go, order = threading.Event(), threading.Event(), list[str]()

    def sink(_: Event) -> None:
        inside.set()
        go.wait(10)
        order.append("sink")

    bus.subscribe(sink)
    publisher = threading.Thread(target=bus.publish, args=("x",))
    publisher.start()
    assert inside.wait(10)

    def remove() -> None:
        bus.unsubscribe(sink)
        order.append("removed")

    remover = threading.Thread(target=remove)
    remover.start()
    remover.join(0.1)
    go.set()
    for thread in (publisher, remover):
        thread.join(10)
    assert order == ["sink", "removed"]


def test_the_failure_of_a_sink_is_logged_without_the_lock_of_the_bus(bus: EventBus) -> None:
    """Lock order: a handler of `logging` may wait for a thread that publishes."""
    ended: list[bool] = []

    class Waits(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            other = threading.Thread(target=bus.publish, args=("y",), daemon=True)
            other.start()
            other.join(5)
            ended.append(not other.is_alive())

    logger, handler = logging.getLogger("odibi_core"), Waits()
    bus.subscribe(FailingSink(), "x")
    logger.addHandler(handler)
    try:
        bus.publish("x")
    finally:
        logger.removeHandler(handler)
    assert ended == [True]


def test_each_failure_of_a_sink_is_logged_at_once(bus: EventBus, caplog: pytest.LogCaptureFixture) -> None:
    """Also the second, which publishes nothing: it does not wait for the next event of another sink."""
    bus.subscribe(FailingSink(), "x", name="broken")
    for number in (1, 2, 3):
        bus.publish("x")
        assert len([line for line in caplog.messages if line.startswith("hook broken failed: ")]) == number


def test_an_event_that_is_lost_without_a_log_line_raises_nothing(heard: RecordingSink) -> None:
    """Neither the clock nor the handlers of `logging` work, as when the stack is nearly full."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())
            raise RecursionError

    class NoClock(FakeClock):
        def now(self) -> datetime:
            raise RecursionError

    bus, records, handler = EventBus(clock=NoClock()), list[str](), Broken()
    bus.subscribe(heard)
    logging.getLogger("odibi_core").addHandler(handler)
    try:
        bus.publish("x")
        bus.deliver("no event")  # type: ignore[arg-type]
    finally:
        logging.getLogger("odibi_core").removeHandler(handler)
    assert [record.partition(":")[0] for record in records] == [
        "an event could not be recorded", "an event could not be passed on",
    ]  # fmt: skip
    assert heard.events == []
