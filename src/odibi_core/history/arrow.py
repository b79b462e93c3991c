"""Answers of SQL as Arrow tables, Parquet files and Arrow streams, with the types of the query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.plugins import missing_extra

if TYPE_CHECKING:
    import pyarrow

_ROWS: Final = 50_000
"""Rows of a batch, which is a row group of Parquet."""
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_SIMPLE: Final = {
    "BIGINT": "int64", "INTEGER": "int32", "SMALLINT": "int16", "TINYINT": "int8", "UBIGINT": "uint64",
    "UINTEGER": "uint32", "USMALLINT": "uint16", "UTINYINT": "uint8", "DOUBLE": "float64", "FLOAT": "float32",
    "BOOLEAN": "bool_", "DATE": "date32", "BLOB": "binary", "VARCHAR": "string", "JSON": "string",
}  # fmt: skip

Row = Sequence[Any]


def schema_of(columns: Sequence[str], types: Sequence[str]) -> pyarrow.Schema:
    """Return the schema of an answer; a type that Arrow lacks is text.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise missing_extra("pyarrow", "an answer as Parquet or Arrow") from None
    return pyarrow.schema([(name, _type(kind)) for name, kind in zip(columns, types, strict=True)])


def table_of(schema: pyarrow.Schema, rows: Sequence[Row]) -> pyarrow.Table:
    """Return the table of rows."""
    import pyarrow

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [
        pyarrow.array([_value(value, field.type) for value in column], field.type)
        for field, column in zip(schema, columns, strict=True)
    ]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def write_parquet(schema: pyarrow.Schema, batches: Iterable[Sequence[Row]], to: IO[bytes]) -> None:
    """Write rows as a Parquet file."""
    from pyarrow import parquet

    with parquet.ParquetWriter(to, schema, compression="zstd") as writer:
        for rows in _joined(batches):
            writer.write_table(table_of(schema, rows))


def write_stream(schema: pyarrow.Schema, batches: Iterable[Sequence[Row]], to: IO[bytes]) -> None:
    """Write rows as a stream of Arrow IPC."""
    import pyarrow

    with pyarrow.ipc.new_stream(to, schema) as writer:
        for rows in _joined(batches):
            writer.write_table(table_of(schema, rows))


def _joined(batches: Iterable[Sequence[Row]]) -> Iterator[list[Row]]:
    rows: list[Row] = []
    for batch in batches:
        rows += batch
        if len(rows) >= _ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _type(kind: str) -> Any:
    import pyarrow

    if (name := _SIMPLE.get(kind)) is not None:
        return getattr(pyarrow, name)()
    if kind.startswith("TIMESTAMP"):
        return pyarrow.timestamp("us", "UTC")
    if kind == "HUGEINT":  # of a sum: Arrow has no larger integer
        return pyarrow.decimal128(38, 0)
    if (found := _DECIMAL.fullmatch(kind)) is not None:
        return pyarrow.decimal128(int(found[1]), int(found[2]))
    return pyarrow.list_(_type(kind[:-2])) if kind.endswith("[]") else pyarrow.string()


def _value(value: Any, kind: Any) -> Any:
    """Return a value for Arrow: a nested one for which it has no type is JSON text."""
    if value is None or str(kind) != "string" or isinstance(value, str):
        return value
    return msgspec.json.encode(value, enc_hook=str).decode() if isinstance(value, dict | list | tuple) else str(value)
