"""Rows of a database as Arrow tables, and Arrow tables as rows, each value exact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from odibi_core.engines.files import repeated, warn_changed
from odibi_core.engines.kinds import MixedKindsError, kind_of
from odibi_core.errors import EngineError, UnreadableSourceError

DIALECTS_WITH_UPSERT: Final = ("postgresql", "sqlite", "mysql", "mariadb")
_EXACT_DIGITS: Final = 15
_WIDEST: Final = 38
_OIDS: Final = {
    16: "bool", 20: "int64", 21: "int64", 23: "int64", 700: "double", 701: "double", 25: "string", 1043: "string",
    1042: "string", 17: "binary", 1082: "date32", 1114: "timestamp", 1184: "timestamptz", 1083: "time64[us]",
    1186: "duration[us]", 1700: "decimal",
}  # fmt: skip
"""Types of PostgreSQL by number: those of the columns of a query that have no value."""


def of_query(result: Any) -> Any:
    """Return the rows of a query; the type of a column is that of its values."""
    import pyarrow as pa

    names = list(result.keys())
    twice = repeated(names)
    if twice is not None:
        raise UnreadableSourceError(f"the query returns a column {twice!r} twice; name them by AS")
    known = [_arrow_of_code(code) for _, code, *_ in result.cursor.description] if result.cursor else []
    rows = result.fetchall()
    columns = [
        _column(name, [row[place] for row in rows], known[place] if known else None) for place, name in enumerate(names)
    ]
    return pa.table(columns, names=names)


def _arrow_of_code(code: Any) -> Any:
    import pyarrow as pa

    name = _OIDS.get(code) if isinstance(code, int) else None
    if name in ("timestamp", "timestamptz"):
        return pa.timestamp("us", "UTC" if name == "timestamptz" else None)
    if name == "decimal":
        return pa.decimal128(_WIDEST, 9)
    return None if name is None else pa.type_for_alias(name)


def of_table(result: Any, table: Any) -> Any:
    """Return the rows of a table; a column without values has the type of the table's column."""
    import pyarrow as pa

    rows = result.fetchall()
    columns = [
        _column(column.name, [row[place] for row in rows], _arrow_of(column.type))
        for place, column in enumerate(table.columns)
    ]
    return pa.table(columns, names=[column.name for column in table.columns])


def _arrow_of(kind: Any) -> Any:
    """Return the type of Arrow of a type of SQLAlchemy; None if its values decide."""
    import pyarrow as pa
    import sqlalchemy as sa

    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        given = (kind.precision, kind.scale or 0)
        return pa.decimal128(*given) if given[0] is not None and given[0] <= _WIDEST else None
    by_type = {
        sa.Boolean: pa.bool_(), sa.Integer: pa.int64(), sa.Float: pa.float64(), sa.String: pa.string(),
        sa.LargeBinary: pa.binary(), sa.Date: pa.date32(), sa.Time: pa.time64("us"), sa.Interval: pa.duration("us"),
        sa.Uuid: pa.string(),
    }  # fmt: skip
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us", "UTC" if kind.timezone else None)
    return next((found for of, found in by_type.items() if isinstance(kind, of)), None)


def _column(name: str, values: Sequence[Any], known: Any) -> Any:
    """Return a column of one type; `known` is that of the database, which a column without values gets."""
    import pyarrow as pa

    plain = [_plain(value) for value in values]
    try:
        if known is not None and (not any(value is not None for value in plain) or not pa.types.is_decimal(known)):
            return pa.array(plain, known)
        kind = kind_of([value for value in plain if not isinstance(value, list)], name)
        return _by_kind(plain, kind.name, kind.low, kind.high)
    except (pa.ArrowException, MixedKindsError, OverflowError, TypeError, ValueError) as error:
        raise UnreadableSourceError(
            f"column {name!r} has no type that holds each of its values: {str(error)[:200]}"
        ) from None


