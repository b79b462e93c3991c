"""Delivery to hooks: coroutines, failures, and what is refused."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from odibi_core.bus import EventBus
from odibi_core.bus.subscriptions import FAILURES_ALLOWED
from odibi_core.errors import ConfigurationError
from odibi_core.events import bind


class AsyncHook:
    """An object whose call is a coroutine."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard

    async def __call__(self, event: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        self.heard.append(event["event_type"])


async def note(heard: list[str], event: dict[str, Any]) -> None:
    await asyncio.sleep(0)
    heard.append(event["event_type"])


COROUTINES: dict[str, Callable[[list[str]], Any]] = {
    "partial": lambda heard: functools.partial(note, heard),
    "callable object": AsyncHook,
    "method": lambda heard: AsyncHook(heard).__call__,
    "function that gives an awaitable": lambda heard: lambda event: note(heard, event),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", COROUTINES)
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("loop_runs", [False, True])
def test_a_coroutine_is_run_as_any_hook(kind: str, asynchronous: bool, loop_runs: bool) -> None:
    """Before `emit` returns, or on the bus's own threads; also when the event is emitted inside a running loop."""
    bus, heard = EventBus(), list[str]()
    bus.register_hook("loaded", COROUTINES[kind](heard), async_execution=asynchronous)

    async def emit() -> None:
        bus.emit("loaded")

    asyncio.run(emit()) if loop_runs else bus.emit("loaded")
    if asynchronous:
        assert bus.shutdown(20)
    assert heard == ["loaded"]


def test_a_coroutine_that_raises_is_counted_as_any_hook() -> None:
    """And disabled when it fails again and again."""
    bus = EventBus()

    async def fails(event: dict[str, Any]) -> None:
        raise ValueError("late")

    hook = bus.register_hook("loaded", fails)
    for _ in range(FAILURES_ALLOWED):
        bus.emit("loaded")
    assert (hook.failures, hook.enabled) == (FAILURES_ALLOWED, False)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_success_ends_the_count_of_failures_in_a_row(asynchronous: bool) -> None:
    """A hook that fails nine times, succeeds once and fails nine times again is called on; its failures add up."""
    bus, calls = EventBus(max_workers=1), [0]

    def flaky(_: dict[str, Any]) -> None:
        calls[0] += 1
        if calls[0] % FAILURES_ALLOWED:
            raise ValueError

    hook = bus.register_hook("loaded", flaky, async_execution=asynchronous)
    for _ in range(3 * FAILURES_ALLOWED):
        bus.emit("loaded")
    assert bus.shutdown(20)
    assert (calls[0], hook.calls, hook.failures) == (3 * FAILURES_ALLOWED, 3, 3 * (FAILURES_ALLOWED - 1))
    assert (hook.failures_in_a_row, hook.enabled) == (0, True)


def generates(event: Any) -> Any:
    yield event


async def generates_later(event: Any) -> Any:
    yield event


@pytest.mark.parametrize("function", [generates, generates_later, functools.partial(generates)])
def test_what_a_call_would_not_run_is_no_hook(function: Any) -> None:
    """Refused when it is registered, since nothing would ever consume it."""
    with pytest.raises(ConfigurationError, match="runs nothing of it"):
        EventBus().register_hook("loaded", function)


@pytest.mark.parametrize("function", [generates, generates_later, AsyncHook([]), functools.partial(note, [])])
def test_what_a_call_would_not_run_is_no_sink(function: Any) -> None:
    """A coroutine neither: sinks are called in their turn, and nothing waits for them."""
    with pytest.raises(ConfigurationError, match="runs nothing of it"):
        EventBus().subscribe(function)


def test_values_of_the_context_are_each_hooks_own() -> None:
    """A hook that changes a list of its dict changes that of no other hook, nor the context."""
    bus, received = EventBus(), list[list[int]]()

    def change(event: dict[str, Any]) -> None:
        event["batches"].append(2)
        received.append(event["batches"])

    bus.register_hook("x", change)
    bus.register_hook("x", change)
    with bind(batches=[1]):
        bus.emit("x")
        bus.emit("x")
    assert received == [[1, 2]] * 4


def test_a_field_takes_precedence_over_a_live_object() -> None:
    """At the end of a run."""
    bus, received = EventBus(), list[dict[str, Any]]()
    bus.attach_live(tracker="live", metrics_manager="live")
    bus.register_hook("pipeline_complete", received.append)
    bus.emit("pipeline_complete", {"tracker": "own"})
    assert (received[0]["tracker"], received[0]["metrics_manager"]) == ("own", "live")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_calls_a_hook_that_another_thread_was_in() -> None:
    """Fork: the lock of the hook is held by a thread that the child does not have."""
    bus, inside, go, parent = EventBus(), threading.Event(), threading.Event(), os.getpid()

    def hook(_: dict[str, Any]) -> None:
        if os.getpid() == parent:
            inside.set()
            go.wait(20)

    registered = bus.register_hook("x", hook)
    thread = threading.Thread(target=bus.emit, args=("x",))
    thread.start()
    assert inside.wait(10)
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        bus.emit("x")
        os._exit(registered.calls - 1)
    status = os.waitpid(pid, 0)[1]
    go.set()
    thread.join(10)
    assert status == 0
