"""The benchmark of noticing: its faults change what they name, its peers score, and its pipeline computes figures."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from benchmarks.noticing import peers
from benchmarks.noticing.faults import FAULTS
from benchmarks.noticing.histories import History, plan_of
from benchmarks.noticing.pairs import hides, named
from benchmarks.noticing.staged import kept, stage
from benchmarks.noticing.staging import STEPS, Run, compute, describe

from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import judge

DAYS = 30


def batch(seed: int) -> pl.DataFrame:
    """Make about 500 rows of a number, a category, and a key."""
    draw = random.Random(seed)
    rows = round(draw.gauss(500, 10))
    return pl.DataFrame(
        {
            "carrier": [draw.choice(["AA", "B6", "DL", "UA", "UA"]) for _ in range(rows)],
            "distance": [draw.gauss(900, 150) for _ in range(rows)],
            "hour": [draw.randrange(5, 23) for _ in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def made() -> History:
    """A history of thirty daily runs, with its figures."""
    frames = [batch(number) for number in range(DAYS)]
    start = datetime(2026, 1, 5, 4, tzinfo=UTC)
    runs = []
    for number, frame in enumerate(frames):
        took = {step: 500.0 * random.Random(f"{number} {step}").uniform(0.9, 1.2) for step in STEPS}
        runs.append(Run(f"run-{number}", start + timedelta(days=number), frame, took))
    history = History("made", "made", "tune", plan_of(pl.concat(frames)), runs, [], "incremental", 1)
    return replace(history, figures=[compute(history.plan, run) for run in runs])


def changed(history: History, fault: str) -> tuple[RunFigures, list[RunFigures]] | None:
    """Return the last run with a fault, and the runs before it; None if the fault needs other columns."""
    injected = FAULTS[fault][0](history, DAYS - 1, random.Random(3))
    if injected is None:
        return None
    earlier = history.figures[:-1]
    if injected.before is not None:
        earlier = [*earlier[:-1], compute(history.plan, injected.before)]
    return compute(history.plan, injected.run), earlier


WITH_GOAL = [name for name, (_, goal) in FAULTS.items() if goal is not None and name != "missing run"]


@pytest.mark.parametrize("fault", WITH_GOAL)
def test_a_fault_changes_its_run_and_is_found(made: History, fault: str) -> None:
    """On a quiet history each fault with a goal is found; the same run without it has no finding."""
    found = changed(made, fault)
    assert found is not None
    current, earlier = found
    assert current.figures != made.figures[-1].figures
    assert judge(current, earlier).findings != []


def test_the_history_itself_is_quiet(made: History) -> None:
    """Sabotage of the test above: without a fault nothing is found, and a judge of noise would be."""
    for place in range(20, DAYS):
        assert judge(made.figures[place], made.figures[:place]).findings == []


def test_every_peer_finds_a_hundredfold_value_and_scores_a_usual_run_lower(made: History) -> None:
    """The peers see the same figures: their scores rise with the fault."""
    found = changed(made, "×100")
    assert found is not None
    current, earlier = found
    with_fault, without = peers.scores(current, earlier), peers.scores(made.figures[-1], earlier)
    assert set(with_fault) == set(peers.METHODS)
    assert all(with_fault[name] > without[name] for name in peers.METHODS)


def test_the_statistics_of_a_column_are_those_of_its_values() -> None:
    """The pipeline of the benchmark describes a frame in the form of the table `columns`."""
    number, text = describe(pl.DataFrame({"a": [1, 2, None, 5], "b": ["x", "x", "yy", None]}))
    assert (number["nulls"], number["null_share"], number["min"], number["max"]) == (1, 0.25, "1.0", "5.0")
    assert (text["distinct"], text["top"]) == (2, '[["x", 2], ["yy", 1]]')


def test_two_faults_are_named_if_each_has_a_finding_of_its_own(made: History) -> None:
    """One finding does not name two faults, and a fault that hides the other leaves one to name."""
    staged = stage(replace(made, figures=[]))
    pair = next(case for case in staged.pairs if not hides(case))
    roots = [each for each in judge(pair.current, staged.earlier(pair)).findings if each.follows_from is None]
    assert named(pair, roots)
    assert not named(pair, roots[:1])
    assert not named(pair, [])
    empty = replace(pair, faults=("no rows", "nulls +30 points"))
    assert hides(empty)


def test_staged_figures_are_kept_and_used_again(made: History, tmp_path: Path) -> None:
    """The second time no figure is computed: the file answers."""
    first = kept(made, 7, tmp_path)
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    again = kept(replace(made, runs=[]), 7, tmp_path)
    assert (again.name, again.figures, again.peers) == (first.name, first.figures, first.peers)
    assert file.stat().st_mtime_ns == before
