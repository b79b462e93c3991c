"""Probes of the row before: another value than that row, a step up or down, in the order of the frame or of a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Budget
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import Values
from odibi_core.insight.predicates.groups import codes_of
from odibi_core.insight.predicates.sequences import from_before, rows_before
from odibi_core.insight.rules.probes import NumberProbe, Probe
from odibi_core.insight.rules.sampling import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEQUENCES: Final = frozenset("shift diff pct_change lag lead LAG LEAD".split())  # noqa: SIM905
"""Names in a source that make the row before likely."""
MOST_COLUMNS: Final = 30
MOST_GROUPS: Final = 3
"""Columns that groups are made of, those with the fewest values first."""
_NUMBERING: Final = 3
"""Units of a row of the whole frame, which is sorted by its group."""


def row_before(sample: Sample, names: list[str], budget: Budget) -> Iterator[Probe]:
    """Yield the probes of the row before, in the frame's order, then in that of groups.

    Args:
        sample: The sample.
        names: The columns.
        budget: The work that may be spent; the frame is numbered once for each column of groups.
    """
    usable = [name for name in names[:MOST_COLUMNS] if sample.inner.column(name).kind != "other"]
    groups = _groups(sample, usable)
    for group in ((), *((name,) for name in groups)):
        if group and not budget.take(_NUMBERING * sample.frame.height):
            return
        before = rows_before(sample.frame, group)[sample.rows] if group else sample.rows - 1
        for name in usable:
            if name not in group:
                yield from _of_column(sample, (name, *group), before)


def _groups(sample: Sample, names: list[str]) -> list[str]:
    """Return the columns of which each value has several rows: those that the source names, else a few."""
    counts = {name: codes_of(sample.inner.column(name))[1] for name in names if not _is_float(sample, name)}
    fewest = sorted(counts, key=lambda name: counts[name])
    several = [name for name in fewest if 1 < counts[name] < len(sample.rows) / 3]
    named = [name for name in several if name in sample.named]
    return (named or several)[:MOST_GROUPS]


def _is_float(sample: Sample, name: str) -> bool:
    column = sample.inner.column(name)
    return column.kind in ("number", "duration") and column.values.dtype.kind == "f"


def _of_column(sample: Sample, columns: tuple[str, ...], before: NDArray[np.int64]) -> Iterator[Probe]:
    import numpy as np

    name = columns[0]
    earlier = sample.frame.only([name]).take(np.maximum(before, 0)).column(name)
    for feature in ("same_as_before", "step"):
        try:
            values = from_before(feature, name, (sample.inner.column(name), earlier), before >= 0)
        except CannotEvaluate:
            continue
        yield from _probes(sample, feature, columns, values)


def _probes(sample: Sample, feature: str, columns: tuple[str, ...], values: Values) -> Iterator[Probe]:
    lost = sample.lost[values.valid]
    if lost.all() or not lost.any():
        return  # all that have a row before are of one side: the rule is about the first rows
    if feature == "step":
        yield NumberProbe(feature, columns, values, sample.hints)
        return
    levels = sample.number_levels(feature, columns, values)
    if levels is not None and len(levels.levels) > 1:
        yield levels
