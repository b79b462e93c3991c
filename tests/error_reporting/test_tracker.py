"""Capturing: an error is an event with a fingerprint, once, whatever it is made of, Sentry or no Sentry."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.error_program import program_heard
from tests.events.test_failure import FAILURES, NAMES, caught
from tests.ports import kept_port
from tests.sinks.sentry_server import PATIENT, sentry_server

from odibi_core.bus.bus import EventBus
from odibi_core.error_reporting.tracker import ErrorTracker, close_error_tracking
from odibi_core.events import encode
from odibi_core.observability import (
    LogContext,
    ObservabilityConfig,
    add_breadcrumb,
    capture_exception,
    capture_message,
    init_error_tracking,
    init_observability,
    observe,
    set_config,
    set_context,
    with_error_tracking,
)
from odibi_core.process import state as program
from odibi_core.testing import RecordingSink
from odibi_core.views.errors import ErrorsView

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(autouse=True)
def heard() -> Iterator[RecordingSink]:
    """A program that just began, and all its events."""
    with program_heard() as sink:
        yield sink


def load(number: int = 7) -> None:
    raise ValueError(f"row {number} is bad")


def test_an_error_is_an_event_with_all_that_is_known(heard: RecordingSink) -> None:
    """Message, place, fingerprint, that it was handled, and the breadcrumbs before it."""
    add_breadcrumb("opened orders.csv")
    set_context("job", {"n": 1})
    with LogContext(operation="nightly", user="ada"):
        identity = capture_exception(caught(load), {"batch": 7})
    (event,) = heard.of_kind("error")
    fields = event.fields
    assert (event.level, event.error, event.operation, event.user) == (
        "error",
        "row 7 is bad",
        "nightly",
        "ada",
    )
    assert (fields["error_type"], fields["error_id"], fields["handled"]) == ("ValueError", identity, True)
    assert "in load" in fields["traceback"]
    assert re.fullmatch("[0-9a-f]{32}", identity or "")
    assert re.fullmatch("[0-9a-f]{16}", fields["fingerprint"])
    assert (fields["context"], fields["contexts"]) == ({"batch": 7}, {"job": {"n": 1}})
    assert fields["breadcrumbs"][0]["message"] == "opened orders.csv"


def test_an_exception_is_recorded_once(heard: RecordingSink) -> None:
    """Captured again by each layer that it passes, it gives the id that it has; another one has another."""
    error = caught(load)
    first = capture_exception(error)
    assert capture_exception(error) == first != capture_exception(caught(load))
    assert len(heard.of_kind("error")) == 2


def test_methods_and_callable_objects_are_tracked_like_functions(heard: RecordingSink) -> None:
    """Every kind of method, on either side of its decorator, and a callable object."""

    class Service:
        @with_error_tracking(reraise=False)
        @classmethod
        def of_class(cls) -> None:
            raise ValueError("one")

        @with_error_tracking
        @staticmethod
        def of_none() -> None:
            raise ValueError("two")

        async def __call__(self) -> None:
            raise ValueError("three")

    Service.of_class()
    with pytest.raises(ValueError, match="two"):
        Service.of_none()
    asyncio.run(with_error_tracking(reraise=False)(Service())())
    assert [event.error for event in heard.of_kind("error")] == ["one", "two", "three"]


def test_a_class_that_cannot_be_constructed_is_an_error(heard: RecordingSink) -> None:
    """A decorated class tracks what its construction raises."""
    with pytest.raises(TypeError):
        with_error_tracking(dict)(1)  # type: ignore[call-overload]
    assert [event.fields["error_type"] for event in heard.of_kind("error")] == ["TypeError"]


def test_a_level_that_is_none_leaves_an_error_an_error(heard: RecordingSink) -> None:
    """A misspelt level must not make it disappear among the information."""
    capture_exception(caught(load), level="eror")
    capture_exception(caught(load), level="WARN")
    assert [event.level for event in heard.of_kind("error")] == ["error", "warning"]


def test_an_exception_that_comes_from_another_process_is_recorded_here_too(heard: RecordingSink) -> None:
    """Its id comes along, so it is still one and the same; but only that process knows what it recorded."""
    error = caught(load)
    first = capture_exception(error)
    with program_heard() as elsewhere:
        assert capture_exception(pickle.loads(pickle.dumps(error))) == first  # noqa: S301 (our own bytes)
        assert len(elsewhere.of_kind("error")) == 1


def test_what_recorded_it_before_has_the_same_id(heard: RecordingSink) -> None:
    """The end of the run and the capture of one exception count as one failure."""
    with pytest.raises(ValueError, match="row 7") as raised, observe("nightly", store=False):
        load()
    identity = capture_exception(raised.value)
    assert heard.of_kind("pipeline_error")[0].fields["error_id"] == identity
    view = ErrorsView()
    for event in heard.events:
        view(event)
    assert view.answer().total == 1


def test_the_one_that_is_being_handled_is_meant_where_none_is_given(heard: RecordingSink) -> None:
    """As with `log.exception`; where none is, that is recorded, and there is no id."""
    try:
        load()
    except ValueError:
        assert capture_exception() is not None
    assert capture_exception() is None
    (message,) = heard.of_kind("message")
    assert (message.level, len(heard.of_kind("error"))) == ("warning", 1)


@pytest.mark.parametrize(
    "thing", ["it broke", 5, {"error": "x"}, ValueError, object()], ids=lambda thing: type(thing).__name__
)
def test_what_is_no_exception_is_recorded_as_an_error_that_says_so(
    heard: RecordingSink, thing: object
) -> None:
    """The call reports an error: a strange form is better than a lost report."""
    assert capture_exception(thing)
    (event,) = heard.of_kind("error")
    assert event.error
    assert (event.fields["error_type"], event.message) == (
        type(thing).__name__,
        "the captured object is no exception",
    )


@pytest.mark.parametrize("failure", FAILURES, ids=NAMES)
def test_any_exception_is_captured_within_bounds(heard: RecordingSink, failure: Callable[[], object]) -> None:
    """One whose text fails, a circle or thousands of causes, groups, a full stack: 64 kB of text, and an id."""
    assert capture_exception(caught(failure))
    (event,) = heard.of_kind("error")
    assert (
        len(json.dumps({name: event.get(name) for name in ("error", "error_type", "traceback")})) < 64 * 1024
    )


def test_an_exception_that_hides_its_attributes_is_captured(heard: RecordingSink) -> None:
    """With any class, also one that redefines attribute access."""

    class Closed(Exception):
        __dict__ = property(lambda self: 1 / 0)

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def __getattribute__(self, name: str) -> Any:
            raise AttributeError(name)

    assert capture_exception(Closed("shut"))
    assert len(heard.of_kind("error")) == 1


def test_a_capture_where_the_stack_is_full_raises_nothing(heard: RecordingSink) -> None:
    """At the bottom of a runaway recursion it records what it can; further out it is one error, and not a thousand."""

    def down() -> None:
        try:
            down()
        finally:
            if sys.exc_info()[0] is RecursionError:
                capture_exception()

    with pytest.raises(RecursionError):
        down()
    told = heard.of_kind("error")
    assert told[-1].fields["error_type"] == "RecursionError"
    assert len({event.fields["error_id"] for event in told}) == 1
    assert len(told) < 100


class Hostile:
    """Refuses to be looked at."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Unsized(dict[str, Any]):
    """A mapping whose length cannot be read."""

    def __len__(self) -> int:
        raise RuntimeError("no length")


