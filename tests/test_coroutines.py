"""Awaitables run from synchronous code: results, failures, context, cancellation."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
import types
from contextvars import ContextVar
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from odibi_core.coroutines import AwaitableRun, is_awaitable, run_awaitable

PATIENCE = 20  # seconds that correct code never needs
variable: ContextVar[str] = ContextVar("variable", default="unset")


class Awaits:
    """An object that is no coroutine and can be awaited."""

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return 7


@types.coroutine
def by_generator() -> Any:
    yield from asyncio.sleep(0).__await__()
    return 7


async def seven() -> int:
    await asyncio.sleep(0)
    return 7


def called(call: Any, loop_runs: bool) -> Any:
    """Call the function as in a script, or as in a notebook, where a loop runs in the calling thread."""

    async def cell() -> Any:
        return call()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(cell()) if loop_runs else call()
    finally:
        loop.close()


@pytest.mark.parametrize("make", [seven, Awaits, by_generator])
@pytest.mark.parametrize("loop_runs", [False, True])
def test_every_awaitable_is_run(make: Any, loop_runs: bool) -> None:
    """Every awaitable is run, also if a loop already runs in the calling thread."""
    made = make()
    assert is_awaitable(made)
    assert called(lambda: run_awaitable(made), loop_runs) == 7


@pytest.mark.parametrize("value", [7, None, [], (n for n in [1]), MagicMock(), AsyncMock(), seven, Awaits])
def test_other_values_are_no_awaitables(value: Any) -> None:
    """A generator, a function and a mock that has every attribute are not awaited."""
    assert not is_awaitable(value)


@pytest.mark.parametrize("loop_runs", [False, True])
@pytest.mark.parametrize("error", [ValueError("v"), asyncio.CancelledError("own")], ids=repr)
def test_its_exception_is_raised(error: BaseException, loop_runs: bool) -> None:
    """The exception of the awaitable is raised unchanged."""

    async def fails() -> None:
        raise error

    with pytest.raises(type(error)):
        called(lambda: run_awaitable(fails()), loop_runs)


@pytest.mark.parametrize("loop_runs", [False, True])
def test_it_sees_the_callers_context(loop_runs: bool) -> None:
    """The awaitable and its tasks have the caller's context; their changes stay inside."""

    async def reads() -> str:
        value = await asyncio.create_task(asyncio.sleep(0, variable.get()))
        variable.set("inside")
        return value

    def call() -> tuple[str, str]:
        variable.set("outside")
        return run_awaitable(reads()), variable.get()

    assert called(call, loop_runs) == ("outside", "outside")


def test_tasks_left_behind_are_cancelled_and_waited_for() -> None:
    """Remaining tasks are cancelled and awaited, as `asyncio.run` does."""
    ended = []

    async def background() -> None:
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.append(1)

    async def leaves() -> Any:
        task = asyncio.create_task(background())
        await asyncio.sleep(0)
        return task

    assert run_awaitable(leaves()).cancelled()
    assert ended == [1]


@pytest.mark.parametrize("loop_runs", [False, True])
def test_another_thread_cancels_it(loop_runs: bool) -> None:
    """A cancellation from another thread runs its `finally` blocks, those of a TaskGroup's members too."""
    began, cleaned = threading.Event(), list[int]()
    run = AwaitableRun()

    async def member() -> None:
        try:
            began.set()
            await asyncio.sleep(PATIENCE)
        finally:
            cleaned.append(1)

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(member())

    def cancel() -> None:
        began.wait(PATIENCE)
        run.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(asyncio.CancelledError):
        called(lambda: run.run(group()), loop_runs)
    assert cleaned == [1]
    assert run.has_ended(0)


@pytest.mark.filterwarnings("error")
def test_a_cancelled_coroutine_does_not_begin() -> None:
    """A coroutine that is cancelled before its start is closed, so Python does not warn of it."""
    began: list[int] = []

    async def begins() -> None:
        began.append(1)

    run = AwaitableRun()
    run.cancel()
    assert not run.has_ended(0)
    with pytest.raises(asyncio.CancelledError):
        run.run(begins())
    assert began == []


@pytest.mark.parametrize("loop_runs", [False, True])
def test_an_interrupt_of_the_thread_that_waits_cancels_it(loop_runs: bool) -> None:
    """Ctrl-C cancels the awaitable, in a script and in a notebook."""
    began, cleaned = threading.Event(), list[int]()

    async def long() -> None:
        try:
            began.set()
            await asyncio.sleep(PATIENCE)
        finally:
            cleaned.append(1)

    def interrupt(main: int = threading.get_ident()) -> None:
        began.wait(PATIENCE)
        while not cleaned:  # again, because a signal just before the wait of the thread does not end it
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            called(lambda: run_awaitable(long()), loop_runs)
    finally:
        signal.signal(signal.SIGINT, before)
    assert cleaned == [1]
