"""Candidates for tests: for a feature, the tests that many rows of one side pass and no row of the other side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any, Final, Protocol

from odibi_core.insight.base import Test
from odibi_core.insight.predicates.constants import as_constant, as_number
from odibi_core.insight.predicates.features import ARITHMETIC, Values
from odibi_core.insight.rules.chance import bits_of_list
from odibi_core.insight.rules.thresholds import threshold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.rules.source import Hints

    Mask = NDArray[np.bool_]

LONGEST_LIST: Final = 12
MOST_COMPLETE: Final = 40
"""Values of a list that has all values of a side."""
DERIVED: Final = 2.0
"""Bits of a number that is computed from a column, instead of the column's own."""
_NAMED: Final = 0.05
"""Bits of a value that the source names."""
_LENGTH: Final = 0.05
"""Bits of a digit: of two tests of the same rows, the one with the shorter constant is taken."""


@dataclass(frozen=True)
class Candidate:
    """A test with the rows of the sample that pass it, and the bits of the choice of its constants."""

    test: Test
    mask: Mask
    bits: float


class Probe(Protocol):
    """A source of candidates. `tried` is the number of tests that it stands for, `columns` the names that they read."""

    tried: int
    columns: tuple[str, ...]

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        """Yield tests that rows of `side` pass and none of `rest`."""
        ...


class NullProbe:
    """Rows that are null in one of several columns, or NaN."""

    def __init__(self, nulls: dict[str, Mask], comparison: str = "null") -> None:
        self._nulls = {name: mask for name, mask in nulls.items() if mask.any()}
        self._comparison = comparison
        self.columns = tuple(self._nulls)
        self.tried = max(2 * len(self._nulls), 1)

    def each(self) -> Iterator[Candidate]:
        """Yield the test of each column."""
        for name, mask in self._nulls.items():
            yield Candidate(Test(self._comparison, (name,)), mask, 0.0)

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        pure = {name: mask for name, mask in self._nulls.items() if not (mask & rest).any() and (mask & side).any()}
        for name, mask in pure.items():
            yield Candidate(Test(self._comparison, (name,)), mask, 0.0)
        for name, mask in self._nulls.items():
            if not (~mask & rest).any() and (~mask & side).any():
                yield Candidate(Test(f"not_{self._comparison}", (name,)), ~mask, 0.0)
        if len(pure) > 1:
            yield from self._several(pure, side)

    def _several(self, pure: dict[str, Mask], side: Mask) -> Iterator[Candidate]:
        """Take the columns that add rows, the one that adds most first."""
        chosen: list[str] = []
        mask = ~side & False
        left = dict(pure)
        while left and len(chosen) < LONGEST_LIST:
            gains = {name: int((each & side & ~mask).sum()) for name, each in left.items()}
            best = max(gains, key=lambda name: gains[name])
            if not gains[best]:
                break
            chosen.append(best)
            mask = mask | left.pop(best)
        if len(chosen) > 1:
            names = tuple(name for name in self._nulls if name in chosen)
            yield Candidate(Test(self._comparison, names), mask, bits_of_list(len(chosen) - 1, len(self._nulls)))


