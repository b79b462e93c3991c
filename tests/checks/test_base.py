"""Checks: custom ones, failing ones, and their examples."""

import pandas as pd
import polars as pl
import pytest

from odibi_core.checks import Check, Finding, not_null, unique
from odibi_core.checks.base import EXAMPLE_CHARS, EXAMPLES
from odibi_core.errors import CheckError

FRAME = {"out": pl.DataFrame({"n": [1, 2, 3]})}


def test_anyone_can_make_a_check_of_a_function() -> None:
    """`judge` gets a narwhals frame and all the frames by name."""
    check = Check(name="few", judge=lambda frame, frames: Finding(len(frame) < 3, None, len(frame), next(iter(frames))))
    found = check.check(FRAME)
    assert (found.passed, found.total_rows, found.message) == (False, 3, "out")


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), RecursionError(), MemoryError()])
def test_a_check_that_raises_is_a_failed_one(error: Exception) -> None:
    """With the exception's name and words; a CheckError keeps its message."""

    def judge(*_: object) -> Finding:
        raise error

    found = Check(name="broken", judge=judge).check(FRAME)
    assert found.passed is False
    assert type(error).__name__ in found.message


def test_an_exception_that_cannot_speak_is_told_too() -> None:
    """Its `__str__` may raise."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def judge(*_: object) -> Finding:
        raise MuteError

    assert "MuteError" in Check(name="broken", judge=judge).check(FRAME).message


def test_a_stop_is_not_swallowed() -> None:
    """Ctrl-C during a check still stops the program."""

    def judge(*_: object) -> Finding:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Check(name="stopped", judge=judge).check(FRAME)


def test_a_check_error_is_told_as_it_is() -> None:
    """The CheckError of a judge is the message."""

    def judge(*_: object) -> Finding:
        raise CheckError("the moon is out")

    assert Check(name="moon", judge=judge).check(FRAME).message == "the moon is out"


def test_without_on_the_output_is_checked() -> None:
    """It is called `out`, or it is the last."""
    bad, good = pl.DataFrame({"n": [None]}), pl.DataFrame({"n": [1]})
    assert not_null("n").check({"out": good, "other": bad}).passed is True
    assert not_null("n").check({"source": bad, "result": good}).passed is True
    assert not_null("n").check({}).passed is False


def test_examples_are_few_short_and_different() -> None:
    """Five at most, each value once, long ones cut."""
    values = ["a", "a", "x" * 10_000, "x" * 10_000] + [f"{i}" for i in range(10)] * 2
    found = unique("s").check({"out": pl.DataFrame({"s": values})})
    assert len(found.examples) == EXAMPLES
    assert len(set(found.examples)) == EXAMPLES
    assert max(map(len, found.examples)) <= EXAMPLE_CHARS + 1


def test_examples_and_messages_hold_no_secrets() -> None:
    """By the column's name, by the value's shape, and in what a library quotes when it fails."""
    frame = {"out": pl.DataFrame({"password": ["hunter2"] * 2, "mail": ["ann@example.com"] * 2})}
    assert unique("password").check(frame).examples == ["[REDACTED]"]
    assert "ann@example.com" not in str(unique("mail").check(frame))

    def judge(*_: object) -> Finding:
        raise ValueError("cannot parse 'ann@example.com'")

    assert "ann@example.com" not in Check(name="quotes", judge=judge).check(frame).message


def test_duplicate_columns_are_a_failed_check() -> None:
    """Which of them is meant cannot be known."""
    frame = pd.DataFrame([[1, 2]], columns=["n", "n"])
    found = not_null("n").check({"out": frame})
    assert found.passed is False
    assert "n" in found.message
