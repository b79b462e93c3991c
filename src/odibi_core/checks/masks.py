"""Masks of the failing rows of a check, and the failing values as examples.

A function that takes a column takes a narwhals Series, or a planned column of a lazy frame; then the mask is an
expression.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from odibi_core.checks.base import EXAMPLES, Row, Wrong
from odibi_core.checks.comparison import no_rows
from odibi_core.checks.frames import missing_in
from odibi_core.checks.planned import PlannedFrame, refuse_python
from odibi_core.checks.rows import LOOKED_AT
from odibi_core.errors import CheckError

_SHOWN_COLUMNS = 20  # of a failing row without a key


def textual(column: Any) -> Any:
    """Return a categorical column as text, because libraries compare categories with different things."""
    import narwhals

    if column.dtype in (narwhals.Categorical, narwhals.Enum):
        return column.cast(narwhals.String)
    return column


def failing(column: Any, wrong: Any, what: str) -> Wrong:
    """Return the failing rows for the wrong values of a column; missing ones are not counted.

    Args:
        column: A narwhals Series, or a planned column.
        wrong: A mask over it, or a function that decides one value.
        what: Names one wrong value in the message: "value of x outside 1 to 5".
    """
    if callable(wrong):
        refuse_python(column, f"Python decides each value of {column.name}")
        wrong = _judged_by_python(column, wrong)
    mask = wrong.fill_null(False) & ~missing_in(column)
    return Wrong(mask, what, (column.name,), lambda: different(column.filter(mask).head(LOOKED_AT).to_list()))


def wrong_rows(frame: Any, mask: Any, what: str, columns: Sequence[str]) -> Wrong:
    """Return the failing rows of a check of several columns, whose examples are rows of them."""

    def examples() -> list[Any]:
        shown = frame.select(*columns[:_SHOWN_COLUMNS]).filter(mask).head(EXAMPLES)
        return [Row(row) for row in shown.rows(named=True)]

    return Wrong(mask, what, tuple(columns), examples)


def repeated(frame: Any, names: Sequence[str]) -> Any:
    """Return the mask of the rows whose values in these columns occur more than once."""
    if isinstance(frame, PlannedFrame):
        import narwhals

        for name in names:
            if _is_unhashable(frame[name]):
                refuse_python(frame[name], f"Python compares the values of {name}")
        return narwhals.len().over(*names) > 1
    keys = frame.select(*names)
    if not any(_is_unhashable(keys[name]) for name in keys.columns):
        return (keys[keys.columns[0]] if len(keys.columns) == 1 else keys).is_duplicated()
    rows = [_frozen(row) for row in keys.rows()]
    times = Counter(rows)
    return mask_of(keys[keys.columns[0]], [times[row] > 1 for row in rows])


def _frozen(value: Any) -> Any:
    """Return a nested value as one that can be a key."""
    if isinstance(value, dict):
        return tuple((key, _frozen(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value.tobytes() if hasattr(value, "tobytes") else value


_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a >= b,
    "<=": lambda a, b: a > b,
    ">": lambda a, b: a <= b,
    ">=": lambda a, b: a < b,
    "==": lambda a, b: (a < b) | (a > b),
    "!=": lambda a, b: (a <= b) & (a >= b),
}
"""For each operator, the values for which it is false."""


def ordered_mask(left: Any, operator: str, right: Any) -> Any:
    """Return the mask of the rows where `left operator right` is false.

    Raises:
        CheckError: The two columns have no common order.
    """
    import narwhals

    kinds = {_order_of(left.dtype), _order_of(right.dtype)}
    if "object" not in kinds and len(kinds) > 1:
        raise CheckError(
            f"column {left.name!r} is {left.dtype} and column {right.name!r} is {right.dtype}, which have no order"
        )
    decimals = [each.dtype == narwhals.Decimal for each in (left, right)]
    if kinds & {"object", "nested"} or any(decimals) != all(decimals):
        refuse_python(left, f"Python compares {left.name} with {right.name}")
        return _compared_by_python(left, operator, right)
    return _COMPARED[operator](left, right)


def _order_of(dtype: Any) -> str:
    """Return the name of what values of a type compare with."""
    import narwhals

    if dtype.is_numeric() or dtype == narwhals.Boolean:
        return "number"
    if dtype == narwhals.Datetime:
        return "time with a zone" if getattr(dtype, "time_zone", None) else "time"
    if dtype in (narwhals.Object, narwhals.Unknown):
        return "object"
    return "nested" if dtype.is_nested() else str(dtype)


def _compared_by_python(left: Any, operator: str, right: Any) -> Any:
    missing = (missing_in(left) | missing_in(right)).to_list()
    wrong = _COMPARED[operator]
    try:
        rows = zip(left.to_list(), right.to_list(), missing, strict=True)
        return mask_of(left, [not lacks and bool(wrong(a, b)) for a, b, lacks in rows])
    except TypeError as error:
        raise CheckError(f"columns {left.name!r} and {right.name!r} cannot be compared: {error}") from None


def _judged_by_python(column: Any, wrong: Callable[[Any], bool]) -> Any:
    """Return the mask of the wrong rows. `wrong` is called once for each different text or whole number."""
    import narwhals

    try:
        if column.dtype == narwhals.String or column.dtype.is_integer():
            found = [value for value in column.drop_nulls().unique().to_list() if wrong(value)]
            return column.is_in(found) if found else no_rows(column)
        missing = missing_in(column).to_list()
        values = zip(column.to_list(), missing, strict=True)
        return mask_of(column, [not lacks and value == value and wrong(value) for value, lacks in values])
    except TypeError as error:
        raise CheckError(f"column {column.name!r} is {column.dtype}, which cannot be compared: {error}") from None


def _is_unhashable(column: Any) -> bool:
    """Return true if libraries cannot find the column's different values: lists, structs, objects of any type."""
    import narwhals

    return bool(column.dtype.is_nested()) or column.dtype in (narwhals.Object, narwhals.Unknown)


def mask_of(column: Any, flags: list[bool]) -> Any:
    """Return flags as a column of the same library."""
    import narwhals

    mask = narwhals.new_series("wrong", flags, narwhals.Boolean, backend=column.implementation)
    index = narwhals.maybe_get_index(column)  # pandas puts rows beside each other by their index
    return mask if index is None else narwhals.maybe_set_index(mask, index=index)


def different(values: Iterable[Any]) -> list[Any]:
    """Return the first few different values, which may be unhashable."""
    found: list[Any] = []
    for value in values:
        if len(found) == EXAMPLES:
            break
        if value not in found:
            found.append(value)
    return found
