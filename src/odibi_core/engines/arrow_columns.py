"""Columns of Arrow tables: of Python values, of several files of one set, and of DuckDB's answers, each value exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from odibi_core.engines import sql_types
from odibi_core.engines.files import Member, contradiction
from odibi_core.engines.kinds import Kind, is_exact, kind_of
from odibi_core.errors import EngineError

_PLAIN = {"null": pa.null(), "bool": pa.bool_(), "float": pa.float64(), "text": pa.string()}
_WHOLE = (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64())
_UNITS = ("s", "ms", "us", "ns")


def of_values(name: str, values: Sequence[Any]) -> Any:
    """Return Python values as an array of the type that holds each exactly.

    Raises:
        MixedKindsError: No single type holds all of them.
    """
    kind = kind_of(values, name)
    try:
        made = _type(kind)
        if made == pa.float64():
            values = [None if value is None else float(value) for value in values]
        return pa.array(values) if made is None else pa.array(values, made)
    except (pa.ArrowException, OverflowError) as error:
        raise ValueError(f"column {name!r} has no type in Arrow: {str(error)[:200]}") from error


def _type(kind: Kind) -> Any:
    """Return the type of a kind; None if Arrow finds it, as of dates and of numbers of more than 64 bits."""
    if kind.name == "int":
        return _whole(kind.low, kind.high) or pa.decimal128(38, 0)
    if kind.name == "list":
        inner = _type(kind.inner[""])
        return None if inner is None else pa.list_(inner)
    if kind.name == "record":
        fields = {name: _type(inner) for name, inner in kind.inner.items()}
        return None if None in fields.values() else pa.struct(list(fields.items()))
    return _PLAIN.get(kind.name)


def _whole(low: int, high: int) -> Any:
    if low >= -(2**63) and high < 2**63:
        return pa.int64()
    return pa.uint64() if low >= 0 and high < 2**64 else None


def of_relation(relation: Any) -> Any:
    """Return the rows of a DuckDB relation, which is run once.

    HUGEINT is int64 where it fits, else uint64 or a decimal without a fraction; INTERVAL is a duration.
    """
    fetched, asked = sql_types.project(relation, sql_types.ARROW, sql_types.ARROW_CHANGES)
    table = fetched.to_arrow_table()
    columns = [_of_answer(each, [table.column(each.place + i) for i in range(each.width)]) for each in asked]
    return pa.table(columns, names=[each.name for each in asked])


def _of_answer(asked: sql_types.Projected, columns: Sequence[Any]) -> Any:
    values, *more = columns
    if asked.id in sql_types.HUGE:
        return _large(asked.name, values, more[0])
    if more and pc.any(more[0]).as_py():
        raise sql_types.refuse_months(asked.name)
    if asked.id == "interval":
        return values.cast(pa.duration("us"))
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return values.cast(pa.timestamp(values.type.unit, "UTC"))  # the zone of the machine is none of the data
    return values


def _large(name: str, values: Any, texts: Any) -> Any:
    """Return numbers of up to 128 bits: `texts` are those of more than 64, where `values` has null."""
    if texts.null_count == len(texts):
        return values
    every = pc.coalesce(texts, values.cast(pa.string()))
    for kind in (pa.uint64(), pa.decimal128(38, 0), pa.decimal256(39, 0)):
        try:
            return every.cast(kind)
        except pa.ArrowInvalid:
            continue
    raise EngineError(f"column {name!r} of the answer holds numbers of more than 128 bits; cast it in the SQL")


def united(members: Sequence[Member]) -> Any:
    """Return the tables one under the other, each column of one type that holds all of it.

    Raises:
        UnreadableSourceError: Names the column, two files and their types, if no type holds both exactly.
    """
    if len(members) < 2:
        return members[0].frame if members else pa.table({})
    types: dict[str, Any] = {}
    first: dict[str, tuple[str, Any]] = {}
    for path, table in members:
        for name, column in zip(table.column_names, table.columns, strict=True):
            if column.null_count == len(column):
                continue  # without a value there is no type to fit
            seen = first.setdefault(name, (path, column.type))
            types[name] = merged(types.get(name, column.type), column.type)
            if types[name] is None:
                raise contradiction(name, (seen[0], str(seen[1])), (path, str(column.type)))
    _refuse_lossy(members, types)
    for _, table in members:
        for field in table.schema:
            types.setdefault(field.name, field.type)
    return pa.concat_tables([_aligned(table, types) for _, table in members])


def _aligned(table: Any, types: dict[str, Any]) -> Any:
    columns = []
    for name, kind in types.items():
        column = table.column(name) if name in table.column_names else None
        if column is None or column.null_count == len(column):
            columns.append(pa.nulls(table.num_rows, kind))
        else:
            columns.append(_cast(column, kind))
    return pa.table(columns, names=list(types))


def _cast(column: Any, kind: Any) -> Any:
    if not pa.types.is_struct(kind) or column.type == kind:
        return column.cast(kind)
    return pa.array(column.to_pylist(), kind)  # a field that a file lacks is null there


def merged(one: Any, other: Any) -> Any:
    """Return the type that holds both exactly, floats and whole numbers aside; None if there is none."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if _is_number(one) and _is_number(other):
        return _number(one, other)
    if is_text(one) and is_text(other):
        return pa.string()
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other) and one.tz == other.tz:
        return pa.timestamp(max(one.unit, other.unit, key=_UNITS.index), one.tz)
    if pa.types.is_duration(one) and pa.types.is_duration(other):
        return pa.duration(max(one.unit, other.unit, key=_UNITS.index))
    return _nested(one, other)


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: Any) -> bool:
    """Return whether a type is one of texts, categories of texts included."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _nested(one: Any, other: Any) -> Any:
    if _is_list(one) and _is_list(other):
        inner = merged(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        fields = {field.name: field.type for field in one}
        for field in other:
            fields[field.name] = merged(fields.get(field.name, field.type), field.type)
        return None if None in fields.values() else pa.struct(list(fields.items()))
    return None


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _number(one: Any, other: Any) -> Any:
    if pa.types.is_integer(one) and pa.types.is_integer(other):
        low, high = min(_ends(one)[0], _ends(other)[0]), max(_ends(one)[1], _ends(other)[1])
        fits = (kind for kind in _WHOLE if _ends(kind)[0] <= low and high <= _ends(kind)[1])
        return next(fits, pa.decimal128(38, 0))
    decimals = [kind for kind in (one, other) if pa.types.is_decimal(kind)]
    if not decimals:
        return pa.float64()
    if len(decimals) == 2:
        return pa.decimal128(38, max(one.scale, other.scale))
    wide = decimals[0].scale == 0 and any(map(pa.types.is_integer, (one, other)))
    return pa.decimal128(38, 0) if wide else None


def _ends(kind: Any) -> tuple[int, int]:
    bits = kind.bit_width
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(kind) else (0, 2**bits - 1)


def _refuse_lossy(members: Sequence[Member], types: dict[str, Any]) -> None:
    """Raise for whole numbers that would become floats, which none of them equals."""
    for path, table in members:
        for field in table.schema:
            whole = types.get(field.name) == pa.float64() and pa.types.is_integer(field.type)
            if whole and not all(is_exact(v) for v in table.column(field.name).to_pylist() if v is not None):
                kinds = ((path, table.schema.field(field.name).type) for path, table in members
                         if field.name in table.column_names)  # fmt: skip
                floats = next((path, str(kind)) for path, kind in kinds if not pa.types.is_integer(kind))
                raise contradiction(field.name, (path, str(field.type)), floats)
