"""Statistics of a sample: its rows, and the steps down when the budget is small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.engines import stats_pandas, stats_sample
from odibi_core.engines.arrow_rows import rows_at
from odibi_core.engines.frame import describe
from odibi_core.engines.stats_budget import FLOOR_S, SHARE, Budget
from odibi_core.engines.stats_sample import SIZES, sample_places, sampled_stats
from odibi_core.testing import FakeClock

ROWS = 50_000


def budget_of(allowance_s: float) -> Budget:
    """Return a budget of which the next frame may take so much."""
    clock = FakeClock()
    budget = Budget(clock)
    clock.advance(1e6)
    budget.spend(SHARE * 1e6 - 3 * allowance_s)
    assert budget.allowance_s() == pytest.approx(allowance_s)
    return budget


@given(st.integers(0, 10**12), st.sampled_from(SIZES))
def test_a_sample_is_spread_over_all_rows(height: int, size: int) -> None:
    """One row of each of as many equal parts; all rows if there are no more."""
    places = sample_places(height, size)
    if height <= size:
        assert places is None
        return
    assert places is not None
    assert len(places) == size
    assert all(part * height // size <= place <= (part + 1) * height // size for part, place in enumerate(places))
    assert len(set(places)) == size
    assert places[-1] < height


def test_a_sample_meets_no_period_of_the_rows() -> None:
    """Rows of 24 hours in turn: every hour is in the sample, about equally often, whatever its size."""
    hours = np.arange(24 * 10_000) % 24
    for size in SIZES:
        counts = np.bincount(hours[np.asarray(sample_places(len(hours), size))], minlength=24)
        assert counts.min() > size / 24 * 0.5
        assert counts.max() < size / 24 * 1.7


def test_the_same_frame_has_the_same_sample() -> None:
    """Its statistics are equal, value for value, whichever library holds it."""
    frame = pl.DataFrame({"n": np.random.default_rng(1).normal(size=ROWS)})
    first, second, third = (describe(each, "auto") for each in (frame, frame.clone(), frame.to_pandas()))
    assert first["stats"] == second["stats"] == third["stats"]
    assert first["metadata"]["stats_rows"] == SIZES[0]


def test_the_chunks_of_a_frame_change_nothing() -> None:
    """Rows are taken from each chunk of Arrow for itself, in pandas and pyarrow, with columns of one name."""
    rows = range(ROWS)
    whole = pa.table([pa.array([f"t{n % 97}" if n % 5 else None for n in rows]), pa.array(rows)], names=["t", "n"])
    chunked = pa.concat_tables([whole[:0], whole[:7], whole[7 : ROWS // 2], whole[ROWS // 2 :]])
    makers: list[Callable[[Any], Any]] = [
        lambda table: table,
        lambda table: table.to_pandas(),
        lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    ]
    for make in makers:
        first, second = (describe(make(table), "auto") for table in (whole, chunked))
        assert first["stats"] == second["stats"]
        assert first["metadata"]["stats_rows"] == SIZES[0]
    parts = chunked.to_pandas()
    twice = pd.concat([parts, parts], axis=1)
    assert stats_pandas.taken(twice, 4, [3, 8]).to_dict("records") == [
        {0: "t3", 1: 3, 2: "t3", 3: 3},
        {0: "t8", 1: 8, 2: "t8", 3: 8},
    ]


def test_rows_of_texts_are_not_taken_from_all_chunks_at_once() -> None:
    """Else the texts of a whole file are copied for a sample."""
    table = pa.concat_tables([pa.table({"t": [f"{part}-{n}" for n in range(9)]}) for part in range(4)])
    found = rows_at(table, [0, 8, 9, 30])
    assert found["t"].to_pylist() == ["0-0", "0-8", "1-0", "3-3"]
    assert found["t"].num_chunks == 3  # none of them is in the third
    assert rows_at(table, []).num_rows == 0


def test_a_sample_is_near_the_whole() -> None:
    """Shares within two points, quantiles within two points of rank: three standard errors of 10,000 rows."""
    random = np.random.default_rng(3)
    values = np.sort(random.lognormal(size=300_000))  # sorted: a sample of the first rows would be wrong
    frame = pl.DataFrame({"v": values}).with_columns(pl.when(pl.int_range(pl.len()) % 10 != 0).then("v").alias("v"))
    whole, sampled = (describe(frame, level)["stats"][0] for level in ("stats", "auto"))
    assert sampled["nulls"] / SIZES[0] == pytest.approx(whole["nulls"] / len(values), abs=0.02)
    for name, share in (("q05", 0.05), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("q95", 0.95)):
        assert np.searchsorted(values, sampled[name]) / len(values) == pytest.approx(share, abs=0.02)
    assert sampled["mean"] == pytest.approx(whole["mean"], rel=0.05)


WIDE = pl.DataFrame({f"t{n}": [str(i % 7) for i in range(2_000)] for n in range(20)})


def test_it_steps_down_from_rows_to_columns_to_nulls_to_nothing() -> None:
    """Each smaller budget has less, and the description has the reason."""
    seen = [(10.0, 2_000, 20, None), (0.004, 500, 20, "500 of 2,000 rows"), (0.001, 200, 8, "8 of 20 columns")]
    for allowance, rows, columns, reason in seen:
        found = sampled_stats(_face(WIDE), 100, budget_of(allowance))
        assert (found.rows, len(found.columns)) == (rows, columns)
        assert (found.skipped or "").endswith(reason or "")
        assert "top" in found.columns[0]
    nulls = sampled_stats(_face(WIDE), 100, budget_of(0.0003))
    assert nulls.columns == [{"nulls": 0}] * 20
    assert str(nulls.skipped).endswith("allowed the nulls of 200 rows")
    nothing = sampled_stats(_face(WIDE), 100, budget_of(0.00001))
    assert (nothing.columns, nothing.rows) == ([], None)
    assert nothing.skipped == "the budget for statistics is spent"


def test_a_column_that_takes_too_long_ends_them() -> None:
    """The time is checked after each column, so that an unexpected one cannot take the run's time twice."""
    clock = FakeClock()
    budget = Budget(clock, busy=clock.monotonic)

    class Slow:
        def types(self, limit: int) -> list[str]:
            return ["String"] * 5

        def height(self) -> int:
            return 10

        def values(self, columns: int, places: Any) -> Iterator[Any]:
            for _ in range(columns):
                clock.advance(FLOOR_S / 2)
                yield ["a"], 9

        def nulls(self, columns: int, places: Any) -> list[int]:
            raise AssertionError

    found = sampled_stats(Slow(), 5, budget)
    assert len(found.columns) == 2
    assert found.skipped == "the budget for statistics allowed 2 of 5 columns"


def test_a_frame_whose_statistics_fail_is_described_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema and the rows stand, and the reason is recorded."""

    def fails(*_: Any) -> Any:
        raise ValueError("no sample")

    monkeypatch.setattr(stats_sample, "sample_places", fails)
    described = describe(pd.DataFrame({"n": [1]}), "auto")
    assert described["sample_data"] == [{"n": 1}]
    assert described["not_described"] is None
    assert "stats" not in described
    assert described["metadata"]["stats_skipped"] == "they could not be computed: ValueError: no sample"


def _face(frame: Any) -> Any:
    from odibi_core.engines.frame_polars import face

    return face(frame)
