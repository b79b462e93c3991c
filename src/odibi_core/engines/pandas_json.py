"""JSON and JSON Lines of pandas frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from odibi_core.engines import json_lines
from odibi_core.engines.pandas_columns import column
from odibi_core.errors import EngineError

READS = frozenset(
    ["encoding", "encoding_errors", "nrows", "dtype", "convert_dates", "lines", "orient", "storage_options"]
)
WRITES = frozenset(["default_handler", "lines", "orient", "index", "mode", "storage_options"])


def read(source: Any, options: Mapping[str, Any], *, array: bool = False) -> Any:
    """Return a frame of the values as they are; `dtype` and `convert_dates` then change columns, if given.

    Args:
        source: A path, a URL, or a binary stream.
        options: Some of `READS`.
        array: The file is one array of objects, not an object a line.
    """
    if isinstance(source, str) and "://" in source:
        return pd.read_json(source, **{"lines": not array, "dtype": False, "precise_float": True, **options})
    given = {"encoding": options.get("encoding"), "encoding_errors": options.get("encoding_errors", "strict")}
    columns = next(json_lines.read_columns(source, None, rows=options.get("nrows"), array=array, **given), {})
    frame = pd.DataFrame({name: column(values) for name, values in columns.items()})
    if options.get("dtype"):
        missing = frame.isna()
        frame = frame.astype(options["dtype"])
        frame = frame.mask(missing) if missing.any(axis=None) else frame
    for name in options.get("convert_dates") or ():
        frame[name] = pd.to_datetime(frame[name])
    return frame


def write(frame: Any, target: Any, options: Mapping[str, Any], *, array: bool = False) -> None:
    """Write the frame's columns, not its index: an object a line, or one array of objects."""
    names = [str(name) for name in frame.columns]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise EngineError(f"column {min(twice)!r} is there twice, and a key of JSON only once; rename one")
    default = options.get("default_handler")
    columns = {name: _values(name, frame.iloc[:, i], default) for i, name in enumerate(names)}
    json_lines.write_columns(target, columns, array=array)


def _values(name: str, series: Any, default: Any) -> list[Any]:
    dtype = series.dtype
    if dtype.kind in "biu":
        missing = series.isna()
        return list(series.astype("object").where(~missing, None) if missing.any() else series.tolist())
    values = series.astype("object").tolist() if dtype.kind in "mM" else series.tolist()
    return [json_lines.json_value(name, value, default) for value in values]
