"""Hooks for uncaught exceptions: opt-in, chained, restored; Ctrl-C and exits are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.error_program import program_heard

from odibi_core.observability import LogContext, add_breadcrumb, observe, set_user_context, setup_exception_hook, wrap
from odibi_core.testing import RecordingSink

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(autouse=True)
def heard() -> Iterator[RecordingSink]:
    """A program that just began, and all its events."""
    with program_heard() as sink:
        yield sink


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """The hooks from before, which only record their calls."""
    told: dict[str, list[Any]] = {"program": [], "thread": [], "loop": [], "finalizer": []}
    monkeypatch.setattr(sys, "excepthook", lambda *args: told["program"].append(args))
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told["finalizer"].append(args.exc_value))
    monkeypatch.setattr(threading, "excepthook", lambda args: told["thread"].append(args.exc_value))
    monkeypatch.setattr(
        asyncio.BaseEventLoop, "call_exception_handler", lambda loop, context: told["loop"].append(context)
    )
    return told


@pytest.fixture
def hooked(quiet: dict[str, list[Any]]) -> Iterator[Callable[[], None]]:
    """All hooks are set; gives what takes them away."""
    restore = setup_exception_hook(unraisable=True)
    yield restore
    restore()


def in_a_thread(call: Callable[[], object], name: str = "loader") -> None:
    thread = threading.Thread(target=call, name=name)
    thread.start()
    thread.join()


def fails() -> None:
    raise ValueError("nobody caught this")


def test_nothing_is_touched_before_it_is_asked_for(quiet: dict[str, list[Any]]) -> None:
    """Importing the package sets no hook, and what is set is taken away again."""
    before = (
        sys.excepthook,
        threading.excepthook,
        sys.unraisablehook,
        asyncio.BaseEventLoop.call_exception_handler,
    )
    restore = setup_exception_hook()
    assert sys.unraisablehook is before[2]
    assert sys.excepthook is not before[0]
    restore()
    restore()
    assert before == (
        sys.excepthook, threading.excepthook, sys.unraisablehook, asyncio.BaseEventLoop.call_exception_handler
    )  # fmt: skip


def test_a_thread_is_heard(heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]]) -> None:
    """As critical and not handled, with the thread's name and in the thread's own context; then as before."""

    def work() -> None:
        set_user_context("ada")
        fails()

    in_a_thread(work)
    (event,) = heard.of_kind("error")
    assert (event.level, event.fields["handled"], event.user) == ("critical", False, "ada")
    assert event.fields["context"] == {"uncaught_in": "a thread", "thread": "loader"}
    assert "in fails" in event.fields["traceback"]
    assert len(quiet["thread"]) == 1


def test_what_a_wrapped_function_raises_is_told_in_its_context(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]]
) -> None:
    """The thread has left it by then: the run that it was wrapped in, and what was set in it since."""

    def work() -> None:
        set_user_context("ada")
        add_breadcrumb("in the thread")
        fails()

    with observe("nightly", store=False) as run, LogContext("import"):
        in_a_thread(wrap(work))
        in_a_thread(wrap(lambda: wrap(work)()))
    told = heard.of_kind("error")
    assert [(event.run_id, event.operation, event.user) for event in told] == [
        (run.run_id, "import", "ada")
    ] * 2
    assert told[0].fields["breadcrumbs"][-1]["message"] == "in the thread"


def test_an_exception_after_a_wrapped_one_is_reported_in_the_threads_own_context(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]]
) -> None:
    """The context of a wrapped function that failed before, and was handled, is not that of a later failure."""

    def work() -> None:
        with contextlib.suppress(ValueError):
            carried()
        raise KeyError("another")

    with observe("nightly", store=False):
        carried = wrap(fails)
    in_a_thread(work)
    (event,) = heard.of_kind("error")
    assert (event.fields["error_type"], event.run_id) == ("KeyError", None)


@pytest.mark.parametrize("kind", ["generator", "coroutine", "pool"])
def test_a_wrapped_generator_a_coroutine_or_a_job_of_a_pool_is_reported_in_its_context(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]], kind: str
) -> None:
    """As a wrapped function."""

    def generator() -> Iterator[int]:
        yield 1
        fails()

    async def coroutine() -> None:
        await asyncio.sleep(0)
        fails()

    with observe("nightly", store=False) as run:
        carried, awaited, submitted = wrap(generator), wrap(coroutine), wrap(fails)

    def in_a_pool() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(submitted).result()

    calls: dict[str, Callable[[], object]] = {
        "generator": lambda: list(carried()), "coroutine": lambda: asyncio.run(awaited()), "pool": in_a_pool,
    }  # fmt: skip
    in_a_thread(calls[kind])
    (event,) = heard.of_kind("error")
    assert event.run_id == run.run_id


def test_a_task_nobody_waited_for_is_heard(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]]
) -> None:
    """A loop that began after the hook was set; the task by its name, in its own context where Python knows that."""

    async def lost() -> None:
        set_user_context("ada")
        fails()

    async def main() -> None:
        task = asyncio.create_task(lost(), name="lost one")
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(main())
    (event,) = heard.of_kind("error")
    assert (event.level, event.error) == ("critical", "nobody caught this")
    assert event.user == ("ada" if sys.version_info >= (3, 12) else None)
    about = event.fields["context"]
    assert (about["uncaught_in"], about["task"]) == ("an asyncio loop", "lost one")
    assert len(quiet["loop"]) == 1


def test_a_callback_of_a_running_loop_is_heard_and_its_handler_too(heard: RecordingSink) -> None:
    """The loop's own handler is called as before."""
    handled: list[Any] = []

    def without_exception(_: Any, context: Any) -> None:
        handled.append(context.get("exception"))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(without_exception)
        restore = setup_exception_hook()
        loop.call_soon(fails)
        loop.call_exception_handler({"message": "in trouble, and no exception"})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        restore()

    asyncio.run(main())
    assert [type(error) for error in handled] == [type(None), ValueError]
    (message,) = heard.of_kind("message")
    assert (message.level, message.message) == ("critical", "in trouble, and no exception")
    assert len(heard.of_kind("error")) == 1


