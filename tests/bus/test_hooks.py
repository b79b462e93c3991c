"""The table of hooks, and what may be one."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.bus.hooks import FAILURES_ALLOWED, EventPriority, HookTable, RegisteredHook
from odibi_core.errors import ConfigurationError


def test_the_route_of_a_kind_is_made_once_and_anew_after_every_change() -> None:
    """Who hears is looked up once a kind, and is right after register, switch and remove."""
    table = HookTable()
    one = table.add(RegisteredHook("one", print, EventPriority.LOW, "x"))
    assert table.route("x") is table.routes["x"]
    two = table.add(RegisteredHook("two", print, EventPriority.HIGH))
    assert table.route("x") == (two, one)
    table.switch("x", "one", False)
    assert table.route("x") == (two,)
    table.remove("*")
    assert table.route("x") == ()


def test_kinds_without_end_do_not_fill_the_memory() -> None:
    """A program may make up a kind for each event."""
    table = HookTable()
    for number in range(5000):
        table.route(f"kind-{number}")
    assert len(table.routes) < 2000


def test_a_hook_tells_about_itself_whatever_its_priority_was_given_as() -> None:
    """An int that is a priority is one; what is none is refused and not kept."""
    table = HookTable()
    hook = table.add(RegisteredHook("one", print, 1, "x"))  # type: ignore[arg-type]
    assert repr(hook) == "RegisteredHook('one', 'x', HIGH, enabled)"
    with pytest.raises(ConfigurationError):
        table.add(RegisteredHook("two", print, 7, "x"))  # type: ignore[arg-type]
    assert table.of_kind("x") == [hook]


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