def _by_kind(values: Sequence[Any], kind: str, low: int, high: int) -> Any:
    import pyarrow as pa

    if kind == "datetime":
        is_zoned = any(value is not None and value.tzinfo is not None for value in values)
        return pa.array(values, pa.timestamp("us", "UTC" if is_zoned else None))
    if kind == "float":
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kind == "int" and not (low >= -(2**63) and high < 2**63):
        return pa.array([None if value is None else Decimal(value) for value in values], pa.decimal128(_WIDEST, 0))
    return pa.array(values)


def _plain(value: Any) -> Any:
    """Return a value of a driver as Arrow takes it: UUIDs and objects of JSON are text."""
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def fit_dialect(frame: Any, dialect: str) -> Any:
    """Return a frame as a database keeps it, after a look for the values that SQLite has no type for."""
    if dialect != "sqlite":
        return frame
    import pyarrow as pa
    import pyarrow.compute as pc

    for field in frame.schema:
        column = frame.column(field.name)
        if pa.types.is_duration(field.type):
            raise EngineError(f"column {field.name!r} is {field.type}, which SQLite has no type for; make it a number")
        if pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
            warn_changed(field.name, "holds NaN, which SQLite keeps as null")
        if getattr(field.type, "tz", None):
            warn_changed(field.name, "has a time zone; SQLite keeps its moments in UTC, and returns them without")
        if pa.types.is_decimal(field.type) and field.type.precision > _EXACT_DIGITS and _has_many_digits(column):
            warn_changed(field.name, f"holds decimals of more than {_EXACT_DIGITS} digits, which SQLite makes floats")
    return frame


def _has_many_digits(column: Any) -> bool:
    return any(value is not None and len(value.as_tuple().digits) > _EXACT_DIGITS for value in column.to_pylist())


def new_table(frame: Any, name: str, keys: Sequence[str], by_name: dict[str, str]) -> Any:
    """Return the table for a frame; `keys` are its primary key, and `by_name` is filled with the key of each column."""
    from sqlalchemy import Column, MetaData, Table

    schema, _, short = name.rpartition(".")
    by_name.update({field.name: f"c{place}" for place, field in enumerate(frame.schema)})
    columns: list[Any] = [
        Column(
            field.name, _sql_type(field), key=by_name[field.name], primary_key=field.name in keys, autoincrement=False
        )
        for field in frame.schema
    ]
    return Table(short, MetaData(), *columns, schema=schema or None)


def _sql_type(field: Any) -> Any:
    import pyarrow as pa
    import sqlalchemy as sa

    kind = field.type
    if pa.types.is_null(kind):
        raise EngineError(f"column {field.name!r} has no value, and a new table needs its type; cast it to one")
    if pa.types.is_decimal(kind):
        return sa.Numeric(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    by_type: Sequence[tuple[Any, Any]] = (
        (pa.types.is_boolean, sa.Boolean()), (pa.types.is_integer, sa.BigInteger()),
        (pa.types.is_floating, sa.Double()),
        (pa.types.is_string, sa.Text()), (pa.types.is_binary, sa.LargeBinary()), (pa.types.is_date, sa.Date()),
        (pa.types.is_time, sa.Time()), (pa.types.is_duration, sa.Interval()),
    )  # fmt: skip
    return next(made for is_such, made in by_type if is_such(kind))


def insertion(
    table: Any, columns: Sequence[str], dialect: str, mode: str, keys: Sequence[str], by_name: Mapping[str, str]
) -> Any:
    """Return the statement that writes a row; `columns` are the keys of the columns of the frame."""
    if mode != "upsert":
        from sqlalchemy import insert

        return insert(table)
    others = [each for each in columns if each not in {by_name[key] for key in keys}]
    if dialect in ("mysql", "mariadb"):
        from sqlalchemy.dialects.mysql import insert as mysql_insert

        made = mysql_insert(table)
        return made.on_duplicate_key_update({table.c[each].name: made.inserted[each] for each in others or columns})
    from sqlalchemy.dialects import postgresql, sqlite

    statement: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    found = [table.c[by_name[key]] for key in keys]
    if not others:
        return statement.on_conflict_do_nothing(index_elements=found)
    return statement.on_conflict_do_update(
        index_elements=found, set_={table.c[each]: statement.excluded[each] for each in others}
    )
