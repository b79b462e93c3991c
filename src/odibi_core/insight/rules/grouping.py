"""Probes of places in groups: above the mean of its group, the top n of a group, its first and last rows.

A place needs the whole frame. So a choice of columns is first looked at in the sample: in each group, the rows of one
side must be the lowest, the highest, the first or the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, islice
from typing import Any, Final

from odibi_core.insight.base import Budget
from odibi_core.insight.predicates.features import OF_GROUP
from odibi_core.insight.predicates.groups import codes_of
from odibi_core.insight.rules.probes import Probe
from odibi_core.insight.rules.sampling import Sample, feature_probes

MOST_COLUMNS: Final = 10
"""Columns that groups are made of, those with the fewest values first."""
MOST_RANKED: Final = 20
MOST_CHOICES: Final = 1_000
MOST_FEATURES: Final = 30
_REPEATED: Final = 0.6
_SORTING: Final = 1
"""Units of a row of the whole frame, which a feature sorts by group and value."""

GROUPING: Final = frozenset(
    "groupby group_by over rank transform nlargest nsmallest cumcount partition_by top_k QUALIFY PARTITION".split()  # noqa: SIM905
)
"""Names in a source that make groups likely."""


def groups(sample: Sample, names: list[str], budget: Budget) -> Iterator[Probe]:
    """Yield the probes of places in groups, for up to half of the rest of the budget.

    Args:
        sample: The sample.
        names: The columns.
        budget: The work that may be spent.
    """
    units = _SORTING * max(sample.frame.height, 1)
    most = min(MOST_FEATURES, (budget.units - budget.spent) // (2 * units))
    for feature, columns in islice(_likely(sample, names), most):
        budget.take(units)
        if feature not in ("group_row", "group_row_end") or not _is_of_duplicates(sample, feature, columns):
            yield from feature_probes(sample, feature, columns)


def _is_of_duplicates(sample: Sample, feature: str, columns: tuple[str, ...]) -> bool:
    """Return whether one row of each group is kept: the search for duplicates names it better."""
    values = sample.values(feature, columns)
    return values is not None and bool(((values.numbers > 0) == sample.lost)[values.valid].all())


def _likely(sample: Sample, names: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the features and columns that the sample does not rule out."""
    codes = _codes(sample, names)
    by: list[tuple[str, ...]] = [(name,) for name in codes]
    by += combinations(codes, 2)
    if 2 < len(codes) <= 5:
        by.append(tuple(codes))
    ranked = _ranked(sample, names)
    choices = (
        (feature, group, value)
        for group in by
        for feature, value in chain((("row", ""),), (("rank", name) for name in ranked if name not in group))
    )
    for feature, group, value in islice(choices, MOST_CHOICES):
        number = _combined([codes[name] for name in group])
        direction = _direction(number, sample.rows if feature == "row" else ranked[value], sample.lost)
        if direction is None:
            continue
        if direction == "flat":
            yield from (("group_size", group),) if feature == "row" else ((each, (value, *group)) for each in OF_GROUP)
        elif feature == "rank":
            yield "group_rank" if direction == "high" else "group_rank_asc", (value, *group)
            yield "group_mean", (value, *group)
        else:
            yield "group_row_end" if direction == "high" else "group_row", group


def _codes(sample: Sample, names: list[str]) -> dict[str, Any]:
    """Return the columns whose values come more than once, those with the fewest values first, with their numbers."""
    found: list[tuple[int, str, Any]] = []
    for name in names:
        column = sample.inner.column(name)
        if column.kind == "other" or (column.kind in ("number", "duration") and column.values.dtype.kind == "f"):
            continue
        codes, count = codes_of(column)
        if 1 < count < len(sample.rows) * _REPEATED:
            found.append((count, name, codes))
    return {name: codes for _, name, codes in sorted(found, key=lambda each: each[:2])[:MOST_COLUMNS]}


def _ranked(sample: Sample, names: list[str]) -> dict[str, Any]:
    import numpy as np

    found: dict[str, Any] = {}
    for name in names:
        values = sample.values("", (name,))
        if values is not None and values.kind != "bool" and len(found) < MOST_RANKED:
            found[name] = np.where(values.valid, values.numbers, values.numbers[values.valid].min(initial=0))
    return found


def _combined(codes: list[Any]) -> Any:
    import numpy as np

    number = codes[0] + 1
    for each in codes[1:]:
        number = np.unique(number * (each.max() + 2) + each + 1, return_inverse=True)[1]
    return number


def _direction(groups: Any, values: Any, lost: Any) -> str | None:
    """Return where the kept rows of each group are by a value: low, high, or flat if no group has rows of both sides.

    None if a group has rows of one side below and above those of the other.
    """
    import numpy as np

    order = np.lexsort((values, groups))
    group, label, value = groups[order], lost[order], values[order]
    inside = (group[1:] == group[:-1]) & (value[1:] != value[:-1])
    ends = np.flatnonzero(inside & (label[1:] != label[:-1]))
    if not len(ends):
        return "flat"
    if len(np.unique(group[ends])) < len(ends):
        return None
    to_lost = label[ends + 1]
    return "low" if to_lost.all() else None if to_lost.any() else "high"