def test_what_a_finalizer_raises_is_heard_when_asked(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]]
) -> None:
    """Python itself can only print it."""

    class Leaky:
        def __del__(self) -> None:
            fails()

    made = Leaky()
    del made
    gc.collect()
    (event,) = heard.of_kind("error")
    assert event.fields["context"]["uncaught_in"] == "a finalizer"
    assert "Leaky.__del__" in event.fields["context"]["object"]
    assert len(quiet["finalizer"]) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()], ids=repr)
def test_ctrl_c_and_exits_are_left_alone(
    heard: RecordingSink, hooked: Any, quiet: dict[str, list[Any]], error: BaseException
) -> None:
    """They reach what was there before, and nothing is recorded."""
    sys.excepthook(type(error), error, None)
    threading.excepthook(threading.ExceptHookArgs((type(error), error, None, threading.current_thread())))
    assert heard.events == []
    assert (len(quiet["program"]), len(quiet["thread"])) == (1, 1)


def test_hooks_set_twice_record_once(heard: RecordingSink, hooked: Any) -> None:
    """Hooks set a second time are called, and the exception is recorded once."""
    again = setup_exception_hook()
    in_a_thread(fails)
    again()
    assert len(heard.of_kind("error")) == 1


def test_a_hook_around_ours_stays_when_ours_goes(heard: RecordingSink, quiet: dict[str, list[Any]]) -> None:
    """Another tool's hook that was set around the hook since is kept; the hook records no more."""
    restore = setup_exception_hook(asyncio=False)
    ours, called = threading.excepthook, []

    def around(args: Any) -> None:
        called.append(args)
        ours(args)

    threading.excepthook = around
    restore()
    in_a_thread(fails)
    assert (len(called), len(quiet["thread"]), heard.events) == (1, 1, [])


def test_a_hook_that_cannot_record_still_calls_what_was_there(
    hooked: Any, quiet: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is in trouble enough."""
    monkeypatch.setattr("odibi_core.error_reporting.excepthook._record", lambda *args: 1 / 0)
    in_a_thread(fails)
    assert len(quiet["thread"]) == 1


PROGRAM = """
from odibi_core.observability import setup_exception_hook
from odibi_core.process.state import program_bus
from odibi_core.events import encode

setup_exception_hook()
out = open("said.jsonl", "wb", buffering=0)
program_bus().subscribe(lambda event: out.write(encode(event)))
raise ValueError("the end")
"""


def test_an_uncaught_exception_of_the_program_is_recorded_and_told_by_python(tmp_path: Path) -> None:
    """The exit code and the traceback on stderr are Python's own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: the end\n")
    (said,) = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert (said["event_type"], said["level"], said["handled"]) == ("error", "critical", False)
    assert said["context"] == {"uncaught_in": "the program"}