CYCLE: dict[str, Any] = {}
CYCLE["itself"] = CYCLE


@pytest.mark.parametrize(
    "context",
    [
        Hostile(),
        Unsized(),
        {"x": Hostile()},
        {Hostile(): 1},
        CYCLE,
        {"x" * 1000: "y" * 10_000_000},
        [1],
        "text",
        {"n": float("nan")},
    ],
    ids=["hostile", "unsized", "value", "key", "cycle", "huge", "list", "text", "nan"],
)
def test_any_context_is_told_within_bounds(heard: RecordingSink, context: Any) -> None:
    """One valid line, in every place that takes a context, a level or a message."""
    assert capture_exception(caught(load), context, context)
    assert capture_message(context, context, context)
    with with_error_tracking(context if not callable(context) else None, reraise=False):
        load()
    assert len(heard.events) == 3
    for event in heard.events:
        assert len(encode(event)) < 1_000_000
        json.loads(encode(event))
    assert len(heard.of_kind("error")) == 2


def test_secrets_do_not_reach_the_log(heard: RecordingSink) -> None:
    """In the message, the traceback, the context."""

    def leak() -> None:
        raise ValueError("no route to db://jane:hunter2@db")

    capture_exception(caught(leak), {"password": "hunter2", "mail": "jane@example.org"})
    capture_message("token=hunter2", context={"api_key": "hunter2"})
    written = b"".join(encode(event) for event in heard.events)
    assert b"hunter2" not in written
    assert b"jane@example.org" not in written


def test_a_tracker_of_its_own_speaks_on_its_bus(heard: RecordingSink) -> None:
    """As every instrument does."""
    bus, own = EventBus(), RecordingSink()
    bus.subscribe(own)
    ErrorTracker(bus=bus).capture_exception(caught(load))
    assert (own.kinds, heard.kinds) == (["error"], [])


