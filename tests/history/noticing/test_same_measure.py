"""A figure is compared with the runs that measured it in the same way: what a loaded machine leaves out is not zero."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.history.noticing.made import Change, frame_of, history, place, run
from tests.history.test_figures import tables

from odibi_core.history.figures import STATS, RunFigures, figures
from odibi_core.history.noticing import Finding, judge
from odibi_core.history.schema import TABLES

Steps = dict[str, Any]


def roots(current: RunFigures, earlier: list[RunFigures]) -> list[tuple[str | None, str | None, str]]:
    """Return the findings that begin a change, as step, column and family."""
    found: list[Finding] = judge(current, earlier).findings
    return [(each.node_name, each.column, each.family) for each in found if each.follows_from is None]


def nulls(steps: Steps) -> None:
    frame_of(steps, "load")["columns"]["delay"][place("null_share")] = 0.2


def sampled(rows: int, more: Change | None = None) -> Change:
    """Return a change after which the statistics of `load` are of so many rows."""

    def change(steps: Steps) -> None:
        frame_of(steps, "load")["sampled"] = rows
        if more is not None:
            more(steps)

    return change


def test_samples_of_another_size_are_not_compared() -> None:
    """A sample of a tenth of the rows is compared with earlier ones of this size, and with no others."""
    whole, few = history(), [run(number, sampled(100)) for number in range(40)]
    assert roots(run(40, sampled(100, nulls)), whole) == []
    assert roots(run(40, sampled(100, nulls)), few) == [("load", "delay", "nulls")]
    assert roots(run(40, nulls), few) == []


def test_a_finding_does_not_depend_on_the_columns_that_were_left_out() -> None:
    """The likelihood of a finding is that of all columns, whichever of them the run had time for."""

    def alone(steps: Steps) -> None:
        nulls(steps)
        for name in steps:
            made = frame_of(steps, name)
            made["columns"] = {each: kept for each, kept in made["columns"].items() if each == "delay"}
            made["top"] = {}

    (one,), (other,) = (
        [each for each in judge(run(40, change), history()).findings if each.node_name == "load"]
        for change in (nulls, alone)
    )
    assert one == other


def test_the_content_of_two_frames_is_equal_only_if_all_of_it_is_known() -> None:
    """Days of 72 rows without nulls are not the same content because only their nulls were counted."""

    def content(**left_out: None) -> str | None:
        made = tables()
        names = TABLES["columns"].names
        made["columns"] = [
            tuple(left_out.get(name, value) for name, value in zip(names, row, strict=True)) for row in made["columns"]
        ]
        found: str | None = figures(made)["steps"]["load"]["frames"]["flights"].get("content")
        return found

    assert content() is not None
    assert content(mean=None, min=None, max=None, distinct=None, top=None) is None


def rain(share: float, amount: float, rows: int = 72) -> list[float | None]:
    """Return the statistics of a column of which this share of the rows is not 0."""
    draw = random.Random(f"{share} {amount}")
    values = sorted([0.0] * round((1 - share) * rows) + [amount * draw.random() for _ in range(round(share * rows))])
    mean = sum(values) / len(values)
    known = {
        "null_share": 0.0, "distinct": len(set(values)), "min": values[0], "max": values[-1], "mean": mean,
        "deviation": (sum((each - mean) ** 2 for each in values) / len(values)) ** 0.5,
        "median": values[len(values) // 2],
    }  # fmt: skip
    return [known.get(name) for name in STATS]


def with_rain(share: float, amount: float) -> Change:
    def change(steps: Steps) -> None:
        frame_of(steps, "weather")["columns"]["rain"] = rain(share, amount)

    return change


@pytest.mark.parametrize("dry", [5, 12, 20])
def test_the_first_rain_is_usual(dry: int) -> None:
    """A column that was 0 in all runs, or in most, and is not in a third of the rows of this one."""
    earlier = [run(number, with_rain(0.0, 0.0)) for number in range(dry)]
    assert roots(run(dry, with_rain(0.3, 0.2)), earlier) == []
    earlier[3] = run(3, with_rain(0.05, 0.02))
    assert roots(run(dry, with_rain(0.4, 1.0)), earlier) == []


def test_another_unit_of_a_column_that_is_mostly_zero_is_found() -> None:
    """Rain in hundredths, where every third day has some."""
    earlier = [run(number, with_rain(0.2 if number % 3 == 0 else 0.0, 0.2)) for number in range(40)]
    assert roots(run(40, with_rain(0.25, 0.2)), earlier) == []
    assert roots(run(40, with_rain(0.25, 20.0)), earlier) == [("weather", "rain", "mean")]


def test_the_usual_value_of_a_column_that_is_mostly_one_value_is_found_if_it_is_gone() -> None:
    """A visibility of 10, but for a few hours: fog is usual, a factor is not."""

    def visibility(low: float, mean: float, median: float, high: float) -> Change:
        def change(steps: Steps) -> None:
            values = {"null_share": 0.0, "distinct": 6, "min": low, "max": high, "mean": mean, "median": median}
            frame_of(steps, "weather")["columns"]["visib"] = [(values | {"deviation": 1.5}).get(name) for name in STATS]

        return change

    earlier = [run(number, visibility(3.0, 9.9 - 1.3 * (number % 9 == 4), 10.0, 10.0)) for number in range(20)]
    assert roots(run(20, visibility(0.2, 4.4, 3.0, 10.0)), earlier) == []
    assert roots(run(20, visibility(1.35, 4.2, 4.5, 4.5)), earlier) == [("weather", "visib", "mean")]


def test_a_value_that_comes_and_goes_is_no_new_category() -> None:
    """Kinds of weather: the first storm after rain and fog came on some days."""

    def sky(**shares: float) -> Change:
        def change(steps: Steps) -> None:
            made = frame_of(steps, "weather")
            made["columns"]["sky"] = [0.0, len(shares) + 1] + [None] * (len(STATS) - 2)
            made["top"]["sky"] = {"fair": 1.0 - sum(shares.values()), **shares}

        return change

    days = {2: {"rain": 0.22}, 5: {"storm": 0.14}, 7: {"rain": 0.18, "fog": 0.03}, 11: {"rain": 0.16}}
    earlier = [run(number, sky(**days.get(number, {}))) for number in range(20)]
    assert roots(run(20, sky(snow=0.2)), earlier) == []
    assert roots(run(20, sky(snow=0.9)), earlier) == [("weather", "sky", "categories")]
    steady = [run(number, sky(rain=0.2)) for number in range(20)]
    assert roots(run(20, sky(rain=0.1, snow=0.3)), steady) == [("weather", "sky", "categories")]


def test_numbers_as_integers_and_as_floats_are_the_same_categories() -> None:
    """One fraction makes 9 a 9.0; without it the column is of integers."""

    def as_type(names: dict[str, float]) -> Change:
        def change(steps: Steps) -> None:
            made = frame_of(steps, "weather")
            made["columns"]["visib"] = [0.0, 2, 9.0, 10.0] + [None] * (len(STATS) - 4)
            made["top"]["visib"] = names

        return change

    earlier = [run(number, as_type({"10.0": 0.8, "9.0": 0.2})) for number in range(20)]
    assert roots(run(20, as_type({"10": 0.8, "9": 0.2})), earlier) == []
