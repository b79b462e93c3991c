"""The user's own names and patterns hold everywhere, at once, and cannot hold up the program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.event_bus import EventBus
from odibi_core.events import clean, clean_text, redaction
from odibi_core.events.redaction import HIDDEN, configure
from odibi_core.events.secret_rules import OVERLAP, WINDOW
from odibi_core.observer import Observer
from odibi_core.testing import RecordingSink


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    configure()
    configure(source="settings")


@pytest.mark.parametrize(
    "name", ["employee_no", "employeeNo", "EMPLOYEE-NO", "old.employee.no", "employeeno"]
)
def test_a_name_of_the_users_is_a_secret_in_every_spelling(name: str) -> None:
    """As a field, nested, and in a text."""
    assert clean({name: 77}) == {name: 77}
    configure(names=["employee_no"])
    assert clean({name: 77, "deep": [{name: "x77"}]}) == {name: HIDDEN, "deep": [{name: HIDDEN}]}
    assert "x77" not in clean_text(f"said {name}=x77 here")
    assert clean({"employee": 1, "employee_note": "x"}) == {"employee": 1, "employee_note": "x"}


def test_a_pattern_of_the_users_is_hidden_in_every_text() -> None:
    """Messages, fields, keys; also in a text that was found clean before."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    for _ in range(2):
        bus.say("log", "EMP-123 left", fields={"about": "EMP-456", "by": {"EMP-789": 1}})
        configure(patterns=[r"EMP-\d+"])
    assert "EMP-456" in str(heard.events[0])
    assert "EMP-" not in str(heard.events[1])


def test_a_second_call_replaces_the_first_and_sources_add_up() -> None:
    """What code says and what the settings say hold side by side; an empty call takes back."""
    configure(patterns=["one"])
    configure(patterns=["two"], source="settings")
    assert clean_text("one two three") == f"{HIDDEN} {HIDDEN} three"
    configure(patterns=["three"])
    assert clean_text("one two three") == f"one {HIDDEN} {HIDDEN}"
    configure()
    assert clean_text("one two three") == f"one {HIDDEN} three"


def test_what_the_environment_says_holds_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_REDACTION__NAMES` and `__PATTERNS`, for a plain Observer too."""
    monkeypatch.setenv("ODIBI_REDACTION__NAMES", "employee_no")
    monkeypatch.setenv("ODIBI_REDACTION__PATTERNS", r"EMP-\d+")
    heard = RecordingSink()
    with Observer("x", store=False) as run:
        run.bus.subscribe(heard)
        run.say("seen", "EMP-5", employee_no=77)
    (seen,) = heard.of_kind("seen")
    assert (seen.message, seen.fields["employee_no"]) == (HIDDEN, HIDDEN)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"patterns": ["("]}, "no regular expression"),
        ({"patterns": ["a*"]}, "would hide everything"),
        ({"patterns": ["(a+)+b"]}, "repeats what repeats"),
        ({"patterns": ["(?=(a+)+)b"]}, "repeats what repeats"),
        ({"patterns": ["(a|a)*b"]}, "repeats what repeats"),
        ({"patterns": ["(a?){30}a{30}"]}, "repeats what repeats"),
        ({"patterns": ["(?>(a*)*)b"]}, "repeats what repeats"),
        ({"patterns": "abc"}, "a list of texts"),
        ({"names": "abc"}, "a list of texts"),
        ({"names": [5]}, "a list of texts"),
        ({"names": ["__"]}, "no word"),
    ],
)
def test_what_cannot_be_right_is_refused_and_the_rest_holds(wrong: dict[str, Any], why: str) -> None:
    """The message says which, why, and what would be right; the right ones are in force all the same."""
    given: dict[str, Any] = {"patterns": ["zzz+"], **wrong}
    if isinstance(given["patterns"], list):
        given["patterns"] = ["zzz+", *given["patterns"]]
    with pytest.raises(ConfigurationError, match=why):
        configure(**given)
    if isinstance(given["patterns"], list):
        assert clean_text("a zzzz b") == f"a {HIDDEN} b"


@pytest.mark.parametrize(
    "pattern", [r"(?:\w++\.)+corp", r"(?:foo|bar)+x", r"(?:\d{3}-){2}\d{4}", r"EMP-\d+\s*:?\s*\w+"]
)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    """Possessive repeats, repeats of alternatives that differ at once, and counted ones."""
    configure(patterns=[pattern])


@pytest.mark.parametrize("at", [0, 1, WINDOW - 100, WINDOW - OVERLAP, WINDOW - 1, WINDOW, 5000, 60_000])
def test_in_a_long_text_a_match_is_found_wherever_it_stands(at: int) -> None:
    """Up to the length that two windows share."""
    configure(patterns=[r"EMP-[0-9]+"])
    secret = "EMP-" + "7" * (OVERLAP - 4)
    assert clean_text("-" * at + secret + "-" * 500) == "-" * at + HIDDEN + "-" * 500


def test_a_poor_pattern_takes_a_bounded_time() -> None:
    """Quadratic on 500 kB would be hours; in windows it is a moment. A process of its own, which must end."""
    program = (
        "from odibi_core.events.redaction import configure, redact_text\n"
        "configure(patterns=['a+b'])\n"
        "assert redact_text('a' * 500_000) == 'a' * 500_000\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_a_pattern_that_breaks_hides_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed."""

    class Broken:
        def sub(self, _replacement: str, _content: str) -> str:
            raise RecursionError

    monkeypatch.setattr("odibi_core.events.secret_rules._in_force", [Broken()])
    assert clean_text("quite an ordinary text") == HIDDEN
    redaction.failures.clear()