def test_a_hook_that_captures_what_it_hears_of_does_not_run_in_circles(heard: RecordingSink) -> None:
    """The exception is known before the event is published."""
    error = caught(load)
    program.current_bus().register_hook("error", lambda _: capture_exception(error))
    capture_exception(error)
    assert len(heard.of_kind("error")) == 1


def test_what_cannot_be_recorded_is_logged_and_gives_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of our own costs the program a line in the standard log."""
    monkeypatch.setattr("odibi_core.error_reporting.tracker.describe_failure", lambda error: 1 / 0)
    with caplog.at_level(logging.ERROR, "odibi_core"):
        assert capture_exception(caught(load)) is None
    assert "could not be recorded: ZeroDivisionError" in caplog.text


# with_error_tracking: a block, a function, a coroutine, a generator, an asynchronous generator


def errors(heard: RecordingSink) -> list[Any]:
    return [event.fields["context"] for event in heard.of_kind("error")]


def test_a_block_is_tracked(heard: RecordingSink) -> None:
    """The exception goes on, or ends with the block."""
    with pytest.raises(ValueError, match="row 7"), with_error_tracking({"n": 1}):
        load()
    with with_error_tracking({"n": 2}, reraise=False):
        load()
    with with_error_tracking({"n": 3}):
        pass
    assert errors(heard) == [{"n": 1}, {"n": 2}]


def test_a_function_is_tracked_bare_or_with_arguments(heard: RecordingSink) -> None:
    """It keeps its name; what it gives is given on."""

    @with_error_tracking
    def plain(number: int) -> int:
        """Divide."""
        return 10 // number

    @with_error_tracking({"n": 1}, reraise=False)
    def quiet(number: int) -> int:
        return 10 // number

    given: list[int | None] = [plain(5), quiet(5), quiet(0)]
    assert given == [2, 2, None]
    with pytest.raises(ZeroDivisionError):
        plain(0)
    assert (plain.__name__, plain.__doc__) == ("plain", "Divide.")
    assert len(heard.of_kind("error")) == 2


def test_a_coroutine_is_tracked(heard: RecordingSink) -> None:
    """When it runs, and not when it is made."""

    @with_error_tracking({"n": 1}, reraise=False)
    async def fetch(number: int) -> float:
        await asyncio.sleep(0)
        return 1 / number

    assert asyncio.run(fetch(2)) == 0.5
    assert asyncio.run(fetch(0)) is None
    assert errors(heard) == [{"n": 1}]


def test_a_generator_is_tracked_and_stays_lazy(heard: RecordingSink) -> None:
    """Sent and thrown values reach it, its return value comes out, and closing it is no error."""
    seen: list[Any] = []

    @with_error_tracking({"n": 1})
    def numbers() -> Iterator[Any]:
        try:
            seen.append((yield 1))
        except KeyError:
            yield "caught"
        raise ValueError("end")

    made = numbers()
    assert seen == []
    assert (next(made), made.throw(KeyError("x"))) == (1, "caught")  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="end"):
        next(made)
    other = numbers()
    next(other)
    other.close()  # type: ignore[attr-defined]
    assert errors(heard) == [{"n": 1}]


def test_an_asynchronous_generator_is_tracked_and_stays_itself(heard: RecordingSink) -> None:
    """Sending, throwing and closing reach the function's own generator."""
    seen: list[Any] = []

    @with_error_tracking({"n": 1}, reraise=False)
    async def numbers() -> AsyncIterator[Any]:
        try:
            seen.append((yield 1))
            yield 2
        except KeyError:
            yield "caught"
        finally:
            seen.append("closed")
        raise ValueError("end")

    async def use() -> None:
        made: Any = numbers()
        assert (await anext(made), await made.asend("sent")) == (1, 2)
        assert await made.athrow(KeyError("x")) == "caught"
        assert [item async for item in made] == []
        other: Any = numbers()
        await anext(other)
        await other.aclose()

    asyncio.run(use())
    assert seen == ["sent", "closed", "closed"]
    assert errors(heard) == [{"n": 1}]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_is_no_error_is_left_alone(heard: RecordingSink, error: type[BaseException]) -> None:
    """Ctrl-C and exits are no errors, and nothing may end them."""
    with pytest.raises(error), with_error_tracking(reraise=False):
        raise error
    assert heard.of_kind("error") == []


# Sentry: configured, or why not


def warnings(heard: RecordingSink) -> list[str]:
    kinds = {"message", "setup_problem"}
    return [event.message or "" for event in heard.events if event.level == "warning" and event.event_type in kinds]


