"""Changes in the form of a column: another unit, another zone, texts that are written otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.history.blame.forms import change_of_form, moved_clock

NUMBERS = {"mean": 40.0, "q05": 4.0, "q25": 20.0, "median": 38.0, "q75": 60.0, "q95": 90.0, "deviation": 25.0}
LENGTHS = {"length_min": 3, "length_mean": 3.4, "length_max": 6}


def column(**stats: Any) -> dict[str, Any]:
    """Return a column of text or of numbers with some statistics."""
    names = (*NUMBERS, *LENGTHS, "min", "max", "top")
    return {"type": "Float64", "rows_sampled": 1_000, "nulls": 0, **dict.fromkeys(names), **stats}


def scaled(*factors: float) -> dict[str, Any]:
    """Return the numbers, each times a factor of its own."""
    return column(**{name: value * by for (name, value), by in zip(NUMBERS.items(), factors, strict=True)})


def test_a_large_factor_may_vary_with_other_rows() -> None:
    """Cents instead of euros on another day; a smaller factor must be the same for each quantile."""
    found = change_of_form(column(**NUMBERS), scaled(103, 96, 101, 99, 100, 102, 98))
    assert found is not None
    assert (found.effect, round(found.factor or 0.0)) == ("unit", 100)
    assert change_of_form(column(**NUMBERS), scaled(1.6, 1.5, 1.63, 1.59, 1.61, 1.6, 1.6)) is None
    assert change_of_form(column(**NUMBERS), scaled(-100, -100, -100, -100, -100, -100, -100)) is None


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("EWR", "EWR\u00a0", "with other spaces"),
        ("EWR", "ewr", "in other letters"),
        ("000417", "417", "with other zeros before it"),
        ("Malmö", "MalmÃ¶", "in another encoding"),
    ],
)
def test_a_text_that_is_written_otherwise_stands_for_the_one_of_before(old: str, new: str, how: str) -> None:
    """The old text is gone, and the new one is the same but for its form."""
    before, after = (column(top=[[text, 10], ["other", 5]], **LENGTHS) for text in (old, new))
    found = change_of_form(before, after)
    assert found is not None
    assert (found.effect, found.text.rpartition(", ")[2]) == ("encoding", how)
    both = column(top=[[old, 10], [new, 5]], **LENGTHS)
    assert change_of_form(before, both) is None


def test_texts_of_a_fixed_width_are_longer_by_one_number() -> None:
    """All lengths grow by two; if only the longest text grows, the texts are other ones."""
    padded = column(length_min=5, length_mean=5.42, length_max=8)
    found = change_of_form(column(**LENGTHS), padded)
    assert found is not None
    assert found.text == "every text is 2 characters longer than before"
    assert change_of_form(column(**LENGTHS), column(length_min=3, length_mean=3.5, length_max=8)) is None


def test_a_day_that_begins_at_another_time_is_in_another_zone() -> None:
    """Earlier files began at midnight and ended at 23:00; one of the next day is 5 hours off at both ends."""
    first, last = [20_000.0, 20_001.0, 20_002.0], [day + 23 / 24 for day in (20_000, 20_001, 20_002)]
    was = column(min="2024-10-05T00:00:00+00:00", max="2024-10-05T23:00:00+00:00")
    moved = column(min="2024-10-06T19:00:00+00:00", max="2024-10-07T18:00:00+00:00")
    found = moved_clock(was, moved, first, last)
    assert found is not None
    assert found.text == "the first and the last time of day are 5 h earlier than before"
    usual = column(min="2024-10-06T00:00:00+00:00", max="2024-10-06T23:00:00+00:00")
    late = column(min="2024-10-06T00:00:00+00:00", max="2024-10-06T18:00:00+00:00")
    assert moved_clock(was, usual, first, last) is None
    assert moved_clock(was, late, first, last) is None
    assert moved_clock(was, moved, [20_000.1, 20_001.3, 20_002.7], last) is None
