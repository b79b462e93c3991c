"""The frames that a check is given: found by name, made eager, and asked for their missing values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odibi_core.checks.labels import addressable
from odibi_core.errors import CheckError, nearest


def named(frames: Mapping[str, Any], name: str) -> Any:
    """Return the frame of a logical name.

    Raises:
        CheckError: There is none; the message has the nearest name.
    """
    if name not in frames:
        there = ", ".join(repr(each) for each in frames)
        raise CheckError(f"there is no frame {name!r}{nearest(name, frames)}; there are: {there}")
    return frames[name]


def eager(frame: Any, *, collect: bool, lazy: bool = False) -> Any:
    """Return a frame as a narwhals DataFrame; None if it is lazy and `collect` is false.

    With `lazy` a lazy frame is returned as a narwhals LazyFrame.
    """
    import narwhals

    if isinstance(frame, list | dict):
        frame = _of_plain(frame)
    native = narwhals.to_native(frame, pass_through=True)
    seen = narwhals.from_native(addressable(native), pass_through=True)
    if isinstance(seen, narwhals.LazyFrame):
        return seen if lazy else seen.collect() if collect else None
    if not isinstance(seen, narwhals.DataFrame):
        raise CheckError(f"a {type(frame).__name__} is no frame, so it cannot be checked")
    return seen


def _of_plain(value: list[Any] | dict[Any, Any]) -> Any:
    """Return rows as dicts, or a dict of columns, as a frame of the first library that is installed."""
    import narwhals

    if isinstance(value, list):
        if not all(isinstance(row, dict) for row in value):
            raise CheckError("a list must hold a dict for each row to be a frame")
        names = dict.fromkeys(name for row in value for name in row)
        value = {name: [row.get(name) for row in value] for name in names}
    columns: dict[str, Any] = addressable(value)
    for backend in ("polars", "pandas", "pyarrow"):
        try:
            return narwhals.from_dict(columns, backend=backend)
        except ImportError:
            continue
    raise CheckError("checking plain Python data needs polars, pandas or pyarrow: pip install 'odibi-core[polars]'")


def missing_in(column: Any) -> Any:
    """Return the mask of missing values. NaN counts as missing in every library, as it does in pandas."""
    import narwhals

    nulls = column.is_null()
    if column.dtype in (narwhals.Float32, narwhals.Float64):
        return nulls | column.is_nan().fill_null(False)
    return nulls
