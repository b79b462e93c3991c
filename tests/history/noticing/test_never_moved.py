"""Figures that never moved are left out early: the answer is that of the whole judgement."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from odibi_core.history.figures import STATS
from odibi_core.history.noticing import baseline, columns, families, series

TOPS: list[dict[str, dict[str, float]]] = [{}, {"c": {"a": 0.5, "b": 0.5}}, {"c": {"2026-11-06": 1.0}}]


def frame(draw: random.Random) -> dict[str, Any]:
    """Make a frame of one column: numbers, days, one value alone, texts, or nulls alone."""
    rows = draw.choice([5, 100])
    low = draw.choice([0.0, -3.5, 20261106.0, 202611.0, draw.uniform(0, 20_000)])
    high = low + draw.choice([0.0, 0.0, 1.0, draw.uniform(0, 1000)])
    known = {
        "null_share": draw.choice([0.0, 0.2, 1.0]), "distinct": float(draw.randint(1, rows)), "min": low, "max": high,
        "mean": (low + high) / 2, "deviation": (high - low) / 4, "median": draw.choice([low, high]),
        "length_mean": draw.choice([None, 4.0]),
    }  # fmt: skip
    for name in draw.sample(list(known), draw.choice([0, 0, 1, 3])):
        known[name] = None
    dates = ["c"] if low >= 0 and high < 30_000 and draw.random() < 0.3 else []
    values = [known.get(name) for name in STATS]
    return {"rows": rows, "sampled": rows, "columns": {"c": values}, "top": draw.choice(TOPS), "dates": dates}


def test_a_column_that_never_moved_has_no_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the early answer, no series of it is found either; and that answer is given for most columns."""
    early = 0
    for number in range(400):
        draw = random.Random(number)
        step, runs = {"frames": {"out": frame(draw)}}, draw.choice([5, 30])
        with monkeypatch.context() as patch:
            patch.setattr(columns, "_never_moved", lambda *_: False)
            whole = list(columns.of_step(step, [step] * runs))
        assert list(columns.of_step(step, [step] * runs)) == whole, step
        made = step["frames"]["out"]
        early += columns._never_moved("c", made, [made])
        if columns._never_moved("c", made, [made]):
            assert whole == []
    assert early > 200


def test_a_figure_that_never_moved_is_usual() -> None:
    """Its distance from the expected value is 0, with and without weekdays; a figure that moved has a series."""
    for runs in (5, 20, 60):
        days = baseline.Calendar(tuple(n % 7 for n in range(runs + 1)), tuple(n % 30 == 1 for n in range(runs + 1)))
        for value in (0.0, 0.3, 1.0, 337.0, 1e9):
            for family in (families.ROWS, families.SELECTIVITY):
                past = [family.scale(value)] * runs
                for calendar in (None, days):
                    found = baseline.deviation(family.scale(value), past, 0.01, family, calendar)
                    assert found is None or found.score == 0.0
            assert list(series.of_step({"rows": value}, [{"rows": value}] * runs)) == []
            moved = list(series.of_step({"rows": 2 * value + 1}, [{"rows": value}] * runs))
            assert [each.metric for each in moved] == ["rows"]


def shift_by_all(past: list[float], noise: float) -> int:
    """Return the last shift of a level without leaving out a place."""
    count = len(past)
    if count < 8:
        return 0
    steps = sorted(abs(after - before) for before, after in pairwise(past))
    gap = max(3.0 * steps[len(steps) // 2], 2 * noise)
    for at in range(count - 3, 4, -1):
        before = past[max(0, at - 20) : at]
        if min(before) - max(past[at:]) > gap or min(past[at:]) - max(before) > gap:
            return at
    return 0


def test_a_shift_is_a_step_of_its_size() -> None:
    """Looking at the windows of such steps alone finds the shift that looking at all of them finds."""
    found = set()
    for number in range(500):
        draw = random.Random(number)
        levels = [(draw.randint(-30, 30), draw.randint(1, 20)) for _ in range(draw.randint(1, 4))]
        past = [level + draw.uniform(-1, 1) for level, times in levels for _ in range(times)]
        noise = draw.choice([0.0, 0.1, 1.0])
        assert baseline.last_shift(past, noise) == shift_by_all(past, noise)
        found.add(baseline.last_shift(past, noise) > 0)
    assert found == {True, False}
