"""The methods of every logger: positional arguments and keywords as the standard library's loggers take them."""

from __future__ import annotations

import io
import logging
from typing import Any

import pandas as pd
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.logs.program_logger import ProgramLog
from odibi_core.observability import StructuredLogger, get_logger
from odibi_core.settings import Log
from odibi_core.testing import RecordingSink

METHODS = ("debug", "info", "warning", "error", "critical", "exception")


class Raises:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


FITTING: list[tuple[str, tuple[Any, ...]]] = [
    ("loaded %s", ("orders",)),
    ("loaded %d of %d", (3, 4)),
    ("%s", ((1, 2),)),
    ("%r and %%", ("a",)),
    ("%(a)s", ({"a": 1},)),
    ("%.2f", (1.005,)),
    ("%s", (None,)),
    ("%s", ({},)),
    ("%s", (pd.DataFrame({"a": [1]}),)),
]
UNFITTING: list[tuple[Any, tuple[Any, ...]]] = [
    ("loaded", (1,)),
    ("%s %s", (1,)),
    ("%d", ("three",)),
    ("%(a)s", ({"b": 1},)),
    ("%s", (Raises(),)),
    ("%", (1,)),
    ("{} of {}", (1, 2)),
    (ValueError("an object"), (1,)),
    (None, (1,)),
    (7, (Raises(), Raises())),
]


@pytest.fixture(params=["program", "structured", "own log", "of a process"])
def logger(request: pytest.FixtureRequest, heard: RecordingSink) -> Any:
    """Each class of logger, with its events in `heard`."""
    bus = EventBus()
    bus.subscribe(heard)
    if request.param == "structured":
        return StructuredLogger("a", bus=bus, stream=io.StringIO())
    if request.param == "of a process":
        log = get_logger("a")
        log.set_level("debug")
        return log
    settings = Log(level="debug", repeat_limit=1000) if request.param == "own log" else Log(level="debug")
    return ProgramLog(settings, io.StringIO(), bus=bus).get_logger("a")


@pytest.mark.parametrize("method", METHODS)
def test_arguments_are_formatted_as_the_standard_library_does(
    logger: Any, heard: RecordingSink, method: str
) -> None:
    """The message is the library's own; the event's type stays the template, so that lines of a kind are one kind."""
    for template, args in FITTING:
        getattr(logger, method)(template, *args, batch=7)
        expected = logging.LogRecord("", 0, "", 0, template, args, None).getMessage()
        event = heard.events[-1]
        assert (event.message, event.event_type, event.fields["batch"]) == (expected, template, 7)


@pytest.mark.parametrize("method", METHODS)
def test_arguments_that_do_not_fit_raise_nothing_and_are_kept(
    logger: Any, heard: RecordingSink, method: str
) -> None:
    """Too many, too few, of a wrong type, or whose text fails: template, arguments and reason are kept."""
    for template, args in UNFITTING:
        getattr(logger, method)(template, *args)
        event = heard.events[-1]
        assert event.message == event.event_type
        assert len(event.fields["message_args"]) == len(args)
        assert event.fields["message_problem"].startswith("the arguments do not fit: ")


@pytest.mark.parametrize("method", METHODS)
def test_the_keywords_of_the_standard_library_are_taken(
    logger: Any, heard: RecordingSink, method: str
) -> None:
    """`exc_info`, `stack_info`, `extra`, `stacklevel`: with and without an exception, and of any value."""
    say = getattr(logger, method)
    say("a %s", 1, extra={"batch": 7, 3: 4}, stacklevel=2, stack_info=True)
    event = heard.events[-1]
    assert (event.message, event.fields["batch"], event.fields["3"]) == ("a 1", 7, 4)
    assert not {"extra", "stacklevel", "stack_info"} & set(event.fields)
    assert "test_the_keywords_of_the_standard_library_are_taken" in event.fields["stack"].splitlines()[-2]
    try:
        raise ValueError("bad")
    except ValueError as error:
        for given in (True, error, (ValueError, error, None)):
            say("a %s", 1, exc_info=given)
            assert (heard.events[-1].error, heard.events[-1].message) == ("bad", "a 1")
    strange: list[Any] = [None, False, 1, "yes", [], (1, 2, 3), Raises()]
    for given in strange:
        before = len(heard.events)
        say("a", exc_info=given, stack_info=given, extra=given, stacklevel=given)
        assert len(heard.events) == before + 1


def test_a_level_that_is_off_takes_arguments_too(logger: Any, heard: RecordingSink) -> None:
    """And publishes nothing."""
    logger.set_level("critical")
    for method in METHODS[:4]:
        getattr(logger, method)("a %s", 1, exc_info=True)
    assert heard.events == []


def test_secrets_in_arguments_are_hidden(logger: Any, heard: RecordingSink) -> None:
    """In the formatted message, and where the arguments do not fit."""
    secret = "hunter2hunter2"
    logger.error("password=%s", secret)
    logger.error("connect %s", {"password": secret}, 1)
    assert secret not in str([event.fields for event in heard.events] + [event.message for event in heard.events])


def test_the_console_shows_the_message_and_not_its_template(capsys: pytest.CaptureFixture[str]) -> None:
    """The text is kept as it was given."""
    get_logger("a").warning("loaded %d orders", 3)
    shown = capsys.readouterr().err
    assert "a loaded 3 orders" in shown
    assert "%d" not in shown
