"""Consequences of lost or added rows, and two changes at once, each of which is named."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.noticing.made import Change, frame_of, history, place, run

from odibi_core.history.noticing import judge
from odibi_core.history.noticing.consequences import Moved, Rows, is_of_rows, is_of_share
from odibi_core.history.noticing.folding import folded


@pytest.mark.parametrize(
    ("metric", "value", "expected", "now", "is_explained"),
    [
        ("nulls", 0.10, 0.05, 500, True),  # 50 of 500 rows, and 50 of 1,000 before: the others were lost
        ("nulls", 0.20, 0.05, 500, False),  # 100 rows without a value, and only 50 had none before
        ("nulls", 0.10, 0.00, 500, False),  # a loss makes no nulls
        ("nulls", 0.50, 0.10, 2000, True),  # a thousand more rows, nine hundred more nulls
        ("nulls", 0.30, 0.00, 2000, False),  # rows like the others have none
        ("share", 0.00, 0.40, 500, True),  # the group is what was lost
        ("share", 0.00, 0.80, 500, False),  # 800 rows of it, and only 500 are lost
        ("mean", 58.0, 50.0, 500, True),  # half of the rows may be one deviation off
        ("mean", 90.0, 50.0, 500, False),
        ("mean", 5000.0, 50.0, 2000, False),
        ("deviation", 1.4, 1.0, 500, True),
        ("deviation", 9.0, 1.0, 500, False),
        ("max", 9000.0, 95.0, 500, False),
        ("distinct", 20.0, 40.0, 500, True),
        ("distinct", 80.0, 40.0, 500, False),
        ("distinct", 80.0, 40.0, 2000, True),
        ("selectivity", 0.50, 0.98, 500, False),  # 250 rows filtered away, and 20 before
        ("selectivity", 0.97, 0.99, 500, True),
    ],
)  # fmt: skip
def test_rows_explain_what_arithmetic_allows(
    metric: str, value: float, expected: float, now: float, is_explained: bool
) -> None:
    """A thousand rows are usual; now there are half or twice as many."""
    rows = Rows(now, 1000.0)
    assert is_of_rows(Moved(metric, value, expected, spread=10.0), rows, rows) is is_explained


def test_an_aggregate_below_is_explained() -> None:
    """A step whose own number of rows stays made something else of them."""
    assert is_of_rows(Moved("mean", 500.0, 1000.0, spread=1.0), Rows(500, 1000), Rows(12, 12))
    assert is_of_rows(Moved("max", 500.0, 1000.0), Rows(990, 1000), Rows(990, 1000))
    # a column with one value in each run, such as the month, has no deviation to compute with
    assert is_of_rows(Moved("mean", 12.0, 11.0, spread=0.0), Rows(500, 1000), Rows(500, 1000))


def test_more_nulls_cost_one_row_each_at_most() -> None:
    """A tenth of nulls does not halve the rows of a step below, and explains a tenth."""
    nulls = Moved("nulls", 0.1, 0.0)
    assert is_of_share(Moved("rows", 900.0, 1000.0), nulls)
    assert not is_of_share(Moved("rows", 500.0, 1000.0), nulls)
    assert is_of_share(Moved("mean", 5.0, 1000.0), nulls)


def roots(change: Change, runs: int = 40) -> set[tuple[str | None, str, str | None]]:
    """Return the findings of a run that follow from no other."""
    found = judge(run(runs, change), history(runs)).findings
    return {(each.node_name, each.family, each.column) for each in found if each.follows_from is None}


def lose_rows(steps: dict[str, Any], *names: str) -> None:
    """Halve the rows of steps."""
    for name in names:
        made = frame_of(steps, name)
        made["rows"] = made["sampled"] = steps[name]["rows"] = steps[name]["rows"] // 2


def test_a_loss_at_the_source_and_nulls_there_are_two_findings() -> None:
    """Lost rows make no nulls."""

    def both(steps: dict[str, Any]) -> None:
        lose_rows(steps, "load", "joined")
        for name in ("load", "joined"):
            frame_of(steps, name)["columns"]["delay"][place("null_share")] = 0.3

    assert roots(both) == {("load", "rows", None), ("load", "nulls", "delay")}


def test_a_loss_of_one_group_is_one_finding() -> None:
    """The shares that move because a group is missing follow from its rows."""

    def lost(steps: dict[str, Any]) -> None:
        for name in ("load", "joined"):
            made = frame_of(steps, name)
            made["rows"] = made["sampled"] = steps[name]["rows"] = round(0.64 * steps[name]["rows"])
            made["top"]["origin"] = {"JFK": 0.55, "LGA": 0.45}
            made["columns"]["origin"][place("distinct")] = 2

    assert roots(lost) == {("load", "rows", None)}


def test_a_slow_step_with_fewer_rows_is_slow_by_itself() -> None:
    """Fewer rows make no step slower; more of them may."""

    def slow(steps: dict[str, Any], factor: float) -> None:
        for name in ("load", "joined"):
            steps[name]["rows"] = round(factor * steps[name]["rows"])
        steps["load"]["duration_ms"] = 12_000.0

    assert roots(lambda steps: slow(steps, 0.4)) == {("load", "rows", None), ("load", "duration", None)}
    assert roots(lambda steps: slow(steps, 2.5)) == {("load", "rows", None)}


def test_a_lost_lookup_is_named_beside_a_column_of_the_other_input() -> None:
    """The match rate follows from the lookup that is another one, not from a column of other rows."""

    def lookup(steps: dict[str, Any]) -> None:
        frame_of(steps, "weather")["content"] = "always"

    def both(steps: dict[str, Any]) -> None:
        frame_of(steps, "weather")["content"] = "another"
        frame_of(steps, "load")["columns"]["distance"][place("mean")] = 900.0
        steps["joined"]["joins"]["weather"][0] = 0.4

    earlier = [run(number, lookup) for number in range(40)]
    found = [each for each in judge(run(40, both), earlier).findings if each.follows_from is None]
    assert {(each.node_name, each.family) for each in found} == {("load", "mean"), ("weather", "content")}


def test_a_share_that_moved_a_little_is_not_where_half_of_the_rows_were_lost() -> None:
    """A step that loses half of its rows is named itself, not a category upstream that is a little more frequent."""

    def lost(steps: dict[str, Any]) -> None:
        lose_rows(steps, "joined")
        frame_of(steps, "load")["top"]["origin"] = {"JFK": 0.41, "EWR": 0.30, "LGA": 0.29}

    assert {(node, family) for node, family, _ in roots(lost)} == {("joined", "rows")}


def test_content_that_was_there_before_explains_no_nulls_below() -> None:
    """An earlier run had the same rows without them."""

    def both(steps: dict[str, Any]) -> None:
        frame_of(steps, "load")["content"] = frame_of(run(39).figures["steps"], "load")["content"]
        frame_of(steps, "joined")["columns"]["wind"][place("null_share")] = 0.3

    assert roots(both) == {("load", "content", None), ("joined", "nulls", "wind")}


def test_a_mute_hides_no_more_than_it_covers() -> None:
    """The first consequence that is not muted stands for its cause; a muted cause is listed without it."""
    found: list[dict[str, Any]] = [
        {"alert_id": "a", "follows_from": None}, {"alert_id": "d", "follows_from": None},
        {"alert_id": "b", "follows_from": "a"}, {"alert_id": "c", "follows_from": "a"},
    ]  # fmt: skip
    a, d, b, c = found
    assert folded(found, ()) == [(a, [b, c]), (d, [])]
    assert folded(found, {"a"}) == [(a, []), (d, []), (b, [c])]
    assert folded(found, {"a", "b"}) == [(a, [b]), (d, []), (c, [])]
    assert folded([b, c, d], ()) == [(d, []), (b, [c])]


def test_memory_that_is_six_times_as_much_counts_at_once() -> None:
    """The noise of milliseconds is none of megabytes."""

    def uses(megabytes: float) -> Change:
        return lambda steps: steps["load"].update(memory_mb=megabytes)

    earlier = [run(number, uses(30.0 + number % 3)) for number in range(40)]
    families = [each.family for each in judge(run(40, uses(400.0)), earlier).findings]
    assert families == ["memory"]
    assert judge(run(40, uses(60.0)), earlier).findings == []


@pytest.mark.parametrize("counted", [0, 20, 39])
def test_a_column_with_one_value_is_known_by_its_extremes_too(counted: int) -> None:
    """Runs that had no time to count distinct values have a minimum and a maximum; a measurement has two of them."""

    def month(number: int, value: float, high: float) -> Change:
        def change(steps: dict[str, Any]) -> None:
            values = frame_of(steps, "load")["columns"]["distance"]
            for name in ("min", "mean", "median"):
                values[place(name)] = value
            values[place("max")], values[place("deviation")] = high, high - value
            values[place("distinct")] = 1 if number < counted else None

        return change

    labels = [run(number, month(number, 11.0, 11.0)) for number in range(40)]
    assert judge(run(40, month(40, 12.0, 12.0)), labels).findings == []
    measured = [run(number, month(99, 11.0, 11.0 + number % 3 / 100)) for number in range(40)]
    assert [each.family for each in judge(run(40, month(99, 12.0, 12.0)), measured).findings][:1] == ["mean"]


def test_numbers_of_another_library_are_no_change_of_the_schema() -> None:
    """Runs in pandas made floats of integers; the same table in polars has integers, in each run from then on."""

    def made_by(library: str, kind: str) -> Change:
        def change(steps: dict[str, Any]) -> None:
            for name in steps:
                frame_of(steps, name)["frame"] = library
            frame_of(steps, "load")["schema"][0][1] = kind

        return change

    pandas, polars = made_by("pandas.DataFrame", "float64"), made_by("polars.DataFrame", "Int64")
    earlier = [run(number, pandas) for number in range(38)] + [run(38, polars), run(39, polars)]
    assert judge(run(40, polars), earlier).findings == []
