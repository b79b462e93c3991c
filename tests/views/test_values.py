"""A value is taken only if it is of the right kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest

from odibi_core.views import values


@pytest.mark.parametrize("value", [nan, inf, -inf, True, "1", None, [], 2**63, -(2**64)])
def test_no_number(value: object) -> None:
    """A value that JSON or a reader of it cannot hold is no number, and neither is a bool."""
    assert values.number(value) is None
    assert values.count(value) is None


def test_numbers() -> None:
    """A count is whole; a number need not be."""
    assert (values.number(2.5), values.number(-3), values.count(3), values.count(3.0)) == (2.5, -3, 3, None)


def test_texts() -> None:
    """A number as a name is a name; a list is none."""
    assert (values.text("a"), values.text(5), values.text(["a"]), values.text(nan)) == ("a", "5", None, None)
    assert values.texts(["a", 1, None, "b"]) == ["a", "b"]


def test_records_leave_strangers_out() -> None:
    """Of a list the dicts, of a dict itself, of all else nothing."""
    assert values.records([{"a": 1}, 2, {"b": 2}]) == [{"a": 1}, {"b": 2}]
    assert values.records({"a": 1}) == []
    assert (values.record({"a": 1}), values.record([1])) == ({"a": 1}, {})


def test_keys_by_name() -> None:
    """Logical names to dataset keys; a list of keys names each by itself."""
    assert values.keys_by_name({"x": "raw", "y": 3}) == {"x": "raw"}
    assert values.keys_by_name(["raw", 3]) == {"raw": "raw"}
    assert values.keys_by_name("raw") == {}


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    """Nought is wrong by little; minus an hour breaks every chart."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert values.milliseconds(moment, moment + timedelta(seconds=1.5)) == 1500
    assert values.milliseconds(moment, moment - timedelta(hours=1)) == 0
