"""The numbers that tests compare: a column's own, parts of a moment, arithmetic of two columns, places in a group.

A feature of rows or groups (`row`, `group_mean`, …) is computed from the whole frame, so a sample of it is taken after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.predicates.constants import CannotEvaluate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column, Kind
    from odibi_core.insight.frames.frame import Frame

PARTS: Final = ("year", "quarter", "month", "week", "day", "weekday", "hour", "minute", "time", "date")
"""Parts of a moment, as clocks in its time zone show it: Monday is 0, weeks are those of ISO 8601, a time is that
since midnight."""
PARTS_OF_DATES: Final = ("year", "quarter", "month", "week", "day", "weekday")
ARITHMETIC: Final = ("sum", "difference", "product", "ratio")
OF_GROUP: Final = ("mean_of_group", "least_of_group", "most_of_group", "sum_of_group")
"""Of the first column in the group of the others, the same for all its rows."""
RANKED: Final = ("group_mean", "group_rank", "group_rank_asc", *OF_GROUP)
"""The others of a value in its group: value minus the group's mean, rank from the highest or lowest value (1 first,
ties share the lowest rank)."""
GROUPED: Final = (*RANKED, "group_row", "group_row_end", "group_size")
"""Without a value: row number from the group's first or last row (0 first), rows of the group."""
ROWS: Final = ("row", "row_end")
"""Row number from the first or last row (0 first); no column."""
BEFORE: Final = ("step", "same_as_before")
"""From the row before, in the order of the frame or in the group of the other columns: the difference, and 1 for the
same value or 0 for another one."""
OF_TABLE: Final = frozenset(GROUPED + ROWS + BEFORE)
WEIGHTED: Final = "weighted"
"""A sum of two columns times the weights in its name: `weighted(2;-0,5)` is 2 * first - 0.5 * second."""


@dataclass(frozen=True)
class Values:
    """Numbers of rows, and which of them are neither null nor NaN."""

    name: str
    numbers: NDArray[Any]
    valid: NDArray[np.bool_]
    kind: Kind = "number"
    unit: str = ""
    zone: str | None = None

    def take(self, rows: NDArray[np.integer]) -> Values:
        """Return the numbers of these rows."""
        return Values(self.name, self.numbers[rows], self.valid[rows], self.kind, self.unit, self.zone)


def column_of(frame: Frame, name: str) -> Column:
    """Return a column of a frame.

    Raises:
        CannotEvaluate: There is none of that name.
    """
    try:
        return frame.column(name)
    except KeyError:
        raise CannotEvaluate(f"the input has no column {name!r}") from None


def values_of_column(column: Column) -> Values:
    """Return the numbers of a column of numbers, moments or booleans.

    Raises:
        CannotEvaluate: It has values of another kind.
    """
    if column.kind in ("text", "other"):
        raise CannotEvaluate(f"{column.name} must have numbers, moments or booleans, got {column.kind}")
    unit = column.unit if column.kind in ("time", "date") else ""
    return Values(column.name, column.values, column.valid, column.kind, unit, column.zone)


def values_of(feature: str, frame: Frame, columns: tuple[str, ...]) -> Values:
    """Return the numbers of a feature of all rows of a frame.

    Raises:
        CannotEvaluate: A column is missing or has values of another kind, or there is no such feature.
    """
    found = [column_of(frame, name) for name in columns]
    name = f"{feature}({', '.join(columns)})"
    if feature in ROWS:
        return _row_numbers(name, frame.height, from_end=feature == "row_end")
    if feature in GROUPED:
        from odibi_core.insight.predicates.groups import place_in_group

        return place_in_group(feature, name, found, frame.group_numbers)
    if feature in BEFORE:
        from odibi_core.insight.predicates.sequences import row_before

        return row_before(feature, name, frame, columns)
    if feature.startswith(WEIGHTED) and len(found) == 2:
        return _weighted(feature, name, found)
    if feature == "null_count":
        return _null_counts(name, found, frame.height)
    if feature == "sum" and len(found) > 2:
        return _sum(name, found)
    if feature in ARITHMETIC and len(found) == 2:
        return arithmetic_of(feature, name, found[0], found[1])
    if feature == "length" and len(found) == 1:
        return _length(name, found[0])
    if feature in PARTS and len(found) == 1:
        return part_of(feature, name, found[0])
    raise CannotEvaluate(f"there is no feature {feature!r} of {len(found)} columns")


def part_of(part: str, name: str, column: Column) -> Values:
    """Return a part of each moment: its year, its month, its date, …

    Raises:
        CannotEvaluate: The column has no moments.
    """
    import numpy as np

    if column.kind not in ("time", "date"):
        raise CannotEvaluate(f"{column.name} must have moments, got {column.kind}")
    wall, valid = column.wall, ~column.nulls
    if part == "date":
        return Values(name, wall.astype("datetime64[D]").view(np.int64), valid, "date", "D")
    return Values(name, np.where(valid, _PART[part](wall), 0), valid, "duration" if part == "time" else "number")


def _since(wall: Any, unit: str, start: str) -> Any:
    import numpy as np

    return (wall.astype(f"datetime64[{unit}]") - wall.astype(f"datetime64[{start}]")).astype(np.int64)


