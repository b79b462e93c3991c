"""A column of pandas, polars or pyarrow: nulls and numbers as numpy arrays, texts in their library.

Each form of the values is made when a test asks for it. No function here changes a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["number", "duration", "time", "date", "text", "bool", "other"]
"""The kind of a column's values. A column of kind `other` takes part in tests of nulls only."""

NUMERIC: Final = frozenset({"number", "duration", "time", "date", "bool"})
_OF_OBJECTS: Final = {
    "string": "str",
    "boolean": "boolean",
    "decimal": "float64",
    "date": "datetime64[s]",
    "integer": "Int64",
    "floating": "float64",
    "mixed-integer-float": "float64",
}
"""Types that pandas infers for a column of objects, as those of old code are, and the type of the values."""
_LOOKED_AT: Final = 50
_OF_TYPE: Final[dict[str, Kind]] = {
    "Boolean": "bool",
    "String": "text",
    "Categorical": "text",
    "Enum": "text",
    "Datetime": "time",
    "Date": "date",
    "Duration": "duration",
    "Decimal": "number",
}


class Column:
    """One column of a frame.

    Args:
        name: Its name in rules.
        series: Its values.
    """

    def __init__(self, name: str, series: nw.Series[Any]) -> None:
        self.name = name
        self._series = _of_one_type(series)
        self.kind: Kind = _kind(self._series.dtype)
        self.zone: str | None = getattr(self._series.dtype, "time_zone", None)
        self.is_decimal = str(self._series.dtype).startswith("Decimal")

    @cached_property
    def nulls(self) -> NDArray[np.bool_]:
        """Rows without a value. NaN is one in pandas, and a number in polars and pyarrow."""
        return _booleans(self._series.is_null())

    @cached_property
    def has_nulls(self) -> bool:
        return bool(self.nulls.any())

    @cached_property
    def values(self) -> NDArray[Any]:
        """Numbers of all rows: moments in the column's unit, durations in seconds; any number where it is null."""
        return _numbers(self._series, self.kind, self.zone)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Rows whose value is neither null nor NaN."""
        import numpy as np

        found = self.nulls | np.isnan(self.values) if self.values.dtype.kind == "f" else self.nulls
        return np.logical_not(found)

    @cached_property
    def unit(self) -> str:
        """The unit of `values` of moments, as numpy names it."""
        import numpy as np

        return np.datetime_data(_moments(self._series, self.kind, self.zone).dtype)[0]

    @cached_property
    def wall(self) -> NDArray[np.datetime64]:
        """Moments as clocks in the column's time zone show them; NaT where it is null."""
        return _moments(self._series, self.kind, None if self.zone is None else "local")

    @cached_property
    def lengths(self) -> NDArray[np.int64] | None:
        """Characters of texts, items of lists, 0 where it is null; None for values without a length."""
        import numpy as np

        if self.kind == "text":
            found = self.text.str.len_chars()
        elif str(self._series.dtype).startswith("List"):
            found = self._series.list.len()
        elif self.kind == "other" and _has_lists(self._series.to_native()):
            return np.asarray(self._series.to_native().str.len().fillna(0)).astype(np.int64)
        else:
            return None
        return np.asarray(found.fill_null(0).to_numpy()).astype(np.int64)

    @cached_property
    def text(self) -> nw.Series[Any]:
        """Texts of all rows, in their library."""
        import narwhals as nw

        return self._series if self._series.dtype == nw.String else self._series.cast(nw.String)

    def matches(self, test: Callable[[nw.Series[Any]], nw.Series[Any]]) -> NDArray[np.bool_]:
        """Return the rows whose text passes a test of the library; null passes none."""
        return _booleans(test(self.text))

    def texts(self) -> list[str | None]:
        """Return all texts as Python values; meant for samples."""
        nulls = self.nulls
        return [None if null else text for text, null in zip(self.text.to_list(), nulls, strict=True)]

    @cached_property
    def native(self) -> Any:
        """The values as the library's own series."""
        return self._series.to_native()

    def take(self, rows: NDArray[np.integer]) -> Column:
        """Return the column of these rows."""
        return Column(self.name, self._series[rows])


def _of_one_type(series: nw.Series[Any]) -> nw.Series[Any]:
    """Return objects of pandas that are all of one type as a column of that type, such as texts made by old code."""
    import narwhals as nw

    native = series.to_native()
    if type(native).__module__.partition(".")[0] != "pandas" or str(native.dtype) != "object":
        return series
    import pandas as pd

    dtype = _OF_OBJECTS.get(pd.api.types.infer_dtype(native, skipna=True))
    if dtype is None:
        return series
    try:
        return nw.from_native(native.astype(dtype), series_only=True)
    except (TypeError, ValueError, OverflowError):
        return series


def _has_lists(native: Any) -> bool:
    """Return whether a series of pandas has only lists, arrays and dicts, by its first values."""
    if type(native).__module__.partition(".")[0] != "pandas":
        return False
    first = native[native.notna()].head(_LOOKED_AT).tolist()
    return bool(first) and all(hasattr(each, "__len__") and not isinstance(each, str | bytes) for each in first)


def _kind(dtype: Any) -> Kind:
    name = str(dtype).partition("(")[0]
    if name in _OF_TYPE:
        return _OF_TYPE[name]
    return "number" if dtype.is_numeric() and name not in {"Int128", "UInt128"} else "other"


def _booleans(series: nw.Series[Any]) -> NDArray[np.bool_]:
    """Return booleans as numpy's; null is False."""
    import numpy as np

    found = np.asarray(series.to_numpy())
    if found.dtype != np.bool_:
        found = np.asarray(series.fill_null(False).to_numpy()).astype(np.bool_)
    return found


def _numbers(series: nw.Series[Any], kind: Kind, zone: str | None) -> NDArray[Any]:
    import narwhals as nw
    import numpy as np

    if kind in ("time", "date"):
        return _moments(series, kind, zone).view(np.int64)
    if kind == "duration":
        return np.asarray(series.to_numpy()).astype("timedelta64") / np.timedelta64(1, "s")
    if kind == "bool":
        return _booleans(series)
    if str(series.dtype).startswith("Decimal"):
        series = series.cast(nw.Float64)
    if series.dtype.is_integer() and series.null_count():
        series = series.fill_null(0)
    found = np.asarray(series.to_numpy())
    return found if found.dtype.kind in "iuf" else found.astype(np.float64)


def _moments(series: nw.Series[Any], kind: Kind, zone: str | None) -> NDArray[np.datetime64]:
    """Return moments in UTC if the column has a zone, and as its clocks show them for the zone `local`."""
    import narwhals as nw
    import numpy as np

    if zone is not None:
        series = series.dt.replace_time_zone(None) if zone == "local" else _in_utc(series)
    found = np.asarray(series.to_numpy())
    if found.dtype.kind != "M":
        found = np.asarray(series.cast(nw.Datetime("us")).to_numpy())
    return found.astype("datetime64[D]") if kind == "date" else found


def _in_utc(series: nw.Series[Any]) -> nw.Series[Any]:
    return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
