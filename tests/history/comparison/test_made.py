"""Differences in the results of steps: failures, columns, rows."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.comparison.rows import NUMBERS, column, frame, noise, run, step

from odibi_core.history.comparison.difference import Difference
from odibi_core.history.comparison.made import failures, rows, schemas
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.figures import STATS


def shown(found: Any) -> list[tuple[Any, ...]]:
    """Return kind, step, and whether it is notable."""
    return [(each.kind, each.node, each.is_notable) for each in found]


def test_a_step_that_fails_has_its_error() -> None:
    """With the type of the error, which is repeated only if the text lacks it."""
    after = run(nodes=[step("a", status="failed", error="'x'", error_type="KeyError")])
    (found,) = failures(run(nodes=[step("a")]), after)
    assert (found.kind, found.is_notable, found.magnitude) == ("status", True, 1.0)
    assert found.message == "a failed, and succeeded before: KeyError: 'x'"


def test_a_step_that_succeeds_again_is_no_problem() -> None:
    """It is listed, and not notable."""
    assert shown(failures(run(nodes=[step("a", status="failed")]), run(nodes=[step("a")]))) == [("status", "a", False)]


def test_steps_of_one_run_alone() -> None:
    """A new step is information; one that is gone takes its datasets with it."""
    found = failures(run(nodes=[step("a")], snapshots=[frame("a")]), run(nodes=[step("b")]))
    assert shown(found) == [("step_added", "b", False), ("step_removed", "a", True)]


def test_a_run_that_failed_without_a_failed_step() -> None:
    """A cancelled or lost run is a difference of the run."""
    after = run(runs=[{"run_id": "2", "pipeline_name": "p", "status": "lost"}], nodes=[step("a")])
    (found,) = failures(run(nodes=[step("a")]), after)
    assert (found.kind, found.after) == ("run_status", "lost")


def _schema(was: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[Difference]:
    before, after = (run(nodes=[step("a")], snapshots=[frame("a")], columns=each) for each in (was, now))
    return list(schemas(before, after, Noise(), []))


def test_columns_that_are_gone_new_or_of_another_type() -> None:
    """Each is one difference; a removed column is the largest."""
    was = [column("a", "x"), column("a", "y", "String"), column("a", "same")]
    now = [column("a", "x", "Float64"), column("a", "same"), column("a", "brand_new", "Date")]
    found = {each.kind: each for each in _schema(was, now)}
    assert found.keys() == {"retyped", "removed", "added"}
    assert found["retyped"].message == "a: column x is Float64, and was Int64"
    assert found["removed"].magnitude > found["retyped"].magnitude > found["added"].magnitude


def test_a_renamed_column_is_found_by_its_content() -> None:
    """Not by its position, and not as one that is gone and one that is new."""
    temp = column("a", "temp", **{**NUMBERS, "mean": 5.0, "median": 5.0, "q95": 9.0})
    was, now = [column("a", "wind_speed", **NUMBERS), temp], [temp, column("a", "speed", **NUMBERS)]
    (found,) = _schema(was, now)
    assert (found.kind, found.before, found.after) == ("renamed", "wind_speed", "speed")
    assert "100% alike in content" in found.message


def test_a_renamed_column_may_have_the_values_of_another_day() -> None:
    """Those of earlier runs under a like name; without earlier runs it stays one that is gone and one that is new."""
    def row(name: str, mean: float) -> dict[str, Any]:
        return column("a", name, "Float64", **{**NUMBERS, "mean": mean, "median": mean, "distinct": int(mean)})

    def kinds(new: str, mean: float, known: Noise) -> list[str]:
        before, after = (
            run(nodes=[step("a")], snapshots=[frame("a")], columns=[each])
            for each in (row("humid", 40.0), row(new, mean))
        )
        return sorted(each.kind for each in schemas(before, after, known, []))

    moving = ("mean", "median", "distinct")
    stats = ([mean if name in moving else None for name in STATS] for mean in (20.0, 40.0, 60.0, 80.0, 90.0))
    past = noise(*({"frames": {"a": {"columns": {"humid": each}}}} for each in stats))
    assert kinds("humidity", 88.0, past) == ["renamed"]
    assert kinds("humidity", 88.0, Noise()) == ["added", "removed"]
    assert kinds("humidity", 300.0, past) == ["added", "removed"]
    assert kinds("soil", 88.0, past) == ["added", "removed"]


@pytest.mark.parametrize(
    ("library", "nulls", "notable"), [("pandas", 3, False), ("pandas", 0, True), ("polars", 3, True)]
)
def test_floats_that_pandas_makes_of_integers_with_nulls_are_noise(library: str, nulls: int, notable: bool) -> None:
    """The type follows from one value; without nulls, or elsewhere, it is another type."""
    frames = [frame("a", frame=f"{library}.DataFrame")]
    was, now = column("a", "x", "Float64", nulls=nulls), column("a", "x", nulls=0)
    for first, second in ((was, now), (now, was)):
        before, after = (run(nodes=[step("a")], snapshots=frames, columns=[each]) for each in (first, second))
        assert [each.is_notable for each in schemas(before, after, Noise(), [])] == [notable]


def test_the_types_of_a_frame_without_rows_are_not_compared() -> None:
    """A reader guesses types from rows: those of an empty file are no change, and the answer states it."""
    def found(rows: int) -> tuple[list[str], list[str]]:
        left_out: list[str] = []
        before, after = (
            run(nodes=[step("a")], snapshots=[frame("a", row_count=count)], columns=[column("a", "x", type)])
            for count, type in ((9, "Int64"), (rows, "Object"))
        )
        return [each.kind for each in schemas(before, after, Noise(), left_out)], left_out

    assert found(0) == ([], ["the types of 1 column of a: one run has no rows of it"])
    assert found(5) == (["retyped"], [])


def test_a_run_that_goes_on_differs_in_no_step_that_has_not_ended() -> None:
    """A step that failed already does differ."""
    states = ("success", "running", "pending", "failed")
    before = run(nodes=[step(state) for state in (*states, "later")])
    after = run(
        runs=[{"run_id": "2", "pipeline_name": "p", "status": "running"}],
        nodes=[step(state, status=state, error="boom" if state == "failed" else None) for state in states],
    )
    assert [each.message for each in failures(before, after)] == ["failed failed, and succeeded before: boom"]


def test_columns_of_other_content_are_not_renamed() -> None:
    """A name alone is no reason if the contents are known to differ."""
    was, now = column("a", "amount", **NUMBERS), column("a", "amounts", **{**NUMBERS, "mean": 900.0, "median": 900.0})
    assert sorted(each.kind for each in _schema([was], [now | {"q75": 990.0, "q95": 999.0, "distinct": 3}])) == [
        "added",
        "removed",
    ]


def test_without_statistics_the_name_decides() -> None:
    """And the sentence states it."""
    (found,) = _schema([column("a", "wind_speed")], [column("a", "wind_spd")])
    assert "by its name: neither has statistics" in found.message


def test_a_frame_that_was_not_described_is_not_compared() -> None:
    """The reason is stated, and nothing is claimed about its columns."""
    before = run(nodes=[step("a")], snapshots=[frame("a", column_count=2)], columns=[column("a", "x")])
    after = run(nodes=[step("a")], snapshots=[frame("a", not_described="it is a list")])
    missing: list[str] = []
    assert list(schemas(before, after, Noise(), missing)) == []
    assert missing == ["the columns of a: it is a list"]


@pytest.mark.parametrize(
    ("was", "now", "notable"),
    [(1000, 1000, None), (1000, 1050, False), (1000, 1300, True), (10, 12, False), (0, 500, True), (1000, 500, True)],
)
def test_without_earlier_runs_rows_differ_by_a_tenth_and_by_more_than_chance(was: int, now: int, notable: bool) -> None:
    """Twelve rows after ten are chance."""
    found = list(rows(run(nodes=[step("a", was)]), run(nodes=[step("a", now)]), Noise()))
    assert [each.is_notable for each in found] == ([] if notable is None else [notable])


def test_earlier_runs_decide_which_number_of_rows_is_usual() -> None:
    """A usual low is no difference, and a small one that never was is."""
    history = noise(*({"rows": size} for size in (500, 900, 1000, 1100, 1200, 1000)))
    steady = noise(*({"rows": 1000 + each} for each in range(6)))
    before, after = run(nodes=[step("a", 1000)]), run(nodes=[step("a", 520)])
    assert shown(rows(before, after, history)) == [("rows", "a", False)]
    assert shown(rows(before, run(nodes=[step("a", 920)]), steady)) == [("rows", "a", True)]


def test_a_step_that_keeps_another_share_is_notable_whatever_its_rows() -> None:
    """A usual number of rows, of an input that was larger."""
    history = noise(*({"rows": rows, "selectivity": 0.95} for rows in (500, 900, 1000, 1100, 1200)))
    before, after = (run(nodes=[step("a", n, selectivity=share)]) for n, share in ((1000, 0.95), (900, 0.6)))
    assert shown(rows(before, after, history)) == [("rows", "a", True)]


def test_a_type_that_the_column_had_before_is_usual() -> None:
    """A column without fractions today."""
    history = noise(*({"frames": {"a": {"schema": [["x", type]]}}} for type in ("Int64", "Float64")))
    before, after = (run(nodes=[step("a")], columns=[column("a", "x", type)]) for type in ("Float64", "Int64"))
    assert shown(schemas(before, after, history, [])) == [("retyped", "a", False)]
    assert shown(schemas(before, after, Noise(), [])) == [("retyped", "a", True)]


def test_no_rows_at_all_is_a_missing_result() -> None:
    """It counts as a failure; and an unknown number of rows as nothing."""
    (found,) = rows(run(nodes=[step("a", 7)]), run(nodes=[step("a", 0)]), Noise())
    assert (found.family, found.kind) == ("failure", "no_rows")
    assert list(rows(run(nodes=[step("a", 7)]), run(nodes=[step("a", None)]), Noise())) == []


def test_the_share_of_kept_rows_is_stated_if_it_changed() -> None:
    """So that a filter and a shorter input can be distinguished."""
    before, after = (run(nodes=[step("a", n, selectivity=share)]) for n, share in ((1000, 0.5), (200, 0.1)))
    (found,) = rows(before, after, Noise())
    assert found.message == "a made 200 rows, and 1,000 before (-80%); it kept 10.0% of its input, and 50.0% before"
