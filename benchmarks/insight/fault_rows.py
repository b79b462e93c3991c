"""The rows of a fault: those that a step loses, multiplies or leaves without a partner because of it, and its score.

Each pipeline runs twice, with the fault and without it, with a number on each row of the main table and a mark on the
other tables. No step reads these columns. So the rows of each step are known, and those that the fault adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchmarks.insight.answer import Mask, Side
from benchmarks.insight.baselines import tree_claim
from benchmarks.insight.faults import Fault
from benchmarks.insight.ours import explain, selection
from benchmarks.insight.pipelines import PIPELINES, Tables, executed
from benchmarks.insight.recording import Named
from benchmarks.insight.setups import SETUPS
from odibi_core.insight.base import PROVED

ROW: Final = "_row"
MARK: Final = "_in_"
Verdict = Literal["right", "unknown", "wrong"]


@dataclass(frozen=True)
class SideRows:
    """The rows of one side of a step, of its main input.

    Args:
        step: The step.
        side: lost, gained or unmatched.
        rows: All rows of that side.
        new: Those that are not of that side without the fault.
    """

    step: str
    side: Side
    rows: Mask
    new: Mask


@dataclass(frozen=True)
class RowScore:
    """The score of the rows and the predicate of one answer.

    Args:
        predicate: right if a proved rule selects exactly the rows of the step, or exactly those that the fault adds;
            unknown if none is named.
        is_of_fault: True if a rule selects exactly the rows that the fault adds.
        rows: The rows that are named: right (Jaccard 1), unknown or wrong.
        jaccard: The rows that are named and are right, of those that are either; None if unknown.
    """

    predicate: Verdict
    is_of_fault: bool
    rows: Verdict
    jaccard: float | None


UNKNOWN: Final = RowScore("unknown", False, "unknown", None)
WRONG: Final = RowScore("wrong", False, "wrong", 0.0)


@dataclass(frozen=True)
class FaultRows:
    """The rows of a fault, by step and side, with the frames of its run.

    Args:
        shown: The first step at which the fault shows in rows, of those where it begins; None if there is none.
        sides: The rows by step and side, of the steps that the fault changes.
        frames: The frames of the run, with the numbers and marks.
    """

    shown: SideRows | None
    sides: Mapping[tuple[str, str], SideRows]
    frames: Mapping[str, Any]


def fault_rows(fault: Fault) -> FaultRows:
    """Return the rows of a fault; none if its main table is another one, whose rows are not those of the batch."""
    name = fault.pipeline.name
    frames = executed(fault.pipeline, _marked(fault.tables, SETUPS[name].fact), fault.replaced)
    if not _has_same_rows(fault):
        return FaultRows(None, {}, frames)
    clean = _clean(name, fault.batch)
    found: dict[tuple[str, str], SideRows] = {}
    for step in fault.pipeline.steps:
        if ROW not in frames[step]:
            continue  # an aggregation
        main = fault.pipeline.inputs(step)[0]
        before = sides_of(fault, step, clean)
        for side, rows in sides_of(fault, step, frames).items():
            was = _values(clean[main], ROW)[before[side]]
            new = rows & ~np.isin(_values(frames[main], ROW), was)
            if new.any():
                found[step, side] = SideRows(step, side, rows, new)
    shown = next((rows for (step, _), rows in found.items() if step in fault.begins), None)
    return FaultRows(shown, found, frames)


def sides_of(fault: Fault, step: str, frames: Mapping[str, Any]) -> dict[Side, Mask]:
    """Return the rows of the main input of a step that it lost, multiplied, or left without a partner."""
    main, *others = fault.pipeline.inputs(step)
    numbers, made = _values(frames[main], ROW), _values(frames[step], ROW)
    kept, counts = np.unique(made, return_counts=True)
    lost = ~np.isin(numbers, kept)
    found: dict[Side, Mask] = {"lost": lost, "gained": np.isin(numbers, kept[counts > 1])}
    if others:
        marks = frames[step][MARK + others[0]]
        without = np.asarray(marks.is_null() if hasattr(marks, "is_null") else marks.isna(), dtype=bool)
        found["unmatched"] = lost | np.isin(numbers, made[without])
    return found


def _marked(tables: Tables, fact: str) -> Tables:
    return {
        name: table.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
        if name == fact
        else table.with_columns(pl.lit(True).alias(MARK + name))
        for name, table in tables.items()
    }


@lru_cache(maxsize=8)
def _clean(pipeline: str, batch: int) -> Mapping[str, Any]:
    chosen = PIPELINES[pipeline]
    return executed(chosen, _marked(chosen.batch(batch), SETUPS[pipeline].fact), {})


def _has_same_rows(fault: Fault) -> bool:
    """Return whether the main table begins with the rows of its batch, changed or not."""
    fact = SETUPS[fault.pipeline.name].fact
    is_of_day_before = fault.kind == "stale file" and fault.predicate == "TRUE"
    return not (is_of_day_before and fault.table == fact)


def _values(frame: Any, column: str) -> Any:
    return frame[column].to_numpy()


def score(fault: Fault, truth: FaultRows, found: Named) -> RowScore | None:
    """Return the score of an answer; None if the fault adds rows to no side of a step where it begins."""
    if truth.shown is None:
        return None
    if found.effect is None or found.effect.rows is None:
        return UNKNOWN
    effect = found.effect
    known = [rows for (step, _), rows in truth.sides.items() if step == effect.step]
    side = next((each for each in known if each.rows.sum() == effect.rows), None)
    if side is None:
        return WRONG
    masks = _proved(fault, truth, found, side)
    union = [np.logical_or.reduce(masks)] if masks else []
    is_of_fault = any(np.array_equal(each, side.new) for each in [*masks, *union])
    is_exact = is_of_fault or any(np.array_equal(each, side.rows) for each in [*masks, *union])
    named = union[0] if union and union[0].sum() == effect.rows else _identified(fault, truth, side)
    predicate: Verdict = (
        "right" if is_exact else "wrong" if any((each & ~side.rows).any() for each in masks) else "unknown"
    )
    if named is None:
        return RowScore(predicate, is_of_fault, "unknown", None)
    return RowScore(predicate, is_of_fault, *_compared(named, side.rows))


def _proved(fault: Fault, truth: FaultRows, found: Named, side: SideRows) -> list[Mask]:
    """Return the rows that each proved rule of the record selects at the step, if the answer names a rule."""
    effect = found.effect
    if effect is None or not effect.rule:
        return []
    names = fault.pipeline.inputs(side.step)
    inputs = {name: plain(truth.frames[name]) for name in names}
    masks = []
    for cause in effect.causes:
        is_rule = (
            cause.rule is not None and cause.side == side.side and (cause.level in PROVED or cause.level == "part")
        )
        if is_rule and not cause.wrong and cause.rule is not None:
            masks.append(selection(cause.rule, names[0], inputs)())
    return masks


def _identified(fault: Fault, truth: FaultRows, side: SideRows) -> Mask | None:
    """Return the rows without a rule: all of them, or the lost ones as `odibi why` finds them; None if unknown."""
    if side.rows.all():
        return side.rows
    if side.side != "lost":
        return None
    inputs = {name: plain(truth.frames[name]) for name in fault.pipeline.inputs(side.step)}
    answer = explain(inputs, plain(truth.frames[side.step]), None)
    rows = answer.lost_rows() if answer.lost_rows is not None else None
    if rows is None:
        return None
    mask = np.zeros(len(side.rows), dtype=bool)
    mask[rows] = True
    return mask


def tree_score(fault: Fault, truth: FaultRows) -> RowScore | None:
    """Return the score of a decision tree that gets the rows as labels: all of the step, or those of the fault."""
    if truth.shown is None:
        return None
    frame = _pandas(truth.frames[fault.pipeline.inputs(truth.shown.step)[0]])
    is_of_fault = _is_split(frame, truth.shown.new)
    is_exact = is_of_fault or _is_split(frame, truth.shown.rows)
    return RowScore("right" if is_exact else "unknown", is_of_fault, "right", 1.0)


def plain(frame: Any) -> Any:
    """Return a frame without numbers and marks."""
    names = [name for name in frame.columns if name == ROW or name.startswith(MARK)]
    return frame.drop(names) if isinstance(frame, pl.DataFrame) else frame.drop(columns=names)


def _pandas(frame: Any) -> Any:
    frame = plain(frame)
    return frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame.reset_index(drop=True)


def _is_split(frame: Any, rows: Mask) -> bool:
    if rows.all():
        return False
    claim = tree_claim(frame, rows)
    return claim is not None and claim.proved


def indicator_score(fault: Fault, truth: FaultRows) -> RowScore | None:
    """Return the score of `merge(indicator=True)`: with the other table on the given key, else with the output."""
    shown = truth.shown
    if shown is None:
        return None
    names = fault.pipeline.inputs(shown.step)
    main, made = _pandas(truth.frames[names[0]]), _pandas(truth.frames[shown.step])
    if shown.side == "gained":
        return UNKNOWN
    mine, theirs = KEYS.get(shown.step, ((), ()))
    if len(names) > 1 and mine:
        found = _absent(main, list(mine), _pandas(truth.frames[names[1]]), list(theirs))
        is_of_fault = np.array_equal(found, shown.new)
        is_exact = is_of_fault or np.array_equal(found, shown.rows)
        return RowScore("right" if is_exact else "wrong", is_of_fault, *_compared(found, shown.rows))
    shared = [name for name in main.columns if name in made.columns]
    return RowScore("unknown", False, *_compared(_absent(main, shared, made, shared), shown.rows))


KEYS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "with_weather": (("origin", "time_hour"), ("origin", "time_hour")),
    "with_plane": (("tailnum",), ("tailnum",)),
    "with_place": (("dest",), ("faa",)),
    "with_customer": (("customer_id",), ("customer_id",)),
    "with_product": (("sku",), ("sku",)),
    "with_region": (("city",), ("city",)),
    "with_group": (("continent",), ("continent",)),
    "with_code": (("country",), ("country",)),
}
"""The keys of the joins, in the main table and in the other one."""


def _absent(main: Any, mine: list[str], other: Any, theirs: list[str]) -> Mask:
    """Return the rows of the main table without a row of the other one."""
    right = other[theirs].drop_duplicates()
    merged = main[mine].merge(right, left_on=mine, right_on=theirs, how="left", indicator=True)
    return np.asarray(merged["_merge"] == "left_only", dtype=bool)


def _compared(found: Mask, truth: Mask) -> tuple[Verdict, float | None]:
    jaccard = float((found & truth).sum() / (found | truth).sum())
    return "right" if jaccard == 1.0 else "wrong", jaccard
