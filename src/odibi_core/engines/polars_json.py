"""JSON and JSON Lines of polars frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from odibi_core.engines import files, json_lines
from odibi_core.engines.kinds import Kind, kind_of
from odibi_core.errors import EngineError

_PLAIN = {"null": pl.Null, "bool": pl.Boolean, "float": pl.Float64, "text": pl.String}


def read(source: Any, options: Mapping[str, Any], *, array: bool = False) -> list[Any]:
    """Return frames, one for each chunk of lines, or one for an array of objects.

    Polars' own reader is asked for a URL, and for lines where its own options are given. Without a warning, it makes
    text of a column of numbers and texts, takes the first of two values of one key, and makes floats of whole numbers
    beside floats. Therefore the values are read by Python.
    """
    remote = isinstance(source, str) and "://" in source
    if array and remote:
        return [pl.read_json(source, infer_schema_length=None)]
    if not array and (remote or options.keys() - json_lines.OPTIONS):
        whole = source if isinstance(source, str) else source.read()
        return [pl.read_ndjson(whole, **{"infer_schema_length": None, **options})]
    chunks = json_lines.chunks(source, options, array=array)
    return [pl.DataFrame([series(name, values) for name, values in chunk.items()]) for chunk in chunks]


def series(name: str, values: Sequence[Any]) -> Any:
    """Return plain Python values as a series that holds each exactly. MixedKindsError if there is none."""
    return pl.Series(name, values, dtype=_dtype(kind_of(values, name), name), strict=False)


def _dtype(kind: Kind, path: str) -> Any:
    if kind.name == "int":
        return _whole(kind, path)
    if kind.name == "list":
        return pl.List(_dtype(kind.inner[""], path))
    if kind.name == "record":
        return pl.Struct({name: _dtype(inner, path) for name, inner in kind.inner.items()})
    return _PLAIN[kind.name]


def _whole(kind: Kind, path: str) -> Any:
    if kind.low >= -(2**63) and kind.high < 2**63:
        return pl.Int64
    if kind.low >= 0 and kind.high < 2**64:
        return pl.UInt64
    if kind.low >= -(2**127) and kind.high < 2**127:
        return pl.Int128
    raise ValueError(f"{path!r} holds {kind.high}, and polars has no whole number of more than 128 bits")


def write(frame: Any, target: Any, options: Mapping[str, Any], *, array: bool = False) -> None:
    """Write the frame by polars, after a look for what it would write as null or not at all."""
    for column in frame.iter_columns():
        for leaf in _leaves(column):
            _refuse_unfit(column.name, leaf)
    if array:
        frame.write_json(target)
    else:
        frame.write_ndjson(target, **options)


def _leaves(column: Any) -> Iterator[Any]:
    """Yield the innermost series of a nested one."""
    if isinstance(column.dtype, pl.Struct):
        for field in column.struct.fields:
            yield from _leaves(column.struct.field(field))
    elif isinstance(column.dtype, pl.List | pl.Array):
        yield from _leaves(column.explode())
    else:
        yield column


def _refuse_unfit(name: str, leaf: Any) -> None:
    if leaf.dtype in (pl.Binary, pl.Object):
        raise EngineError(
            f"column {name!r} holds {leaf.dtype}, which JSON has no form for; make it text, or write Parquet"
        )
    if leaf.dtype.is_float() and leaf.is_infinite().any():
        raise EngineError(f"column {name!r} holds infinity, which JSON has not; replace it, or write Parquet")
    if leaf.dtype.is_float() and leaf.is_nan().any():
        files.warn_changed(name, "holds NaN, which JSON has not: it is written as null")