class NumberProbe:
    """Thresholds of a number, and ranges unless it is computed from two columns."""

    def __init__(self, feature: str, columns: tuple[str, ...], values: Values, hints: Hints) -> None:
        self._has_ranges = feature not in ARITHMETIC
        self._price = DERIVED if feature else 0.0
        self.tried = 3 + self._has_ranges
        self._prefix = f"{feature}." if feature else ""
        self.columns = columns
        self.values = values
        self._hints = hints

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        import numpy as np

        numbers, valid = self.values.numbers, self.values.valid
        mine, theirs = numbers[side & valid], numbers[rest & valid]
        if not len(mine) or not len(theirs):
            return
        low, high = theirs.min(), theirs.max()
        below, above = mine[mine < low], mine[mine > high]
        if len(below):
            yield self._one("lt", "le", below.max(), low)
        if len(above):
            yield self._one("gt", "ge", above.min(), high)
        if len(below) and len(above):
            yield self._outside((below.max(), low, high, above.min()), log2(1 + len(below) + len(above)))
        if self._has_ranges and len(below) + len(above) < len(mine):
            yield from self._between(mine, np.unique(theirs))

    def _one(self, strict: str, inclusive: str, passed: Any, failed: Any) -> Candidate:
        constant, passes, named = threshold(passed, failed, self.values, self._hints)
        test = Test(self._prefix + (inclusive if passes else strict), self.columns, constant)
        return self._candidate(test, self._price + (0.0 if named else _LENGTH * len(str(constant))))

    def below(self, passed: Any, failed: Any) -> Candidate:
        """Return the test that numbers up to `passed` pass."""
        return self._one("lt", "le", passed, failed)

    def _outside(self, bounds: tuple[Any, Any, Any, Any], bits: float) -> Candidate:
        """Return the test of both sides. The place of the range between them is free, which costs the bits of a row."""
        below, low, high, above = bounds
        ends = [self._end(low, below), self._end(high, above)]
        return self._candidate(Test(self._prefix + "outside", self.columns, ends), bits)

    def _between(self, mine: Any, theirs: Any) -> Iterator[Candidate]:
        """Yield the range between two neighbours of the other side that has most rows."""
        import numpy as np

        ordered = np.sort(mine)
        counts = np.searchsorted(ordered, theirs[1:], "left") - np.searchsorted(ordered, theirs[:-1], "right")
        if not len(counts) or not counts.max():
            return
        at = int(counts.argmax())
        first = ordered[np.searchsorted(ordered, theirs[at], "right")]
        last = ordered[np.searchsorted(ordered, theirs[at + 1], "left") - 1]
        ends = [self._end(first, theirs[at]), self._end(last, theirs[at + 1])]
        bits = log2(len(mine) + len(theirs))  # the range may begin at any row
        if first == last:
            yield self._candidate(Test(self._prefix + "eq", self.columns, as_constant(first, self.values)), bits)
        else:
            yield self._candidate(Test(self._prefix + "between", self.columns, ends), bits)

    def _end(self, passed: Any, failed: Any) -> Any:
        """Return an end of a range that includes its ends: any number of the gap but the one that fails."""
        constant, _, _ = threshold(passed, failed, self.values, self._hints)
        return as_constant(passed, self.values) if as_number(constant, self.values) == failed else constant

    def _candidate(self, test: Test, bits: float) -> Candidate:
        from odibi_core.insight.predicates.tests import compared, split_op

        return Candidate(test, compared(self.values, split_op(test.op)[2], test.value), bits)


