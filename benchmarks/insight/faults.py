"""240 injected faults of 12 kinds: what is changed, where it begins, and the rows that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.insight.case import HALVES, Half
from benchmarks.insight.pipelines import PIPELINES, Function, Pipeline, Tables
from benchmarks.insight.setups import SETUPS, Setup

COUNT: Final = 240
BATCHES: Final = (8, 16, 24, 32, 40, 48)
"""The batches with a fault; those before them are good."""
CLEAN_BATCHES: Final = (*BATCHES, *sorted({*range(7, 52)} - {*BATCHES}, key=lambda batch: batch * 7 % 45))
"""The batches of runs without a fault, in the order in which they are taken: the first are spread over the year."""


@dataclass(frozen=True)
class Fault:
    """A fault in one run of a pipeline.

    Args:
        number: Its number, from which all is drawn.
        kind: One of the 12 kinds.
        pipeline: The pipeline.
        batch: The number of its batch; the one before it is good.
        tables: The source tables of the run.
        replaced: The steps whose code is another, with their functions.
        begins: The source or the step where it begins, and the step that shows it first.
        predicate: The rows that it is about, as a condition of SQL over `table`; empty if it is about code.
        table: The source of these rows.
        rows: Their number.
    """

    number: int
    kind: str
    pipeline: Pipeline
    batch: int
    tables: Tables
    begins: frozenset[str]
    replaced: Mapping[str, Function] = field(default_factory=dict)
    predicate: str = ""
    table: str = ""
    rows: int = 0

    @property
    def half(self) -> Half:
        """Return the half: faults of every second round of kinds are for development, and so are clean runs."""
        return HALVES[self.number // len(KINDS) % 2]


@dataclass
class Draft:
    """The parts of a fault while it is made."""

    pipeline: Pipeline
    setup: Setup
    tables: Tables
    before: Tables
    draw: np.random.RandomState
    replaced: dict[str, Function] = field(default_factory=dict)
    begins: frozenset[str] = frozenset()
    predicate: str = ""
    table: str = ""
    rows: int = 0

    @property
    def fact(self) -> pl.DataFrame:
        return self.tables[self.setup.fact]

    def pick(self, options: Any) -> Any:
        """Return one of the options."""
        return options[int(self.draw.randint(len(options)))]

    def changes(self, table: str, made: pl.DataFrame, predicate: str, rows: int, *steps: str) -> None:
        """Replace a source; the fault begins there, and shows first in one of the steps."""
        self.tables[table] = made
        self.table, self.predicate, self.rows = table, predicate, rows
        self.begins = frozenset({table, *steps})


def _one_group(draft: Draft, table: str, column: str) -> tuple[Any, pl.Series]:
    values = draft.tables[table][column].value_counts(sort=True)[column].to_list()[:6]
    value = draft.pick(values)
    return value, draft.tables[table][column] == value


def join_key_lost(draft: Draft) -> None:
    """Change the key of one group, in the other table or in the main one."""
    table, step, key, group = draft.pick(draft.setup.joins)
    if draft.draw.random_sample() < 0.4 and key in draft.fact.columns:
        table, group = draft.setup.fact, draft.setup.group
    value, is_group = _one_group(draft, table, group)
    frame = draft.tables[table]
    # a key is text in all joins but one, whose key is a number
    other = pl.col(key) + 10_000_000 if frame[key].dtype.is_integer() else pl.lit("x") + pl.col(key)
    made = frame.with_columns(pl.when(is_group).then(other).otherwise(pl.col(key)).alias(key))
    draft.changes(table, made, f"{group} = {value!r}", int(is_group.sum()), step)


def dimension_missing(draft: Draft) -> None:
    """Leave nothing or very little of the other table of a join."""
    table, step, _, _ = draft.pick(draft.setup.joins)
    frame = draft.tables[table]
    left = int(frame.height * draft.pick([0.0, 0.0, 0.02, 0.05]))
    draft.changes(table, frame[:left], f"_row >= {left}", frame.height - left, step)


def inverted_filter(draft: Draft) -> None:
    """Invert the condition of a filter."""
    step = draft.pick(list(draft.setup.inverted))
    draft.replaced[step] = draft.setup.inverted[step]
    draft.begins = frozenset({step})


def null_burst(draft: Draft) -> None:
    """Set a column to null, for a part of the rows that follow each other, or for a group."""
    column, step = draft.pick(draft.setup.nullable)
    frame, rows = draft.fact, draft.fact.height
    if draft.draw.random_sample() < 0.5:
        value, is_null = _one_group(draft, draft.setup.fact, draft.setup.group)
        predicate = f"{draft.setup.group} = {value!r}"
    else:
        length = int(rows * draft.draw.uniform(0.1, 0.5))
        first = int(draft.draw.randint(0, rows - length))
        is_null = pl.Series(np.arange(rows)).is_between(first, first + length - 1)
        predicate = f"_row BETWEEN {first} AND {first + length - 1}"
    made = frame.with_columns(pl.when(~is_null).then(pl.col(column)).alias(column))
    draft.changes(draft.setup.fact, made, predicate, int(is_null.sum()), step)


def doubled_load(draft: Draft) -> None:
    """Load the fact table, the first part of it, or the other table of a join twice."""
    if draft.draw.random_sample() < 0.5:
        table, steps = draft.setup.fact, draft.setup.unique_and_before
    else:
        table, step, _, _ = draft.pick(draft.setup.joins)
        steps = (step,)
    frame = draft.tables[table]
    again = frame[: int(frame.height * draft.pick([0.3, 0.6, 1.0]))]
    draft.changes(table, pl.concat([frame, again]), f"_row < {again.height}", again.height, *steps)


def unit_change(draft: Draft) -> None:
    """Change the unit of a column of numbers, for all rows or a group."""
    column, factor, step = draft.pick(draft.setup.units)
    frame, where, predicate = draft.fact, pl.repeat(True, draft.fact.height, eager=True), "TRUE"
    if draft.draw.random_sample() < 0.3:
        value, where = _one_group(draft, draft.setup.fact, draft.setup.group)
        predicate = f"{draft.setup.group} = {value!r}"
    made = frame.with_columns(pl.when(where).then(pl.col(column) * factor).otherwise(pl.col(column)).alias(column))
    draft.changes(draft.setup.fact, made, predicate, int(where.sum()), step)


def stale_file(draft: Draft) -> None:
    """Take a table of the batch before: the fact table, or one that changes with it."""
    table, *steps = draft.pick(draft.setup.stale)
    frame = draft.before[table]
    if table == draft.setup.fact or not frame.equals(draft.tables[table]):
        draft.changes(table, frame, "TRUE", frame.height, *steps)
        return
    last = int(frame.height * draft.draw.uniform(0.6, 0.85))  # the newest rows are not there yet
    draft.changes(table, frame[:last], f"_row >= {last}", frame.height - last, *steps)


def truncated_file(draft: Draft) -> None:
    """Leave out the last part of a table."""
    if draft.draw.random_sample() < 0.6:
        table, steps = draft.setup.fact, draft.setup.unique_and_before[:1]
    else:
        table, step, _, _ = draft.pick(draft.setup.joins)
        steps = (step,)
    frame = draft.tables[table]
    left = int(frame.height * draft.draw.uniform(0.1, 0.6))
    draft.changes(table, frame[:left], f"_row >= {left}", frame.height - left, *steps)


def type_drift(draft: Draft) -> None:
    """Write a column in another form: padded texts, numbers as text."""
    table, column, change, step = draft.pick(draft.setup.drifts)
    frame = draft.tables[table]
    draft.changes(table, frame.with_columns(change(column)), "TRUE", frame.height, step)


def deduplication_changed(draft: Draft) -> None:
    """Change the columns by which rows are duplicates, or the row that is kept."""
    step = draft.setup.unique
    draft.replaced[step] = draft.pick(draft.setup.other_unique)
    draft.begins = frozenset({step})


def time_zone_shift(draft: Draft) -> None:
    """Shift the time of a table, or of a group of it, by some hours."""
    table, column, step = draft.pick(draft.setup.times)
    frame, hours = draft.tables[table], draft.pick([-7, -5, 5, 6, 8])
    made = frame.with_columns(pl.col(column) + pl.duration(hours=hours))
    draft.changes(table, made, "TRUE", frame.height, step)


def encoding(draft: Draft) -> None:
    """Read the texts of a column in the wrong encoding, or with a space that does not break."""
    table, column, step = draft.pick(draft.setup.texts)
    frame = draft.tables[table]
    wrong = [_misread(each) for each in frame[column].to_list()]
    changed = pl.Series(column, wrong)
    if changed.equals(frame[column]):
        value, is_group = _one_group(draft, table, column)
        changed = frame.select(pl.when(is_group).then(pl.col(column) + "\u00a0").otherwise(pl.col(column)))[column]
        draft.changes(table, frame.with_columns(changed), f"{column} = {value!r}", int(is_group.sum()), step)
        return
    rows = int((changed != frame[column]).sum())
    draft.changes(table, frame.with_columns(changed), f"NOT regexp_full_match({column}, '[ -~]*')", rows, step)


def _misread(text: str | None) -> str | None:
    return None if text is None else text.encode().decode("latin-1")


KINDS: Final[Mapping[str, tuple[Callable[[Draft], None], tuple[str, ...]]]] = {
    "join key lost for a group": (join_key_lost, ("flights", "shop", "countries")),
    "dimension missing": (dimension_missing, ("flights", "shop", "countries")),
    "inverted filter": (inverted_filter, ("flights", "shop", "countries")),
    "null burst": (null_burst, ("flights", "shop", "countries")),
    "doubled load": (doubled_load, ("flights", "shop", "countries")),
    "unit change": (unit_change, ("flights", "shop", "countries")),
    "stale file": (stale_file, ("flights", "shop", "countries")),
    "truncated file": (truncated_file, ("flights", "shop", "countries")),
    "type drift": (type_drift, ("flights", "shop", "countries")),
    "deduplication changed": (deduplication_changed, ("flights", "shop", "countries")),
    "time-zone shift": (time_zone_shift, ("flights", "shop")),
    "encoding": (encoding, ("flights", "shop", "countries")),
}


def faults(pipelines: tuple[str, ...] = tuple(PIPELINES)) -> Iterator[Fault]:
    """Yield the faults of some pipelines, each kind in turn and each kind in its pipelines in turn."""
    return (one_fault(number) for number in range(COUNT) if _place(number)[1].name in pipelines)


def controls(pipelines: tuple[str, ...] = tuple(PIPELINES)) -> Iterator[Fault]:
    """Yield runs without a fault, without an end."""
    return (control(number) for number in count() if _pipeline_of_control(number).name in pipelines)


def one_fault(number: int) -> Fault:
    """Return the fault of a number, always the same."""
    kind, pipeline = _place(number)
    draw = np.random.RandomState(60_000 + number)
    batch = BATCHES[draw.randint(len(BATCHES))]
    tables, before = dict(pipeline.batch(batch)), pipeline.batch(batch - 1)
    draft = Draft(pipeline, SETUPS[pipeline.name], tables, before, draw)
    KINDS[kind][0](draft)
    return Fault(
        number, kind, pipeline, batch, draft.tables, draft.begins, draft.replaced, draft.predicate, draft.table,
        draft.rows,
    )  # fmt: skip


def _place(number: int) -> tuple[str, Pipeline]:
    """Return the kind and the pipeline of the fault of a number."""
    kind = list(KINDS)[number % len(KINDS)]
    names = KINDS[kind][1]
    return kind, PIPELINES[names[number // len(KINDS) % len(names)]]


def _pipeline_of_control(number: int) -> Pipeline:
    return list(PIPELINES.values())[number % len(PIPELINES)]


def control(number: int) -> Fault:
    """Return a run without a fault, in which nothing should be named."""
    pipeline = _pipeline_of_control(number)
    batch = CLEAN_BATCHES[number // len(PIPELINES) % len(CLEAN_BATCHES)]
    return Fault(number, "none", pipeline, batch, pipeline.batch(batch), frozenset())
