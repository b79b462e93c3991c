"""What a frame looks like, told without changing it, forcing it, or reading more than the level asks.

    off < schema < counts < sample < stats

All but `stats` cost the same whether a frame has ten rows or ten million. A lazy frame is never collected:
only its schema is told. Nothing here raises: what cannot be described says why in `not_described`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Protocol

from odibi_core.engines import frame_narwhals, frame_pandas, frame_plain
from odibi_core.engines.frame_text import short
from odibi_core.errors import STOPS
from odibi_core.events import sanitize_value, to_plain
from odibi_core.events.sanitize import sanitize_field

LEVELS = ("off", "schema", "counts", "sample", "stats")
SCHEMA_COLUMNS = 500
SCHEMA_CHARS = 48 * 1024  # of the 64 kB that one field of an event may have
SAMPLE_COLUMNS = 100
CELL_CHARS = 200
# Long cells are cut before they are cleaned as well, so that a 100 MB text costs nothing. This much more is
# left standing that a secret is never cut in half, and so missed, inside what is finally shown.
UNCLEANED_CHARS = 4_096
_SHORT = (int, float, bool, type(None))


class Face(Protocol):
    """One library's frame, seen through the few questions that a description asks."""

    lazy: bool

    def names(self) -> Sequence[object]: ...
    def types(self, limit: int) -> list[str]: ...
    def height(self) -> int | None: ...
    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]: ...
    def stats(self, columns: int) -> list[dict[str, Any]]: ...


class Description(dict[str, Any]):
    """A description as it goes into the record; `whole_schema` has every column if the record has no room for all."""

    whole_schema: list[dict[str, str]] | None = None

    def but(self, **fields: Any) -> Description:
        """Return a copy with other values of some fields."""
        changed = Description(self, **fields)
        changed.whole_schema = self.whole_schema
        return changed


def describe(frame: object, level: str = "sample", rows: int = 5) -> Description:
    """`row_count, column_count, schema, sample_data, metadata, not_described`, and `stats` when asked for."""
    told = Description(
        row_count=None, column_count=None, schema=[], sample_data=[], metadata={}, not_described=None
    )
    if level not in LEVELS:
        told["not_described"] = f"there is no level {_text(level)!r}: it is one of {', '.join(LEVELS)}"
    elif level == "off":
        told["not_described"] = "descriptions are off"
    else:
        try:
            _fill(told, frame, LEVELS.index(level), rows)
        except STOPS:
            raise
        except BaseException as error:
            told["not_described"] = f"{_kind(frame)} gave no description: {_reason(error)}"
    return told


_SCALARS: Final = frozenset({int, float, str, bool, type(None)})
"""What needs no second look: steps that only pass a value on should cost nothing."""


def is_frame(value: object) -> bool:
    """Whether this is a frame of a library that we know (rows as dicts and dicts of columns are not)."""
    if type(value) in _SCALARS:
        return False
    try:
        return frame_pandas.face(value) is not None or frame_narwhals.face(value) is not None
    except STOPS:
        raise
    except BaseException:
        return False


def row_count(value: object) -> int | None:
    """Return the number of rows where it is free to know: None for lazy frames and for what is no frame.

    A dict of lists is none: it may as well be a configuration, `{"tables": [...], "days": [...]}`.
    """
    if type(value) in _SCALARS:
        return None
    try:
        face = None if isinstance(value, dict) else _face(value)
        return None if face is None else face.height()
    except STOPS:
        raise
    except BaseException:
        return None


def _face(frame: object) -> Face | None:
    # Plain Python first: it needs no library, and narwhals is not imported for a list.
    return frame_plain.face(frame) or frame_pandas.face(frame) or frame_narwhals.face(frame)


