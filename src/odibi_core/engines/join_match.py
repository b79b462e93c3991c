"""The match of two frames by their keys: the share of rows with a partner, and the partners of each, on a sample.

The keys of at most `MAX_SAMPLED` evenly spaced rows of one frame are looked up in all rows of the other. A frame with
more than `MAX_SCANNED` rows is not searched, a lazy frame not run. A null matches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from odibi_core.engines.frame_polars import is_polars
from odibi_core.engines.join_keys import Keys

MAX_SAMPLED: Final = 5_000
MAX_SCANNED: Final = 100_000
_COUNTED: Final = 50_000
"""Rows that are counted in Python; of more, the library first selects those that may match."""
_FEW: Final = 1_000
"""Values up to which that selection is worth it."""
_UNIQUE: Final = 0.95
_MAX_KEYS: Final = 4
_MOST_NAMES: Final = 20
_MATCH_S: Final = 100e-6
_CELL_S: Final = 0.08e-6
"""The expected time of a match for each key column, and for each of its values that are looked at."""

Table = Any
"""A DataFrame of polars, or a narwhals DataFrame, which has the same methods, for one of pandas or pyarrow."""


class JoinMatch(NamedTuple):
    """The match of both sides; None if it was not measured."""

    left_rows: int
    right_rows: int
    left_match_rate: float | None
    right_match_rate: float | None
    fan_out_left: float | None
    fan_out_right: float | None
    rows_sampled: int
    """Rows of both sides whose keys were looked up."""
    skipped: str | None
    """The reason why a side was not measured."""


def table(frame: Any) -> Table | None:
    """Return a frame as this module takes it; None for a lazy frame and for other values."""
    if isinstance(frame, list | dict | tuple | str | int | float | type(None)):
        return None
    if is_polars(frame):
        return frame if hasattr(frame, "height") else None
    import narwhals

    try:
        seen = narwhals.from_native(frame, pass_through=True)
    except narwhals.exceptions.NarwhalsError:
        return None  # several columns of one name
    return (
        seen if isinstance(seen, narwhals.DataFrame) and all(isinstance(name, str) for name in seen.columns) else None
    )


def expected_s(left: Table, right: Table, keys: Keys) -> float:
    """Return the expected time of `match` in seconds."""
    rows = sum(
        min(len(own), MAX_SAMPLED) + len(other)
        for own, other in ((left, right), (right, left))
        if len(other) <= MAX_SCANNED
    )
    return len(keys.left) * (_MATCH_S + _CELL_S * rows)


def match(left: Table, right: Table, keys: Keys) -> JoinMatch:
    """Return the match of two frames by their keys.

    Raises:
        Exception: Any error of the library, such as for values that cannot be compared.
    """
    sides = ([left[name] for name in keys.left], [right[name] for name in keys.right])
    reasons = []
    found: list[tuple[float | None, float | None]] = []
    sampled = 0
    for own, other, name in ((*sides, "right"), (*sides[::-1], "left")):
        if len(other[0]) > MAX_SCANNED:
            reasons.append(f"the {name} input has {len(other[0])} rows, and at most {MAX_SCANNED} are searched")
            found.append((None, None))
            continue
        step = -(-len(own[0]) // MAX_SAMPLED)
        sample = [column.gather_every(step) for column in own] if step > 1 else own
        sampled += len(sample[0])
        found.append(_matched(sample, other))
    (left_rate, left_fan), (right_rate, right_fan) = found
    reason = "; ".join(reasons) or None
    return JoinMatch(len(left), len(right), left_rate, right_rate, left_fan, right_fan, sampled, reason)


Columns = list[Any]
"""The key columns of one side, as series of polars or narwhals."""


def _matched(sample: Columns, other: Columns) -> tuple[float | None, float | None]:
    """Return the share of sampled rows with a partner, and the mean number of partners of these."""
    sample, other = _comparable(sample, other)
    other = _possible(sample, other)
    counts = Counter(_keys(other))
    if any(column.null_count() for column in (*sample, *other)):
        for key in [key for key in counts if _has_null(key)]:
            del counts[key]
    partners = [number for number in map(counts.get, _keys(sample)) if number]
    rows, matched = len(sample[0]), len(partners)
    return (matched / rows if rows else None), (sum(partners) / matched if matched else None)


def _comparable(left: Columns, right: Columns) -> tuple[Columns, Columns]:
    """Return columns with times of one type as numbers: a Python object for each would cost most of the time."""
    pairs = [
        (a.dt.timestamp("us"), b.dt.timestamp("us"))
        if type(a.dtype).__name__ == "Datetime" and a.dtype == b.dtype
        else (a, b)
        for a, b in zip(left, right, strict=True)
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _possible(sample: Columns, other: Columns) -> Columns:
    """Return the rows of many whose first column is in the sample: the library finds these faster than Python."""
    if len(other[0]) <= _COUNTED or _library(sample[0]) != _library(other[0]):
        return other
    wanted = sample[0].drop_nulls().unique().to_list()
    if len(wanted) > _FEW:
        return other
    kept = other[0].is_in(wanted)
    return [column.filter(kept) for column in other]


def _library(series: Any) -> object:
    return getattr(series, "implementation", "polars")


def _keys(columns: Columns) -> Iterable[Any]:
    """Return the key of each row: a value, or a tuple of several columns."""
    lists = [column.to_list() for column in columns]
    return lists[0] if len(lists) == 1 else zip(*lists, strict=True)


def _has_null(key: Any) -> bool:
    return any(value is None or value != value for value in (key if isinstance(key, tuple) else (key,)))


def shared_columns(left: Table, right: Table, made: Sequence[Table]) -> list[str]:
    """Return columns that may be the keys of two frames, if the step made a frame with columns of both.

    Frames with the same columns are appended rather than joined, and have none. Numbers with fractions are no keys.
    """
    names = [name for name in left.columns if name in right.columns and _may_be_key(left, right, name)]
    own, others = set(left.columns) - set(right.columns), set(right.columns) - set(left.columns)
    joined = any(own & set(frame.columns) and others & set(frame.columns) for frame in made)
    return names[:_MOST_NAMES] if joined and 0 < min(len(left), len(right)) <= MAX_SCANNED else []


def expected_to_find_s(left: Table, right: Table, names: Sequence[str]) -> float:
    """Return the expected time of `common_keys` in seconds."""
    return len(names) * (_MATCH_S + _CELL_S * min(len(left), len(right)))


def common_keys(left: Table, right: Table, names: Sequence[str]) -> Keys | None:
    """Return those of the shared columns that identify the rows of one side; None if they do not."""
    smaller = left if len(left) <= len(right) else right
    distinct = {name: smaller[name].n_unique() for name in names}
    chosen: list[str] = []
    for name in sorted(distinct, key=lambda each: -distinct[each])[:_MAX_KEYS]:
        chosen.append(name)
        count = distinct[name] if len(chosen) == 1 else len(smaller.select(*chosen).unique())
        if count >= _UNIQUE * len(smaller):
            keys = tuple(each for each in names if each in chosen)
            return Keys(keys, keys)
    return None


def _may_be_key(left: Table, right: Table, name: str) -> bool:
    kinds = [_kind(frame.schema[name]) for frame in (left, right)]
    return kinds[0] is not None and kinds[0] == kinds[1]


def _kind(dtype: Any) -> str | None:
    if dtype.is_integer():
        return "integer"
    name = type(dtype).__name__
    if name in ("String", "Categorical", "Enum"):
        return "text"
    return "time" if name in ("Date", "Datetime") else None
