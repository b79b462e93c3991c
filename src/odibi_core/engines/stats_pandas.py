"""Values of pandas columns for their statistics, by position, because names may repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import compress
from typing import Any

from odibi_core.engines.stats_numbers import Numbers
from odibi_core.engines.stats_values import MOST_CHARS, Counted, Values


def taken(frame: Any, columns: int, places: Sequence[int] | None) -> Any:
    """Return the first columns of a frame, at some rows."""
    import numpy as np

    if frame.shape[1] > columns:
        frame = frame.iloc[:, :columns]
    if places is None:
        return frame
    chunked = {at: values for at in _in_arrow(frame) if (values := _arrow_of(frame, at)).num_chunks > 1}
    return _taken_of_chunks(frame, chunked, places) if chunked else frame.take(np.asarray(places))


def _in_arrow(frame: Any) -> list[int]:
    """Return the places of the columns whose values are in Arrow, as are the texts that pandas reads from Parquet."""
    return [at for at, dtype in enumerate(frame.dtypes) if _is_in_arrow(dtype)]


def _is_in_arrow(dtype: Any) -> bool:
    return getattr(dtype, "storage", None) == "pyarrow" or type(dtype).__name__ == "ArrowDtype"


def _arrow_of(frame: Any, at: int) -> Any:
    return frame.iloc[:, at].array.__arrow_array__()


def values_at(column: Any, places: Sequence[int]) -> list[Any]:
    """Return the values of a column at ascending rows."""
    if isinstance(places, range) and places.step == 1:
        return list(column.iloc[places.start : places.stop].tolist())
    if _is_in_arrow(column.dtype) and (values := column.array.__arrow_array__()).num_chunks > 1:
        import pyarrow as pa

        from odibi_core.engines.arrow_rows import rows_at

        found = rows_at(pa.table([values], names=["values"]), places).column(0)
        return list(column.dtype.__from_arrow__(found).tolist())
    # `iloc` makes a series with labels too, which takes up to ten times as long (benchmark: recorded_cost).
    array = column.array.take(list(places))
    return list((array.to_numpy() if type(array).__name__ == "NumpyExtensionArray" else array).tolist())


def _taken_of_chunks(frame: Any, chunked: dict[int, Any], places: Sequence[int]) -> Any:
    """Return a frame at some rows, whose column names are places."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from odibi_core.engines.arrow_rows import rows_at

    found = rows_at(pa.table([*chunked.values()], names=[str(at) for at in chunked]), places)
    made = {at: frame.dtypes.iloc[at].__from_arrow__(found.column(str(at))) for at in chunked}
    others = [at for at in range(frame.shape[1]) if at not in chunked]
    rest = frame.iloc[:, others].take(np.asarray(places))
    made |= {at: rest.iloc[:, place].array for place, at in enumerate(others)}
    return pd.DataFrame({at: made[at] for at in sorted(made)}, copy=False)


def pandas_values(frame: Any) -> Iterator[Values | Numbers | Counted]:
    """Yield the values of each column; NaN is null, as pandas itself counts."""
    return (column_values(column) for _, column in frame.items())


def pandas_nulls(frame: Any) -> list[int]:
    """Return the number of nulls of each column."""
    counts: list[int] = frame.isna().to_numpy().sum(axis=0).tolist()
    return counts


def column_values(column: Any) -> Values | Numbers | Counted:
    """Return the values of one column: integers and floats as an array, texts in Arrow with their counts."""
    import numpy as np

    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return Numbers(column.to_numpy(), None, dtype.kind != "f", column.tolist)
    if dtype.kind == "M":
        return _times(column)
    if (
        type(dtype).__name__ == "StringDtype"
        and dtype.storage == "pyarrow"
        and (found := _counted_texts(column)) is not None
    ):
        return found
    missing = column.isna().to_numpy()
    nulls = int(missing.sum())
    values = column.tolist()
    return (list(compress(values, ~missing)) if nulls else values), nulls


def _counted_texts(column: Any) -> Counted | None:
    """Return the texts of a column in Arrow with their counts; None of long ones, which are only measured."""
    import pyarrow.compute as pc

    texts = column.array.__arrow_array__()
    if texts.nbytes > MOST_CHARS:
        return None
    values, numbers = pc.value_counts(texts).flatten()
    counts = dict(zip(values.to_pylist(), numbers.to_pylist(), strict=True))
    counts.pop(None, None)
    return Counted(counts, texts.null_count)


def _times(column: Any) -> Values:
    """Return times to the microsecond; those with a zone in UTC."""
    import numpy as np

    times = column.to_numpy(dtype="M8[us]")
    missing = np.isnat(times)
    values = times[~missing].tolist()
    if getattr(column.dtype, "tz", None) is not None:
        values = [value.replace(tzinfo=UTC) for value in values]
    return values, int(missing.sum())
