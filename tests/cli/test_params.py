"""The values of `--param`."""

from __future__ import annotations

import json
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here

from odibi_core import Step
from odibi_core.cli.params import parse_params, with_floats
from odibi_core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-0.5", -0.5), ("1e3", 1000.0), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ('"3"', "3"),
        ('{"a": null}', {"a": None}), (" 3 ", 3), ("12345678901234567890123", 12345678901234567890123),
        *((text, text) for text in (
            "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "1e400", "-1e400", "[NaN]", '{"a": Infinity}', "007",
            "1_000", "0x10", "+1", ".5", "1.", "True", "None", "2026-01-31", "10:30", "a=b", "", "[1", "x y", "٣",
            "9" * 5000, "[" * 100_000,
        )),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_a_value_is_json_or_the_text_as_it_was_written(text: str, value: Any) -> None:
    """A value that JSON lacks is text, and so is one that JSON would change."""
    ((name, found),) = parse_params([f"x={text}"]).items()
    assert (name, type(found), found) == ("x", type(value), value)


def takes_float(x: float) -> None: ...
def takes_text(x: str) -> None: ...
def takes_any(x) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(("text", "number"), [("Infinity", inf), ("-Infinity", -inf)])
def test_a_number_that_json_lacks_is_one_where_a_function_says_float(text: str, number: float) -> None:
    """For a plain function and for a step; one function without the annotation keeps it text."""
    assert with_floats({"x": text}, [takes_float]) == {"x": number}
    assert with_floats({"x": text}, [Step(name="s", value=takes_float)]) == {"x": number}
    for others in ([takes_text], [takes_any], [takes_float, takes_text], [], [len]):
        assert with_floats({"x": text}, others) == {"x": text}
    assert isnan(with_floats({"x": "NaN"}, [takes_float])["x"])
    assert with_floats({"x": "nan", "y": 1}, [takes_float]) == {"x": "nan", "y": 1}


def test_a_parameter_is_name_and_value_once() -> None:
    """Anything else is refused with what was given."""
    for wrong in (["x"], ["=1"], ["x=1", "x=2"]):
        with pytest.raises(ConfigurationError, match="--param"):
            parse_params(wrong)


def test_a_step_gets_the_value_as_it_was_typed(here: Here) -> None:
    """End to end."""
    Path("p.py").write_text(
        "from __future__ import annotations\n"
        "def told(text, number: float):\n"
        "    return [{'value': repr(text) + ' ' + repr(number)}]\n"
        "def out(told):\n    open('told.txt', 'w').write(told[0]['value'])\n    return told\n"
        "pipeline = [told, out]\n"
    )
    done = here("run", "p.py", "-p", "text=NaN", "-p", "number=NaN", "--format", "json")
    assert json.loads(done.stdout)["status"] == "success"
    assert Path("told.txt").read_text() == "'NaN' nan"
