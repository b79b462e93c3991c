"""Which errors are the same: a value, a run and a machine do not count, the type, the words and the place do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import sanitize_text
from odibi_core.events.failure import describe_failure
from odibi_core.events.fingerprint import fingerprint, fingerprint_of_failure, shape_of

TRACE = """Traceback (most recent call last):
  File "/home/ada/shop/main.py", line 90, in main
    load(path)
  File "/home/ada/shop/etl/load.py", line 12, in load
    frame[name]
  File "/opt/venv/lib/python3.11/site-packages/pandas/core/frame.py", line 4102, in __getitem__
    raise KeyError(key)
KeyError: 'amount'
"""


def mark_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:
        told = describe_failure(error)
        return fingerprint(told["error_type"], told["error"], told["traceback"])
    raise AssertionError("nothing was raised")


def load(number: int) -> None:
    raise ValueError(f"row {number} of '/data/part-{number}.csv' is bad")


def clean(number: int) -> None:
    raise ValueError(f"row {number} of '/data/part-{number}.csv' is bad")


def test_it_is_the_same_on_every_machine_and_in_every_run() -> None:
    """Written out, so that a change of the rule is seen: it would part the errors of yesterday from those of today."""
    assert fingerprint("KeyError", "'amount'", TRACE) == "4037e80f8822050c"
    elsewhere = TRACE.replace("/home/ada/shop", "/srv/app/v2").replace("line 12", "line 14")
    assert fingerprint("KeyError", "'price'", elsewhere) == "4037e80f8822050c"


def test_the_values_of_the_data_do_not_count() -> None:
    """The same failure of another row is the same error."""
    assert mark_of(lambda: load(1)) == mark_of(lambda: load(77))


def test_the_type_the_words_and_the_place_count() -> None:
    """An error with another cause is another error."""
    others = {
        mark_of(lambda: load(1)),
        mark_of(lambda: clean(1)),
        fingerprint("KeyError", "'amount'", TRACE),
        fingerprint("IndexError", "'amount'", TRACE),
        fingerprint("KeyError", "'amount' is gone", TRACE),
        fingerprint("KeyError", "'amount'", TRACE.replace("in load", "in save")),
        fingerprint("KeyError", "'amount'", TRACE.replace("load.py", "save.py")),
    }
    assert len(others) == 7


def test_only_the_programs_own_functions_count() -> None:
    """Another version of a library raises elsewhere in itself; the error is the program's."""
    deeper = TRACE.replace("in __getitem__", "in _get")
    assert fingerprint("KeyError", "'amount'", deeper) == fingerprint("KeyError", "'amount'", TRACE)


def test_without_frames_of_its_own_any_count_and_without_any_the_place() -> None:
    """Something of where it was is better than nothing."""
    alien = TRACE.replace("/home/ada/shop", "/opt/venv/lib/python3.11/site-packages/shop")
    assert fingerprint("KeyError", "'a'", alien) != fingerprint(
        "KeyError", "'a'", alien.replace("in load", "in x")
    )
    assert fingerprint("KeyError", "'a'", None, "clean") != fingerprint("KeyError", "'a'", None, "join")


def test_where_a_runaway_recursion_stops_does_not_count() -> None:
    """Of two functions that call each other either may be the last."""

    def ping(depth: int) -> None:
        pong(depth - 1) if depth else 1 / 0

    def pong(depth: int) -> None:
        ping(depth - 1) if depth else 1 / 0

    def begin(depth: int) -> None:
        ping(depth)

    assert mark_of(lambda: begin(40)) == mark_of(lambda: begin(41))


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("row 7 of 1,000 at 3.5", "row * of * at *"),
        ("no column 'amount' in \"orders\" or `x`", "no column * in * or *"),
        ("can't open '/data/x.csv'", "can't open *"),
        ("no such file: /data/2026-01-31/x_7.csv", "no such file: *"),
        ("no such file: data/part-7.csv", "no such file: *"),
        ("C:\\data\\x.csv is locked", "* is locked"),
        ("GET https://api.example.com/v1/orders?id=7 gave 503", "GET * gave *"),
        ("<Order object at 0x7f3a9c>", "<Order object at *>"),
        ("job 3fa2c1b7e0d94c55 was lost", "job * was lost"),
        ("request 123e4567-e89b-12d3-a456-426614174000 failed", "request * failed"),
        ("two\n  lines", "two lines"),
        ("authorisation failed", "authorisation failed"),
        (None, ""),
    ],
)
def test_what_varies_in_a_message_is_left_out(message: Any, shape: str) -> None:
    """Numbers, ids, paths, addresses, and what is quoted."""
    assert shape_of(message) == shape


ANYTHING = st.none() | st.integers() | st.text() | st.lists(st.text())


@given(st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING))
def test_of_anything_it_is_sixteen_digits_that_no_redactor_takes_for_a_number(parts: Any) -> None:
    """A fingerprint that is redacted in the log would find nothing."""
    mark = fingerprint(*parts)
    assert len(mark) == 16
    assert set(mark) <= set("0123456789abcdef")
    assert sanitize_text(mark) == mark


@pytest.mark.parametrize("piece", ["a", "/", "'", "a/", "1", "1-", "f", "http://", "a:", " ", "\\", ".-"])
def test_a_message_counts_up_to_a_length(piece: str) -> None:
    """However long and crafted, only its beginning is looked at."""
    assert len(shape_of(piece * 1_000_000)) <= 500


def test_groups_are_told_apart_by_their_members() -> None:
    """The sentence of a task group is the same for every failure; a group of one error is that error."""

    def of(*errors: Exception) -> str:
        told = describe_failure(ExceptionGroup("unhandled errors in a TaskGroup", list(errors)))
        return fingerprint_of_failure(told, told["error"], "load")

    one, two, three = (of(error) for error in (ValueError("a"), KeyError("b"), OSError("c")))
    assert len({one, two, three}) == 3
    alone = describe_failure(ValueError("a"))
    assert one == fingerprint_of_failure(alone, alone["error"], "load")
    assert of(ValueError("a"), KeyError("b")) == of(KeyError("b"), ValueError("a")) not in (one, two)
    assert of(ValueError("row 1"), ValueError("row 2")) == of(ValueError("row 3"))
