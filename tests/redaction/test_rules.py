"""The user's own names and patterns: they apply everywhere and at once, and cannot block the program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text, sanitize_value
from odibi_core.logs.program_logger import get_logger
from odibi_core.redaction import redactor as redaction
from odibi_core.redaction import rules
from odibi_core.redaction.redactor import HIDDEN, configure, reset
from odibi_core.redaction.rules import OVERLAP, WINDOW
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.settings import Settings, read_settings
from odibi_core.testing import RecordingSink


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    reset()


@pytest.mark.parametrize(
    "name", ["employee_no", "employeeNo", "EMPLOYEE-NO", "old.employee.no", "employeeno"]
)
def test_a_name_of_the_users_is_a_secret_in_every_spelling(name: str) -> None:
    """The name is found as a field, nested, and in a text."""
    assert sanitize_value({name: 77}) == {name: 77}
    configure(names=["employee_no"])
    assert sanitize_value({name: 77, "deep": [{name: "x77"}]}) == {name: HIDDEN, "deep": [{name: HIDDEN}]}
    assert "x77" not in sanitize_text(f"said {name}=x77 here")
    assert sanitize_value({"employee": 1, "employee_note": "x"}) == {"employee": 1, "employee_note": "x"}


def test_a_pattern_of_the_users_is_redacted_in_every_text() -> None:
    """Messages, fields and keys are searched, also a text that was found clean before."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    for _ in range(2):
        bus.publish("log", "EMP-123 left", fields={"about": "EMP-456", "by": {"EMP-789": 1}})
        configure(patterns=[r"EMP-\d+"])
    assert "EMP-456" in str(heard.events[0])
    assert "EMP-" not in str(heard.events[1])


def test_rules_of_a_process_add_up() -> None:
    """A later call never removes the rules of an earlier one, because other code may rely on them."""
    configure(patterns=["one"])
    configure(patterns=["two"], source="settings")
    configure(patterns=["three"])
    configure()
    configure(source="settings")
    assert sanitize_text("one two three") == f"{HIDDEN} {HIDDEN} {HIDDEN}"
    reset()
    assert sanitize_text("one two three") == "one two three"


def orders() -> list[int]:
    return [1]


def test_another_run_removes_no_rule_of_a_running_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of observers and orchestrators apply until the process ends."""
    heard = RecordingSink()
    monkeypatch.setenv("ODIBI_REDACTION__NAMES", "employee_no")
    monkeypatch.setenv("ODIBI_REDACTION__PATTERNS", r"EMP-\d+")
    with Observer("first", store=False) as run:
        run.bus.subscribe(heard)
        monkeypatch.setenv("ODIBI_REDACTION__NAMES", "badge")
        monkeypatch.delenv("ODIBI_REDACTION__PATTERNS")
        with Observer("second", store=False):
            Orchestrator([orders], store=False)
            run.say("seen", "EMP-5", employee_no=77, badge=78)
    (seen,) = heard.of_kind("seen")
    assert (seen.message, seen.fields["employee_no"], seen.fields["badge"]) == (HIDDEN, HIDDEN, HIDDEN)


def test_the_rules_of_the_environment_apply_to_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_REDACTION__NAMES` and `__PATTERNS` apply to a plain Observer too."""
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
        ({"patterns": ["a*a*a*a*b"]}, "cube of a text"),
        ({"patterns": [r"\w+\s*\w+\s*="]}, "cube of a text"),
        ({"patterns": ["x(.*)(.*)(.*)y"]}, "cube of a text"),
        ({"patterns": [".*foo.*bar"]}, "cube of a text"),
        ({"patterns": [r"(?:\d+|x)\d*\d*z"]}, "cube of a text"),
        ({"patterns": [r"(?=\w+\w+\w+!)\w"]}, "cube of a text"),
        ({"patterns": ["(.*)(.*)(.*)"]}, "would hide everything"),
        ({"patterns": "abc"}, "a list of texts"),
        ({"names": "abc"}, "a list of texts"),
        ({"names": [5]}, "a list of texts"),
        ({"names": ["__"]}, "no word"),
    ],
)
def test_a_wrong_rule_is_refused_and_the_others_apply(wrong: dict[str, Any], why: str) -> None:
    """The message names the wrong rule, the reason and a right form; the right rules apply all the same."""
    given: dict[str, Any] = {"patterns": ["zzz+"], **wrong}
    if isinstance(given["patterns"], list):
        given["patterns"] = ["zzz+", *given["patterns"]]
    with pytest.raises(ConfigurationError, match=why):
        configure(**given)
    if isinstance(given["patterns"], list):
        assert sanitize_text("a zzzz b") == f"a {HIDDEN} b"


TAKEN = [
    r"(?:\w++\.)+corp", r"(?:foo|bar)+x", r"(?:\d{3}-){2}\d{4}", r"EMP-\d+\s*:?\s*\w+", r"\w+@corp\.example",
    r"(?i)badge\s*[:=]\s*\S+", r"[A-Z]{2}\d{6}[A-Z]?", r"\bK-\d{1,10}(?:-\d{1,4})?\b", "(?<=id=).*", "a+b",
    r"\w+\s*=", "|".join(f"name{n}" for n in range(600)), r"\d+/\d+/\d+x", r"user=.*;",
]  # fmt: skip


