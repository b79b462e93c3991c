"""Probes of two columns, of remainders and of row numbers: one column against another, sums, differences, ratios."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Budget, Test
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import ARITHMETIC, Values, in_one_unit, values_of
from odibi_core.insight.rules.probes import FixedProbe, NumberProbe, Probe, RuledOut, SignProbe
from odibi_core.insight.rules.sampling import Sample, feature_probes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PAIRED: Final = 16
"""Columns of a kind that are compared with each other, or added, subtracted, multiplied and divided."""
MOST_SUMMED: Final = 6
MODULI: Final = tuple(range(2, 11))
GLANCED_AT: Final = 600
"""Rows of the sample that decide if a feature is computed for all of it."""
APART: Final = 0.15
"""The share of a side's rows that must be beyond those of the other side."""


def pairs(sample: Sample, names: list[str]) -> Iterator[Probe]:
    """Yield the probes of one column against another."""
    for first, second in combinations(_paired(sample, names), 2):
        signs = _signs(sample, first, second)
        if signs is not None:
            yield SignProbe((first, second), signs)


def _paired(sample: Sample, names: list[str]) -> list[str]:
    """Return the columns to be paired: at most a number of each kind."""
    kept: list[str] = []
    counts: dict[str, int] = {}
    for name in names:
        kind = sample.inner.column(name).kind
        counts[kind] = counts.get(kind, 0) + 1
        if kind != "other" and counts[kind] <= MOST_PAIRED:
            kept.append(name)
    return kept


def _signs(sample: Sample, first: str, second: str) -> Any:
    import numpy as np

    one, two = sample.inner.column(first), sample.inner.column(second)
    if one.kind == two.kind == "text":
        left, right = one.texts(), two.texts()
        pairs = zip(left, right, strict=True)
        return np.array([-1 if a is None or b is None else (a > b) + (a >= b) for a, b in pairs], np.int64)
    if "text" in (one.kind, two.kind) or (one.kind == "bool") != (two.kind == "bool"):
        return None
    try:
        a, b = in_one_unit(one, two)
    except CannotEvaluate:
        return None
    found = (a.numbers > b.numbers).astype(np.int64) + (a.numbers >= b.numbers)
    return np.where(a.valid & b.valid, found, -1)


def arithmetic(sample: Sample, names: list[str], budget: Budget) -> Iterator[Probe]:
    """Yield the probes of sums, differences, products and ratios, of remainders, and of row numbers."""
    paired = [name for name in _paired(sample, names) if sample.inner.column(name).kind not in ("text", "bool")]
    few = _few(sample.lost)
    glance, lost = sample.inner.take(few), sample.lost[few]
    ruled_out = 0
    for first, second in combinations(paired, 2):
        for feature, columns in _computed(first, second):
            if not budget.take(len(few)):
                return
            try:
                values = values_of(feature, glance, columns)
            except CannotEvaluate:
                continue
            if is_apart(values, lost):
                yield from feature_probes(sample, feature, columns)
            else:
                ruled_out += NumberProbe(feature, columns, values, sample.hints).tried
    if 2 < len(numbers := [name for name in sample.named if name in paired]) <= MOST_SUMMED:
        yield from feature_probes(sample, "sum", tuple(numbers))
    for name in paired:
        yield from _remainders(sample, "", (name,))
    yield from _remainders(sample, "row", ())
    for feature in ("row", "row_end"):
        yield from feature_probes(sample, feature, ())
    yield RuledOut(ruled_out)


def _computed(first: str, second: str) -> Iterator[tuple[str, tuple[str, str]]]:
    yield from ((feature, (first, second)) for feature in ARITHMETIC)
    yield "ratio", (second, first)


def _few(lost: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the places of some rows of each side, spread over the sample."""
    import numpy as np

    places = [np.flatnonzero(lost), np.flatnonzero(~lost)]
    return np.sort(np.concatenate([each[:: max(len(each) * 2 // GLANCED_AT, 1)] for each in places]))


def is_apart(values: Values, lost: NDArray[np.bool_]) -> bool:
    """Return whether many rows of a side are beyond all of the other side."""
    for side in (lost, ~lost):
        mine, theirs = values.numbers[side & values.valid], values.numbers[~side & values.valid]
        if not len(mine) or not len(theirs):
            return True
        if ((mine < theirs.min()) | (mine > theirs.max())).sum() > APART * len(mine):
            return True
    return False


def _remainders(sample: Sample, feature: str, columns: tuple[str, ...]) -> Iterator[Probe]:
    import numpy as np

    values = sample.values(feature, columns)
    if values is None or values.numbers.dtype.kind not in "iu" or values.unit:
        return
    named = [int(number) for number in sample.hints.numbers if number.is_integer() and 2 <= number <= 1_000]
    prefix = f"{feature}." if feature else ""
    tried = 0
    for divisor in dict.fromkeys([*named[:20], *MODULI]):
        rests = (values.numbers % divisor).astype(np.int64)
        losses = np.bincount(rests[sample.lost & values.valid], minlength=divisor)
        kept = np.bincount(rests[~sample.lost & values.valid], minlength=divisor)
        pure = np.flatnonzero((losses > 0) != (kept > 0)).tolist()
        for side in (losses, kept):  # `n % 7 == 0` and another test: all rows of a side have one rest
            if np.count_nonzero(side) == 1 and len(pure) < divisor:
                pure = [int(side.argmax())]
        tried += divisor - len(pure)
        for rest in pure:
            yield FixedProbe(Test(f"{prefix}mod", columns, [divisor, rest]), (rests == rest) & values.valid)
    yield RuledOut(tried)
