"""Frames on disk: equal after unpacking, or refused with the reason."""

from __future__ import annotations

import datetime
import decimal
import math
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines.packing import NotPackableError, pack, unpack
from odibi_core.errors import EngineError

PANDAS = pd.DataFrame(
    {
        "text": ["a", None, "b"],
        "object": pd.Series(["a", None, "b"], dtype=object),
        "int": [1, 2, 2**62],
        "nullable": pd.array([1, None, 3], dtype="Int64"),
        "category": pd.Categorical(["x", "y", "x"], categories=["y", "x", "z"], ordered=True),
        "zoned": pd.to_datetime(pd.Series(["2020-01-01", "2020-01-02", None])).dt.tz_localize("Europe/Berlin"),
        "delta": pd.to_timedelta([1, 2, 3], unit="s"),
        "date": [datetime.date(2020, 1, 1)] * 3,
        "decimal": [decimal.Decimal("1.20")] * 3,
        "bytes": [b"x", None, b""],
        "float": [1.0, math.nan, -0.0],
        "small": numpy.array([1, 2, 3], dtype="float32"),
        "period": pd.period_range("2020", periods=3, freq="M"),
        "bool": [True, False, True],
        "nan": pd.Series(["a", math.nan, "b"], dtype=object),
        "truth": pd.Series([True, math.nan, False], dtype=object),
    }
)
POLARS = pl.DataFrame(
    {
        "text": ["a", None, "b"],
        "category": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "enum": pl.Series(["x", "y", "x"], dtype=pl.Enum(["y", "x", "z"])),
        "list": [[1], None, []],
        "struct": [{"a": 1}, None, {"a": 2}],
        "zoned": pl.Series([0, None, 1], dtype=pl.Datetime("us", "Europe/Berlin")),
        "decimal": pl.Series(["1.20", None, "2.00"]).cast(pl.Decimal(10, 2)),
        "wide": pl.Series([1, None, 2], dtype=pl.Int128),
        "float": [1.0, math.nan, None],
    }
)


@pytest.mark.parametrize(
    "frame",
    [
        PANDAS,
        PANDAS.iloc[:0],
        PANDAS.set_index("int"),
        PANDAS.set_index(["int", "text"]),
        PANDAS[["int"]].rename(columns={"int": 7}),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame(index=[1, 2]),
        PANDAS.iloc[[2, 0]],
    ],
    ids=["all types", "no rows", "index", "two indexes", "number as name", "names of levels", "no columns", "picked"],
)
def test_a_pandas_frame_is_equal_afterwards(frame: pd.DataFrame, tmp_path: Path) -> None:
    """With its dtypes, its index and its columns, and it can be changed in place."""
    returned = unpack(pack(frame, tmp_path / "frame"))
    pd.testing.assert_frame_equal(returned, frame, check_exact=True, check_freq=False)
    assert [type(value) for value in returned.to_numpy().ravel()] == [type(value) for value in frame.to_numpy().ravel()]
    for name in returned.columns:
        returned.loc[returned.index[:1], name] = returned[name].iloc[:1]


@pytest.mark.parametrize("frame", [POLARS, POLARS.clear(), pl.DataFrame()], ids=["all types", "no rows", "no columns"])
def test_a_polars_frame_is_equal_afterwards(frame: pl.DataFrame, tmp_path: Path) -> None:
    """With its types."""
    returned = unpack(pack(frame, tmp_path / "frame"))
    assert returned.schema == frame.schema
    assert returned.equals(frame, null_equal=True)


def test_tables_and_relations(tmp_path: Path) -> None:
    """A table of pyarrow is equal, and a relation of DuckDB comes back as a relation with the same rows and types."""
    table = pa.table({"a": [1, None], "b": pa.array(["x", "y"]).dictionary_encode()})
    assert unpack(pack(table, tmp_path / "table")).equals(table)
    relation: Any = duckdb.sql("SELECT 1::DECIMAL(9, 2) AS d, [1, 2] AS l, NULL::VARCHAR AS n")
    returned = unpack(pack(relation, tmp_path / "relation"))
    assert (returned.columns, returned.types, returned.fetchall()) == (
        relation.columns, relation.types, relation.fetchall(),
    )  # fmt: skip


@pytest.mark.parametrize("value", [1, 1.5, math.inf, "ä\ud800", None, True, [1, {"a": [None]}], {"a": 2**70}])
def test_plain_values(value: Any, tmp_path: Path) -> None:
    """Texts, numbers, lists and dicts are equal afterwards."""
    returned = unpack(pack(value, tmp_path / "value"))
    assert returned == value
    assert type(returned) is type(value)


class Own(pd.DataFrame):
    """A subclass, of which only the library's part could be kept."""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (pd.DataFrame({"lists": [[1], [2, 3]]}), "column 'lists' of dtype object has values that Arrow changes"),
        (pd.DataFrame({"dicts": [{"a": 1}, {"b": 2}]}), "column 'dicts'"),
        (pd.DataFrame({"mixed": [1, "a"]}), "has no exact form"),
        (pd.DataFrame({"o": pd.Series([True, math.nan, None], dtype=object)}), "column 'o'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of one name"),
        (Own({"a": [1]}), "a subclass of pandas.DataFrame"),
        (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "has no exact form"),
        ((1, 2), "tuple is no frame"),
        ({1: 2}, "dict is no frame"),
        (object(), "object is no frame"),
        (POLARS.lazy(), "LazyFrame is no frame"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value[:20],
)
def test_another_value_is_refused(value: Any, reason: str, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(NotPackableError, match=reason):
        pack(value, tmp_path / "value")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    """Cut short anywhere; never a shorter frame."""
    for frame in (PANDAS, POLARS):
        path = pack(frame, tmp_path / "frame")
        whole = path.read_bytes()
        for size in (0, 4, len(whole) // 2, len(whole) - 8):
            path.write_bytes(whole[:size])
            with pytest.raises((EngineError, OSError)):
                unpack(path)
    with pytest.raises(EngineError, match="none of the forms"):
        unpack(tmp_path / "frame.csv")


def test_only_the_owner_can_read_a_packed_frame(tmp_path: Path) -> None:
    """As the rest of the record."""
    assert os.stat(pack(PANDAS, tmp_path / "new" / "frame")).st_mode & 0o777 == 0o600
