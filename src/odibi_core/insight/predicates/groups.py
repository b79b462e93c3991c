"""Places of rows in groups: above the mean of its group, the top n of a group, its first and last rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.frames.hashes import of_array, of_texts
from odibi_core.insight.frames.matching import distinct, places_in
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import OF_GROUP, RANKED, Values, values_of_column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column


_DENSE: Final = 4
"""The width of a range of whole numbers, for each of them, up to which a table of the range is shorter than a sort."""


def group_numbers(columns: list[Column]) -> NDArray[np.int64]:
    """Return the number of each row's group; -1 for a row with a null, which is in no group."""
    import numpy as np

    missing = np.logical_or.reduce([column.nulls for column in columns])
    return np.where(missing, -1, combined_codes(columns))


def combined_codes(columns: list[Column]) -> NDArray[np.int64]:
    """Return the number of each row's values, from 0 on, in which nulls are equal."""
    import numpy as np

    numbers = np.zeros(len(columns[0].nulls), np.int64)
    for column in columns:
        codes, count = codes_of(column)
        # Numbered again after each column: products of counts would exceed 64 bits.
        numbers = dense(numbers * (count + 1) + codes + 1)
    return numbers


def known_groups(columns: list[Column], known: dict[tuple[str, ...], NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the group of each row as `group_numbers` does, once for each choice of columns."""
    key = tuple(column.name for column in columns)
    if key not in known:
        known[key] = group_numbers(columns)
    return known[key]


def codes_of(column: Column) -> tuple[NDArray[np.int64], int]:
    """Return the number of each row's value among the different values, and how many there are; null is -1."""
    import numpy as np

    if column.kind == "text":
        native = column.text.to_native()
        hashes = of_texts(native, type(native).__module__.partition(".")[0], is_mixed=False)
        codes = places_in(distinct(hashes), hashes)
    else:
        codes = dense(values_of_column(column).numbers)
    return np.where(column.nulls, -1, codes), int(codes.max(initial=-1)) + 1


def dense(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each value, from 0 on, which is equal if the values are."""
    import numpy as np

    if numbers.dtype.kind not in "biu" or not len(numbers):
        return np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    whole = numbers.astype(np.int64)
    low, width = int(whole.min()), int(whole.max()) - int(whole.min()) + 1
    if width > _DENSE * len(whole):
        hashes = of_array(whole, as_float=False)
        return places_in(distinct(hashes), hashes)
    seen = np.zeros(width, np.bool_)
    seen[whole - low] = True
    found: NDArray[np.int64] = (np.cumsum(seen) - 1)[whole - low]
    return found


def place_in_group(feature: str, name: str, columns: list[Column], known: dict[tuple[str, ...], Any]) -> Values:
    """Return each row's place in its group; the first column has the values, the others are those of the group.

    `group_row`, `group_row_end` and `group_size` read no value: all their columns are those of the group. `known` keeps
    the groups of each choice of columns.

    Raises:
        CannotEvaluate: There is no column for the groups, or no number for the values.
    """
    ranked = feature in RANKED
    if len(columns) < 1 + ranked:
        raise CannotEvaluate(f"{feature} must have columns of a group, got {len(columns)} columns")
    by = columns[1:] if ranked else columns
    groups = known_groups(by, known)
    if not ranked:
        return Values(name, _ROWS[feature](groups), groups >= 0)
    values = values_of_column(columns[0])
    valid = values.valid & (groups >= 0)
    if feature == "group_mean":
        return Values(name, _beyond_mean(values.numbers, groups, valid), valid)
    if feature in OF_GROUP:
        if values.unit and feature in ("mean_of_group", "sum_of_group"):
            raise CannotEvaluate(f"there is no {feature} of moments")
        found = _of_group(feature, values.numbers, groups, valid)
        return Values(name, found, groups >= 0, values.kind, values.unit, values.zone)
    numbers = values.numbers if feature == "group_rank_asc" else -values.numbers.astype(_signed(values.numbers))
    return Values(name, _ranks(numbers, groups, valid), valid)


def _signed(numbers: Any) -> str:
    return "float64" if numbers.dtype.kind in "fu" else "int64"


def _beyond_mean(numbers: Any, groups: Any, valid: Any) -> Any:
    import numpy as np

    inside = np.where(valid, groups, groups.max(initial=0) + 1)
    sums = np.bincount(inside, np.where(valid, numbers, 0))
    means = sums / np.maximum(np.bincount(inside), 1)
    return numbers - means[inside]


def _of_group(feature: str, numbers: Any, groups: Any, valid: Any) -> Any:
    import numpy as np

    inside = np.where(valid, groups, groups.max(initial=0) + 1)
    if feature in ("mean_of_group", "sum_of_group"):
        sums = np.bincount(inside, np.where(valid, numbers, 0))
        counts = np.maximum(np.bincount(inside), 1)
        return (sums / counts if feature == "mean_of_group" else sums)[np.where(groups < 0, 0, groups)]
    least = feature == "least_of_group"
    order = np.lexsort((numbers, inside))
    grouped = inside[order]
    ends = np.flatnonzero(np.append(grouped[1:] != grouped[:-1], True))
    at = np.append(0, ends[:-1] + 1) if least else ends
    found = np.zeros(int(grouped.max(initial=0)) + 1, numbers.dtype)
    found[grouped[at]] = numbers[order[at]]
    return found[np.where(groups < 0, 0, groups)]


def _ranks(numbers: Any, groups: Any, valid: Any) -> Any:
    """Return the rank of each number in its group: 1 more than the rows of the group that come before it."""
    import numpy as np

    order = np.lexsort((numbers, groups, ~valid))
    ordered, grouped = numbers[order], groups[order]
    at = np.arange(len(order))
    new_group = np.concatenate(([True], grouped[1:] != grouped[:-1]))[: len(order)]
    new_value = new_group | np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(order)]
    starts = np.maximum.accumulate(np.where(new_group, at, 0))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.maximum.accumulate(np.where(new_value, at, 0)) - starts + 1
    return ranks


def _row_in_group(groups: Any) -> Any:
    import numpy as np

    order = np.argsort(groups, kind="stable")
    grouped = groups[order]
    at = np.arange(len(order))
    new_group = np.concatenate(([True], grouped[1:] != grouped[:-1]))[: len(order)]
    rows = np.empty(len(order), np.int64)
    rows[order] = at - np.maximum.accumulate(np.where(new_group, at, 0))
    return rows


def _size(groups: Any) -> Any:
    import numpy as np

    return np.bincount(groups + 1)[groups + 1]


_ROWS: Any = {
    "group_row": _row_in_group,
    "group_row_end": lambda groups: _row_in_group(groups[::-1])[::-1],
    "group_size": _size,
}
