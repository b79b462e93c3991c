"""Frames as tables of DuckDB. Columns that it would change or not take are replaced or refused."""

from __future__ import annotations

from typing import Any, NamedTuple

from odibi_core.engines.duckdb_turn import is_relation
from odibi_core.engines.kinds import Kind, MixedKindsError, is_exact, kind_of
from odibi_core.errors import EngineError


class Table(NamedTuple):
    """A frame that DuckDB reads, and SQL expressions, by column, for what it must make of what it read."""

    frame: Any
    casts: dict[str, str]


def table(frame: Any) -> Table:
    """Return a frame as DuckDB takes it.

    Raises:
        EngineError: DuckDB would change values silently; names the column.
    """
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(frame)
    if library == "polars":
        return _of_polars(frame)
    if library == "pyspark":
        return Table(frame.toArrow(), {})
    # A relation belongs to the connection that made it, and no other one can read it.
    return Table(frame.to_arrow_table() if is_relation(frame) else frame, {})


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a constant of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _of_pandas(frame: Any) -> Table:
    made = frame
    casts: dict[str, str] = {}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        fit = _fit(str(name), column)
        if fit is column:
            continue
        if fit.dtype.kind == "M":
            casts[str(name)] = f"({quoted(str(name))} AT TIME ZONE 'UTC')"
        made = frame.copy(deep=False) if made is frame else made
        made.isetitem(position, fit)
    return Table(made, casts)


def _fit(name: str, column: Any) -> Any:
    """Return a pandas column as DuckDB takes it: itself or another one; zoned times in UTC, without the zone."""
    dtype = column.dtype
    if dtype == "object":
        column = _objects(name, column)
        dtype = column.dtype
    if type(dtype).__name__ in ("PeriodDtype", "IntervalDtype") or dtype.kind == "c":
        raise EngineError(f"column {name!r} is {dtype}, which SQL has no type for; make it numbers, times or text")
    if type(dtype).__name__ == "SparseDtype":
        return column.sparse.to_dense()
    if dtype.kind == "m":
        _refuse_nanoseconds(name, column)
    if dtype.kind == "M" and getattr(column.dt, "tz", None) is not None:
        _refuse_nanoseconds(name, column)
        # DuckDB wants pytz for a time zone, which pandas no longer brings.
        return column.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")
    return column


def _refuse_nanoseconds(name: str, column: Any) -> None:
    if bool((column.dt.nanoseconds if column.dtype.kind == "m" else column.dt.nanosecond).fillna(0).astype(bool).any()):
        raise EngineError(
            f"column {name!r} ({column.dtype}) has nanoseconds, and SQL only microseconds for it; "
            "round it with dt.floor('us')"
        )


def _objects(name: str, column: Any) -> Any:
    """Return a column of Python objects without loss: DuckDB makes text of mixed ones, and floats of large numbers."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "datetime":
        return pd.to_datetime(column)
    values = column.tolist()
    if kind in ("integer", "mixed-integer-float"):
        numbers = [None if pd.isna(value) else getattr(value, "item", lambda v=value: v)() for value in values]
        return pd.Series(_numbers(name, numbers), index=column.index, dtype="object")
    if kind in ("mixed", "mixed-integer"):
        return pd.Series(_nested(name, values), index=column.index, dtype="object")
    return column


def _numbers(name: str, values: list[Any]) -> list[Any]:
    whole = [value for value in values if type(value) is int]
    if any(type(value) is float for value in values) and not all(map(is_exact, whole)):
        raise EngineError(f"column {name!r} holds floats and whole numbers that no float equals; make it one type")
    if whole and not -(2**127) <= min(whole) <= max(whole) < 2**128:
        raise EngineError(f"column {name!r} holds whole numbers of more than 128 bits, which SQL has not; make it text")
    return values


def _nested(name: str, values: list[Any]) -> list[Any]:
    plain = [_as_python(value) for value in values]
    try:
        kind = kind_of(plain, name)
    except MixedKindsError as error:
        raise EngineError(f"column {error}, and a column of SQL has one type; make it one, or drop it before") from None
    return [_filled(value, kind) for value in plain]


def _as_python(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, float) and value != value:
        return None
    return list(value) if isinstance(value, tuple) else value


def _filled(value: Any, kind: Kind) -> Any:
    """Return dicts with the fields of all, because DuckDB makes maps of text of unlike ones."""
    if value is None or not kind.inner:
        return value
    if kind.name == "list":
        return [_filled(item, kind.inner[""]) for item in value]
    return {field: _filled(value.get(field), inner) for field, inner in kind.inner.items()}


def _of_polars(frame: Any) -> Table:
    import polars as pl

    schema = frame.collect_schema()
    odd = {
        name: dtype for name, dtype in schema.items() if isinstance(dtype, pl.Duration | pl.Enum) or "128" in str(dtype)
    }
    if not odd:
        return Table(frame, {})
    frame = frame.lazy().collect()
    casts = {}
    for name, dtype in odd.items():
        if isinstance(dtype, pl.Duration):
            if dtype.time_unit == "ns" and (frame[name].to_physical() % 1000 != 0).any():
                raise EngineError(
                    f"column {name!r} ({dtype}) has nanoseconds, and SQL has microseconds for it; cast it"
                )
        elif isinstance(dtype, pl.Enum):
            labels = ", ".join(map(literal, dtype.categories))
            casts[name] = f"{quoted(name)}::ENUM({labels})"
        else:
            frame = frame.with_columns(pl.col(name).cast(pl.String))
            casts[name] = f"{quoted(name)}::{'UHUGEINT' if str(dtype).startswith('U') else 'HUGEINT'}"
    return Table(frame, casts)
