"""CSV as Arrow tables: read as text, then each column typed by all of its values."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from odibi_core.engines import csv_text
from odibi_core.engines.arrow_columns import is_text
from odibi_core.engines.files import warn_changed
from odibi_core.errors import EngineError

READS = frozenset(
    ["separator", "delimiter", "quote_char", "escape_char", "encoding", "skip_rows", "column_names", "columns"]
) | {"column_types", "null_values"}
WRITES = frozenset(["separator", "include_header", "quoting_style", "null_string", "batch_size"])
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WHOLE = r"^[+-]?\d+$"
_RETURN = "\ue00d"
_LONG = 16  # digits; a shorter whole number is one that a float equals


def read(source: Any, options: Mapping[str, Any], named: Collection[str] = ()) -> tuple[Any, set[str]]:
    """Return a table, and its columns that are text although each value could be a number; see `csv_text`.

    Missing values are those of pandas: `null_values=[]` turns that off.
    """
    text = csv_text.inspect(source, {"separator": options.get("delimiter", ","), **options})
    raw = _with_returns(text.data, options) if text.ends == "\n" else _raw(text.data, options)
    if "encoding" not in options and any("\ufffd" in name for name in raw.column_names):
        raise ValueError("its header is not UTF-8; set encoding= if it is another")
    types = options.get("column_types") or {}
    texts, columns = set(), []
    for name, column in zip(raw.column_names, raw.columns, strict=True):
        if name in types:
            columns.append(column.cast(types[name]))
            continue
        typed = column if name in named else _typed(name, column)
        if typed.type == pa.string() and (name in named or _are_numbers(column.drop_null())):
            texts.add(name)
        columns.append(typed)
    table = pa.table(columns, names=raw.column_names)
    wanted = options.get("columns")
    return (table if wanted is None else table.select(list(wanted))), texts


def _with_returns(data: Any, options: Mapping[str, Any]) -> Any:
    """Return all columns of a file with carriage returns within lines, which pyarrow takes for ends of lines."""
    whole = Path(data).read_bytes() if isinstance(data, str) else bytes(data)
    if _RETURN.encode() in whole:
        raise ValueError("it has carriage returns within lines, and the character U+E00D that stands for them here")
    raw = _raw(whole.replace(b"\r", _RETURN.encode()), options)
    columns = [pc.replace_substring(column, _RETURN, "\r") for column in raw.columns]
    return pa.table(columns, names=[name.replace(_RETURN, "\r") for name in raw.column_names])


def _raw(data: Any, options: Mapping[str, Any]) -> Any:
    """Return all columns as text."""
    whole = data if isinstance(data, str) else bytes(data)
    reading = pa_csv.ReadOptions(
        encoding=options.get("encoding", "utf8"),
        skip_rows=options.get("skip_rows", 0),
        column_names=options.get("column_names"),
    )
    separator = options.get("separator", options.get("delimiter", ","))
    parsing = pa_csv.ParseOptions(
        delimiter=separator,
        quote_char=options.get("quote_char", '"'),
        escape_char=options.get("escape_char", False),
        newlines_in_values=True,
    )
    given: dict[str, Any] = {"read_options": reading, "parse_options": parsing}

    def stream() -> Any:
        return whole if isinstance(whole, str) else io.BytesIO(whole)

    try:
        with pa_csv.open_csv(stream(), **given, convert_options=_as_text({})) as opened:
            names = opened.schema.names
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise
        return _header_alone(whole, options, separator)
    parsing.ignore_empty_lines = len(names) > 1  # in a file of one column, such a line is a missing value
    nulls = options.get("null_values", csv_text.NULLS)
    types = dict.fromkeys(names, pa.string())
    try:
        return pa_csv.read_csv(stream(), **given, convert_options=_as_text(types, nulls))
    except pa.ArrowInvalid as error:
        raise ValueError(str(error).replace("UTF8", "UTF-8")) from error


def _header_alone(data: Any, options: Mapping[str, Any], separator: str) -> Any:
    """Return the table of a file that is a line without an end, which pyarrow does not take for a header."""
    raw = Path(data).read_bytes() if isinstance(data, str) else data
    lines = raw.decode(options.get("encoding", "utf-8-sig")).splitlines()
    if not any(map(str.strip, lines)):
        raise ValueError("it is empty, without even a header")
    names = next(csv.reader(lines, delimiter=separator))
    return pa.table([pa.array([], pa.string()) for _ in names], names=names)


def _as_text(types: dict[str, Any], nulls: Any = None) -> Any:
    return pa_csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, null_values=csv_text.NULLS if nulls is None else list(nulls)
    )


def _typed(name: str, column: Any) -> Any:
    """Return a column of texts as booleans or numbers if each text is one that these hold exactly."""
    there = column.drop_null()
    if not len(there):
        return column
    if pc.all(pc.is_in(there, pa.array(csv_text.TRUTHS))).as_py():
        return pc.equal(pc.utf8_lower(column), "true")
    if not _are_numbers(there):
        return column
    whole = _all(there, _WHOLE)
    if _any(there, csv_text.DIGITS if whole else r"^[+-]?0\d"):
        return column
    return _whole(column) if whole else _floats(name, column, there)


def _are_numbers(there: Any) -> bool:
    return len(there) > 0 and _all(there, _NUMBER)


def _all(there: Any, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(there, pattern)).as_py())


def _any(there: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(there, pattern)).as_py())


def _whole(column: Any) -> Any:
    """Return texts of whole numbers as the first type that holds all; of more than 38 digits they stay text."""
    for kind in (pa.int64(), pa.uint64(), pa.decimal128(38, 0)):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _floats(name: str, column: Any, there: Any) -> Any:
    long = there.filter(pc.greater_equal(pc.utf8_length(there), _LONG))
    csv_text.refuse_lossy(name, long.to_pylist())
    return pc.replace_substring_regex(column, r"^\+", "").cast(pa.float64())


def write(table: Any, target: Any, options: Mapping[str, Any]) -> None:
    """Write by pyarrow. Warns of values that CSV does not keep."""
    plain = _plain(table)
    separator = options.get("separator", ",")
    given = {name: value for name, value in options.items() if name not in ("separator", "include_header")}
    with open(target, "wb") if isinstance(target, str) else nullcontext(target) as stream:
        if options.get("include_header", True) and plain.num_columns:
            line = io.StringIO()
            csv.writer(line, delimiter=separator, lineterminator="\n").writerow(plain.column_names)
            stream.write(line.getvalue().encode())
        pa_csv.write_csv(plain, stream, pa_csv.WriteOptions(include_header=False, delimiter=separator, **given))


def _plain(table: Any) -> Any:
    """Return the table with categories as text, after a look for values that CSV does not keep."""
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        elif pa.types.is_nested(kind) or _is_bytes(kind) or pa.types.is_duration(kind):
            raise EngineError(
                f"column {name!r} is {kind}, which CSV has no form for; make it text or columns of its own, "
                "or write Parquet"
            )
        how = _change(column)
        if how:
            warn_changed(name, how)
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _change(column: Any) -> str | None:
    if pa.types.is_floating(column.type):
        if pc.any(pc.is_nan(column)).as_py():
            return "holds NaN, which CSV is read back from as missing"
        if pc.any(pc.is_inf(column)).as_py():
            return "holds infinity, which makes a column of CSV be read back as text"
        return None
    return csv_text.change(column.to_pylist()) if is_text(column.type) else None
