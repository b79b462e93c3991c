"""Any value passed to a logger gives one valid, bounded line in each output, and nothing is raised."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hostile import NAMES, VALUES, refuse_constant, texts_in

from odibi_core.logs.context import LogContext
from odibi_core.logs.program_logger import ProgramLog
from odibi_core.settings import Log
from odibi_core.sinks.line_presets import PRESETS
from odibi_core.testing import fresh_program

LINE = 1_000_000
FIELD = 64 * 1024


MODES = ["text", *PRESETS]
IN_TWO_MODES = pytest.mark.parametrize("shown", ["text", "ecs"], indirect=True)
"""Where the way in is what may differ, and the ways out were all looked at."""


class Shown:
    """The log of a program with one preset, on the console and in a file."""

    def __init__(self, mode: str) -> None:
        self.raw = io.BytesIO()
        self.stream = io.TextIOWrapper(self.raw, "utf-8", newline="\n", write_through=True)
        preset: Any = "odibi" if mode == "text" else mode
        format: Any = "text" if mode == "text" else "json"
        self.mode = mode
        self.log = ProgramLog(Log(level="debug", format=format, preset=preset, file="app.jsonl"), self.stream)

    def check(self) -> None:
        """Check that each output has one line, valid UTF-8, bounded, and strict JSON where it is JSON."""
        for written, is_json in [
            (self.raw.getvalue(), self.mode != "text"),
            (Path("app.jsonl").read_bytes(), True),
        ]:
            line = written.decode()
            assert line.count("\n") == 1
            assert line.endswith("\n")
            assert len(written) <= LINE + 200
            assert is_json or line[:-1].isprintable()
            if is_json:
                record = json.loads(line, parse_constant=refuse_constant)
                assert isinstance(record, dict)
                assert "said" in line
                assert all(len(text) <= FIELD + 100 for text in texts_in(record))




@pytest.fixture(params=MODES)
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    with fresh_program():
        yield Shown(request.param)


@pytest.mark.parametrize("value", VALUES)
def test_a_value_may_be_anything(shown: Shown, value: str) -> None:
    """Any value gives one line: as a field, in a list, as the message and as the error."""
    made = VALUES[value]()
    shown.log.get_logger("app").info("said", mine=made, message=made, inside=[made], error=made)
    shown.check()


@pytest.mark.parametrize("name", NAMES, ids=itertools.count())
def test_a_name_may_be_anything(shown: Shown, name: str) -> None:
    """A reserved, empty, huge or odd name gives one line with its value."""
    shown.log.get_logger("app").warning("said", **{name: "of the caller", "other": 1})
    shown.check()
    assert "of the caller" in Path("app.jsonl").read_text(encoding="utf-8")


def test_all_names_at_once(shown: Shown) -> None:
    """No name replaces another."""
    shown.log.get_logger("app").info(
        "said", **{name: f"value {n} of the caller" for n, name in enumerate(NAMES)}
    )
    shown.check()
    line = json.dumps(json.loads(Path("app.jsonl").read_text(encoding="utf-8")))
    assert all(f"value {n} of the caller" in line for n in range(len(NAMES)))


@IN_TWO_MODES
@pytest.mark.parametrize("value", VALUES)
def test_the_context_may_hold_anything(shown: Shown, value: str) -> None:
    """Any value is allowed in `LogContext`, also in its standard fields."""
    made = VALUES[value]()
    with LogContext(made, made, made, mine=made):
        shown.log.get_logger("app").info("said")
    shown.check()


@IN_TWO_MODES
@pytest.mark.parametrize("value", VALUES)
def test_the_event_may_be_anything(shown: Shown, value: str) -> None:
    """Any value is allowed as the event, and inside an exception."""
    try:
        raise ValueError(VALUES[value]())
    except ValueError as error:
        shown.log.get_logger("said").error(VALUES[value](), cause=error)
    assert shown.raw.getvalue().count(b"\n") == 1
    shown.check()


def test_too_many_fields_are_cut(shown: Shown) -> None:
    """A line with thirty of the longest fields names the missing ones."""
    shown.log.get_logger("app").info("said", **{f"f{n}": "x" * FIELD for n in range(30)})
    shown.check()
    assert "cut" in Path("app.jsonl").read_text(encoding="utf-8")


@IN_TWO_MODES
def test_a_great_many_fields_are_cut(shown: Shown) -> None:
    """A hundred thousand of the shortest fields are cut."""
    shown.log.get_logger("app").info("said", **{f"f{n}": n for n in range(100_000)})
    shown.check()
    assert "cut" in Path("app.jsonl").read_text(encoding="utf-8")


def test_the_check_sees_bad_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a writer of NaN, of two lines, of too long lines or of none is found."""
    too_long = b'{"said": "%s"}\n' % (b"x" * 2_000_000)
    lines = [b'{"said": NaN}\n', b'{"said": 1}\n{}\n', too_long, b'{"said": "\xff"}\n']
    monkeypatch.setattr("odibi_core.logs.program_logger.line_encoder", lambda *_: lambda _event: lines[0])
    while lines:
        Path("app.jsonl").unlink(missing_ok=True)
        sabotaged = Shown("odibi")
        sabotaged.log.get_logger("app").info("said")
        with pytest.raises((AssertionError, ValueError, FileNotFoundError)):
            sabotaged.check()
        del lines[0]
