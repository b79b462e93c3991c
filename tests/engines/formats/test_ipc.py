"""Arrow IPC: files of other libraries, compression, and no copies where none is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.errors import EngineError, UnreadableSourceError


def _polars() -> Any:
    from odibi_core.plugins import load

    return load("engines", "polars")()


@pytest.mark.parametrize("suffix", ["arrow", "feather", "ipc", "arrows"])
def test_other_libraries_read_and_write_the_same_files(engine: Any, suffix: str) -> None:
    """polars and pandas, compressed and not."""
    frame = pl.DataFrame({"n": [1, None], "s": ["a", "é"]})
    for compression in ("uncompressed", "lz4", "zstd"):
        engine.write(frame, f"x.{suffix}", compression=compression)
        found = pl.read_ipc_stream("x.arrows") if suffix == "arrows" else pl.read_ipc(f"x.{suffix}")
        assert found.equals(frame)
        assert len(engine.read(f"x.{suffix}", columns=["s"]).columns) == 1
    if suffix == "feather":
        pd.DataFrame({"n": [1, 2]}).to_feather("x.feather")
        assert engine.read("x.feather")["n"].to_list() == [1, 2]


def test_a_file_is_not_copied_and_may_be_replaced() -> None:
    """No memory of pyarrow is used for it; a frame of the old file keeps its values."""
    engine = _polars()
    frame = pl.DataFrame({"n": range(500_000)})
    engine.write(frame, "x.arrow")
    before = pa.total_allocated_bytes()
    found = engine.read("x.arrow")
    assert pa.total_allocated_bytes() - before < 100_000
    engine.write(pl.DataFrame({"n": [7]}), "x.arrow")
    assert found.equals(frame)


def test_a_frame_of_pandas_may_be_changed_in_place() -> None:
    """Its columns are no part of the mapped file."""
    from odibi_core.plugins import load

    engine = load("engines", "pandas")()
    engine.write(pd.DataFrame({"n": [1.5, 2.5]}), "x.arrow")
    found = engine.read("x.arrow")
    found.loc[0, "n"] = 7.0
    found["n"].to_numpy()
    assert found["n"].to_list() == [7.0, 2.5]
    assert engine.read("x.arrow")["n"].to_list() == [1.5, 2.5]


def test_categories_without_rows_are_kept() -> None:
    """Arrow has them beside the rows; a categorical of polars has none then."""
    frame = pd.DataFrame({"c": pd.Categorical(["b"], categories=["a", "b"])})[:0]
    load_pandas().write(frame, "x.arrow")
    found = load_pandas().read("x.arrow")
    assert list(found["c"].cat.categories) == ["a", "b"]


def load_pandas() -> Any:
    from odibi_core.plugins import load

    return load("engines", "pandas")()


def test_a_column_that_is_not_there_is_an_error(engine: Any) -> None:
    """With its name."""
    engine.write([{"n": 1}], "x.arrow")
    with pytest.raises(EngineError, match="z"):
        engine.read("x.arrow", columns=["z"])


def test_what_arrow_has_no_type_for_is_an_error() -> None:
    """Whole numbers of 128 bits, Python objects, also within a list; no file is made."""
    for column in (
        pl.Series("c", [2**100], dtype=pl.Int128),
        pl.Series("c", [[2**100]], dtype=pl.List(pl.Int128)),
        pl.Series("c", [object()], dtype=pl.Object),
    ):
        with pytest.raises(EngineError, match=r"'c' is .*, which Arrow has no type for"):
            _polars().write(pl.DataFrame([column]), "x.arrow")
    assert os.listdir() == []


def test_values_that_are_damaged_inside_are_found(engine: Any) -> None:
    """Offsets that point outside of the buffer would end the process later."""
    engine.write([{"s": "a" * 1000}, {"s": "b"}], "x.arrow")
    data, changed = Path("x.arrow").read_bytes(), 0
    for size in (4, 8):
        ends = ((0, 1000, 1001), (0, 10**6, 10**6))
        sound, broken = (b"".join(each.to_bytes(size, "little") for each in offsets) for offsets in ends)
        changed += data.count(sound)
        data = data.replace(sound, broken)
    assert changed == 1
    Path("x.arrow").write_bytes(data)
    with pytest.raises(UnreadableSourceError, match=r"x.arrow.*offsets"):
        engine.read("x.arrow")
