"""JSON Lines and arrays of JSON, exactly: text stays text, whole numbers stay whole, floats keep every digit."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import chain, islice
from math import isinf, isnan
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from odibi_core.errors import EngineError

CHUNK = 50_000  # lines that are Python objects at one time, where an engine can do with less than all
OPTIONS = frozenset({"encoding", "encoding_errors", "n_rows"})
"""The names of the options of engines whose library has none for exact JSON."""


def read_columns(
    source: Any,
    size: int | None = CHUNK,
    *,
    encoding: str | None = None,
    encoding_errors: str = "strict",
    rows: int | None = None,
    array: bool = False,
) -> Iterator[dict[str, list[Any]]]:
    """Yield the objects of a path or a binary stream as columns of Python values, `size` lines at a time.

    Args:
        source: a path, or a binary stream.
        size: lines per chunk; None for all lines in one chunk.
        encoding: UTF-8, with or without a byte order mark, if None.
        encoding_errors: as of `open`.
        rows: objects to read at most.
        array: the file is one array of objects, which is one chunk, and not an object a line.

    Raises:
        ValueError: for a line that is no JSON object, whose number the message has; for text that is no array of
            objects; for an object that repeats a key.
    """
    with _text(source, encoding, encoding_errors) as text:
        if array:
            yield by_column(_array(text.read())[:rows])
            return
        found = islice(_rows(text), rows)
        while chunk := list(islice(found, size)):
            yield by_column(chunk)


def chunks(source: Any, options: Mapping[str, Any], *, array: bool) -> Iterator[dict[str, list[Any]]]:
    """Yield the columns of `read_columns` by the options of an engine, which are `OPTIONS`."""
    errors = options.get("encoding_errors", "strict")
    return read_columns(
        source, encoding=options.get("encoding"), encoding_errors=errors, rows=options.get("n_rows"), array=array
    )


def _array(content: str) -> list[dict[str, Any]]:
    """Return the objects of a text that is one array of them."""
    try:
        found = json.JSONDecoder(object_pairs_hook=_object).decode(content.strip(" \t\r\n\ufeff"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.pos < len(content) - 1:
            raise ValueError(
                f"more follows its first value; set format='jsonl' for one object a line: {error}"
            ) from None
        raise
    if type(found) is not list:
        raise ValueError(f"it is a JSON {type(found).__name__}, not an array of objects")
    other = next((place for place, row in enumerate(found) if type(row) is not dict), None)
    if other is not None:
        raise ValueError(f"item {other} of its array is a {type(found[other]).__name__}, not an object")
    return found


@contextmanager
def _text(source: Any, encoding: str | None, errors: str) -> Iterator[io.TextIOWrapper]:
    with open(source, "rb") if isinstance(source, str) else nullcontext(source) as stream:
        # newline: a bare carriage return, or U+2028, ends no line.
        yield io.TextIOWrapper(stream, encoding or "utf-8-sig", errors, newline="\n")


def _rows(text: Iterable[str]) -> Iterator[dict[str, Any]]:
    decode = json.JSONDecoder(object_pairs_hook=_object).raw_decode  # `decode` looks for blanks twice, by regex
    for number, line in enumerate(text, 1):
        if not (line := line.strip(" \t\r\n\ufeff" if number == 1 else " \t\r\n")):
            continue
        try:
            row, end = decode(line)
            if end < len(line):
                raise ValueError(f"more follows on it: {line[end : end + 40]!r}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {str(error)[:200]}") from error
        if type(row) is not dict:
            raise ValueError(f"line {number} is a {type(row).__name__}, not a JSON object")
        yield row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"the key {twice!r} is there twice, and only one value could be kept")
    return made


def by_column(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns, in the order in which the names first occur; a value that a row lacks is None."""
    names = dict.fromkeys(chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in names}


def write_columns(target: Any, columns: Mapping[str, Sequence[Any]], *, array: bool = False) -> None:
    """Write columns of JSON values, lists of one length, to a path or to a stream that stays open.

    Args:
        target: A path, or a binary stream.
        columns: Values by the name of the column.
        array: Write one array of objects, one on a line, and not an object a line.
    """
    encode = msgspec.json.Encoder().encode_lines
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    with open(target, "wb") if isinstance(target, str) else nullcontext(target) as stream:
        first = True
        stream.write(b"[" if array else b"")
        while chunk := [dict(zip(names, row, strict=True)) for row in islice(rows, 10_000)]:
            lines = encode(chunk)
            # A line break within a text is escaped, so that each one here is the end of an object.
            stream.write(lines if not array else (b"" if first else b",\n") + lines[:-1].replace(b"\n", b",\n"))
            first = False
        stream.write(b"]\n" if array else b"")


def json_value(column: str, value: Any, default: Callable[[Any], Any] | None = None) -> Any:
    """Return a value, nested ones included, as JSON has it: times as ISO text, decimals and UUIDs as text.

    Args:
        column: the name that an error gives.
        value: any Python value; missing ones of every library, NaN included, are null.
        default: makes a JSON value of one that has no form in JSON.

    Raises:
        EngineError: naming the column, for bytes, infinity, keys that are no text, and objects.
    """
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, float):
        return _json_float(column, float(value))
    if isinstance(value, Mapping):
        return {_json_key(column, key): json_value(column, each, default) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(column, each, default) for each in value]
    return _json_rare(column, value, default)


def _json_rare(column: str, value: Any, default: Callable[[Any], Any] | None) -> Any:
    name = type(value).__name__
    if name in ("NAType", "NaTType") or (name in ("datetime64", "timedelta64") and value != value):
        return None
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else _json_float(column, float(value))
    if isinstance(value, timedelta) and not hasattr(value, "isoformat"):
        return msgspec.to_builtins(value)
    if isinstance(value, date | time | timedelta):
        return value.isoformat()  # type: ignore[union-attr]  # pandas' timedelta, which keeps nanoseconds
    if isinstance(value, UUID | Path | str) or name in ("datetime64", "timedelta64", "Period"):
        return str(value)
    if hasattr(value, "tolist") and not isinstance(value, bytes):  # numpy's scalars and arrays
        return json_value(column, value.tolist(), default)
    if default is not None:
        return json_value(column, default(value), default)
    raise EngineError(
        f"column {column!r} holds {name}, which JSON has no form for; make it text or numbers before it is written"
    )


def _json_float(column: str, value: float) -> float | None:
    if isinf(value):
        raise EngineError(f"column {column!r} holds {value}, and JSON has no infinity; replace it or write Parquet")
    return None if isnan(value) else value


def _json_key(column: str, key: Any) -> str:
    if not isinstance(key, str):
        raise EngineError(f"column {column!r} holds a dict with the key {key!r}; keys in JSON are text, so make it one")
    return key
