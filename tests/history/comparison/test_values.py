"""The values of columns, by their statistics."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.comparison.rows import NUMBERS, column, noise, run, step

from odibi_core.history.comparison.difference import Difference
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.values import differs, form_of, values
from odibi_core.history.figures import STATS

TEXT = {
    "distinct": 3, "min": "EUR", "max": "USD", "top": [["EUR", 500], ["USD", 300], ["CHF", 200]], "length_mean": 3.0,
}  # fmt: skip


def compared(
    was: dict[str, Any], now: dict[str, Any], type: str = "Int64", noise: Noise | None = None
) -> list[Difference]:
    """Return the differences of one column."""
    before, after = (run(nodes=[step("a")], columns=[column("a", "x", type, **each)]) for each in (was, now))
    return list(values(before, after, noise or Noise(), []))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, None),
        ({"mean": 50.5, "median": 50.4}, None),
        ({"mean": 90.0}, "mean"),
        ({"mean": 5000.0}, "mean"),
        ({"nulls": 300, "null_share": 0.3}, "nulls"),
        ({"nulls": 20, "null_share": 0.02}, None),
        ({"max": "9000"}, "range"),
        ({"max": "95"}, None),
        ({"distinct": 2}, "distinct"),
    ],
)
def test_a_numeric_column(change: dict[str, Any], kind: str | None) -> None:
    """Beyond the noise of its rows, and large enough to matter."""
    assert [each.kind for each in compared(NUMBERS, {**NUMBERS, **change})] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, None),
        ({"top": [["EUR", 480], ["USD", 310], ["CHF", 210]]}, None),
        ({"top": [["EUR", 400], ["USD", 300], ["CHF", 200], ["GBP", 100]], "distinct": 4}, "categories"),
        ({"top": [["EUR", 700], ["USD", 300]], "distinct": 2}, "categories"),
        ({"top": [["EUR", 200], ["USD", 600], ["CHF", 200]]}, "share"),
        ({"min": "eur", "max": "usd", "top": None}, "form"),
        ({"length_mean": 9.0, "top": None}, "length"),
    ],
)
def test_a_text_column(change: dict[str, Any], kind: str | None) -> None:
    """New and missing categories, another form, other lengths."""
    assert [each.kind for each in compared(TEXT, {**TEXT, **change}, "String")] == ([] if kind is None else [kind])


def test_a_factor_is_stated() -> None:
    """A mean of another unit is seen by it."""
    (found,) = compared(NUMBERS, {**NUMBERS, "mean": 5000.0})
    assert found.message == "a.x: mean 5,000, and 50 before (100 ×)"


def test_columns_without_statistics_are_not_compared() -> None:
    """Their number is stated."""
    missing: list[str] = []
    before = run(nodes=[step("a")], columns=[column("a", "x"), column("a", "y", **NUMBERS)])
    after = run(nodes=[step("a")], columns=[column("a", "x"), column("a", "y")])
    assert list(values(before, after, Noise(), missing)) == []
    assert missing == ["the values of 2 columns: at least one run has no statistics of them"]


def _history(*stats: dict[str, Any], tops: Any = ()) -> Noise:
    frames: list[dict[str, Any]] = [{"columns": {"x": [each.get(name) for name in STATS]}} for each in stats]
    frames += [{"top": {"x": dict.fromkeys(top, 0.1)}} for top in tops]
    return noise(*({"frames": {"a": frame}} for frame in frames))


def test_earlier_runs_decide_which_values_are_usual() -> None:
    """A mean in their range, and a date that grows by a day; a new range is notable."""
    means = [{"mean": mean} for mean in (50.0, 90.0, 60.0, 80.0, 70.0)]
    days = [{"mean": float(day)} for day in range(1, 7)]
    shifted = {**NUMBERS, "mean": 85.0}
    assert [each.is_notable for each in compared(NUMBERS, shifted, noise=_history(*means))] == [False]
    assert [each.is_notable for each in compared(NUMBERS, {**NUMBERS, "mean": 500.0}, noise=_history(*means))] == [True]
    was, now = {**NUMBERS, "mean": 6.0, "deviation": 0.0}, {**NUMBERS, "mean": 7.0, "deviation": 0.0}
    assert [each.is_notable for each in compared(was, now, noise=_history(*days))] == [False]


def test_categories_that_are_others_in_each_run_are_usual() -> None:
    """The day of a daily run; of a column with steady categories, a new one is notable, and a known one is not."""
    now = {**TEXT, "top": [["EUR", 400], ["USD", 300], ["CHF", 200], ["GBP", 100]], "distinct": 4}
    steady = [("EUR", "USD", "CHF")] * 6
    for tops, notable in ((steady, True), ([*steady, ("EUR", "USD", "CHF", "GBP")], False), (list("abcdef"), False)):
        found = compared(TEXT, now, "String", _history(tops=tops))
        assert [each.is_notable for each in found] == [notable]


def test_a_share_in_the_range_of_earlier_runs_is_usual() -> None:
    """A category that is often as frequent."""
    now = {**TEXT, "top": [["EUR", 200], ["USD", 600], ["CHF", 200]]}
    for shares, notable in (((0.3, 0.6, 0.5, 0.4, 0.3), False), ((0.3,) * 5, True)):
        history = noise(*({"frames": {"a": {"top": {"x": {"USD": share}}}}} for share in shares))
        assert [each.is_notable for each in compared(TEXT, now, "String", history)] == [notable]


@pytest.mark.parametrize(
    ("a", "b", "rows", "expected"), [(0.1, 0.4, 1000, True), (0.1, 0.4, 8, False), (0.5, 0.52, 10**6, False)]
)
def test_a_share_differs_by_more_than_the_noise_of_its_rows(a: float, b: float, rows: int, expected: bool) -> None:
    """Few rows make large shares, and a tiny difference does not matter however certain it is."""
    assert differs(a, b, rows, rows) is expected


def test_the_form_of_a_text() -> None:
    """Letters and digits by their class, once in a row."""
    assert (form_of("2026-01-31"), form_of("EUR"), form_of("Paid x1")) == ("9-9-9", "A", "Aa a9")
