"""The match of two frames by their keys: the share of rows with a partner, and the partners of each, on a sample.

The keys of at most `MAX_SAMPLED` evenly spaced rows of one frame are looked up in all rows of the other. A frame with
more than `MAX_SCANNED` rows is not searched, a lazy frame not run. A null matches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from odibi_core.engines.join_keys import Keys

MAX_SAMPLED: Final = 10_000
MAX_SCANNED: Final = 100_000
_COUNTED: Final = 20_000
"""Rows that are counted in Python; of more, the library first selects those that may match."""
_ROWS: Final = "odibi_rows"
_UNIQUE: Final = 0.95
_MAX_KEYS: Final = 4

Table = Any
"""A narwhals DataFrame, which stands for a frame of pandas, polars or pyarrow."""


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
    import narwhals

    try:
        seen = narwhals.from_native(frame, pass_through=True)
    except narwhals.exceptions.NarwhalsError:
        return None  # several columns of one name
    return (
        seen if isinstance(seen, narwhals.DataFrame) and all(isinstance(name, str) for name in seen.columns) else None
    )


def match(left: Table, right: Table, keys: Keys) -> JoinMatch:
    """Return the match of two frames by their keys.

    Raises:
        Exception: Any error of the library, such as for values that cannot be compared.
    """
    a, b = _comparable(left.select(*keys.left), right.select(*keys.right))
    reasons = []
    sides: list[tuple[float | None, float | None]] = []
    sampled = 0
    for own, other, name in ((a, b, "right"), (b, a, "left")):
        if len(other) > MAX_SCANNED:
            reasons.append(f"the {name} input has {len(other)} rows, and at most {MAX_SCANNED} are searched")
            sides.append((None, None))
            continue
        sample = own.gather_every(max(1, -(-len(own) // MAX_SAMPLED)))
        sampled += len(sample)
        sides.append(_matched(sample, other))
    (left_rate, left_fan), (right_rate, right_fan) = sides
    reason = "; ".join(reasons) or None
    return JoinMatch(len(a), len(b), left_rate, right_rate, left_fan, right_fan, sampled, reason)


def _comparable(left: Table, right: Table) -> tuple[Table, Table]:
    """Return both frames with times of one type as numbers: a Python object for each would cost most of the time."""
    import narwhals

    for a, b in zip(left.columns, right.columns, strict=True):
        if type(left.schema[a]).__name__ == "Datetime" and left.schema[a] == right.schema[b]:
            left = left.with_columns(narwhals.col(a).dt.timestamp("us"))
            right = right.with_columns(narwhals.col(b).dt.timestamp("us"))
    return left, right


def _matched(sample: Table, other: Table) -> tuple[float | None, float | None]:
    """Return the share of sampled rows with a partner, and the mean number of partners of these."""
    counts = _counts(sample, other)
    partners = [counts.get(key, 0) for key in _keys(sample)]
    matched = sum(number > 0 for number in partners)
    if not partners:
        return None, None
    return matched / len(partners), sum(partners) / matched if matched else None


def _counts(sample: Table, other: Table) -> Counter[Any]:
    """Return the number of rows of each key of a frame that may be in the sample."""
    import narwhals

    if len(other) > _COUNTED and sample.implementation == other.implementation:
        for own, name in zip(sample.columns, other.columns, strict=True):
            other = other.filter(narwhals.col(name).is_in(sample[own].drop_nulls().unique().to_list()))
    other = other.drop_nulls()
    if len(other) <= _COUNTED or _ROWS in other.columns:
        return Counter(_keys(other))
    grouped = other.group_by(other.columns).agg(narwhals.len().alias(_ROWS))
    return Counter(dict(zip(_keys(grouped.drop(_ROWS)), grouped[_ROWS].to_list(), strict=True)))


def _keys(frame: Table) -> Iterable[Any]:
    """Yield the key of each row: a value, or a tuple of several columns."""
    columns = [frame[name].to_list() for name in frame.columns]
    return columns[0] if len(columns) == 1 else zip(*columns, strict=True)


def common_keys(left: Table, right: Table, made: Sequence[Table]) -> Keys | None:
    """Return common columns that identify the rows of one side, if the step made a frame with columns of both.

    Frames with the same columns are appended rather than joined, and have none. Numbers with fractions are no keys.
    """
    names = [name for name in left.columns if name in right.columns and _may_be_key(left, right, name)]
    own, others = set(left.columns) - set(right.columns), set(right.columns) - set(left.columns)
    joined = any(own & set(frame.columns) and others & set(frame.columns) for frame in made)
    smaller = left if len(left) <= len(right) else right
    if not names or not joined or not 0 < len(smaller) <= MAX_SCANNED:
        return None
    distinct = {name: smaller[name].n_unique() for name in names[:20]}
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
