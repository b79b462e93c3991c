"""The description of a frame, made without changing or collecting it.

    off < schema < counts < sample < auto < stats

`auto` adds statistics of a sample of the rows, in the time that a budget allows, `stats` those of all rows. Of a lazy
frame only the schema is described. Nothing here raises: if a frame cannot be described, `not_described` has the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from odibi_core.engines import frame_narwhals, frame_pandas, frame_plain, frame_polars, spark_rows
from odibi_core.engines.frame_cells import cell
from odibi_core.engines.frame_text import short
from odibi_core.errors import STOPS

if TYPE_CHECKING:
    from odibi_core.engines.stats_budget import Budget
    from odibi_core.engines.stats_numbers import Numbers
    from odibi_core.engines.stats_values import Counted, Values

LEVELS = ("off", "schema", "counts", "sample", "auto", "stats")
SCHEMA_COLUMNS = 500
SCHEMA_CHARS = 48 * 1024  # of the 64 kB that one field of an event may have
SAMPLE_COLUMNS = 100


class Face(Protocol):
    """A frame of one library, as a description needs it."""

    lazy: bool

    def names(self) -> Sequence[object]: ...
    def types(self, limit: int) -> list[str]: ...
    def height(self) -> int | None: ...
    def head(self, rows: int, columns: int) -> Sequence[Sequence[Any]]: ...
    def values(self, columns: int, places: Sequence[int] | None) -> Iterator[Values | Numbers | Counted]: ...
    def nulls(self, columns: int, places: Sequence[int] | None) -> list[int]: ...
    def exact(self, columns: int) -> list[dict[str, Any]] | None: ...


class Description(dict[str, Any]):
    """A description in the form of the record. `whole_schema` has every column if the record has no room for all."""

    whole_schema: list[dict[str, str]] | None = None

    def columns(self) -> list[str]:
        """Return the names of all columns."""
        schema = self["schema"] if self.whole_schema is None else self.whole_schema
        return [column["column"] for column in schema]

    def recorded_before(self) -> Description:
        """Return a copy without the statistics, which the record has with the node that made the frame."""
        metadata = {name: value for name, value in self["metadata"].items() if not name.startswith("stats_")}
        copy = self.but(metadata=metadata)
        copy.pop("stats", None)
        return copy

    def but(self, **fields: Any) -> Description:
        """Return a copy with other values of some fields."""
        changed = Description(self, **fields)
        changed.whole_schema = self.whole_schema
        return changed


def describe(frame: object, level: str = "sample", rows: int = 5, budget: Budget | None = None) -> Description:
    """Return the description of a frame: `row_count`, `column_count`, `schema`, `sample_data` and `metadata`.

    Args:
        frame: A frame of any library, rows as dicts, or a dict of columns.
        level: One of `LEVELS`; "auto" and "stats" add the field `stats`.
        rows: Rows of the sample.
        budget: The time that "auto" may take; by default, as much as it needs.
    """
    made = Description(row_count=None, column_count=None, schema=[], sample_data=[], metadata={}, not_described=None)
    if level not in LEVELS:
        made["not_described"] = f"there is no level {_text(level)!r}: it is one of {', '.join(LEVELS)}"
    elif level == "off":
        made["not_described"] = "descriptions are off"
    else:
        try:
            _fill(made, frame, LEVELS.index(level), rows, budget)
        except STOPS:
            raise
        except BaseException as error:
            made["not_described"] = f"{_kind(frame)} gave no description: {type(error).__name__}: {_text(error)}"
    return made


_SCALARS: Final = frozenset({int, float, str, bool, type(None)})
"""Types that are never frames, so that a step that only passes a value on costs nothing."""


def is_frame(value: object) -> bool:
    """Return true for a frame of a known library; rows as dicts and dicts of columns are none."""
    if type(value) in _SCALARS:
        return False
    try:
        return _library_face(value) is not None
    except STOPS:
        raise
    except BaseException:
        return False


def row_count(value: object) -> int | None:
    """Return the number of rows; None for a lazy frame and for a value that is no frame.

    A dict of lists is none, because it may be a configuration: `{"tables": [...], "days": [...]}`.
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
    return frame_plain.face(frame) or _library_face(frame)


def _library_face(frame: object) -> Face | None:
    return frame_pandas.face(frame) or frame_polars.face(frame) or frame_narwhals.face(frame)


def _fill(made: Description, frame: object, depth: int, rows: int, budget: Budget | None) -> None:
    face = _face(frame)
    if face is None:
        made["not_described"] = f"a {_kind(frame)} is no frame"
        return
    names = [_text(name) for name in face.names()]
    made["column_count"] = len(names)
    made["metadata"] = {"frame": _kind(frame)} | ({"lazy": True} if face.lazy else {})
    schema = [{"column": n, "type": t} for n, t in zip(names, face.types(len(names)), strict=False)]
    made["schema"] = kept = schema[: _fitting(schema)]
    if len(kept) < len(schema):
        made.whole_schema = schema
        made["metadata"]["columns_left_out"] = len(schema) - len(kept)
    if depth >= LEVELS.index("counts"):
        made["row_count"] = face.height()
    if face.lazy:
        _fill_counted(made, frame, names, depth)
        return
    keys = unique_keys(names[:SAMPLE_COLUMNS])
    if depth >= LEVELS.index("sample"):
        if len(names) > SAMPLE_COLUMNS:
            made["metadata"]["sample_columns_left_out"] = len(names) - SAMPLE_COLUMNS
        sample = face.head(max(0, rows), SAMPLE_COLUMNS)
        made["sample_data"] = [{key: cell(key, value) for key, value in zip(keys, row, strict=False)} for row in sample]
    if depth >= LEVELS.index("auto"):
        from odibi_core.engines.stats_record import add_stats

        add_stats(made, face, keys, budget, exact=depth >= LEVELS.index("stats"))


def _fill_counted(made: Description, frame: object, names: Sequence[str], depth: int) -> None:
    """Add the missing values that an execution of a lazy frame has counted."""
    known = spark_rows.known(frame)
    if depth >= LEVELS.index("auto") and known is not None and known.nulls is not None:
        from odibi_core.engines.stats_record import add_nulls

        counts = {
            key: known.nulls[name] for key, name in zip(unique_keys(names), names, strict=True) if name in known.nulls
        }
        add_nulls(made, known.rows, counts)


def _fitting(schema: Sequence[dict[str, str]]) -> int:
    """Return the number of columns of a schema for which the record has room."""
    room = SCHEMA_CHARS
    for place, column in enumerate(schema[:SCHEMA_COLUMNS]):
        room -= len(column["column"]) + len(column["type"]) + 16  # the keys, and what JSON needs around them
        if room < 0:
            return place
    return min(len(schema), SCHEMA_COLUMNS)


def unique_keys(names: Sequence[str]) -> list[str]:
    """Return unique names: the second `a` is `a.1`, or the next number that no column has."""
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
