"""Avro container files, by fastavro: each type by a logical type that keeps its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.formats.base import FileFormat, Operation, Options
from odibi_core.engines.formats.values import refuse_missing, unfit_columns
from odibi_core.errors import EngineError, UnreadableSourceError

_TYPES: Final = Types("Avro", nulls=True)
_CODECS: Final = ("null", "deflate", "bzip2", "xz", "zstandard", "snappy")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN: Final = {
    "bool": "boolean", "int8": "int", "int16": "int", "int32": "int", "int64": "long", "float": "float",
    "double": "double", "string": "string", "binary": "bytes", "null": "null", "halffloat": "float",
}  # fmt: skip


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    if operation == "read":
        return unfit_columns(options)
    codec = options.get("codec", "deflate")
    return [] if codec in _CODECS else [f"codec must be one of {', '.join(_CODECS)}, got {codec!r:.80}"]


def _write(table: Any, target: Any, options: Options) -> None:
    import fastavro

    fit = fitted(table, _TYPES)
    fields = [{"name": _named(field.name), "type": _nullable(field.name, field.type)} for field in fit.schema]
    schema = fastavro.parse_schema({"type": "record", "name": "row", "fields": fields})
    rows = (row for batch in fit.to_batches(10_000) for row in batch.to_pylist())
    with open(target, "wb") if isinstance(target, str) else nullcontext(target) as stream:
        fastavro.writer(stream, schema, rows, codec=options.get("codec", "deflate"))


def _named(path: str) -> str:
    """Return the last part of a path of names."""
    name = path.rpartition(".")[2]
    if not _NAME.fullmatch(name):
        raise EngineError(f"column {path!r} has no name for Avro, whose names have letters, digits and _; rename it")
    return name


def _nullable(path: str, kind: Any) -> Any:
    schema = _schema(path, kind)
    return schema if schema == "null" else ["null", schema]


def _schema(path: str, kind: Any) -> Any:
    """Return the schema of a type of Arrow; the path of the column makes the names of records different."""
    import pyarrow as pa

    if str(kind) in _PLAIN:
        return _PLAIN[str(kind)]
    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        named = [
            {"name": _named(f"{path}.{each.name}"), "type": _nullable(f"{path}.{each.name}", each.type)}
            for each in fields
        ]
        return {"type": "record", "name": "row_" + path.replace(".", "_").replace("[]", "_item"), "fields": named}
    if pa.types.is_map(kind):
        if kind.key_type != pa.string():
            raise EngineError(f"column {path!r} has keys that are {kind.key_type}, and those of Avro are text")
        return {"type": "map", "values": _nullable(f"{path}[]", kind.item_type)}
    if pa.types.is_list(kind):
        return {"type": "array", "items": _nullable(f"{path}[]", kind.value_type)}
    return _logical(path, kind)


def _logical(path: str, kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        if kind.scale < 0:
            raise EngineError(f"column {path!r} is {kind}; Avro has no decimals of a negative scale")
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros" if kind.tz else "local-timestamp-micros"}
    if pa.types.is_date(kind):
        return {"type": "int", "logicalType": "date"}
    if pa.types.is_time(kind):
        return {"type": "long", "logicalType": "time-micros"}
    raise EngineError(f"column {path!r} is {kind}, which Avro has no type for; make it text or a number")


def _read(source: Any, options: Options) -> Any:
    import fastavro
    import pyarrow as pa

    with open(source, "rb") if isinstance(source, str) else nullcontext(source) as stream:
        reader = fastavro.reader(stream)
        named: dict[str, Any] = {}
        schema: Any = reader.writer_schema
        if not isinstance(schema, Mapping) or schema.get("type") != "record":
            raise UnreadableSourceError(f"an Avro file of records is wanted, got one of {str(schema)[:80]}")
        described: list[Any] = list(schema["fields"])
        fields = [pa.field(each["name"], _arrow(each["name"], each["type"], named)) for each in described]
        names = [field.name for field in fields]
        rows: list[Any] = list(reader)
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in fields]
    table = pa.table(columns, schema=pa.schema(fields)) if fields else pa.table({})
    wanted = options.get("columns")
    refuse_missing(wanted or (), names, "it")
    return table if wanted is None else table.select(list(wanted))


def _arrow(path: str, schema: Any, named: dict[str, Any]) -> Any:
    """Return the type of Arrow of a schema; `named` has the types that were defined before."""
    import pyarrow as pa

    if isinstance(schema, list):
        others = [each for each in schema if each != "null"]
        if len(others) > 1:
            raise UnreadableSourceError(f"column {path!r} is one of several types, {others}, and a column has one")
        return _arrow(path, others[0], named) if others else pa.null()
    if isinstance(schema, str):
        plain = {
            "boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64(),
            "string": pa.string(), "bytes": pa.binary(), "null": pa.null(),
        }  # fmt: skip
        return plain[schema] if schema in plain else named[schema]
    made = _arrow_of_object(path, schema, named)
    if "name" in schema:
        named[schema["name"]] = made
    return made


def _arrow_of_object(path: str, schema: Mapping[str, Any], named: dict[str, Any]) -> Any:
    import pyarrow as pa

    logical = schema.get("logicalType")
    by_logical = {
        "date": pa.date32(), "time-micros": pa.time64("us"), "time-millis": pa.time32("ms"), "uuid": pa.string(),
        "timestamp-micros": pa.timestamp("us", "UTC"), "timestamp-millis": pa.timestamp("ms", "UTC"),
        "local-timestamp-micros": pa.timestamp("us"), "local-timestamp-millis": pa.timestamp("ms"),
    }  # fmt: skip
    if logical == "decimal":
        precision, scale = schema["precision"], schema.get("scale", 0)
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if logical in by_logical:
        return by_logical[logical]
    kind = schema["type"]
    if kind in ("record", "error"):
        fields = schema["fields"]
        return pa.struct([(each["name"], _arrow(f"{path}.{each['name']}", each["type"], named)) for each in fields])
    if kind == "array":
        return pa.list_(_arrow(f"{path}[]", schema["items"], named))
    if kind == "map":
        return pa.map_(pa.string(), _arrow(f"{path}[]", schema["values"], named))
    return {"enum": pa.string(), "fixed": pa.binary()}.get(kind) or _arrow(path, kind, named)


AVRO: Final = FileFormat(frozenset({"columns"}), frozenset({"codec"}), _read, _write, _problems)
