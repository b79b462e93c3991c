"""`Frame`: a frame of pandas, polars or pyarrow by its columns, read whole or in some rows. No frame is changed.

A column of objects of no known type cannot be compared, because that would call methods of the objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.frame import unique_keys
from odibi_core.insight.frames.column import Column
from odibi_core.insight.frames.hashes import TIMES, of_array, of_column, of_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.hashes import Hashes

    Rows = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_NUMBERS: Final = frozenset({"number", "bool"})
_KNOWN: Final = {("pandas", "DataFrame"), ("pandas", "Series"), ("polars", "DataFrame"), ("pyarrow", "Table")}

_REMEMBERED: Final = 64_000_000
"""Bytes of the numbers of columns that a frame remembers."""


class Frame:
    """A frame by its columns, whose names are unique texts; the named levels of a pandas index are columns too.

    Args:
        library: pandas, polars or pyarrow.
        native: The frame itself, which is only read.
        names: The names of its columns.
        height: The number of rows.
    """

    def __init__(self, library: str, native: Any, names: Sequence[object], height: int) -> None:
        self.library = library
        self.native = native
        self.height = height
        self.is_mixed = False
        """Frames of several libraries are compared, so that no library's own hash can be used."""
        texts = [str(name) for name in names]
        self._width = len(texts)
        self._places = {name: place for place, name in enumerate(unique_keys(texts))}
        if library == "pandas":
            for place, level in enumerate(native.index.names):
                if level is not None:
                    self._places.setdefault(str(level), self._width + place)
        self._shared = {name for name in texts if texts.count(name) > 1} if len(set(texts)) < len(texts) else set()
        self._columns: dict[str, Column] = {}
        self._kinds: dict[str, str] = {}
        self._arrays: dict[str, NDArray[Any] | None] = {}
        self._hashes: dict[tuple[str, bool], Hashes] = {}
        self.group_numbers: dict[tuple[str, ...], NDArray[np.int64]] = {}
        """The groups of rows by their columns, kept by `groups.py`."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def only(self, names: Iterable[str]) -> Frame:
        """Return the frame of these columns."""
        frame = copy(self)  # what is known of the columns is shared
        frame._places = {name: self._places[name] for name in names}
        return frame

    def nameable(self) -> Frame:
        """Return the frame of the columns that a rule can name: those whose name no other one has."""
        if not self._shared:
            return self
        return self.only(name for name, place in self._places.items() if self._is_nameable(place))

    def _is_nameable(self, place: int) -> bool:
        return place >= self._width or str(self.native.columns[place]) not in self._shared

    def take(self, rows: Rows) -> Frame:
        """Return the frame of these rows; each column is taken when it is read."""
        return _Taken(self, rows)

    def raw(self, name: str, rows: Rows | slice | None = None) -> Any:
        """Return the values of a column as the library's own series, of all rows or of these row numbers."""
        place = self._places[name]
        if self.library == "pandas":
            column = self.native.iloc[:, place] if place < self._width else self._level(place - self._width)
            return column if rows is None else column.iloc[rows]
        column = self.native.to_series(place) if self.library == "polars" else self.native.column(place)
        if rows is None:
            return column
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.height)
            return column.slice(start, stop - start)
        return column[rows] if self.library == "polars" else column.take(rows)

    def _level(self, place: int) -> Any:
        return self.native.index.get_level_values(place).to_series()

    def column(self, name: str) -> Column:
        """Return a column, which is remembered with the forms of its values that are asked for.

        Raises:
            KeyError: There is no column of that name.
        """
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str, rows: Rows | slice | None = None) -> Column:
        import narwhals as nw

        return Column(name, nw.from_native(self.raw(name, rows), series_only=True))

    def kind(self, name: str) -> str:
        """Return the kind of the values; `none` if there are none, `other` if they cannot be compared."""
        if name not in self._kinds:
            column = self.column(name)
            found: str = column.kind
            self._kinds[name] = "none" if found == "other" and bool(column.nulls.all()) else found
        return self._kinds[name]

    def is_float(self, name: str) -> bool:
        """Return whether a column of numbers has floats."""
        import numpy as np

        array = self._array(name)
        values = self.column(name).take(np.arange(0)).values if array is None else array
        return bool(values.dtype.kind == "f")

    def hashes(self, name: str, rows: Rows | slice | None = None, *, as_float: bool = False) -> Hashes:
        """Return a number for each value; equal values have equal numbers in all frames, missing values are equal.

        Args:
            name: Of a column whose kind is not `other`.
            rows: The row numbers; None for all, which is remembered for the columns that were read last.
            as_float: Compare integers with a column of floats.
        """
        key = (name, as_float)
        if key in self._hashes:
            return self._hashes[key] if rows is None else self._hashes[key][rows]
        made = self._hashed(name, rows, as_float)
        if rows is None:
            while self._hashes and (len(self._hashes) + 1) * made.nbytes > _REMEMBERED:
                self._hashes.pop(next(iter(self._hashes)))
            self._hashes[key] = made
        return made

    def _hashed(self, name: str, rows: Rows | slice | None, as_float: bool) -> Hashes:
        import numpy as np

        kind = self.kind(name)
        if kind == "text":
            return of_texts(self.raw(name, rows), self.library, is_mixed=self.is_mixed)
        array = self._array(name)
        if array is not None:
            return of_array(array if rows is None else array[rows], as_float=as_float)
        column = self._read(name, rows)
        return np.zeros(len(column.nulls), np.uint64) if kind == "none" else of_column(column, as_float=as_float)

    def _array(self, name: str) -> NDArray[Any] | None:
        """Return the values of a column as the frame itself has them in an array; None if it has no such array."""
        if name not in self._arrays:
            column = self.raw(name)
            if self.library == "pandas":
                has_array = _is_of_numpy(column.dtype) and column.dtype.kind in "iufbM"
            else:
                has_array = self.library == "polars" and _is_plain(column)
            self._arrays[name] = column.to_numpy() if has_array else None
        return self._arrays[name]

    def plain(self, name: str, row: int) -> str | int | float | bool | None:
        """Return one value as plain JSON: a number, a text, a boolean, None, or the text of anything else."""
        import numpy as np

        native = self._read(name, np.array([row])).native
        (value,) = native.to_pylist() if self.library == "pyarrow" else native.to_list()
        if value is None or value != value:
            return None
        return value if isinstance(value, str | int | float | bool) else str(value)


