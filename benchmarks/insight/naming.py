"""The first step that differs between a good run and a bad one by row counts alone, and the verdict on a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log
from typing import Any, Final

from benchmarks.insight.fault_rows import RowScore
from benchmarks.insight.faults import Fault, one_fault
from benchmarks.insight.pipelines import PIPELINES, Pipeline, executed
from benchmarks.insight.recording import Named

ODDS: Final = 0.9
"""Difference of log odds above which a share differs; two clean batches of the flights differ by up to 0.6."""
LEAST_SHARE: Final = 0.02
VOLUME: Final = 0.6
"""Share of the rows of the good run below which a source is short; its inverse is too much."""
NULLS: Final = 0.1


@dataclass(frozen=True)
class Facts:
    """The facts of one source or step: its size, schema, nulls, and rows by each row of its first input.

    `kept` is None for a source.
    """

    rows: int
    schema: tuple[tuple[str, str], ...]
    nulls: Mapping[str, float]
    kept: float | None


def order(pipeline: Pipeline) -> list[str]:
    """Return the sources and steps in order, each source before the first step that takes it."""
    found: dict[str, None] = {}
    for step in pipeline.steps:
        found |= dict.fromkeys([*pipeline.inputs(step), step])
    return list(found)


def facts(pipeline: Pipeline, frames: Mapping[str, Any]) -> dict[str, Facts]:
    """Return the facts of each source and step."""
    found = {}
    for name in order(pipeline):
        frame = frames[name]
        kept = None
        if name in pipeline.steps:
            kept = len(frame) / max(len(frames[pipeline.inputs(name)[0]]), 1)
        found[name] = Facts(len(frame), _schema(frame), _nulls(frame), kept)
    return found


def _schema(frame: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(kind)) for name, kind in zip(frame.columns, frame.dtypes, strict=True))


def _nulls(frame: Any) -> dict[str, float]:
    counts = frame.null_count().row(0) if hasattr(frame, "null_count") else frame.isna().sum()
    return {str(name): int(count) / max(len(frame), 1) for name, count in zip(frame.columns, counts, strict=True)}


def first_difference(good: dict[str, Facts], bad: dict[str, Facts]) -> str | None:
    """Return the first source or step whose facts differ by more than batches do; None if there is none."""
    return next((name for name in bad if _differs(good[name], bad[name])), None)


def _differs(good: Facts, bad: Facts) -> bool:
    if good.kept is not None and bad.kept is not None:
        return _far(good.kept, bad.kept)
    if not VOLUME <= bad.rows / max(good.rows, 1) <= 1 / VOLUME or good.schema != bad.schema:
        return True
    return any(bad.nulls[name] > good.nulls[name] + NULLS for name in bad.nulls)


def _far(one: float, other: float) -> bool:
    """Return whether two shares differ by their odds; shares above 1 are those of multiplied rows."""
    if abs(one - other) <= LEAST_SHARE:
        return False
    if max(one, other) > 1:
        return True
    odds = [log((share + 0.005) / (1.005 - share)) for share in (one, other)]
    return abs(odds[0] - odds[1]) > ODDS


@lru_cache(maxsize=8)
def _good(pipeline: str, batch: int) -> Mapping[str, Any]:
    chosen = PIPELINES[pipeline]
    return executed(chosen, chosen.batch(batch), {})


@cache
def _visible(number: int) -> bool:
    fault = one_fault(number)
    bad = facts(fault.pipeline, executed(fault.pipeline, fault.tables, fault.replaced))
    return all(bad != facts(fault.pipeline, _good(fault.pipeline.name, fault.batch - back)) for back in (0, 1))


def is_visible(fault: Fault) -> bool:
    """Return whether a fault changes counts, keys or schema: the facts are those of no clean run."""
    return _visible(fault.number)


def named(fault: Fault) -> str | None:
    """Return the first source or step that differs from the run of the batch before."""
    good = facts(fault.pipeline, _good(fault.pipeline.name, fault.batch - 1))
    bad = facts(fault.pipeline, executed(fault.pipeline, fault.tables, fault.replaced))
    return first_difference(good, bad)


CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "join key lost for a group": frozenset({"join cardinality"}),
    "dimension missing": frozenset({"input late", "input truncated"}),
    "inverted filter": frozenset({"code", "filter"}),
    "null burst": frozenset({"missing values"}),
    "doubled load": frozenset({"duplicates"}),
    "unit change": frozenset({"type or unit"}),
    "stale file": frozenset({"input stale"}),
    "truncated file": frozenset({"input truncated"}),
    "type drift": frozenset({"type or unit", "schema drift"}),
    "deduplication changed": frozenset({"code", "duplicates"}),
    "time-zone shift": frozenset({"type or unit"}),
    "encoding": frozenset({"type or unit"}),
}
"""The classes of causes that are right for each kind of fault."""


def classes_of(fault: Fault) -> frozenset[str]:
    """Return the classes that are right: a stale file whose newest rows are missing is a truncated one too."""
    if fault.kind == "stale file" and fault.predicate != "TRUE":
        return CLASSES[fault.kind] | {"input truncated"}
    return CLASSES.get(fault.kind, frozenset())


@dataclass(frozen=True)
class NamedOutcome:
    """The verdict on one fault; a run without a fault is right if nothing is named.

    `is_class_right` is True if the class of the cause is one of those that are right. `rows` is the score of the rows
    and of the predicate; None if no step has other rows because of the fault.
    """

    number: int
    kind: str
    pipeline: str
    half: str
    is_visible: bool
    begins: tuple[str, ...]
    named: str | None
    is_right: bool
    cause: str
    sentence: str
    is_class_right: bool = False
    rows: RowScore | None = None


def verdict(fault: Fault, found: Named, rows: RowScore | None = None) -> NamedOutcome:
    """Return whether the named source or step is one at which the fault begins, and the cause is of its class."""
    is_right = found.step in fault.begins if fault.begins else found.step is None
    return NamedOutcome(
        number=fault.number,
        kind=fault.kind,
        pipeline=fault.pipeline.name,
        half=fault.half,
        is_visible=bool(fault.begins) and is_visible(fault),
        begins=tuple(sorted(fault.begins)),
        named=found.step,
        is_right=is_right,
        cause=found.cause,
        sentence=found.sentence,
        is_class_right=is_right and found.cause in classes_of(fault),
        rows=rows,
    )
