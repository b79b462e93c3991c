"""Lines for people: what they show, what they cannot do to a terminal, and streams that break."""

from __future__ import annotations

import io
import json
import re
import shlex
from typing import Any

import pytest

from odibi_core.events.failure import describe_failure
from odibi_core.sinks.console import ConsoleSink
from odibi_core.sinks.text import TextSink, line_of
from odibi_core.testing import an_event

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_a_line_reads_from_left_to_right() -> None:
    """Time, level, component, event, node, message, figures, error, fields, and what is around them last."""
    event = an_event(
        "orders_loaded",
        level="error",
        component="etl.load",
        node_name="clean",
        message="two of three",
        duration_ms=1234.56,
        row_count=1000,
        error="disk full",
        user="ada",
        correlation_id="c-1",
        error_type="OSError",
        source="a b.csv",
        tries=2,
    )
    assert line_of(event) == (
        "00:00:00 error    etl.load orders_loaded clean two of three (1,234.6 ms, 1,000 rows) - OSError: disk full "
        'source="a b.csv" tries=2 user=ada correlation_id=c-1'
    )


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical", "odd"])
def test_colours_change_nothing_but_colours(level: str) -> None:
    """Without its colours a coloured line is the plain one; each colour is ended."""
    event = an_event("x", level=level, component="c", error="e", operation="o", n=1)
    coloured = line_of(event, color=True)
    assert COLOUR.sub("", coloured) == line_of(event)
    assert coloured != line_of(event)
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[")


ESCAPES = "\x1b[2J\x1b]0;title\x07\r\n\x9b31m\u202e\x00\x08 {'"


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize(
    "place", ["component", "node_name", "message", "error", "user", "level", "traceback", "other"]
)
def test_an_event_cannot_command_the_terminal(place: str, color: bool) -> None:
    """No control character of an event gets through, wherever it stands; tracebacks are indented."""
    stream = io.StringIO()
    fields: dict[str, Any] = {place: f"a{ESCAPES}b", f"name{ESCAPES}": [ESCAPES]}
    TextSink(stream, color=color)(an_event(f"kind{ESCAPES}", **fields))
    shown = stream.getvalue()
    plain = COLOUR.sub("", shown) if color else shown
    first, *rest = plain.splitlines()
    assert all(line.isprintable() for line in plain.split("\n"))
    assert plain.endswith("\n")
    assert all(line.startswith("    ") for line in rest)
    assert bool(rest) is (place == "traceback")
    assert "kind" in first


def test_a_value_is_bounded_on_the_line() -> None:
    """A text of 60,000 characters does not fill the screen, and its length is given."""
    line = line_of(an_event("x", huge="y" * 60_000))
    assert len(line) < 700
    assert "[60000 characters]" in line


def test_json_is_the_line_of_the_journal() -> None:
    """`format="json"`: the one codec."""
    stream = io.StringIO()
    TextSink(stream, "json")(an_event("x", row_count=3, source="é"))
    assert json.loads(stream.getvalue())["row_count"] == 3
    assert "é" in stream.getvalue()


class OneWrite(io.StringIO):
    """Counts calls of `write`."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_a_line_with_its_traceback_is_one_write() -> None:
    """So that two threads cannot mix their lines."""
    stream = OneWrite()
    TextSink(stream)(an_event("x", traceback="a\nb\nc"))
    assert stream.writes == 1


def test_a_closed_stream_is_counted() -> None:
    """Nothing raises, and the lost lines are counted."""
    stream = io.StringIO()
    sink = TextSink(stream)
    stream.close()
    sink(an_event("x"))
    assert sink.dropped == 1


def test_a_stream_that_knows_few_characters_gets_escapes() -> None:
    """An ASCII terminal shows the line all the same."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    TextSink(stream)(an_event("x", city="Köln"))
    assert b"K\\xf6ln" in raw.getvalue()


def test_the_console_leaves_out_what_only_machines_read() -> None:
    """`ConsoleSink` writes the same lines, from a level up, without metrics and snapshots."""
    stream = io.StringIO()
    sink = ConsoleSink(stream, "warning")
    for kind, level in [("metric", "error"), ("snapshot", "error"), ("low", "info"), ("high", "warning")]:
        sink(an_event(kind, level=level))
    assert stream.getvalue() == "00:00:00 warning  high\n"


def test_what_an_event_of_the_toolkit_is_about_stands_behind_its_type() -> None:
    """And not a second time behind; ids that only programs read are left out."""
    event = an_event(
        "operation_complete",
        operation="load",
        duration_ms=12.5,
        operation_id=1,
        depth=0,
        tags={"table": "orders"},
    )
    assert line_of(event).endswith('operation_complete load (12.5 ms) tags={"table": "orders"}')
    assert line_of(an_event("cli_command", command="load", status="failed")).endswith(
        "cli_command load status=failed"
    )


def test_the_traceback_of_one_exception_is_shown_once() -> None:
    """At its first event; every event of it has its line."""
    stream = io.StringIO()
    sink = TextSink(stream)
    try:
        raise ValueError("no such table")
    except ValueError as error:
        told = describe_failure(error)
    for kind in ("operation_failed", "error", "cli_command"):
        sink(an_event(kind, **told))
    sink(an_event("error", **{**told, "error_id": "another"}))
    written = stream.getvalue()
    assert written.count("- ValueError: no such table") == 4
    assert written.count("Traceback") == 2


def test_a_line_of_another_library_is_what_it_said() -> None:
    """The name that stands for none, the template of the message and a copy in colours add nothing."""
    event = an_event(
        "log",
        component="httpx",
        message="GET /a 200",
        message_template="%s %s %d",
        url="/a",
        color_message="\x1b[1mGET",
    )
    assert line_of(event) == "00:00:00 info     httpx GET /a 200 url=/a"
    assert line_of(an_event("log", component="app")) == "00:00:00 info     app log"


NAMES = (
    "it's",
    'a"b',
    "a\\",
    "$(touch x)",
    "`touch x`",
    "a\nb",
    "\x1b[31mred",
    "a'b\"c",
    "x; touch y",
    "a b=c",
    "!!",
    "\x9b31m",
    "'",
    '"',
    "a|b",
    "",
)


@pytest.mark.parametrize("place", ["component", "node_name", "operation", "layer", "field"])
@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_the_lines_quoting(name: str, place: str) -> None:
    """A shell reads the same words as for an ordinary name: no quote stays open, nothing is expanded or run."""
    fields: dict[str, Any] = {name: 1} if place == "field" else {place: name}
    line = line_of(an_event("said", message="two rows", **fields, last="a b"))
    assert line.isprintable()
    assert "last=a b" in shlex.split(line)
    assert not re.search("[$`]", line)


@pytest.mark.parametrize(
    "value",
    [
        "it's",
        "a`b",
        "$HOME",
        "a\\b",
        "x" * 600 + '"',
        '"' * 600,
        "\\" * 600,
        ["'" * 600],
        [["\\", '"' * 600]],
        {"a'b": '"'},
    ],
)
def test_no_value_leaves_a_quote_open(value: object) -> None:
    """Also one that is cut: what stands behind it is read as ever."""
    line = line_of(an_event("said", first=value, last="a b"))
    assert "last=a b" in shlex.split(line)


@pytest.mark.parametrize(
    "name", ["etl.load", "load orders", "größe", "a-b_c/d:e", "shop (eu)", "50%", "日本"]
)
def test_an_ordinary_name_is_shown_as_it_is(name: str) -> None:
    """Quotes stand only where they are needed."""
    assert line_of(an_event("said", component=name)).endswith(f" {name} said")


def test_a_group_is_shown_by_its_message_and_its_traceback() -> None:
    """They have the messages of its members; the members themselves are for reports."""
    stream = io.StringIO()
    error = ValueError("a")
    error.add_note("row 7")
    TextSink(stream)(an_event("error", **describe_failure(ExceptionGroup("two", [error, KeyError("b")]))))
    first, *trace = stream.getvalue().splitlines()
    assert first.endswith("- ExceptionGroup: two (2 sub-exceptions): ValueError: a; KeyError: 'b'")
    assert any("row 7" in line for line in trace)