class _Taken(Frame):
    """Some rows of a frame, which has their columns with the forms that are known."""

    def __init__(self, whole: Frame, rows: Rows) -> None:
        super().__init__(whole.library, whole.native, (), len(rows))
        self._whole = whole
        self._rows = rows
        self._places = whole._places
        self.is_mixed = whole.is_mixed

    def raw(self, name: str, rows: Rows | slice | None = None) -> Any:
        return self._whole.raw(name, self._rows if rows is None else self._rows[rows])

    def _read(self, name: str, rows: Rows | slice | None = None) -> Column:
        return self._whole.column(name).take(self._rows if rows is None else self._rows[rows])


def _is_of_numpy(dtype: Any) -> bool:
    import numpy as np

    return isinstance(dtype, np.dtype)


def _is_plain(series: Any) -> bool:
    """Return whether a series of polars has numbers in one array, none of them null."""
    is_number = series.dtype.is_integer() or series.dtype.is_float()
    return is_number and series.n_chunks() == 1 and not series.null_count()


def frame_of(value: object) -> Frame | None:
    """Return the columns of a frame or a series of pandas; None for a lazy frame and for any other value."""
    library, name = _library(type(value))
    native: Any = value
    if library == "pandas":
        native = native.to_frame() if name == "Series" else native
        return Frame(library, native, list(native.columns), len(native))
    if library == "polars":
        return Frame(library, native, native.columns, native.height)
    if library == "pyarrow":
        return Frame(library, native, native.column_names, native.num_rows)
    return None


def _library(cls: type) -> tuple[str, str]:
    found = ((base.__module__.partition(".")[0], base.__name__) for base in cls.__mro__)
    return next((pair for pair in found if pair in _KNOWN), ("", ""))


def comparable(left: Frame, right: Frame, name: str, other: str | None = None) -> tuple[bool, bool]:
    """Return whether two columns can be compared, and whether their numbers must be floats for it."""
    other = other or name
    first, second = left.kind(name), right.kind(other)
    if "other" in (first, second):
        return False, False
    if first in _NUMBERS and second in _NUMBERS:
        return True, first != second or left.is_float(name) != right.is_float(other)
    kinds = {first, second} - {"none"}
    return len(kinds) < 2 or kinds <= TIMES, False
