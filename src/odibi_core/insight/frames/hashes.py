"""A number for each value, which is equal if the values are; missing values have 0, in all libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column

    Hashes = NDArray[np.uint64]

TIMES: Final = frozenset({"time", "date"})
_TO_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1, "D": 86_400_000_000_000}


def salted(column: Hashes, place: int) -> Hashes:
    """Return the part of a column in the number of each row; parts are added."""
    import numpy as np

    return column * np.uint64(((place + 1) * 0x5851F42D4C957F2D | 1) % 2**64)


def of_texts(series: Any, library: str, *, is_mixed: bool) -> Hashes:
    """Return the numbers of texts.

    Args:
        series: The texts as a series of the library.
        library: pandas, polars or pyarrow.
        is_mixed: Frames of several libraries are compared, so that no library's own hash can be used.
    """
    if library == "polars" and not is_mixed:
        import polars as pl

        texts = series.cast(pl.String)
        hashes: Hashes = texts.hash().to_numpy().copy()
        if texts.null_count():
            hashes[texts.is_null().to_numpy()] = 0
        return hashes
    return _hashes_of_codes(*_codes(library, series))


def of_numbers(column: Column, *, as_float: bool) -> Hashes:
    """Return the numbers of a column of numbers, moments or booleans.

    Args:
        column: The column.
        as_float: Compare integers with a column of floats.
    """
    import numpy as np

    numbers, missing = column.values, column.nulls
    if column.kind in TIMES:
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
