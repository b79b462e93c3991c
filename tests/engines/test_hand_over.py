"""Frames cross from engine to engine through Arrow: a buffer that both can use is not copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.plugins import load, names

ROWS = 1_000
EVERY = [
    pytest.param(name, marks=pytest.mark.xdist_group("spark")) if name == "spark" else name for name in names("engines")
]


def engine(name: str) -> Any:
    return load("engines", name)()


def buffers(column: Any) -> set[int]:
    """Return the addresses of the buffers of a column of any library."""
    if isinstance(column, pl.Series):
        return {column.to_numpy(allow_copy=False).__array_interface__["data"][0]}
    if isinstance(column, pd.Series) and not hasattr(column.array, "__arrow_array__"):
        return {column.to_numpy().__array_interface__["data"][0]}
    chunked = pa.chunked_array(column) if isinstance(column, pd.Series) else column
    chunks = chunked.chunks if isinstance(chunked, pa.ChunkedArray) else [chunked]
    return {buffer.address for chunk in chunks for buffer in chunk.buffers() if buffer is not None and buffer.size}


def eager(frame: Any) -> Any:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.UInt8])
@pytest.mark.parametrize("taker", ["polars", "polars-lazy"])
def test_numbers_of_polars_and_pyarrow_are_shared(dtype: Any, taker: str) -> None:
    """There and back, the values lie where they lay."""
    frame = pl.DataFrame({"n": pl.Series(range(200), dtype=dtype)})
    table = engine("pyarrow").frame(frame)
    assert buffers(frame["n"]) <= buffers(table.column("n"))
    back = eager(engine(taker).frame(table))
    assert buffers(back["n"]) <= buffers(table.column("n"))


def test_numbers_of_pandas_are_shared_with_pyarrow_and_polars() -> None:
    """Numbers without missing ones; a frame of pandas itself gets a copy, because it may be changed in place."""
    frame = pd.DataFrame({"n": np.arange(ROWS), "f": np.arange(float(ROWS))})
    table = engine("pyarrow").frame(frame)
    for name in ("n", "f"):
        assert buffers(frame[name]) <= buffers(table.column(name))
    assert buffers(engine("polars").frame(frame)["n"]) == buffers(frame["n"])


@pytest.mark.skipif(pd.__version__ < "3", reason="before pandas 3, text is an object for each value")
def test_text_of_pandas_is_shared_with_pyarrow() -> None:
    """pandas 3 keeps text in Arrow."""
    frame = pd.DataFrame({"s": [f"text {i}" for i in range(ROWS)]})
    table = engine("pyarrow").frame(frame)
    assert buffers(frame["s"].array.__arrow_array__()) & buffers(table.column("s"))
    back = engine("pandas").frame(table)
    assert buffers(back["s"].array.__arrow_array__()) & buffers(table.column("s"))


@pytest.mark.parametrize("maker", EVERY)
@pytest.mark.parametrize("taker", EVERY)
def test_every_engine_takes_the_frames_of_every_other(maker: str, taker: str, request: pytest.FixtureRequest) -> None:
    """Whole numbers beside missing ones, floats, text and times keep their values."""
    if "spark" in (maker, taker):
        request.getfixturevalue("spark")
    rows = [{"n": 2**53 + 1, "f": 0.5, "s": "a"}, {"n": None, "f": None, "s": None}]
    made = engine(maker).frame(rows)
    if maker == "duckdb":
        made = engine("pyarrow").frame(made)  # a relation is of one engine object, which the test does not keep
    taken = eager(engine("polars").frame(engine(taker).frame(made)))
    assert taken.rows(named=True) == rows