def test_without_being_asked_there_is_no_sentry_and_no_word(heard: RecordingSink) -> None:
    """The log has the errors all the same."""
    assert init_error_tracking() is False
    assert heard.kinds == []


@pytest.mark.parametrize(
    ("dsn", "says"),
    [("", "SENTRY_DSN is not set"), ("nonsense", "SENTRY_DSN"), ("https://host/1", "SENTRY_DSN")],
)
def test_a_dsn_that_cannot_be_right_is_one_warning(heard: RecordingSink, dsn: str, says: str) -> None:
    """And the program goes on, with its errors in the log."""
    config = ObservabilityConfig(sentry_enabled=True)
    config.__dict__["sentry_dsn"] = dsn  # as from an environment that the settings let pass
    assert init_error_tracking(config) is False
    (warning,) = warnings(heard)
    assert says in warning
    assert capture_exception(caught(load)) is not None


def test_what_cannot_be_had_is_told_once_whoever_finds_it(
    heard: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same words, by whichever of the two is called first, and again."""
    monkeypatch.setenv("SENTRY_ENABLED", "true")
    init_error_tracking()
    with init_observability():
        init_error_tracking()
    (warning,) = warnings(heard)
    assert warning.startswith("SENTRY_ENABLED is true and SENTRY_DSN is not set: ")


def test_a_missing_sdk_is_one_warning_that_says_what_to_install(
    heard: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the extra."""
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.delitem(sys.modules, "odibi_core.sinks.sentry_sink", raising=False)
    assert init_error_tracking(ObservabilityConfig(sentry_enabled=True, sentry_dsn="https://k@h/1")) is False
    (warning,) = warnings(heard)
    assert "pip install 'odibi-core[sentry]'" in warning


def test_a_host_that_cannot_be_reached_is_one_warning(heard: RecordingSink) -> None:
    """Published when the first error could not be sent; it is not sent to Sentry in turn."""
    dsn = f"http://key@127.0.0.1:{kept_port()}/1"
    assert init_error_tracking(ObservabilityConfig(sentry_enabled=True, sentry_dsn=dsn))
    for number in range(3):
        capture_exception(caught(lambda n=number: load(n)))  # type: ignore[misc]
    close_error_tracking(20)
    (warning,) = warnings(heard)
    assert "127.0.0.1" in warning


def test_a_second_start_begins_anew_and_an_end_ends(heard: RecordingSink) -> None:
    """One listener at a time: nothing is sent twice, and after the end nothing is sent."""
    with sentry_server() as server:
        set_config(ObservabilityConfig(sentry_enabled=True, sentry_dsn=server.dsn))
        assert init_error_tracking()
        assert init_error_tracking()
        capture_exception(caught(load))
        capture_message("worth a word", "warning")
        close_error_tracking(10)
        capture_exception(caught(load))
        assert [("exception" in event, "logentry" in event) for event in server.events] == [
            (True, False),
            (False, True),
        ]
    assert [name for name, _ in program.sinks() if name == "sentry"] == []


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "SENTRY_DSN is not set"),
        ({"SENTRY_DSN": "nonsense"}, "SENTRY_DSN"),
        ({"SENTRY_DSN": f"http://k@127.0.0.1:{kept_port()}/1"}, "127.0.0.1"),
    ],
    ids=["no DSN", "no such DSN", "unreachable"],
)
def test_a_script_is_told_once_on_stderr_and_goes_on(variables: dict[str, str], says: str) -> None:
    """The errors stand in the log, which exists although no logger was made; the trouble is one line of it."""
    script = (
        "from odibi_core.observability import capture_exception, init_error_tracking\n"
        "init_error_tracking()\n"
        "for letter in 'abc':\n    assert capture_exception(LookupError(letter * 5))\nprint('done')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "SENTRY_ENABLED": "true", **variables}
    done = subprocess.run(
        [sys.executable, "-c", PATIENT + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if " warning " in line]
    assert says in line
    assert done.stderr.count("LookupError: ") == 2 * 3  # the line, and the last one of its traceback


def test_an_exception_that_ends_an_observed_program_reaches_sentry() -> None:
    """The end of the record comes before Sentry's: the uncaught exception is the last event of both."""
    script = "import odibi_core.observability as o\no.init_observability()\nraise ValueError('the end')"
    with sentry_server() as server:
        environment = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "SENTRY_ENABLED": "true",
            "SENTRY_DSN": server.dsn,
        }
        done = subprocess.run(
            [sys.executable, "-c", PATIENT + script],
            env=environment | {"METRICS_ENABLED": "false"}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        (event,) = server.events
    assert event["exception"]["values"][0]["value"] == "the end"
