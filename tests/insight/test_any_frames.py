"""The explanation of any operation on any frames: the right rows or "unknown", no exception, no change of a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.insight.base import Budget, RowChange
from odibi_core.insight.explaining import explain, trace

COLUMNS: dict[str, Callable[..., Any]] = {
    "number": lambda random, height: pd.array(random.integers(-3, 4, height)),
    "missing": lambda random, height: np.where(random.random(height) < 0.3, np.nan, random.integers(0, 9, height)),
    "real": lambda random, height: random.normal(size=height),
    "text": lambda random, height: pd.array(random.choice(["a", "bb", "Ä", ""], height), dtype="str"),
    "optional": lambda random, height: pd.array(random.choice(["x", "y", None], height), dtype="str"),
    "flag": lambda random, height: random.random(height) < 0.5,
    "moment": lambda random, height: pd.Timestamp("2026-03-01", tz="Europe/Zurich")
    + pd.to_timedelta(random.integers(0, 99, height), "h"),
    "category": lambda random, height: pd.Categorical(random.choice(["red", "blue"], height)),
    "price": lambda random, height: [Decimal(int(each)) / 4 for each in random.integers(0, 50, height)],
    "nested": lambda random, height: [[int(each)] * 2 for each in random.integers(0, 3, height)],
    "id": lambda random, height: random.permutation(height) + 100,
}
OPERATIONS: dict[str, Callable[..., pd.DataFrame]] = {
    "filter": lambda frame, random: frame[random.random(len(frame)) < 0.7],
    "sort": lambda frame, random: frame.iloc[random.permutation(len(frame))],
    "head": lambda frame, random: frame.head(len(frame) // 2),
    "reset": lambda frame, random: frame.reset_index(drop=True),
    "drop": lambda frame, random: frame.drop(columns=frame.columns[0]) if frame.shape[1] > 2 else frame,
    "twice": lambda frame, random: pd.concat([frame, frame]),
    "add": lambda frame, random: frame.assign(made=7),
    "rename": lambda frame, random: frame.rename(columns={frame.columns[0]: "other"}),
    "set": lambda frame, random: frame.assign(**{str(frame.columns[0]): 1}),
    "as float": lambda frame, random: frame.astype({"number": float}) if "number" in frame else frame,
}


@st.composite
def _steps(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    height = draw(st.sampled_from([0, 1, 2, 5, 40, 400]))
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6, unique=True))
    frame = pd.DataFrame({name: COLUMNS[name](random, height) for name in names})
    index = draw(st.sampled_from(["range", "repeats", "labels"]))
    if index != "range":
        frame.index = pd.Index(random.integers(0, 9, height) if index == "repeats" else random.permutation(height) * 3)
    output = frame.assign(_row=np.arange(height))
    for name in draw(st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=3)):
        output = OPERATIONS[name](output, random)
    return frame, output, draw(st.sampled_from(["pandas", "polars", "both"]))


def _values(frame: pd.DataFrame, rows: Any, names: list[str]) -> Counter[tuple[str, ...]]:
    part = frame.iloc[rows][names].map(str)
    return Counter(tuple(row) for row in part.itertuples(index=False))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(step=_steps())
def test_the_rows_that_are_lost_are_right_or_unknown(step: tuple[pd.DataFrame, pd.DataFrame, str]) -> None:
    """The number of lost rows is right, and the rows have the values of those that were lost."""
    frame, output, library = step
    numbers = output["_row"].to_numpy()
    output = output.drop(columns="_row")
    main: Any = frame if library == "pandas" else pl.from_pandas(frame)
    made: Any = output if library != "polars" else pl.from_pandas(output)
    before = frame.copy(deep=True)
    change = explain({"main": main}, made)
    pd.testing.assert_frame_equal(frame, before)
    assert not change.reason.startswith("the explanation failed"), change
    if change.lost is None or change.kind in ("aggregate", "empty"):
        return
    traced = trace({"main": main}, made, (None, None), Budget())
    if isinstance(traced, RowChange):
        names, lost = [str(name) for name in frame.columns], np.zeros(len(frame), np.bool_)
        assert change.lost == 0
    else:
        names, lost = [pair.main for pair in traced[0].identity.same], traced[0].lost
        assert change.lost == lost.sum()
    # Equal rows cannot be distinguished: of m equal rows with k in the output, max(m - k, 0) are lost.
    expected = _values(frame, slice(None), names) - _values(frame, numbers, names)
    kept = np.bincount(numbers, minlength=len(frame)) > 0
    assert _values(frame, lost, names) in (expected, _values(frame, ~kept, names)), change
    assert change.gained == len(output) - len(frame) + change.lost
