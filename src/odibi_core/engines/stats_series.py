"""Values of polars and narwhals series for their statistics: the two have the same methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MethodType
from typing import Any, Final

from odibi_core.engines.stats_numbers import Numbers, has_numpy
from odibi_core.engines.stats_values import MOST_CHARS, Counted, Values


def taken(frame: Any, columns: int, places: Sequence[int] | None) -> Any:
    """Return the first columns of a polars frame, or of a narwhals frame of another library, at some rows."""
    if frame.shape[1] > columns:
        frame = frame[:, :columns]
    if places is None:
        return frame
    native = frame.to_native() if hasattr(frame, "to_native") else None
    if type(native).__module__.partition(".")[0] != "pyarrow":
        return frame[list(places)]
    import narwhals

    from odibi_core.engines.arrow_rows import rows_at

    return narwhals.from_native(rows_at(native, places))


def series_values(frame: Any) -> Iterator[Values | Numbers | Counted]:
    """Yield the values of each column."""
    return (column_values(frame[:, place]) for place in range(frame.shape[1]))


def null_counts(frame: Any) -> list[int]:
    """Return the number of nulls of each column."""
    return [frame[:, place].null_count() for place in range(frame.shape[1])]


def column_values(series: Any) -> Values | Numbers | Counted:
    """Return the values of one column: numbers as an array if the program uses NumPy, texts of polars with counts."""
    dtype, nulls = series.dtype, series.null_count()
    name = str(dtype)
    if dtype.is_nested() or name in ("Object", "Unknown", "Binary"):
        return None, nulls
    if dtype.is_numeric() and _uses_numpy(series):
        array = series.to_numpy()
        if array.dtype.kind in "iuf":
            return Numbers(array, nulls, dtype.is_integer(), lambda: _listed(series))
    if name == "String" and _is_long(series):
        return None, nulls  # a copy of long texts would take more than their statistics are worth
    if name.startswith(("String", "Datetime")) and type(series).__module__.startswith("polars"):
        return _counted(series, name, nulls)
    return _listed(series.dt.convert_time_zone("UTC") if "time_zone='" in name else series), nulls


def _moment(epoch: datetime, microseconds: int) -> datetime:
    return epoch + timedelta(microseconds=microseconds)


_NO_ZONE: Final = partial(_moment, datetime(1970, 1, 1))  # noqa: DTZ001 (the column has no zone either)
_UTC: Final = partial(_moment, datetime(1970, 1, 1, tzinfo=UTC))


def _counted(series: Any, name: str, nulls: int) -> Counted:
    """Return the texts or times of a polars series with their counts; times to the microsecond, as Python has them."""
    is_text = name.startswith("String")
    found = (series if is_text else series.dt.timestamp("us")).drop_nulls().value_counts()
    counts = dict(zip(found.to_series(0).to_list(), found.to_series(1).to_list(), strict=True))
    return Counted(counts, nulls, None if is_text else _UTC if "time_zone='" in name else _NO_ZONE)


def _uses_numpy(series: Any) -> bool:
    # pyarrow's conversion imports pandas, which takes longer than a short run.
    return has_numpy() and (type(series).__module__.startswith("polars") or "pandas" in sys.modules)


def _is_long(texts: Any) -> bool:
    # polars knows the size of the buffers, also of rows that are not in the sample, without a query.
    if isinstance(size := getattr(texts, "estimated_size", None), MethodType) and size() <= MOST_CHARS:
        return False
    return (texts.str.len_chars().sum() or 0) > MOST_CHARS


def _listed(series: Any) -> list[Any]:
    values: list[Any] = series.drop_nulls().to_list()
    return values
