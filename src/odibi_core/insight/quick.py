"""The quick look: what counts and 256 rows of a frame show about the rows of a step, within about a millisecond.

Nothing is searched and no rule is learned. Facts that these looks cannot show stay None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from odibi_core.engines.frame import row_count
from odibi_core.engines.stats_pandas import values_at
from odibi_core.errors import STOPS
from odibi_core.insight.base import RowChange

FAILED: Final = ("the rows could not be compared: ", "the explanation failed: ")
"""The starts of reasons that report an error of a comparison or of an explanation."""
COMPARED: Final = 256
"""Rows that are compared by value, evenly spaced."""
_MOST_LABELS: Final = 1_000_000
"""Labels of a pandas index that are looked at: more would take over a millisecond."""
_MOST_NULLS: Final = 20_000
"""Rows of a column of Python objects in which nulls are counted."""
_TELLING: Final = 8
"""Values in the compared rows from which a column shows that its rows did not move."""
_MOST_NAMES: Final = 400
_COLUMNS: Final = 3


class _Look(NamedTuple):
    """A frame with its library, its columns of plain names, and its rows."""

    library: str
    frame: Any
    names: Sequence[str]
    height: int


def quick(
    inputs: Mapping[str, Any], output: Any, heights: Mapping[str, int | None] | None = None, rows: int | None = None
) -> RowChange:
    """Return how the rows of an output follow from those of the inputs, as far as a quick look shows it. Never raises.

    Args:
        inputs: The frames by logical name.
        output: A frame that the step made.
        heights: The rows of the inputs before the step ran, because a function may have changed its inputs in place; of
            plans, the rows that their execution counted.
        rows: The rows of an output that is a plan, if its execution counted them.
    """
    try:
        return _quick(inputs, output, heights or {}, rows)
    except STOPS:
        raise
    except BaseException as error:  # a frame of another library may raise anything
        return RowChange(reason=f"{FAILED[0]}{type(error).__name__}")


def _quick(inputs: Mapping[str, Any], output: Any, heights: Mapping[str, int | None], rows: int | None) -> RowChange:
    made = _look(output)
    rows_out = _counted(output, rows) if made is None else made.height
    taken = {name: look for name, frame in inputs.items() if (look := _look(frame)) is not None}
    main = main_input({name: (look.names, look.height) for name, look in taken.items()}, made.names if made else ())
    if not main:
        return _without_columns(inputs, rows_out, heights)
    look = taken[main]
    rows_in = heights.get(main, look.height)
    if rows_in is None or rows_out is None or made is None:
        return RowChange(main=main, rows_in=rows_in, rows_out=rows_out, reason="the rows are not counted yet")
    known = RowChange(main=main, rows_in=rows_in, rows_out=rows_out, how="count")
    if rows_in != look.height:
        return replace(known, reason=f"the step changed its input {main} in place")
    if output is look.frame:
        kind = "unknown" if look.library == "pandas" else "same"  # a function may have changed a pandas frame in place
        return replace(known, kind=kind, lost=0, gained=0, how="object")
    if not rows_out and rows_in:
        return replace(known, kind="empty", lost=rows_in, gained=0)
    unmatched = {} if rows_out < rows_in else _unmatched(taken, main, made)
    same = _kept_rows(look, made)
    if same is None:
        return replace(known, unmatched=unmatched)
    kind = "columns" if rows_in == rows_out and set(look.names) != set(made.names) and not unmatched else "unknown"
    return replace(known, kind=kind, lost=rows_in - rows_out, gained=0, how=same, unmatched=unmatched)


def _counted(output: Any, rows: int | None) -> int | None:
    counted = row_count(output)
    return rows if counted is None else counted


def _without_columns(inputs: Mapping[str, Any], rows_out: int | None, heights: Mapping[str, int | None]) -> RowChange:
    """Return the counts of a step that takes no frame with columns: rows as dicts, plans, or no rows at all.

    The longest of several inputs is the main one.
    """
    known = {name: heights.get(name, row_count(frame)) for name, frame in inputs.items()}
    counted = {name: rows for name, rows in known.items() if rows is not None}
    if any(_is_plan(frame) and name not in counted for name, frame in inputs.items()):
        return RowChange(rows_out=rows_out, reason="the rows of its inputs are not counted: they are plans")
    if counted:
        main = max(counted, key=lambda name: counted[name])
        reason = "the rows of the output are not counted: it is a plan" if rows_out is None else ""
        return RowChange(main=main, rows_in=counted[main], rows_out=rows_out, how="count", reason=reason)
    return RowChange(kind="made", rows_out=rows_out, gained=rows_out, how="count")


def _is_plan(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] in ("polars", "duckdb", "_duckdb", "pyspark", "dask")


def main_input(inputs: Mapping[str, tuple[Sequence[str], int]], names: Sequence[str]) -> str:
    """Return the input that the rows of an output come from: the one that shares most columns with it.

    Args:
        inputs: The columns and the rows of each input, by logical name, in the order of the step.
        names: The columns of the output.
    """
    made = set(names)
    best, most = "", (-1, -1)
    for name, (columns, height) in inputs.items():
        rank = (len(made.intersection(columns)), height)
        if rank > most:
            best, most = name, rank
    return best


def _look(frame: Any) -> _Look | None:
    """Return a frame of pandas, polars or pyarrow with names that do not repeat; None for any other value."""
    library = _library(frame)
    if library == "pandas":
        names, height = list(frame.columns), len(frame)
    elif library == "polars":
        names, height = frame.columns, frame.height
    elif library == "pyarrow":
        names, height = frame.column_names, frame.num_rows
    else:
        return None
    plain = len(names) <= _MOST_NAMES and all(type(name) is str for name in names) and len(set(names)) == len(names)
    return _Look(library, frame, names if plain else (), height)


def _library(frame: Any) -> str:
    """Return the library of an eager frame; an empty text for any other value, without importing a library."""
    for cls in type(frame).__mro__[:-1]:
        library = cls.__module__.partition(".")[0]
        if (library, cls.__name__) in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")):
            return library
    return ""


def _kept_rows(taken: _Look, made: _Look) -> str | None:
    """Return the way in which each row of the output was found among those of the input, once; None if it was not."""
    if taken.library != made.library or made.height > taken.height:
        return None
    shared = [name for name in made.names if name in set(taken.names)]
    if taken.library == "pandas" and (places := _labels(taken.frame, made.frame)) is not None:
        return "index" if _is_equal(taken, made, shared, places) else None
    if taken.height == made.height and _is_equal(taken, made, shared, None):
        return "place"
    return None


def _labels(taken: Any, made: Any) -> Sequence[int] | None:
    """Return the rows of the input that some rows of the output have by their labels; None if labels show nothing.

    Only for an input with a plain index, and an output whose labels rise, so that none repeats.
    """
    index, labels = taken.index, made.index
    if type(index).__name__ != "RangeIndex" or index.step != 1 or len(labels) > _MOST_LABELS or not len(labels):
        return None
    if type(labels).__name__ != "RangeIndex":
        if str(labels.dtype) != "int64" or not labels.is_monotonic_increasing or not labels.is_unique:
            return None
    elif labels.step < 1:
        return None
    if labels[0] < index.start or labels[-1] >= index.stop:
        return None
    if type(labels).__name__ == "RangeIndex":
        first = labels.start - index.start
        return range(first, first + len(labels) * labels.step, labels.step * _step(len(labels)))
    return (labels[:: _step(len(labels))].to_numpy() - index.start).tolist()  # type: ignore[no-any-return]


def _step(rows: int) -> int:
    return max(1, -(-rows // COMPARED))


def _is_equal(taken: _Look, made: _Look, shared: Sequence[str], places: Sequence[int] | None) -> bool:
    """Return whether some rows are equal in the columns by which they differ; `places` are those of the input."""
    step = _step(made.height)
    told = 0
    for name in islice(shared, _COLUMNS * 2):
        theirs, ours = _values(taken, name, step, places), _values(made, name, step, None)
        if theirs != ours:
            if _are_nulls_alike(theirs, ours):
                continue
            return False
        told += _distinct(ours) >= min(_TELLING, len(ours))
        if told == _COLUMNS - 1:
            return True
    return told > 0 and len(shared) <= _COLUMNS


def _values(look: _Look, name: str, step: int, places: Sequence[int] | None) -> list[Any]:
    column = look.frame[name]
    if look.library == "pandas":
        return values_at(column, range(0, look.height, step) if places is None else places)
    if look.library == "polars":
        return list(column.gather_every(step).to_list())
    return list(column.take(list(range(0, look.height, step))).to_pylist())


def _distinct(values: Sequence[Any]) -> int:
    """Return the number of distinct values, NaN counted once."""
    try:
        found = set(values)
    except TypeError:  # lists or dicts
        return len(set(map(str, values)))
    there = {value for value in found if value == value}
    return len(there) + (len(there) < len(found))


def _are_nulls_alike(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Return whether values differ only where both are not equal to themselves, as NaN is."""
    return all(a == b or (a != a and b != b) or (a is b) for a, b in zip(left, right, strict=True))


def _unmatched(taken: Mapping[str, _Look], main: str, made: _Look) -> dict[str, int]:
    """Return the rows of the output without a partner in another input: the nulls of columns that it has none in.

    The columns that are looked at must agree.
    """
    found = {}
    own = set(taken[main].names)
    for name, other in taken.items():
        if name == main or other.library != made.library:
            continue
        brought = [column for column in made.names if column not in own and column in set(other.names)]
        counts = {
            nulls for column in islice(brought, _COLUMNS)
            if _nulls(other, column) == 0 and (nulls := _nulls(made, column)) is not None
        }  # fmt: skip
        if len(counts) == 1 and 0 not in counts:
            found[name] = counts.pop()
    return found


def _nulls(look: _Look, name: str) -> int | None:
    """Return the nulls of a column; None if counting them takes long."""
    column = look.frame[name]
    if look.library != "pandas":
        return int(column.null_count() if look.library == "polars" else column.null_count)
    if look.height > _MOST_LABELS or (str(column.dtype) == "object" and look.height > _MOST_NULLS):
        return None
    return look.height - int(column.count())
