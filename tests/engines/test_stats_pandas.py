"""Values of pandas columns at some rows."""

from typing import Any

import pandas as pd
import pytest

from odibi_core.engines.stats_pandas import values_at

COLUMNS: dict[str, Any] = {
    "integers": [1, 2, 3, 4], "floats": [1.5, None, 2.0, 3.0], "texts": ["a", None, "b", "c"],
    "booleans": [True, False, True, True], "objects": [(1,), None, {"a": 1}, "x"],
    "nullable": pd.array([1, None, 3, 4], dtype="Int64"), "categories": pd.Categorical(["a", "b", "a", None]),
    "moments": pd.to_datetime(["2024-01-01", "NaT", "2024-01-03", "2024-01-04"]),
    "zoned": pd.to_datetime(["2024-01-01", "NaT", "2024-01-03", "2024-01-04"], utc=True),
    "durations": pd.to_timedelta([1, None, 3, 4], unit="s"), "periods": pd.period_range("2024", periods=4),
    "chunks": pd.concat([pd.Series(["a", "b"]), pd.Series(["c", None])], ignore_index=True),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("places", [[0, 1, 3], range(0, 4, 2), range(1, 4)])
def test_the_values_at_rows_are_those_of_the_series(name: str, places: Any) -> None:
    """Plain Python and pandas values of the same types, whatever the array of the column is."""
    column = pd.Series(COLUMNS[name]).set_axis([9, 8, 7, 6])  # labels are no places
    found, expected = values_at(column, places), column.iloc[list(places)].tolist()
    assert list(map(type, found)) == list(map(type, expected))
    assert list(map(repr, found)) == list(map(repr, expected))
