"""A number for each value, which is equal if the values are; missing values have 0, in all libraries.

All rows are read in blocks that stay in the processor's cache, so that only the numbers themselves take memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column

    Hashes = NDArray[np.uint64]

TIMES: Final = frozenset({"time", "date"})
_TO_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1, "D": 86_400_000_000_000}
_NAT: Final = -(2**63)
BLOCK: Final = 1 << 15
"""Rows of a block."""
_LONGEST: Final = 128
"""Bytes of a text up to which many texts are read at once, eight bytes at a time."""


def salted(column: Hashes, place: int) -> Hashes:
    """Return the part of a column in the number of each row; parts are added."""
    return column * salt(place)


def salt(place: int) -> np.uint64:
    """Return the factor of the column at a place."""
    import numpy as np

    return np.uint64(((place + 1) * 0x5851F42D4C957F2D | 1) % 2**64)


def add(total: Hashes, column: Hashes, place: int) -> None:
    """Add the part of a column to the number of each row."""
    factor = salt(place)
    for rows in blocks(len(total)):
        total[rows] += column[rows] * factor


def blocks(height: int) -> Iterator[slice]:
    """Yield the rows of a frame in blocks."""
    return (slice(start, min(start + BLOCK, height)) for start in range(0, height, BLOCK))


def of_column(column: Column, *, as_float: bool) -> Hashes:
    """Return the numbers of a column of numbers, moments or booleans.

    Args:
        column: The column.
        as_float: Compare integers with a column of floats.
    """
    values = column.values
    if column.kind in TIMES:
        hashes = of_array(values.view(f"datetime64[{column.unit}]"), as_float=False)
    else:
        hashes = of_array(values, as_float=as_float or column.is_decimal)
    if column.has_nulls:
        hashes[column.nulls] = 0
    return hashes


def of_array(values: NDArray[Any], *, as_float: bool) -> Hashes:
    """Return the numbers of an array of numbers, moments or booleans, in which NaN and NaT are missing values."""
    import numpy as np

    kind = values.dtype.kind
    if kind == "M":
        values, scale = values.view(np.int64), np.int64(_TO_NS[np.datetime_data(values.dtype)[0]])
    as_float = kind != "M" and (as_float or kind in "fb")
    hashes = np.empty(len(values), np.uint64)
    for rows in blocks(len(values)):
        some, found = values[rows], hashes[rows]
        if as_float:
            floats = some.astype(np.float64) + 0.0  # -0.0 equals 0.0
            _mix(floats.view(np.uint64), found)
            found[np.isnan(floats)] = 0
        elif kind == "M":
            _mix((some * scale).view(np.uint64), found)  # modulo 2**64: equal moments stay equal
            found[some == _NAT] = 0
        else:
            _mix(some.astype(np.int64).view(np.uint64), found)
    return hashes


def _mix(numbers: Hashes, out: Hashes) -> None:
    """Write well distributed numbers, different ones for different ones."""
    import numpy as np

    np.add(numbers, np.uint64(0x632BE59BD9B4E019), out=out)
    for factor, bits in ((0x9E3779B97F4A7C15, 32), (0xBF58476D1CE4E5B9, 29)):
        out *= np.uint64(factor)
        out ^= out >> np.uint64(bits)


def of_texts(series: Any, library: str, *, is_mixed: bool) -> Hashes:
    """Return the numbers of texts.

    Args:
        series: The texts as a series of the library.
        library: pandas, polars or pyarrow.
        is_mixed: Frames of several libraries are compared, so that no library's own hash can be used.
    """
    if library == "pandas":
        return _of_pandas(series)
    if library == "pyarrow":
        return _of_arrow(series)
    import polars as pl

    if is_mixed:
        return _of_arrow(series.cast(pl.String).to_arrow())
    if series.dtype != pl.String:
        return _of_categories(series)
    hashes: Hashes = series.hash().to_numpy()
    if series.null_count():
        hashes = hashes.copy()
        hashes[series.is_null().to_numpy()] = 0
    return hashes


def _of_categories(series: Any) -> Hashes:
    """Return the numbers of a Categorical or Enum of polars, from those of its different texts."""
    import numpy as np
    import polars as pl

    known = series.unique().drop_nulls()
    codes = known.to_physical().to_numpy().astype(np.int64)
    by_code = np.zeros(int(codes.max(initial=-1)) + 2, np.uint64)  # the last stands for a missing text
    by_code[codes] = known.cast(pl.String).hash().to_numpy()
    hashes: Hashes = by_code[series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()]
    return hashes


def _of_pandas(series: Any) -> Hashes:
    import numpy as np
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return _of_codes(np.asarray(series.cat.codes), _of_list([str(each) for each in series.cat.categories]))
    if getattr(series.dtype, "storage", "") == "pyarrow":
        import pyarrow as pa

        return _of_arrow(pa.array(series.array))
    codes, values = pd.factorize(series)
    return _of_codes(codes, _of_list(values.tolist()))


def _of_codes(codes: Any, known: Hashes) -> Hashes:
    """Return the numbers of texts by their places among the different ones; -1 is a missing text."""
    import numpy as np

    placed: Hashes = np.append(known, np.uint64(0))[codes]
    return placed


def _of_arrow(texts: Any) -> Hashes:
    import numpy as np

    chunks = texts.chunks if hasattr(texts, "chunks") else [texts]
    found = [_of_chunk(chunk) for chunk in chunks if len(chunk)]
    return found[0] if len(found) == 1 else np.concatenate([np.empty(0, np.uint64), *found])


def _of_chunk(chunk: Any) -> Hashes:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(chunk.type):
        codes = np.asarray(chunk.indices.cast("int64").fill_null(-1))
        return _of_codes(codes, _of_arrow(chunk.dictionary))
    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        chunk = chunk.cast(pa.large_string())
    _, places, content = chunk.buffers()
    kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(places, kind)[chunk.offset : chunk.offset + len(chunk) + 1]
    hashes = _of_bytes(np.empty(0, np.uint8) if content is None else np.frombuffer(content, np.uint8), offsets)
    if chunk.null_count:
        hashes[np.asarray(chunk.is_null())] = 0
    return hashes


def _of_list(texts: Sequence[str]) -> Hashes:
    import numpy as np

    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)])
    return _of_bytes(np.frombuffer(b"".join(encoded), np.uint8), offsets)


def _of_bytes(content: NDArray[np.uint8], offsets: NDArray[Any]) -> Hashes:
    """Return the numbers of texts in UTF-8, which begin and end at these places."""
    import numpy as np

    hashes = np.empty(len(offsets) - 1, np.uint64)
    masks = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
    for rows in blocks(len(hashes)):
        ends = offsets[rows.start : rows.stop + 1].astype(np.int64)
        some = np.zeros(int(ends[-1] - ends[0]) + 8, np.uint8)
        some[:-8] = content[ends[0] : ends[-1]]
        words = np.ndarray(len(some) - 7, "<u8", some, strides=(1,))  # the eight bytes from each byte on
        starts, sizes = ends[:-1] - ends[0], np.diff(ends)
        found = hashes[rows]
        _mix(sizes.view(np.uint64), found)
        for at in range(0, min(int(sizes.max()), _LONGEST), 8):
            longer = np.flatnonzero((sizes > at) & (sizes <= _LONGEST)) if at or sizes.min() == 0 else slice(None)
            mixed = found[longer] ^ (words[starts[longer] + at] & masks[np.minimum(sizes[longer] - at, 8)])
            _mix(mixed, mixed)
            found[longer] = mixed
        for row in np.flatnonzero(sizes > _LONGEST):
            found[row] = hash(some[starts[row] : starts[row] + sizes[row]].tobytes()) & 0xFFFFFFFFFFFFFFFF
    return hashes
