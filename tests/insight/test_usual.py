"""The decision whether the rows of a step are unusual."""

from __future__ import annotations

import pytest

from odibi_core.insight.base import Cause, RowChange
from odibi_core.insight.usual import Usual, are_new, is_unusual


def change(rows_in: int, rows_out: int, **unmatched: int) -> RowChange:
    return RowChange(main="a", rows_in=rows_in, rows_out=rows_out, unmatched=unmatched)


def usual(rows_in: int, rows_out: int, **unmatched: int) -> Usual:
    return Usual("r1", main="a", rows_in=rows_in, rows_out=rows_out, unmatched=unmatched)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (change(336_776, 120_193), usual(336_776, 335_000), True),
        (change(1_000_000, 480_000), usual(1_000_000, 470_000), False),
        (change(1_000_000, 495_000), usual(1_000_000, 470_000), True),
        (change(10, 5), usual(10, 7), False),
        (change(10, 0), usual(1_000, 990), True),
        (change(1_000, 1_100), usual(1_000, 1_000), True),
        (change(1_000, 4_010), usual(1_000, 4_000), False),
        (change(1_000, 1_000, b=200), usual(1_000, 1_000), True),
        (change(1_000, 1_000, b=200), usual(1_000, 1_000, b=195), False),
        (change(1_000, 1_000), usual(1_000, 1_000, b=200), True),
        (change(1_000, 800), Usual("r1", main="a", rows_in=1_000, rows_out=800, lost=200, unmatched={"b": 200}), False),
        (change(0, 0), usual(1_000, 900), True),
        (change(0, 0), usual(0, 0), False),
    ],
)
def test_a_share_that_is_off_by_more_than_two_points_and_by_more_than_chance_is_unusual(
    now: RowChange, before: Usual, expected: bool
) -> None:
    """Of few rows, one more or less is no news; of multiplied rows the factor counts."""
    assert is_unusual(now, before) is expected


def test_unknown_rows_are_not_unusual() -> None:
    """Rows that were not counted are not compared."""
    assert not is_unusual(RowChange(rows_in=None, rows_out=3), usual(10, 10))


def test_a_cause_is_new_if_the_last_good_run_had_none_of_its_text() -> None:
    """If that run was not explained, it is unknown, unless it had no such rows at all."""
    cause = Cause("lost", 3, 3, text="a IS NULL")
    now = RowChange(causes=(cause,))
    assert are_new(now, None) == (None,)
    assert are_new(now, Usual("r1")) == (None,)
    assert are_new(now, Usual("r1", lost=0)) == (True,)
    assert are_new(now, Usual("r1", lost=3, causes=({"side": "lost", "text": "a IS NULL"},))) == (False,)
    assert are_new(now, Usual("r1", lost=3, causes=({"side": "lost", "text": "b > 3"},))) == (True,)


def test_a_rule_of_the_record_is_a_rule_again_unless_it_was_hidden() -> None:
    """A cause without its rule, or with one of another version, cannot be confirmed."""
    rule = {"any_of": [[{"op": "null", "columns": ["a"]}]]}
    causes = (
        {"side": "lost", "rows": 3, "of": 3, "rule": rule},
        {"side": "lost", "rows": 3, "of": 3},
        {"side": "lost", "rows": 3, "of": 3, "rule": {"other": 1}},
    )
    known = Usual("r1", causes=causes).change()
    assert known is not None
    assert [cause.rule is not None for cause in known.causes] == [True]
    assert Usual("r1", causes=causes[1:]).change() is None
