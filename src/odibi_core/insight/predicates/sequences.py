"""The row before, in the order of the frame or of a group: the step from its number, and if its value is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import Values, arithmetic_of, column_of
from odibi_core.insight.predicates.groups import known_groups

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column
    from odibi_core.insight.frames.frame import Frame


def rows_before(frame: Frame, group: tuple[str, ...]) -> NDArray[np.int64]:
    """Return for each row the number of the row before it, of its group; -1 without one."""
    import numpy as np

    at = np.arange(frame.height)
    if not group:
        return at - 1
    groups = known_groups([column_of(frame, name) for name in group], frame.group_numbers)
    order = np.argsort(groups, kind="stable")
    before = np.full(frame.height, -1, np.int64)
    before[order[1:]] = np.where(groups[order[1:]] == groups[order[:-1]], order[:-1], -1)
    return np.where(groups < 0, -1, before)


def row_before(feature: str, name: str, frame: Frame, columns: tuple[str, ...]) -> Values:
    """Return a feature of all rows: the first column has the values, the others are those of the group.

    Raises:
        CannotEvaluate: The values have no difference, or cannot be compared.
    """
    import numpy as np

    if not columns:
        raise CannotEvaluate(f"{feature} must have a column, got none")
    before = rows_before(frame, columns[1:])
    column_of(frame, columns[0])
    earlier = frame.only([columns[0]]).take(np.maximum(before, 0))
    return from_before(feature, name, (frame.column(columns[0]), earlier.column(columns[0])), before >= 0)


def from_before(feature: str, name: str, columns: tuple[Column, Column], has_one: NDArray[np.bool_]) -> Values:
    """Return a feature of rows from their values and those of the rows before them."""
    now, earlier = columns
    if feature == "step":
        found = arithmetic_of("difference", name, now, earlier)
        return Values(name, found.numbers, found.valid & has_one, found.kind, found.unit, found.zone)
    from odibi_core.insight.predicates.tests import compare_columns

    valid = has_one & ~now.nulls & ~earlier.nulls
    same = compare_columns(now, earlier, "eq")
    return Values(name, same.astype("int64"), valid)
