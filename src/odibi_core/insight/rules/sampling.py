"""A sample of rows with their labels, and the probes that look for tests in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import SORTED_UNITS, Budget, Test
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import OF_TABLE, PARTS, PARTS_OF_DATES, Values, values_of, values_of_column
from odibi_core.insight.rules.fragments import FragmentProbe
from odibi_core.insight.rules.probes import FixedProbe, LevelProbe, NullProbe, NumberProbe, Probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.frame import Frame
    from odibi_core.insight.rules.source import Hints

MOST_LEVELS: Final = 64
"""Different numbers of a column that are tried as single values."""
MOST_PAIRED: Final = 16
"""Columns of a kind that are compared with each other, or added, subtracted, multiplied and divided."""
MODULI: Final = tuple(range(2, 11))


class Sample:
    """Rows of a frame whose labels are known.

    Args:
        frame: The main input.
        rows: Row numbers of the sample.
        lost: Their labels.
        hints: Names and constants of the source.
        others: The other inputs.
    """

    def __init__(
        self, frame: Frame, rows: NDArray[np.int64], lost: NDArray[np.bool_], hints: Hints, others: Mapping[str, Frame]
    ) -> None:
        self.frame = frame
        self.rows = rows
        self.lost = lost
        self.hints = hints
        self.others = others
        self.inner = frame.take(rows)
        self.named = hints.columns(frame.names)
        self._levels: dict[str, LevelProbe | None] = {}

    def values(self, feature: str, columns: tuple[str, ...]) -> Values | None:
        """Return the numbers of a feature of the sample's rows; None if the columns have none."""
        try:
            if not feature:
                return values_of_column(self.inner.column(columns[0]))
            if feature in OF_TABLE:
                return values_of(feature, self.frame, columns).take(self.rows)
            return values_of(feature, self.inner, columns)
        except CannotEvaluate:
            return None

    def levels(self, name: str) -> LevelProbe | None:
        """Return the probe of single values of a column; None for numbers that are mostly different."""
        if name not in self._levels:
            self._levels[name] = self._make_levels(name)
        return self._levels[name]

    def _make_levels(self, name: str) -> LevelProbe | None:
        column = self.inner.column(name)
        if column.kind == "text":
            return LevelProbe("", (name,), _codes_of_texts(column.texts()), self.hints)
        values = self.values("", (name,))
        return None if values is None else self.number_levels("", (name,), values)

    def number_levels(self, feature: str, columns: tuple[str, ...], values: Values) -> LevelProbe | None:
        import numpy as np

        from odibi_core.insight.predicates.constants import as_constant

        different, codes = np.unique(values.numbers, return_inverse=True)
        if len(different) > MOST_LEVELS and not self._names_values(values, different):
            return None
        levels = [as_constant(number, values) for number in different.tolist()]
        return LevelProbe(feature, columns, (np.where(values.valid, codes, -1), levels), self.hints)

    def _names_values(self, values: Values, different: Any) -> bool:
        """Return whether the source names one of these numbers; a moment that it names is compared as text."""
        import numpy as np

        if values.unit:
            return False
        return bool(np.isin(different, np.array(self.hints.numbers)).any()) if self.hints.numbers else False


def _codes_of_texts(texts: list[str | None]) -> tuple[Any, list[Any]]:
    import numpy as np

    numbers: dict[str, int] = {}
    codes = [-1 if text is None else numbers.setdefault(text, len(numbers)) for text in texts]
    return np.array(codes, np.int64), list(numbers)


def plain(sample: Sample, names: list[str]) -> Iterator[Probe]:
    """Yield the probes of nulls, thresholds, values and lists."""
    columns = {name: sample.inner.column(name) for name in names}
    yield NullProbe({name: column.nulls for name, column in columns.items()})
    for name in names:
        levels = sample.levels(name)
        if levels is not None and len(levels.levels) > 1:
            yield levels
        values = sample.values("", (name,))
        if values is not None and columns[name].kind != "bool":
            yield NumberProbe("", (name,), values, sample.hints)


def named_values(sample: Sample, names: list[str]) -> Iterator[Probe]:
    """Yield the probes of values that the source names, each alone and all of a column."""
    for name in names:
        levels = sample.levels(name)
        if levels is not None:
            yield from levels.of_named()


def keys(sample: Sample, budget: Budget) -> Iterator[Probe]:
    """Yield the probes of keys that another input has: all columns of one name, then each. All its rows are read."""
    from odibi_core.insight.predicates.tests import passing

    for other, frame in sample.others.items():
        shared = tuple(name for name in sample.frame.names if name in frame.names)
        for columns in dict.fromkeys([shared, *((name,) for name in shared)]):
            test = Test("in_input", columns, other=other, keys=columns)
            if not budget.take(frame.height * len(columns), SORTED_UNITS):
                return
            try:
                if columns:
                    yield FixedProbe(test, passing(test, sample.inner, sample.others))
            except CannotEvaluate:
                continue


def parts(sample: Sample, names: list[str]) -> Iterator[Probe]:
    """Yield the probes of parts of moments, lengths and fragments of texts, and NaN."""
    columns = {name: sample.inner.column(name) for name in names}
    floats = {name: column for name, column in columns.items() if column.kind == "number"}
    yield NullProbe({name: ~column.valid & ~column.nulls for name, column in floats.items()}, "nan")
    if len(names) > 2:
        yield from feature_probes(sample, "null_count", tuple(names))
    for name, column in columns.items():
        if column.kind in ("time", "date"):
            for part in PARTS if column.kind == "time" else PARTS_OF_DATES:
                yield from feature_probes(sample, part, (name,))
        levels = sample.levels(name) if column.kind == "text" else None
        if levels is not None:
            yield FragmentProbe(levels, sample.hints)
        if column.kind in ("text", "other"):
            yield from feature_probes(sample, "length", (name,))


def feature_probes(sample: Sample, feature: str, columns: tuple[str, ...]) -> Iterator[Probe]:
    """Yield the probes of a feature, none if the columns do not have it."""
    values = sample.values(feature, columns)
    if values is None:
        return
    yield NumberProbe(feature, columns, values, sample.hints)
    levels = sample.number_levels(feature, columns, values) if feature in PARTS else None
    if levels is not None and len(levels.levels) > 1:
        yield levels
