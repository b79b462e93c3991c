"""The columns of a frame of pandas, polars or pyarrow, and a number for each value that is equal if the values are.

No frame is changed. A column is read when it is asked for, whole or in some rows. A column of objects of no known type
cannot be compared, because that would call methods of the objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.frame import unique_keys
from odibi_core.insight.tables import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Hashes = NDArray[np.uint64]
    Mask = NDArray[np.bool_]

_NUMBERS: Final = frozenset({"number", "bool"})
_TIMES: Final = frozenset({"time", "date"})
_OF_NUMBERS: Final = frozenset({"integer", "floating", "mixed-integer-float", "mixed-integer"})
"""Types that pandas infers for a column of objects that are numbers, as those of old code are."""
_TO_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1, "D": 86_400_000_000_000}


class Columns:
    """A frame by its columns, whose names are unique texts; the named levels of a pandas index are columns too.

    Args:
        library: pandas, polars or pyarrow.
        frame: The frame itself, which is only read.
        names: The names of its columns.
        height: The number of rows.
        is_mixed: Frames of several libraries are compared, so that no library's own hash can be used.
    """

    def __init__(self, library: str, frame: Any, names: Sequence[object], height: int) -> None:
        self.library = library
        self.frame = frame
        self.height = height
        self.is_mixed = False
        texts = unique_keys([str(name) for name in names])
        self._width = len(texts)
        self._places = {name: place for place, name in enumerate(texts)}
        self._levels: list[object] = []
        if library == "pandas":
            self._levels = list(frame.index.names)
            for place, level in enumerate(self._levels):
                if level is not None:
                    self._places.setdefault(str(level), self._width + place)
        self._kinds: dict[str, str] = {}
        self._hashes: dict[tuple[str, bool], Hashes] = {}

    @property
    def names(self) -> list[str]:
        return list(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def raw(self, name: str, rows: Rows | slice | None = None) -> Any:
        """Return the values of a column as the library's own series, of all rows or of these row numbers."""
        place = self._places[name]
        if self.library == "pandas":
            column = self.frame.iloc[:, place] if place < self._width else self._level(place - self._width)
            return column if rows is None else column.iloc[rows]
        column = self.frame.to_series(place) if self.library == "polars" else self.frame.column(place)
        if rows is None:
            return column
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.height)
            return column.slice(start, stop - start)
        return column[rows] if self.library == "polars" else column.take(rows)

    def _level(self, place: int) -> Any:
        return self.frame.index.get_level_values(place).to_series()

    def column(self, name: str, rows: Rows | slice | None = None) -> Column:
        """Return the values of a column, of all rows or of these row numbers."""
        import narwhals as nw

        return Column(name, nw.from_native(self.raw(name, rows), series_only=True))

    def kind(self, name: str) -> str:
        """Return the kind of the values; `none` if there are none, `other` if they cannot be compared."""
        if name not in self._kinds:
            column = self.column(name)
            found: str = column.kind
            if found == "other":
                found = "none" if bool(column.nulls.all()) else _kind_of_objects(self.raw(name))
            self._kinds[name] = found
        return self._kinds[name]

    def hashes(self, name: str, rows: Rows | slice | None = None, *, as_float: bool = False) -> Hashes:
        """Return a number for each value; equal values have equal numbers in all frames, missing values are equal.

        Args:
            name: Of a column whose kind is not `other`.
            rows: The row numbers; None for all, which is remembered.
            as_float: Compare integers with a column of floats.
        """
        key = (name, as_float)
        if key in self._hashes:
            return self._hashes[key] if rows is None else self._hashes[key][rows]
        made = self._hashed(name, rows, as_float)
        if rows is None:
            self._hashes[key] = made
        return made

    def _hashed(self, name: str, rows: Rows | slice | None, as_float: bool) -> Hashes:
        import numpy as np

        kind = self.kind(name)
        if kind == "text":
            return self._text_hashes(self.raw(name, rows))
        column = self.column(name, rows)
        if kind == "none":
            return np.zeros(len(column.nulls), np.uint64)
        return _number_hashes(column, as_float=as_float)

    def _text_hashes(self, series: Any) -> Hashes:
        if self.library == "polars" and not self.is_mixed:
            import polars as pl

            texts = series.cast(pl.String)
            hashes: Hashes = texts.hash().to_numpy().copy()
            if texts.null_count():
                hashes[texts.is_null().to_numpy()] = 0
            return hashes
        codes, texts = _codes(self.library, series)
        return _hashes_of_codes(codes, texts)

    def plain(self, name: str, row: int) -> str | int | float | bool | None:
        """Return one value as plain JSON: a number, a text, a boolean, None, or the text of anything else."""
        import numpy as np

        native = self.column(name, np.array([row])).native
        (value,) = native.to_pylist() if self.library == "pyarrow" else native.to_list()
        if value is None or value != value:
            return None
        return value if isinstance(value, str | int | float | bool) else str(value)

    def forget(self) -> None:
        """Release the remembered numbers."""
        self._hashes.clear()