class LevelProbe:
    """Single values, lists of values, and all values but those of a list."""

    def __init__(
        self, feature: str, columns: tuple[str, ...], levels: tuple[NDArray[np.integer], list[Any]], hints: Hints
    ) -> None:
        self._prefix = f"{feature}." if feature else ""
        self.columns = columns
        self.codes, self.levels = levels
        self._named = frozenset(level for level in self.levels if level in hints.constants)
        self.tried = 2

    def counts(self, rows: Mask) -> Any:
        """Return the rows of each level, null left out."""
        import numpy as np

        return np.bincount(self.codes[rows] + 1, minlength=len(self.levels) + 1)[1:]

    def most_frequent(self, most: int) -> NDArray[np.integer]:
        """Return the codes of the levels with most rows."""
        import numpy as np

        counts = np.bincount(self.codes + 1, minlength=len(self.levels) + 1)[1:]
        return np.argsort(-counts, kind="stable")[:most]

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        import numpy as np

        mine, theirs = self.counts(side), self.counts(rest)
        pure = np.flatnonzero((mine > 0) & (theirs == 0))
        other = np.flatnonzero(theirs)
        if len(pure) and len(other):  # else it is the test of nulls
            pure = pure[np.argsort(-mine[pure], kind="stable")]
            yield self._eq(int(pure[0]))
            if len(pure) > 1:
                is_whole = len(pure) <= MOST_COMPLETE and not mine[theirs > 0].any()
                yield self._list("in", pure if is_whole or self._all_named(pure) else pure[:LONGEST_LIST])
        short = len(other) <= LONGEST_LIST or self._all_named(other)
        if len(other) and len(pure) and short and not (self.codes[rest] < 0).any():
            yield self._list("not_in", other)

    def of_named(self) -> Iterator[Probe]:
        """Yield a probe of each value that the source names, and one of all of them."""
        import numpy as np

        codes = [code for code, level in enumerate(self.levels) if level in self._named][:LONGEST_LIST]
        found = [self._eq(code) for code in codes]
        found += [self._list("in", np.array(codes))] if len(codes) > 1 else []
        yield from (FixedProbe(each.test, each.mask) for each in found)

    def level(self, code: int) -> Candidate:
        """Return the test of one value."""
        return self._eq(code)

    def levels_in(self, codes: NDArray[np.integer]) -> Candidate | None:
        """Return the test of a list of values; None if it is too long."""
        return self._list("in", codes) if len(codes) <= LONGEST_LIST or self._all_named(codes) else None

    def _all_named(self, codes: Any) -> bool:
        return all(self.levels[int(code)] in self._named for code in codes)

    def _eq(self, code: int) -> Candidate:
        level = self.levels[code]
        bits = _NAMED * len(self._named) if level in self._named else log2(max(len(self.levels), 1))
        return Candidate(Test(f"{self._prefix}eq", self.columns, level), self.codes == code, bits)

    def _list(self, comparison: str, codes: Any) -> Candidate:
        import numpy as np

        values = sorted((self.levels[int(code)] for code in codes), key=lambda value: (str(type(value)), value))
        mask = np.isin(self.codes, codes)
        named = sum(value in self._named for value in values)
        bits = bits_of_list(len(values) - named, len(self.levels)) + _NAMED * named
        negation, comparison = ("not_", "in") if comparison == "not_in" else ("", "in")
        if len(values) == 1:
            comparison, values = "eq", values[0]
        test = Test(f"{negation}{self._prefix}{comparison}", self.columns, values)
        return Candidate(test, ~mask if negation else mask, bits)


class SignProbe:
    """One column against another: lower, equal or higher."""

    tried = 6
    _OPS: Final = {(0,): "lt", (1,): "eq", (2,): "gt", (0, 1): "le", (1, 2): "ge", (0, 2): "ne"}

    def __init__(self, columns: tuple[str, str], signs: NDArray[np.integer]) -> None:
        self.columns: tuple[str, ...] = columns
        self._signs = signs

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        import numpy as np

        theirs = set(self._signs[rest].tolist())
        mine = set(self._signs[side].tolist())
        pure = tuple(sorted(sign for sign in mine - theirs if sign >= 0))
        if pure in self._OPS:
            yield Candidate(Test(self._OPS[pure], self.columns), np.isin(self._signs, pure), 0.0)
        elif 0 not in theirs and 2 not in theirs and len(pure) == 2:
            yield Candidate(Test("ne", self.columns), np.isin(self._signs, pure), 0.0)


class FixedProbe:
    """One test whose rows are known: a key of another input, every k-th row."""

    tried = 1

    def __init__(self, test: Test, mask: Mask) -> None:
        self.columns = test.columns
        self._test = test
        self._mask = mask

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        from odibi_core.insight.predicates.tests import complement

        if (self._mask & side).any() and not (self._mask & rest).any():
            yield Candidate(self._test, self._mask, 0.0)
        if (~self._mask & side).any() and not (~self._mask & rest).any():
            yield Candidate(complement(self._test), ~self._mask, 0.0)


class RuledOut:
    """Tests that a quick look ruled out. They count as tried."""

    columns: tuple[str, ...] = ()

    def __init__(self, tried: int) -> None:
        self.tried = tried

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        yield from ()
