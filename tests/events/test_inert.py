"""Lines of JSON that neither command a terminal nor end a shell's quotes, and hold the same values."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from odibi_core.events import encode
from odibi_core.events.inert import inert_lines
from odibi_core.sinks.line_presets import PRESETS, line_encoder
from odibi_core.testing import an_event

HOSTILE = (
    "it's",
    "'; touch x; '",
    'a"b',
    "a\\",
    "a\nb\r\n",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\x7f\x85",
    "\u2028\u2029",
    "\u202eevil\u2066",
    "$(touch x)",
    "`touch x`",
    "a'b\"c\\'d\x00",
    "{'}",
)
ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
PLACES = ("component", "node_name", "operation", "field", "nested", "in a list", "metadata")


def named(place: str, name: str) -> Any:
    """An event with a hostile name in one place, and an ordinary message."""
    places: dict[str, dict[str, Any]] = {
        "field": {name: 1},
        "nested": {"a": {name: 1}},
        "in a list": {"a": [{"b": {name: 1}}]},
        "metadata": {"metadata": {name: 1}},
    }
    fields = places.get(place, {place: name})
    return an_event("said", message="two rows", **fields)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_line_or_its_quoting(name: str, place: str, preset: str) -> None:
    """One line, nothing that a terminal acts on, in single quotes one word for a shell; and the same JSON."""
    event = named(place, name)
    bare = line_encoder(preset)(event)
    line = inert_lines(line_encoder(preset))(event).decode()
    assert line.count("\n") == 1
    assert not ACTIVE.search(line)
    assert shlex.split(f"echo '{line[:-1]}'") == ["echo", line[:-1]]
    assert json.loads(line) == json.loads(bare)


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset != "odibi"])
def test_a_preset_does_it_by_itself(preset: str) -> None:
    """Readers of its lines need not know."""
    line = line_encoder(preset)(named("component", "it's\x9b31m")).decode()
    assert "'" not in line
    assert not ACTIVE.search(line)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_commands_a_terminal(value: str) -> None:
    """Wherever it stands; the value read back is the same."""
    event = an_event("said", message=value, note=[value], error=value)
    line = inert_lines(encode)(event).decode()
    assert not ACTIVE.search(line)
    assert json.loads(line) == json.loads(encode(event))


def test_the_words_of_a_message_stay_as_they_are() -> None:
    """So that the lines can be searched: an apostrophe there is no name's."""
    event = an_event("said", message="can't read Köln – 3 rows", city="São Paulo")
    assert inert_lines(encode)(event) == encode(event)