def _fill(told: Description, frame: object, depth: int, rows: int) -> None:
    face = _face(frame)
    if face is None:
        told["not_described"] = f"a {_kind(frame)} is no frame"
        return
    names = [_text(name) for name in face.names()]
    told["column_count"] = len(names)
    told["metadata"] = {"frame": _kind(frame)} | ({"lazy": True} if face.lazy else {})
    schema = [{"column": n, "type": t} for n, t in zip(names, face.types(len(names)), strict=False)]
    told["schema"] = kept = schema[: _fitting(schema)]
    if len(kept) < len(schema):
        told.whole_schema = schema
        told["metadata"]["columns_left_out"] = len(schema) - len(kept)
    if depth >= LEVELS.index("counts"):
        told["row_count"] = face.height()
    if face.lazy:
        return
    keys = unique_keys(names[:SAMPLE_COLUMNS])
    if depth >= LEVELS.index("sample"):
        if len(names) > SAMPLE_COLUMNS:
            told["metadata"]["sample_columns_left_out"] = len(names) - SAMPLE_COLUMNS
        told["sample_data"] = _cleaned_rows(keys, face.head(max(0, rows), SAMPLE_COLUMNS))
    if depth >= LEVELS.index("stats"):
        told["stats"] = _cleaned_stats(keys, face.stats(SAMPLE_COLUMNS))


def _fitting(schema: Sequence[dict[str, str]]) -> int:
    """How many columns of a schema the record has room for."""
    room = SCHEMA_CHARS
    for place, column in enumerate(schema[:SCHEMA_COLUMNS]):
        room -= len(column["column"]) + len(column["type"]) + 16  # the keys, and what JSON needs around them
        if room < 0:
            return place
    return min(len(schema), SCHEMA_COLUMNS)


def unique_keys(names: Sequence[str]) -> list[str]:
    """Names as keys of a dict: the second `a` is `a.1`, or the next number that no column has."""
    taken = set(names)
    seen: set[str] = set()
    keys = []
    for name in names:
        key, number = name, 0
        while key in seen or (number and key in taken):
            number += 1
            key = f"{name}.{number}"
        seen.add(key)
        keys.append(key)
    return keys


def _cleaned_rows(keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [{key: _cell(key, value) for key, value in zip(keys, row, strict=False)} for row in rows]


def _cleaned_stats(keys: Sequence[str], stats: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    # Extremes are cleaned under their column's name, or the largest password would be told as "max".
    return [
        {
            "column": key,
            "nulls": of.get("nulls"),
            "min": _cell(key, of.get("min")),
            "max": _cell(key, of.get("max")),
            "distinct": of.get("distinct"),
        }
        for key, of in zip(keys, stats, strict=False)
    ]


def _cell(key: str, value: Any) -> Any:
    """A value cleaned, and small enough that five rows of a hundred columns stay a small event."""
    kind = type(value)
    if kind is bool or value is None:
        return value  # neither can be a secret
    if kind is datetime or kind is date:
        value = value.isoformat()  # as `normalize` would have it, in an eighth of the time
    elif kind is str and len(value) > UNCLEANED_CHARS:
        value = value[:UNCLEANED_CHARS]
    elif kind not in _SHORT and isinstance(value, Mapping | list | tuple | set | frozenset):
        value = to_plain(value, UNCLEANED_CHARS)
    cleaned = sanitize_field(key, value)
    if type(cleaned) in _SHORT:
        return cleaned
    text = cleaned if isinstance(cleaned, str) else str(cleaned)
    return cleaned if len(text) <= CELL_CHARS else text[:CELL_CHARS] + "…"


def _text(name: object) -> str:
    try:
        return short(str(name))
    except STOPS:
        raise
    except BaseException:
        return f"<{type(name).__name__}>"


def _kind(frame: object) -> str:
    library = type(frame).__module__.partition(".")[0] if isinstance(type(frame).__module__, str) else ""
    name = type(frame).__name__
    return name if library in ("builtins", "") else f"{library}.{name}"


def _reason(error: BaseException) -> str:
    return str(sanitize_value(f"{type(error).__name__}: {_text(error)}"))
