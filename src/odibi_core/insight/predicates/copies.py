"""Tests of duplicates: rows that equal another row in some columns, and that are not the one of them that stays.

A missing value equals another one here, as it does for the libraries that drop duplicates. `higher_copy` and
`lower_copy` read the column that decides first, then the columns that are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Test
from odibi_core.insight.frames.hashes import add
from odibi_core.insight.frames.matching import members, places_in, repeated
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import column_of, values_of_column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column
    from odibi_core.insight.frames.frame import Frame

STAYS: Final = {
    "later_copy": "the first one is kept",
    "earlier_copy": "the last one is kept",
    "any_copy": "none is kept",
    "lower_copy": "the one with the highest {} is kept",
    "higher_copy": "the one with the lowest {} is kept",
}
"""The tests of a row that does not stay, each with the one that does, in words."""
BY_VALUE: Final = frozenset({"lower_copy", "higher_copy"})


def is_copy(test: Test, frame: Frame) -> NDArray[np.bool_]:
    """Return the rows that equal another one and do not stay.

    Raises:
        CannotEvaluate: A column is missing, or the one that decides has no numbers.
    """
    import numpy as np

    for name in test.columns:
        column_of(frame, name)
        if frame.kind(name) == "other":
            raise CannotEvaluate(f"the values of {name} cannot be compared")
    numbers = np.zeros(frame.height, np.uint64)
    for place, name in enumerate(test.columns[test.op in BY_VALUE :]):
        add(numbers, frame.hashes(name), place)
    if test.op == "any_copy":
        return members(numbers, repeated(numbers))
    if test.op in BY_VALUE:
        groups = places_in(numbers, numbers)
        return _beyond(column_of(frame, test.columns[0]), groups, highest=test.op == "lower_copy")
    rows = np.arange(frame.height)
    if test.op == "later_copy":
        return np.asarray(places_in(numbers, numbers) != rows)
    return np.asarray(places_in(numbers[::-1], numbers[::-1]) != rows)[::-1]


def copy_text(test: Test, name: Any) -> str:
    """Return the words for a test; `name` writes the name of a column."""
    by_value = test.op in BY_VALUE
    columns = ", ".join(name(column) for column in test.columns[by_value:])
    return f"duplicate of ({columns}), {STAYS[test.op].format(name(test.columns[0]))}"


def _beyond(column: Column, groups: NDArray[np.int64], *, highest: bool) -> NDArray[np.bool_]:
    """Return the rows whose value is not the highest or lowest of their group; a missing value is beyond any other."""
    import numpy as np

    values = values_of_column(column)
    numbers = np.where(values.valid, values.numbers.astype(np.float64), -np.inf if highest else np.inf)
    ends = np.full(int(groups.max(initial=0)) + 1, -np.inf if highest else np.inf)
    (np.maximum if highest else np.minimum).at(ends, groups, numbers)
    return np.asarray(numbers != ends[groups])