_PART: Final[dict[str, Callable[[Any], Any]]] = {
    "year": lambda wall: wall.astype("datetime64[Y]").view("int64") + 1970,
    "quarter": lambda wall: _since(wall, "M", "Y") // 3 + 1,
    "week": lambda wall: _week(wall),
    "time": lambda wall: _since(wall, "us", "D") / 1e6,
    "month": lambda wall: _since(wall, "M", "Y") + 1,
    "day": lambda wall: _since(wall, "D", "M") + 1,
    "weekday": lambda wall: (wall.astype("datetime64[D]").view("int64") + 3) % 7,
    "hour": lambda wall: _since(wall, "h", "D"),
    "minute": lambda wall: _since(wall, "m", "h"),
}


def _week(wall: Any) -> Any:
    """Return the week of ISO 8601: that of the year of its Thursday."""
    days = wall.astype("datetime64[D]").view("int64")
    thursday = (days - (days + 3) % 7 + 3).view("datetime64[D]")
    return _since(thursday, "D", "Y") // 7 + 1


def _null_counts(name: str, columns: list[Column], height: int) -> Values:
    import numpy as np

    counts = np.zeros(height, np.int64)
    for column in columns:
        counts += column.nulls
    return Values(name, counts, np.ones(height, np.bool_))


def _sum(name: str, columns: list[Column]) -> Values:
    import numpy as np

    values = [values_of_column(column) for column in columns]
    if any(each.unit for each in values):
        raise CannotEvaluate("there is no sum of moments")
    total = np.sum([each.numbers.astype(np.float64) for each in values], axis=0)
    return Values(name, total, np.logical_and.reduce([each.valid for each in values]))


def _length(name: str, column: Column) -> Values:
    if column.lengths is None:
        raise CannotEvaluate(f"{column.name} must have texts or lists, got {column.kind}")
    return Values(name, column.lengths, ~column.nulls)


def in_one_unit(first: Column, second: Column) -> tuple[Values, Values]:
    """Return the numbers of two columns in one unit.

    Raises:
        CannotEvaluate: One has moments and the other none, or only one has a time zone.
    """
    import numpy as np

    left, right = values_of_column(first), values_of_column(second)
    moments = left.unit != "", right.unit != ""
    if moments[0] != moments[1] or (moments[0] and (left.zone is None) != (right.zone is None)):
        raise CannotEvaluate(f"{first.name} and {second.name} must have values of one kind")
    if not moments[0] or left.unit == right.unit:
        return left, right
    finer = max(left.unit, right.unit, key=["D", "h", "m", "s", "ms", "us", "ns"].index)
    one, other = (
        Values(
            each.name,
            each.numbers.view(f"datetime64[{each.unit}]").astype(f"datetime64[{finer}]").view(np.int64),
            each.valid,
            each.kind,
            finer,
            each.zone,
        )
        for each in (left, right)
    )
    return one, other


def arithmetic_of(feature: str, name: str, first: Column, second: Column) -> Values:
    """Compute in floats, as pandas and polars do for floats; a difference of moments is in seconds."""
    import numpy as np

    left, right = in_one_unit(first, second)
    valid = left.valid & right.valid
    if left.unit:
        if feature != "difference":
            raise CannotEvaluate(f"there is no {feature} of moments")
        seconds = (left.numbers - right.numbers) * _seconds(left.unit)
        return Values(name, seconds, valid, "duration")
    one, two = (each.numbers.astype(np.float64) for each in (left, right))
    with np.errstate(all="ignore"):
        result = {"sum": np.add, "difference": np.subtract, "product": np.multiply, "ratio": np.divide}[feature](
            one, two
        )
    return Values(name, result, valid & ~np.isnan(result))


def weighted(one: float, two: float) -> str:
    """Return the name of the feature that is a sum of two columns times these weights."""
    return f"{WEIGHTED}({one:.12g};{two:.12g})"


def weights_of(feature: str) -> tuple[float, float]:
    """Return the weights in the name of a feature.

    Raises:
        CannotEvaluate: It has none.
    """
    one, _, two = feature.removeprefix(f"{WEIGHTED}(").removesuffix(")").partition(";")
    try:
        return float(one), float(two)
    except ValueError:
        raise CannotEvaluate(f"there is no feature {feature!r}") from None


def _weighted(feature: str, name: str, columns: list[Column]) -> Values:
    import numpy as np

    first, second = (values_of_column(column) for column in columns)
    if first.unit or second.unit:
        raise CannotEvaluate("there is no sum of moments")
    one, two = weights_of(feature)
    result = one * first.numbers.astype(np.float64) + two * second.numbers.astype(np.float64)
    return Values(name, result, first.valid & second.valid & ~np.isnan(result))


def _seconds(unit: str) -> float:
    import numpy as np

    return float(np.array(1, f"timedelta64[{unit}]") / np.timedelta64(1, "s"))


def _row_numbers(name: str, height: int, *, from_end: bool) -> Values:
    import numpy as np

    numbers = np.arange(height, dtype=np.int64)
    return Values(name, numbers[::-1] if from_end else numbers, np.ones(height, np.bool_))
