"""The judgement of a run: what it finds, what it leaves alone, and where a change begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.history.noticing.made import START, Change, frame_of, history, place, run

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import Finding, Judgement, families, judge
from odibi_core.history.noticing.baseline import deviation


def findings(change: Change | None, earlier: list[RunFigures] | None = None) -> list[Finding]:
    """Judge a run with a change against forty runs without one."""
    earlier = history() if earlier is None else earlier
    return judge(run(len(earlier), change), earlier).findings


def no_rows(steps: dict[str, Any]) -> None:
    steps["load"]["rows"] = 0


def half_the_rows(steps: dict[str, Any]) -> None:
    for name in ("load", "joined"):
        steps[name]["rows"] = frame_of(steps, name)["rows"] = 500


def renamed(steps: dict[str, Any]) -> None:
    made = frame_of(steps, "load")
    made["schema"][1][0] = "miles"
    made["columns"]["miles"] = made["columns"].pop("distance")


def retyped(steps: dict[str, Any]) -> None:
    frame_of(steps, "load")["schema"][0][1] = "String"


def hundredfold(steps: dict[str, Any]) -> None:
    values = frame_of(steps, "load")["columns"]["distance"]
    for name in ("min", "max", "mean", "deviation", "median"):
        values[place(name)] *= 100


def nulls(steps: dict[str, Any]) -> None:
    frame_of(steps, "load")["columns"]["delay"][place("null_share")] = 0.1


def new_category(steps: dict[str, Any]) -> None:
    frame_of(steps, "load")["top"]["origin"] = {"JFK": 0.3, "EWR": 0.36, "LGA": 0.24, "HPN": 0.1}


def unmatched(steps: dict[str, Any]) -> None:
    steps["joined"]["joins"]["weather"][0] = 0.6


def failing_check(steps: dict[str, Any]) -> None:
    steps["load"]["checks"]["not_null delay"] = [False, 7, 1000]


def stale(steps: dict[str, Any]) -> None:
    frame_of(steps, "load")["content"] = frame_of(run(39).figures["steps"], "load")["content"]


FAULTS: dict[str, tuple[Change, str, str | None, str]] = {
    "no rows": (no_rows, "load", None, "no rows"),
    "−50 % rows": (half_the_rows, "load", None, "rows"),
    "renamed": (renamed, "load", "distance", "schema"),
    "retyped": (retyped, "load", "delay", "schema"),
    "×100": (hundredfold, "load", "distance", "mean"),
    "nulls": (nulls, "load", "delay", "nulls"),
    "new category": (new_category, "load", "origin", "categories"),
    "join": (unmatched, "joined", None, "join"),
    "check": (failing_check, "load", None, "checks"),
    "stale": (stale, "load", None, "content"),
}


def found_by(judge_run: Callable[[RunFigures, list[RunFigures]], Judgement]) -> tuple[set[str], int]:
    """Return the faults that a judge finds with step, column and family, and the clean runs with a finding."""
    earlier = history()
    found = set()
    for name, (change, step, column, family) in FAULTS.items():
        roots = [each for each in judge_run(run(40, change), earlier).findings if each.follows_from is None]
        if [(each.node_name, each.column, each.family) for each in roots] == [(step, column, family)]:
            found.add(name)
    return found, sum(bool(judge_run(run(number), earlier).findings) for number in range(40, 140))


def test_each_fault_is_found_once_at_its_step_and_clean_runs_are_left_alone() -> None:
    """A fault is one finding without a cause, at its step and column; at most one clean run in a hundred has one."""
    found, false_alarms = found_by(judge)
    assert found == set(FAULTS)
    assert false_alarms <= 1


def test_a_broken_judge_is_seen() -> None:
    """Sabotage: a judge that finds nothing misses all faults, one that always does has a hundred false alarms."""
    alarm = findings(no_rows)[:1]
    assert found_by(lambda current, earlier: Judgement([], 40, 9)) == (set(), 0)
    assert found_by(lambda current, earlier: Judgement(alarm, 40, 9)) == ({"no rows"}, 100)


def test_a_verdict_has_what_came_what_was_expected_from_which_runs_and_how_unlikely() -> None:
    """A person needs no other command to understand a finding."""
    (found,) = (each for each in findings(half_the_rows) if each.follows_from is None)
    assert (found.series, found.actual, found.compared_runs) == ("load.rows", "500", 40)
    assert found.low is not None
    assert found.high is not None
    assert 600 < found.low < 950 < 1050 < found.high < 1400
    assert 0 < found.likelihood < 0.01
    assert found.message.startswith("load: 500 rows, expected ")
    assert "the median of 40 runs" in found.message


def test_the_fields_of_an_event_are_those_of_the_table() -> None:
    """An `anomaly` event has no empty field, and its id is the same whenever the run is judged."""
    (first, *_), (again, *_) = findings(half_the_rows), findings(half_the_rows)
    fields = first.fields()
    assert set(fields) <= {*Finding.__struct_fields__}
    assert None not in fields.values()
    assert fields["alert_id"] == again.alert_id


def test_what_follows_is_folded_under_the_first_step() -> None:
    """Half of the rows at the source halve those of the join: one finding, and another that follows from it."""
    first, *others = findings(half_the_rows)
    assert (first.node_name, first.follows_from) == ("load", None)
    assert {each.follows_from for each in others} == {first.alert_id}
    assert "joined" in {each.node_name for each in others}


def test_a_step_that_moved_too_little_alone_is_the_first_step_if_a_join_downstream_shows_it() -> None:
    """A lookup that was always equal and lost a row is where a lower match rate begins."""

    def equal(steps: dict[str, Any]) -> None:
        frame_of(steps, "weather")["content"] = "same"

    def lost(steps: dict[str, Any]) -> None:
        frame_of(steps, "weather")["content"] = "other"
        unmatched(steps)

    earlier = [run(number, equal) for number in range(40)]
    first, follower, *_ = findings(lost, earlier)
    assert (first.node_name, first.family, first.follows_from) == ("weather", "content", None)
    assert (follower.node_name, follower.family, follower.follows_from) == ("joined", "join", first.alert_id)
    assert findings(lambda steps: frame_of(steps, "weather").update(content="other"), earlier) == []


def test_two_changes_at_once_are_two_findings() -> None:
    """Neither of two unrelated changes hides the other."""

    def both(steps: dict[str, Any]) -> None:
        nulls(steps)
        renamed(steps)

    roots = {(each.family, each.column) for each in findings(both) if each.follows_from is None}
    assert roots == {("nulls", "delay"), ("schema", "distance")}


@pytest.mark.parametrize("runs", [0, 1, 4])
def test_below_five_runs_it_learns(runs: int) -> None:
    """Four runs are too few to judge, and the judgement states it."""
    judged = judge(run(runs, no_rows), history(runs))
    assert (judged.findings, judged.is_learning, judged.compared_runs) == ([], True, runs)


def test_a_young_pipeline_has_wide_limits_that_narrow() -> None:
    """With six runs the usual range is wider than with forty."""

    def width(runs: int) -> float:
        found = findings(lambda steps: steps["load"].update(rows=20), history(runs))[0]
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(6) > 1.4 * width(40)


def test_a_slow_step_counts_if_it_is_slow_twice() -> None:
    """One slow run is often noise of the machine; a second in a row is a finding."""

    def slow(steps: dict[str, Any]) -> None:
        steps["load"]["duration_ms"] *= 3

    assert findings(slow) == []
    (found,) = findings(slow, [*history(39), run(39, slow)])
    assert (found.node_name, found.family) == ("load", "duration")
    assert "for the second run in a row" in found.message


def test_a_step_that_is_far_slower_counts_at_once() -> None:
    """Six times all that was seen is no noise of the machine."""

    def slower(steps: dict[str, Any]) -> None:
        steps["load"]["duration_ms"] = 12_000.0

    (found,) = findings(slower)
    assert (found.node_name, found.family) == ("load", "duration")
    assert "in a row" not in found.message


@pytest.mark.parametrize(("library", "count"), [("pandas.DataFrame", 0), ("polars.DataFrame", 1)])
def test_an_integer_that_becomes_a_float_is_no_change_where_values_decide_the_type(library: str, count: int) -> None:
    """In pandas one null makes a float of an integer; in polars a program must do it."""

    def as_library(steps: dict[str, Any]) -> None:
        for name in steps:
            frame_of(steps, name)["frame"] = library

    def as_integer(steps: dict[str, Any]) -> None:
        as_library(steps)
        frame_of(steps, "load")["schema"][0][1] = "Int64"

    earlier = [run(number, as_library) for number in range(40)]
    assert [each.family for each in findings(as_integer, earlier)] == ["schema"] * count


def test_a_column_with_one_value_in_each_run_is_not_compared() -> None:
    """The day of a daily load names the run; it is no measurement."""

    def labelled(day: int) -> Change:
        def change(steps: dict[str, Any]) -> None:
            values = frame_of(steps, "load")["columns"]["distance"]
            for name in ("min", "max", "mean", "median"):
                values[place(name)] = day
            values[place("distinct")], values[place("deviation")] = 1, 0.0

        return change

    earlier = [run(number, labelled(30)) for number in range(40)]
    assert not findings(labelled(1), earlier)


def test_distinct_values_are_compared_for_samples_of_like_size() -> None:
    """A sample of 200 rows has fewer repeats than one of 1,000."""

    def sampled(rows: int, distinct: int) -> Change:
        def change(steps: dict[str, Any]) -> None:
            made = frame_of(steps, "load")
            made["sampled"], made["columns"]["distance"][place("distinct")] = rows, distinct

        return change

    earlier = [run(number, sampled(200, 190 + number % 3)) for number in range(40)]
    assert not findings(sampled(1_000, 400), earlier)
    assert [each.family for each in findings(sampled(200, 40), earlier)] == ["distinct"]


def test_a_value_that_was_seen_in_the_second_run_is_usual() -> None:
    """The flights of eight days, the second a Saturday; the next Saturday comes before any weekday is known."""
    scale = families.ROWS.scale
    past = [scale(rows) for rows in (994, 693, 904, 993, 960, 976, 996, 996)]
    found = deviation(scale(682), past, 0.045, families.ROWS)
    assert found is not None
    assert found.score < 1


def test_a_level_shift_is_relearned() -> None:
    """After three runs on a new level it is the level, and a return of the fault is found again."""

    def more(number: int) -> RunFigures:
        return run(number, rows=2000)

    earlier = history()
    alarms = []
    for number in range(40, 60):
        alarms.append(bool(judge(more(number), earlier).findings))
        earlier = [*earlier, more(number)]
        if number == 41:
            second = judge(more(number), earlier[:-1]).findings[0].message
    assert alarms[0]
    assert "if it stays, it becomes the usual level" in second
    assert sum(alarms) <= 3
    assert not any(alarms[3:])


def test_a_judgement_after_a_shift_states_the_runs_that_it_compares() -> None:
    """The expectation comes from the runs on the new level alone."""
    earlier = [*history(), *(run(number, rows=2000) for number in range(40, 52))]
    found = judge(run(52, half_the_rows), earlier).findings[0]
    assert found.compared_runs == 12
    assert "12 runs since the level shifted" in found.message


def test_figures_of_another_form_are_not_compared() -> None:
    """An index that a newer version wrote neither raises nor alarms."""
    earlier = [msgspec.structs.replace(each, figures={"version": 2, "shape": [["day", "str"]]}) for each in history()]
    assert judge(run(40), earlier).is_learning


def test_only_comparable_runs_are_compared() -> None:
    """Runs of other parameters, failed runs and later runs are no baseline."""
    earlier = history()
    current = run(40, half_the_rows)
    others = [msgspec.structs.replace(each, status="failed") for each in earlier]
    assert judge(current, others).compared_runs == 0
    shaped = [msgspec.structs.replace(each, figures=each.figures | {"shape": []}) for each in earlier]
    assert judge(current, shaped).compared_runs == 0
    later = [msgspec.structs.replace(each, started=each.started + timedelta(days=400)) for each in earlier]
    assert judge(current, later).compared_runs == 0
    assert judge(current, [*earlier, *others, *later]).compared_runs == 40


def test_a_value_of_a_weekday_is_compared_with_that_weekday_if_it_predicts_better() -> None:
    """A store that is closed on Sundays alarms on a full Sunday and on an empty Monday, and on neither usual day."""

    def day(number: int, rows: int | None = None) -> RunFigures:
        is_sunday = (START + timedelta(days=number)).weekday() == 6
        return run(number, rows=rows or (100 if is_sunday else 1000))

    earlier = [day(number) for number in range(55)]
    assert (START + timedelta(days=55)).weekday() == 6
    assert judge(day(55), earlier).findings == []
    assert [each.series for each in judge(day(55, 1000), earlier).findings][:1] == ["load.rows"]
    monday = [*earlier, day(55)]
    assert judge(day(56), monday).findings == []
    found = judge(day(56, 100), monday).findings[0]
    assert (found.series, "the same weekday" in found.message) == ("load.rows", True)


def test_a_step_that_is_new_or_was_removed_is_no_finding() -> None:
    """A pipeline may change its steps: a new one learns, an old one is not missed."""

    def another(steps: dict[str, Any]) -> None:
        steps["report"] = steps.pop("joined")

    assert findings(another) == []


def test_runs_of_one_second_and_a_clock_that_went_back_keep_an_order() -> None:
    """Starts that are equal, or before those of earlier runs, neither raise nor alarm."""
    same = [msgspec.structs.replace(each, started=START) for each in history()]
    assert judge(run(40, at=START), same).findings == []
    back = run(40, at=START - timedelta(days=3))
    assert judge(back, history()).is_learning


def test_a_column_that_drifts_a_little_each_run_is_reported_once() -> None:
    """Rows that begin to fall by one percent a run are no jump; the level against 30 runs ago is one finding."""
    earlier: list[RunFigures] = []
    reported = []
    for number in range(90):
        current = run(number, rows=round(20_000 * 0.99 ** max(0, number - 30)))
        found = [each for each in judge(current, earlier).findings if each.node_name == "load"]
        reported += [number for each in found if each.is_drift]
        assert [each for each in found if not each.is_drift] == []
        earlier = [*earlier, current]
    assert len(reported) == 1


def test_a_table_that_always_grows_does_not_drift() -> None:
    """Growth from the first run on is usual."""
    earlier: list[RunFigures] = []
    for number in range(80):
        current = run(number, rows=round(20_000 * 1.006**number))
        assert judge(current, earlier).findings == []
        earlier = [*earlier, current]


@pytest.mark.parametrize("since", range(14, 26))
def test_a_younger_step_that_falls_leaves_the_others_judged(since: int) -> None:
    """A step that fewer runs have than a drift needs is no drift, and the run is judged."""

    def young(number: int) -> Change:
        def change(steps: dict[str, Any]) -> None:
            if number < since:
                del steps["weather"]
            else:
                steps["weather"]["rows"] = round(20_000 * 0.99 ** (number - since))
            if number == 55:
                no_rows(steps)

        return change

    found = judge(run(55, young(55)), [run(number, young(number)) for number in range(55)]).findings
    assert [each.family for each in found if each.follows_from is None] == ["no rows"]


def test_the_time_grows_with_the_figures_only_as_documented() -> None:
    """A run of ten steps with twenty columns is judged in a bounded number of operations, not one a pair of columns."""
    earlier = history(60)
    began = time.process_time()
    for _ in range(3):
        judge(run(60), earlier)
    assert time.process_time() - began < 5
