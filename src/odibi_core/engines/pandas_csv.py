"""CSV of pandas frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from odibi_core.engines import csv_text
from odibi_core.engines.files import warn_changed
from odibi_core.engines.pandas_columns import numpy_typed, refuse_objects, whole


def read(source: Any, options: Mapping[str, Any], named: Collection[str] = ()) -> tuple[Any, set[str]]:
    """Return a frame, and its columns that are text although each value could be a number: zip codes.

    A column in `named`, the text columns of the other files, is text, too. A type in the options has precedence.
    """
    text = csv_text.inspect(source, options)
    data = text.data
    if text.nul and pd.__version__ < "3" and "engine" not in options:
        raise ValueError("it holds the character NUL, at which pandas before 3 ends a field; set engine='python'")
    given = {**_usual(options), **({"lineterminator": text.ends} if text.ends else {}), **options}
    frame = _parse(data, given)
    if "index_col" not in options and not isinstance(frame.index, pd.RangeIndex):
        _refuse_surplus(frame)
        given = {"usecols": range(frame.shape[1]), **given, "index_col": False}
        frame = _parse(data, given)
    if "dtype_backend" in options:
        return frame, set()
    free = [name for i, name in enumerate(frame.columns) if not _is_typed(name, i, options)]
    frame = numpy_typed(frame, free)
    texts = _texts(data, given, frame, free, text.digits or bool(named), named)
    for name, column in texts.items():
        frame[name] = column
    _widen(frame, [name for name in free if name not in texts])
    return frame, set(texts)


def _usual(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usual options: types of whole columns, not of each 256 KiB, and whole numbers that stay whole."""
    separator = options.get("sep", options.get("delimiter", ","))
    by_c = options.get("engine", "c") == "c" and isinstance(separator, str) and len(separator) == 1
    usual: dict[str, Any] = {"low_memory": False} if by_c and not options.get("skipfooter") else {}
    if usual and pd.__version__ < "3":  # from then on it is the default, and deprecated as an option
        usual["float_precision"] = "round_trip"
    return {**usual, "dtype_backend": "numpy_nullable"}


def _parse(data: Any, options: Mapping[str, Any]) -> Any:
    return pd.read_csv(data if isinstance(data, str) else io.BytesIO(data), **options)


def _refuse_surplus(frame: Any) -> None:
    """Raise for fields that no name of the header stands over, unless all are empty: a delimiter at the line's end."""
    levels = frame.index.nlevels
    fields = [frame.index.get_level_values(i).to_series() for i in range(levels)]
    fields += [frame.iloc[:, i] for i in range(frame.shape[1])]
    for field in fields[frame.shape[1] :]:
        if field.notna().any():
            raise ValueError(
                f"its lines have {len(fields)} fields, but its header names {frame.shape[1]}; the surplus holds "
                f"{field.dropna().iloc[0]!r:.80}; name every column, or set index_col=[0] if the first is an index"
            )


def _is_typed(name: Any, position: int, options: Mapping[str, Any]) -> bool:
    """Return true if options give a column its type: a converter for its name or position, or a dtype."""
    if {name, position} & set(options.get("converters") or ()):
        return True
    dtype = options.get("dtype")
    return name in dtype if isinstance(dtype, Mapping) else dtype is not None


def _texts(
    data: Any, given: Mapping[str, Any], frame: Any, free: list[Any], digits: bool, named: Collection[str]
) -> dict[str, Any]:
    """Return the columns that must be text, read again as text; see `csv_text.text_columns`."""
    asked = [name for name in free if _is_suspicious(frame[name], digits) or name in named]
    if not asked:
        return {}
    dtype = given.get("dtype")
    types = {**(dtype if isinstance(dtype, Mapping) else {}), **dict.fromkeys(asked, "str")}
    again = _parse(data, {**given, "dtype": types})
    texts = {name: [value if isinstance(value, str) else None for value in again[name]] for name in asked}
    floats = {name for name in asked if frame[name].dtype.kind == "f"}
    found = csv_text.text_columns(texts, floats, digits, named)
    return {name: numpy_typed(again[[name]], [name])[name] for name in found}


def _is_suspicious(column: Any, digits: bool) -> bool:
    if column.dtype.kind == "f":
        return digits or bool((column.abs() >= 2**53).any())
    if column.dtype.kind in "iu":
        return digits
    # Whole numbers of more than 64 bits come as texts of the numbers, not as the texts of the file.
    is_text = digits and pd.api.types.is_string_dtype(column.dtype)
    return is_text and csv_text.is_whole(next(iter(column.dropna()), None))


def _widen(frame: Any, names: list[Any]) -> None:
    """Make numbers of texts that all are, and that pandas left as text because 64 bits do not hold each."""
    for name in names:
        column = frame[name]
        if not pd.api.types.is_string_dtype(column.dtype) or not len(column):
            continue
        there = column[column.notna() & ~column.isin(csv_text.NULLS)]
        if len(there) and csv_text.is_number(there.iloc[0]) and there.map(csv_text.is_number).all():
            texts = [None if text in csv_text.NULLS else text for text in column.fillna("")]
            frame[name] = _numbers(name, texts, column).set_axis(frame.index)


def _numbers(name: Any, texts: list[str | None], column: Any) -> Any:
    is_whole = all(text is None or csv_text.is_whole(text) for text in texts)
    if csv_text.is_named(texts, is_whole):
        return column
    if is_whole:
        return whole([None if text is None else int(text) for text in texts])
    csv_text.refuse_lossy(name, texts)
    return pd.Series([float("nan") if text is None else float(text) for text in texts])


def write(frame: Any, target: Any, options: Mapping[str, Any]) -> None:
    """Write without the index, unless asked for it. Warns of texts that CSV does not keep."""
    usual: dict[str, Any] = {"index": False}
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.categories.to_series()
        if column.dtype != "object" and not pd.api.types.is_string_dtype(column.dtype):
            continue
        refuse_objects(name, column, "CSV")
        how = csv_text.change(column.tolist())
        if how:
            warn_changed(name, how)
        if not options.keys() & csv_text.DIALECT and _has_return(column):
            # csv does not quote a bare carriage return, and readers end a line there.
            usual["quoting"] = csv.QUOTE_NONNUMERIC
    frame.to_csv(target, **{**usual, **options})


def _has_return(column: Any) -> bool:
    if column.dtype == "object":
        return any("\r" in value for value in column if isinstance(value, str))
    return bool(column.str.contains("\r", regex=False).any())
