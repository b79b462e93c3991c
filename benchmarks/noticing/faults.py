"""The faults, at published sizes: each changes one run of a history, and names the step in which it begins."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from benchmarks.noticing.histories import History
from benchmarks.noticing.staging import STEPS, Run

Change = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Injected:
    """A changed run, with the run before if the fault takes two, and the steps in which the fault may begin."""

    run: Run
    begins: frozenset[str]
    before: Run | None = None
    column: str | None = None
    """The column that the fault changes; None if it is about all rows, or about a time."""
    absent: bool = False
    """True if the run never came: only its absence can be noticed."""


Fault = Callable[[History, int, random.Random], Injected | None]


def _changed(run: Run, step: str, change: Change, column: str | None = None) -> Injected:
    first = run.changes.get(step)
    both = (lambda frame: change(first(frame))) if first else change
    return Injected(replace(run, changes={**run.changes, step: both}), frozenset({step}), column=column)


def _names(history: History, place: int, kind: str) -> list[str]:
    """Return the columns of a batch that a fault of this kind can change."""
    frame = history.runs[place].batch
    if kind == "any":
        return list(frame.columns)
    if kind == "number":
        return [
            name for name in frame.columns
            if frame[name].dtype.is_numeric() and name != history.plan.key
            and _is_far_from_zero(frame[name])
        ]  # fmt: skip
    filled = [name for name in frame.columns if frame[name].dtype == pl.String]
    return [name for name in filled if 2 <= frame[name].n_unique() <= 20]


def _is_far_from_zero(column: pl.Series) -> bool:
    """Return true if a factor changes the mean visibly: it is half of the deviation or more."""
    values = column.drop_nulls().cast(pl.Float64).to_numpy()
    return len(values) > 0 and bool(abs(values.mean()) > 0.5 * values.std())


def _column(history: History, place: int, draw: random.Random, kind: str) -> str | None:
    names = _names(history, place, kind)
    return draw.choice(names) if names else None


def no_rows(history: History, place: int, draw: random.Random) -> Injected:
    """Return no row from the source."""
    return _changed(history.runs[place], "load", lambda frame: frame[:0])


def renamed(history: History, place: int, draw: random.Random) -> Injected | None:
    """Rename a column of the source."""
    name = _column(history, place, draw, "any")
    if name is None:
        return None
    return _changed(history.runs[place], "load", lambda frame: frame.rename({name: f"{name}_new"}), name)


def retyped(history: History, place: int, draw: random.Random) -> Injected | None:
    """Turn numbers into texts, as a changed source file does."""
    frame = history.runs[place].batch
    names = [name for name in frame.columns if frame[name].dtype.is_numeric()]
    if not names:
        return None
    name = draw.choice(names)
    return _changed(history.runs[place], "load", lambda frame: frame.with_columns(pl.col(name).cast(pl.String)), name)


def hundredfold(history: History, place: int, draw: random.Random) -> Injected | None:
    """Multiply a column by 100, as a changed unit does."""
    name = _column(history, place, draw, "number")
    return _scaled(history, place, name, 100.0)


def mean_lower(history: History, place: int, draw: random.Random) -> Injected | None:
    """Multiply a column by 0.45."""
    return _scaled(history, place, _column(history, place, draw, "number"), 0.45)


def _scaled(history: History, place: int, name: str | None, factor: float) -> Injected | None:
    if name is None:
        return None
    kind = history.runs[place].batch[name].dtype

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        if name not in frame.columns or not frame[name].dtype.is_numeric():
            return frame
        scaled = pl.col(name) * factor
        return frame.with_columns((scaled.round() if kind.is_integer() else scaled).cast(pl.Float64).cast(kind))

    return _changed(history.runs[place], "load", change, name)


def stale(history: History, place: int, draw: random.Random) -> Injected | None:
    """Load the content of the last run again."""
    if not place or (
        history.kind == "snapshot" and history.runs[place].batch.height == history.runs[place - 1].batch.height
    ):
        return None
    return Injected(replace(history.runs[place], batch=history.runs[place - 1].batch), frozenset({"load"}))


def missing(history: History, place: int, draw: random.Random) -> Injected:
    """Leave the run out."""
    return Injected(history.runs[place], frozenset(STEPS), absent=True)


def _nulls(share: float) -> Fault:
    def fault(history: History, place: int, draw: random.Random) -> Injected | None:
        frame = history.runs[place].batch
        names = [each for each in frame.columns if frame[each].null_count() <= 0.6 * frame.height]
        name = draw.choice(names) if names else None
        filled = 1 - frame[name].null_count() / frame.height if name else 1.0
        seed, step = draw.randrange(1 << 30), draw.choice(["load", "load", "kept"])

        def change(frame: pl.DataFrame) -> pl.DataFrame:
            if name not in frame.columns:
                return frame
            hit = _drawn(frame, seed, share / filled)
            return frame.with_columns(pl.when(hit).then(None).otherwise(pl.col(name)).alias(name))

        return _changed(history.runs[place], step, change, name) if name else None

    return fault


def _drawn(frame: pl.DataFrame, seed: int, share: float) -> pl.Series:
    """Return a draw of about this share of the rows, the same for the same seed."""
    return pl.Series([random.Random(seed + i).random() < share for i in range(frame.height)], dtype=pl.Boolean)


def join_key_lost(history: History, place: int, draw: random.Random) -> Injected | None:
    """Lose the key of the largest group: from the lookup table, or written in another way in the source."""
    key, frame = history.plan.key, history.runs[place].batch
    if key not in frame.columns or frame.height < 5:
        return None
    largest, count = frame[key].drop_nulls().value_counts(sort=True).row(0)
    if count < 0.2 * frame.height:
        return None
    if frame[key].dtype != pl.String or draw.random() < 0.5:
        return _changed(history.runs[place], "lookup", lambda table: table.filter(pl.col("key") != str(largest)))
    return _changed(
        history.runs[place], "load",
        lambda rows: rows.with_columns(pl.col(key).replace(largest, f" {largest}")) if key in rows.columns else rows,
        key,
    )  # fmt: skip


def _rows(factor: float) -> Fault:
    def fault(history: History, place: int, draw: random.Random) -> Injected:
        step, seed = draw.choice(["load", "load", "kept"]), draw.randrange(1 << 30)

        def change(frame: pl.DataFrame) -> pl.DataFrame:
            if factor > 1:
                return pl.concat([frame, frame])
            return frame.sample(round(frame.height * factor), seed=seed)

        return _changed(history.runs[place], step, change)

    return fault


def new_category(history: History, place: int, draw: random.Random) -> Injected | None:
    """Give a tenth of the rows a value that never came before."""
    name = _column(history, place, draw, "category")
    if name is None:
        return None
    seed = draw.randrange(1 << 30)

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        if name not in frame.columns:
            return frame
        hit = _drawn(frame, seed, 0.10)
        return frame.with_columns(pl.when(hit).then(pl.lit("never seen")).otherwise(pl.col(name)).alias(name))

    return _changed(history.runs[place], "load", change, name)


def category_lost(history: History, place: int, draw: random.Random) -> Injected | None:
    """Lose the rows of the largest category of a column, which has a fifth of the rows or more."""
    return _lost(history, place, draw, 0.2, 0.8)


def small_group_lost(history: History, place: int, draw: random.Random) -> Injected | None:
    """Lose the rows of a category of 2 to 8 % of the rows."""
    return _lost(history, place, draw, 0.02, 0.08)


def _lost(history: History, place: int, draw: random.Random, least: float, most: float) -> Injected | None:
    name = _column(history, place, draw, "category")
    if name is None:
        return None
    rows = history.runs[place].batch
    counts = rows[name].drop_nulls().value_counts(sort=True).rows()
    fitting = [value for value, count in counts if least * rows.height <= count <= most * rows.height]
    if not fitting:
        return None
    return _changed(
        history.runs[place], "load",
        lambda frame: frame if name not in frame.columns else frame.filter(pl.col(name).ne_missing(fitting[0])),
        name,
    )  # fmt: skip


def slow_twice(history: History, place: int, draw: random.Random) -> Injected | None:
    """Make a step three times as slow, in this run and in the one before."""
    if not place:
        return None
    step = draw.choice(STEPS)

    def slow(run: Run) -> Run:
        return replace(run, durations={**run.durations, step: 3 * run.durations[step]})

    return Injected(slow(history.runs[place]), frozenset({step}), slow(history.runs[place - 1]))


FAULTS: Final[dict[str, tuple[Fault, float | None]]] = {
    "no rows": (no_rows, 0.95),
    "renamed column": (renamed, 0.95),
    "retyped column": (retyped, 0.95),
    "×100": (hundredfold, 0.95),
    "stale content": (stale, 0.95),
    "missing run": (missing, 0.95),
    "nulls +30 points": (_nulls(0.30), 0.95),
    "join key lost": (join_key_lost, 0.95),
    "−50 % rows": (_rows(0.5), 0.85),
    "doubled rows": (_rows(2.0), 0.85),
    "new category of 10 %": (new_category, 0.85),
    "nulls +10 points": (_nulls(0.10), 0.85),
    "large category lost": (category_lost, 0.85),
    "×0.45 of a mean": (mean_lower, 0.85),
    "3 × duration twice": (slow_twice, 0.80),
    "−20 % rows": (_rows(0.8), None),
    "small group lost": (small_group_lost, None),
    "nulls +3 points": (_nulls(0.03), None),
}
"""The faults with the part that must be found; None for those that are reported without a goal."""
