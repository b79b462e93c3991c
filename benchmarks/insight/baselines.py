"""Other ways to the lost rows: a decision tree, `merge(indicator=True)` and datacompy.

Each baseline is given more than an entry gets: the tree the true lost rows as labels, the other two the true keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.insight.answer import Answer, Claim, Entry, Mask, Side
from benchmarks.insight.case import Trial

TREE: Final = "decision tree of depth 3"
INDICATOR: Final = "merge(indicator=True)"
COMPARED: Final = "datacompy"
DEPTH: Final = 3
MOST_ROWS: Final = 100_000
"""Rows on which a tree is grown; it is judged on all rows."""
MOST_VALUES: Final = 60
"""Values of a text that become a column each."""

NEEDS: Final = {TREE: "sklearn", COMPARED: "datacompy"}

Baseline = Callable[[Trial], Entry]


def missing(name: str) -> str | None:
    """Return the module that a baseline needs and that is not installed; None if it can run."""
    module = NEEDS.get(name)
    return module if module is not None and find_spec(module) is None else None


def tree(trial: Trial) -> Entry:
    """Return a decision tree of depth 3 that gets the lost rows as labels."""

    def explain(inputs: Mapping[str, Any], output: Any, _: Callable[..., Any] | None) -> Answer:
        main = _pandas(inputs[trial.case.tables[0]])
        is_lost = np.zeros(len(main), dtype=bool)
        is_lost[trial.truth.lost] = True
        if not is_lost.any() or is_lost.all():
            return Answer(lost=int(is_lost.sum()), lost_rows=partial(np.flatnonzero, is_lost))
        claim = tree_claim(main, is_lost)
        return Answer(
            lost=int(is_lost.sum()), lost_rows=partial(np.flatnonzero, is_lost), claims=(claim,) if claim else ()
        )

    return explain


def tree_claim(main: pd.DataFrame, is_lost: Mask) -> Claim | None:
    """Return what a tree states about the lost rows: proved if it is right on all rows, else by its share."""
    from sklearn.tree import DecisionTreeClassifier, export_text

    features = features_of(main)
    if features.empty:
        return None
    some = np.random.RandomState(0).permutation(len(main))[:MOST_ROWS]
    grown = DecisionTreeClassifier(max_depth=DEPTH, random_state=0).fit(features.iloc[some], is_lost[some])
    selected = grown.predict(features).astype(bool)
    right = int((selected & is_lost).sum())
    if right * 2 < selected.sum() or not right:
        return None
    text = export_text(grown, feature_names=list(features.columns)).replace("\n", " ")[:300]
    is_proved = bool(np.array_equal(selected, is_lost))
    return Claim("lost", text, is_proved, right / int(is_lost.sum()), selects=lambda: selected)


def features_of(main: pd.DataFrame) -> pd.DataFrame:
    """Return the columns as numbers: times as seconds, month and hour; texts of few values as one column each."""
    parts: dict[str, Any] = {}
    for name in main.columns:
        column = main[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            parts |= {f"{name}.month": column.dt.month, f"{name}.weekday": column.dt.weekday}
            parts |= {f"{name}.hour": column.dt.hour, f"{name}.time": column.astype("int64") / 1e6}
        elif pd.api.types.is_numeric_dtype(column):
            parts[str(name)] = column.astype("float64")
        else:
            parts |= _of_text(str(name), column)
    return pd.DataFrame(parts, index=main.index)


def _of_text(name: str, column: Any) -> dict[str, Any]:
    parts = {f"{name} is null": column.isna().astype("float64")}
    try:
        values = column.dropna().unique()
    except TypeError:  # lists
        return parts
    if len(values) <= MOST_VALUES:
        parts |= {f"{name} = {value}": (column == value).fillna(False).astype("float64") for value in values}
    return parts


def indicator(trial: Trial) -> Entry:
    """Return `merge(indicator=True)` of the main table and the output on the true keys, else on all shared columns."""

    def explain(inputs: Mapping[str, Any], output: Any, _: Callable[..., Any] | None) -> Answer:
        main, made = _pandas(inputs[trial.case.tables[0]]), _pandas(output)
        keys = _keys(trial, main, made)
        right = made[keys].drop_duplicates()
        merged = main[keys].merge(right, on=keys, how="left", indicator=True)
        lost = np.flatnonzero(merged["_merge"].to_numpy() == "left_only")
        return Answer(lost=len(lost), lost_rows=partial(np.asarray, lost), claims=_key_claims(trial, inputs, main))

    return explain


def compared(trial: Trial) -> Entry:
    """Return datacompy's comparison of the main table with the output, on the true keys or all shared columns."""

    def explain(inputs: Mapping[str, Any], output: Any, _: Callable[..., Any] | None) -> Answer:
        from datacompy import PandasCompare

        main, made = _pandas(inputs[trial.case.tables[0]]), _pandas(output)
        keys = _keys(trial, main, made)
        numbered = main.assign(_row=np.arange(len(main))).reset_index(drop=True)
        found = PandasCompare(numbered, made.reset_index(drop=True), join_columns=keys)
        lost = np.sort(found.df1_unq_rows["_row"].to_numpy().astype("int64"))
        return Answer(lost=len(lost), lost_rows=partial(np.asarray, lost))

    return explain


def _keys(trial: Trial, main: pd.DataFrame, made: pd.DataFrame) -> list[str]:
    keys = [name for name in trial.case.keys if name in made.columns]
    keys = keys if keys and len(keys) == len(trial.case.keys) else [str(name) for name in main if name in made.columns]
    if not keys:
        raise ValueError("the output has no column of the main table")
    return keys


def _key_claims(trial: Trial, inputs: Mapping[str, Any], main: pd.DataFrame) -> tuple[Claim, ...]:
    """Return a claim of the rows whose key is not in the other table, which a second merge finds."""
    claims = []
    for name in trial.case.tables[1:]:
        other = _pandas(inputs[name])
        keys = [key for key in trial.case.keys if key in other.columns]
        if keys and len(keys) == len(trial.case.keys):
            side: Side = "lost" if len(trial.truth.lost) else "unmatched"
            merged = main[keys].merge(other[keys].drop_duplicates(), on=keys, how="left", indicator=True)
            absent = merged["_merge"].to_numpy() == "left_only"
            if side == "lost" and not set(trial.truth.lost.tolist()) >= set(np.flatnonzero(absent).tolist()):
                continue
            text = f"{', '.join(keys)} not in {name}"
            claims.append(Claim(side, text, True, 1.0, tuple(keys), partial(np.asarray, absent)))
    return tuple(claims)


def _pandas(frame: Any) -> pd.DataFrame:
    found: pd.DataFrame = frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame
    return found.reset_index(drop=False) if found.index.names != [None] else found


BASELINES: Final[dict[str, Baseline]] = {TREE: tree, INDICATOR: indicator, COMPARED: compared}
