"""CSV of polars frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from odibi_core.engines import csv_text
from odibi_core.engines.files import warn_changed
from odibi_core.errors import EngineError


def read(source: Any, options: Mapping[str, Any], named: Collection[str] = ()) -> tuple[Any, set[str]]:
    """Return a frame, and its columns that are text although each value could be a number; see `pandas_csv.read`.

    Missing values are those of pandas: `null_values=[]` turns that off.
    """
    text = csv_text.inspect(source, options)
    # Types are inferred from all rows: the first hundred often know only nulls.
    usual: dict[str, Any] = {"infer_schema_length": None, "null_values": csv_text.NULLS, "glob": False}
    if text.ends == "\r":
        usual["eol_char"] = "\r"
    given = {**usual, **options}
    frame = pl.read_csv(text.data, **given)
    # polars refuses rows that are no UTF-8, but not a header.
    if "encoding" not in options and any("\ufffd" in name for name in frame.columns):
        raise ValueError("its header is not UTF-8; set encoding= if it is another")
    if options.keys() & {"schema", "dtypes", "new_columns", "with_column_names"}:
        return frame, set()
    texts = _texts(text.data, given, frame, text.digits or bool(named), named)
    # polars leaves the quotes of a header doubled.
    plain = {name: name.replace('""', '"') for name in frame.columns if '""' in name}
    return frame.with_columns(list(texts.values())).rename(plain), {plain.get(name, name) for name in texts}


def _texts(data: Any, given: Mapping[str, Any], frame: Any, digits: bool, named: Collection[str]) -> dict[str, Any]:
    """Return the columns that must be text, read again as text; see `csv_text.text_columns`."""
    typed = given.get("schema_overrides") or {}
    if not isinstance(typed, Mapping):
        return {}
    free = [name for name in frame.columns if name not in typed]
    asked = [name for name in free if _is_suspicious(frame[name], digits) or name in named]
    if not asked:
        return {}
    again = pl.read_csv(data, **{**given, "schema_overrides": {**typed, **dict.fromkeys(asked, pl.String)}})
    texts = {name: again[name].to_list() for name in asked}
    floats = {name for name in asked if frame[name].dtype.is_float()}
    return {name: again[name] for name in csv_text.text_columns(texts, floats, digits, named)}


def _is_suspicious(column: Any, digits: bool) -> bool:
    if column.dtype.is_float():
        return digits or bool((column.abs() >= 2**53).any())
    return digits and column.dtype.is_integer()


def write(frame: Any, target: Any, options: Mapping[str, Any]) -> None:
    """Write by polars. Warns of values that CSV does not keep."""
    for column in frame.iter_columns():
        dtype = column.dtype
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration):
            raise EngineError(
                f"column {column.name!r} is {dtype}, which CSV has no form for; make it text or columns of its own, "
                "or write Parquet"
            )
        how = _change(column)
        if how:
            warn_changed(column.name, how)
    frame.write_csv(target, **options)


def _change(column: Any) -> str | None:
    if column.dtype.is_float() and column.is_nan().any():
        return "holds NaN, which CSV is read back from as missing"
    if column.dtype.is_float() and column.is_infinite().any():
        return "holds infinity, which makes a column of CSV be read back as text"
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    return csv_text.change(column.cast(pl.String).to_list())