@pytest.mark.parametrize("pattern", TAKEN)
def test_ordinary_patterns_are_accepted(pattern: str) -> None:
    """Possessive repeats, repeats of alternatives that differ at once, and counted ones are accepted."""
    configure(patterns=[pattern])


@pytest.mark.parametrize("at", [0, 1, WINDOW - 100, WINDOW - OVERLAP, WINDOW - 1, WINDOW, 5000, 60_000])
def test_a_match_is_found_anywhere_in_a_long_text(at: int) -> None:
    """A match may be as long as the overlap of two windows."""
    configure(patterns=[r"EMP-[0-9]+"])
    secret = "EMP-" + "7" * (OVERLAP - 4)
    assert sanitize_text("-" * at + secret + "-" * 500) == "-" * at + HIDDEN + "-" * 500


def test_a_poor_pattern_takes_a_bounded_time() -> None:
    """Windows bound a quadratic pattern, which would take hours on 500 kB; the test runs in its own process."""
    program = (
        "from odibi_core.redaction.redactor import configure, redact_text\n"
        "configure(patterns=['a+b'])\n"
        "assert redact_text('a' * 500_000) == 'a' * 500_000\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_a_pattern_that_raises_redacts_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The redactor fails closed."""

    class Broken:
        def sub(self, _replacement: str, _content: str) -> str:
            raise RecursionError

    monkeypatch.setattr(rules._in_force, "patterns", (Broken(),))
    assert sanitize_text("quite an ordinary text") == HIDDEN
    redaction.failures.clear()


def line(settings: Settings, *others: Settings) -> dict[str, Any]:
    """Return the record of a credential and an address in a run with these settings, while other runs are open."""
    heard = RecordingSink()
    with ExitStack() as stack:
        run = stack.enter_context(Observer("first", store=False, settings=settings))
        run.bus.subscribe(heard)
        for other in others:
            stack.enter_context(Observer("other", store=False, settings=other))
        run.say("seen", "by jane@example.com with token=x77", password="x77", ssn="078-05-1120")
    (seen,) = heard.of_kind("seen")
    return {"message": seen.message, **{name: seen.fields[name] for name in ("password", "ssn")}}


def test_credentials_and_personal_data_are_two_switches() -> None:
    """Both are on by default; each can be disabled, by name and by shape, without an effect on the other."""
    on = read_settings()
    assert line(on) == {"message": f"by {HIDDEN} with token={HIDDEN}", "password": HIDDEN, "ssn": HIDDEN}
    assert line(read_settings(redaction={"personal": False})) == {
        "message": f"by jane@example.com with token={HIDDEN}",
        "password": HIDDEN,
        "ssn": "078-05-1120",
    }
    assert line(read_settings(redaction={"credentials": False})) == {
        "message": f"by {HIDDEN} with token=x77",
        "password": "x77",
        "ssn": HIDDEN,
    }


def test_a_switch_is_off_only_while_every_run_has_it_off() -> None:
    """One run's setting does not show an address in another's record; an ended run has no effect."""
    off = read_settings(redaction={"personal": False})
    assert "jane" not in line(off, read_settings())["message"]
    assert "jane" not in line(read_settings(), off)["message"]
    assert "jane" in line(off, off)["message"]
    assert "jane" not in sanitize_text("jane@example.com")


def test_the_switches_of_the_environment_apply_to_the_programs_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """They apply as for a run; the user's own rules apply independently of the switches."""
    monkeypatch.setenv("ODIBI_REDACTION__CREDENTIALS", "no")
    monkeypatch.setenv("ODIBI_REDACTION__PERSONAL", "off")
    monkeypatch.setenv("ODIBI_REDACTION__NAMES", "badge")
    get_logger("x").info("begun")
    assert sanitize_value({"password": "x77", "card": "4111 1111 1111 1111"}) == {
        "password": "x77",
        "card": "4111 1111 1111 1111",
    }
    assert sanitize_value({"badge": "x77", "note": "badge=x77"}) == {"badge": HIDDEN, "note": f"badge={HIDDEN}"}


def test_every_accepted_pattern_is_fast_on_the_worst_text() -> None:
    """Each runs on 64 kB of text that its parts match, in a process that has a minute."""
    program = (
        "from itertools import product\n"
        "from odibi_core.redaction.redactor import configure, redact_text, reset\n"
        f"for pattern in {TAKEN!r}:\n"
        "    configure(patterns=[pattern])\n"
        "    for sign in ('a', '7', ' ', 'a ', '7/', 'user=', 'K-1-', 'EMP-7', '.', 'a.', 'AB1'):\n"
        "        redact_text(sign * (65_536 // len(sign)))\n"
        "    reset()\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
