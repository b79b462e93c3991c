"""Rules of a part of the lost rows: short ones, whose tests are no fragments of a pattern that was not found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Test
from odibi_core.insight.predicates.features import ARITHMETIC, OF_TABLE
from odibi_core.insight.predicates.tests import split_op

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

ENOUGH: Final = 0.5
"""The share of the lost rows that a rule of a part explains at least."""
NEARLY_ALL: Final = 0.99
"""The share of which a short rule is a better answer than a long list that is exact."""
SUBSTANTIAL: Final = 0.2
"""The share of the lost rows that each of its tests adds at least."""
MAIN: Final = 0.9
"""The share that a test adds at least if its constants were chosen from many: a range, a list, a fragment of text."""
SHORT_LIST: Final = 3

_FRAGMENTS: Final = frozenset({"between", "outside", "starts", "ends", "contains", "contains_any_case", "mod"})


@dataclass(frozen=True)
class Part:
    """Tests, joined by OR, that select some of the lost rows of a sample and no other row.

    Args:
        tests: The tests.
        share: The share of the lost rows that they select.
    """

    tests: tuple[Test, ...]
    share: float

    @property
    def is_nearly_all(self) -> bool:
        return self.share >= NEARLY_ALL

    @property
    def rank(self) -> tuple[bool, int, float]:
        """The order of parts: of those that select nearly all rows the shortest, else the one of most rows."""
        return self.is_nearly_all, -len(self.tests) if self.is_nearly_all else 0, self.share


def part_of(entries: Sequence[tuple[Test, Mask]], lost: Mask, named: Sequence[str]) -> Part | None:
    """Return tests as a part; None if they explain too few rows or are fragments.

    Args:
        entries: The tests with the rows of the sample that pass them.
        lost: The labels of the rows.
        named: Columns that the source names.
    """
    left = lost
    for test, mask in entries:
        share = (left & mask).sum() / lost.sum()
        if share < (MAIN if is_fragment(test, named) else SUBSTANTIAL):
            return None
        left = left & ~mask
    share = 1 - left.sum() / lost.sum()
    return Part(tuple(test for test, _ in entries), float(share)) if share >= ENOUGH else None


def is_fragment(test: Test, named: Sequence[str]) -> bool:
    """Return whether the constants of a test were chosen from many, without help of the source."""
    if test.columns and set(test.columns) <= set(named):
        return False
    _, feature, comparison = split_op(test.op)
    if feature in (*ARITHMETIC, *OF_TABLE):
        return True
    return comparison in _FRAGMENTS or (comparison == "in" and len(test.value) > SHORT_LIST)