def columns_of(value: object) -> Columns | None:
    """Return the columns of a frame or a series of pandas; None for a lazy frame and for any other value."""
    library, name = _library(type(value))
    frame: Any = value
    if library == "pandas":
        frame = frame.to_frame() if name == "Series" else frame
        return Columns(library, frame, list(frame.columns), len(frame))
    if library == "polars":
        return Columns(library, frame, frame.columns, frame.height)
    if library == "pyarrow":
        return Columns(library, frame, frame.column_names, frame.num_rows)
    return None


def _library(cls: type) -> tuple[str, str]:
    known = {("pandas", "DataFrame"), ("pandas", "Series"), ("polars", "DataFrame"), ("pyarrow", "Table")}
    found = ((base.__module__.partition(".")[0], base.__name__) for base in cls.__mro__)
    return next((pair for pair in found if pair in known), ("", ""))


def comparable(left: Columns, right: Columns, name: str, other: str | None = None) -> tuple[bool, bool]:
    """Return whether two columns can be compared, and whether their numbers must be floats for it."""
    first, second = left.kind(name), right.kind(other or name)
    if "other" in (first, second):
        return False, False
    if first in _NUMBERS and second in _NUMBERS:
        return True, first != second or _is_float(left, name) != _is_float(right, other or name)
    kinds = {first, second} - {"none"}
    return len(kinds) < 2 or kinds <= _TIMES, False


def combined(columns: Sequence[Hashes]) -> Hashes:
    """Return a number for each row of these columns; their order counts."""
    import numpy as np

    total = np.zeros(len(columns[0]), np.uint64)
    for place, column in enumerate(columns):
        total += salted(column, place)
    return total


def salted(column: Hashes, place: int) -> Hashes:
    """Return the part of a column in the number of each row; parts are added."""
    import numpy as np

    return column * np.uint64(((place + 1) * 0x5851F42D4C957F2D | 1) % 2**64)


def _is_float(columns: Columns, name: str) -> bool:
    import numpy as np

    return columns.column(name, np.arange(0)).values.dtype.kind == "f"


def _kind_of_objects(series: Any) -> str:
    if type(series).__module__.partition(".")[0] != "pandas" or str(series.dtype) != "object":
        return "other"
    import pandas as pd

    return "number" if pd.api.types.infer_dtype(series, skipna=True) in _OF_NUMBERS else "other"


def _number_hashes(column: Column, *, as_float: bool) -> Hashes:
    import numpy as np

    numbers, missing = column.values, column.nulls
    if column.kind in _TIMES:
        numbers = numbers * np.int64(_TO_NS[column.unit])  # modulo 2**64: equal moments stay equal
    elif as_float or numbers.dtype.kind in "fb" or column.is_decimal:
        numbers = numbers.astype(np.float64) + 0.0  # -0.0 equals 0.0
        missing = missing | np.isnan(numbers)
    hashes = _mixed((numbers if numbers.dtype.kind == "f" else numbers.astype(np.int64)).view(np.uint64))
    hashes[missing] = 0
    return hashes


def _mixed(numbers: Hashes) -> Hashes:
    """Return well distributed numbers, different ones for different ones."""
    import numpy as np

    mixed = numbers + np.uint64(0x632BE59BD9B4E019)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    shifted = mixed >> np.uint64(32)
    mixed ^= shifted
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(mixed, np.uint64(29), out=shifted)
    mixed ^= shifted
    return mixed


def _hashes_of_codes(codes: Any, texts: Sequence[object]) -> Hashes:
    import numpy as np

    hashes = np.fromiter((hash(text) & 0xFFFFFFFFFFFFFFFF for text in texts), np.uint64, len(texts))
    with_missing: Hashes = np.append(_mixed(hashes), np.uint64(0))
    placed: Hashes = with_missing[codes]  # the code -1 of a missing text takes the last
    return placed


def _codes(library: str, series: Any) -> tuple[Any, Sequence[object]]:
    """Return the place of each text in a list of the different ones, -1 for a missing one, and the list."""
    import numpy as np

    if library == "pandas":
        import pandas as pd

        if isinstance(series.dtype, pd.CategoricalDtype):
            return np.asarray(series.cat.codes), [str(each) for each in series.cat.categories]
        codes, values = pd.factorize(series)
        return codes, values.tolist()
    if library == "polars":
        import polars as pl

        texts = series.cast(pl.String)
        codes = texts.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1
        return codes, texts.drop_nulls().unique().sort().to_list()
    whole = series.combine_chunks() if hasattr(series, "combine_chunks") else series
    encoded = whole if str(whole.type).startswith("dictionary") else whole.dictionary_encode()
    return np.asarray(encoded.indices.cast("int64").fill_null(-1)), encoded.dictionary.to_pylist()
