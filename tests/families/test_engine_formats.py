"""Every format over every engine: hostile frames are read back exactly, or a warning or an error names the column."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.families.seen import IN_ORDER, loaded

from odibi_core.engines.formats import TABLE
from odibi_core.errors import DataChangedWarning, EngineError, UnreadableSourceError
from odibi_core.plugins import load

BIG = 2**53 + 1
ZONED = datetime(2020, 7, 1, 12, tzinfo=UTC)
COLUMNS: dict[str, list[Any]] = {
    "whole": [BIG, None, -(2**63)],
    "small": [1, 2, 3],
    "real": [0.1 + 0.2, None, 5e-324],
    "text": ["é\n\"'", None, " =1+1,\t;|"],
    "digits": ["00123", None, "1e5"],
    "truth": [True, None, False],
    "day": [date(2020, 2, 29), None, date(1999, 12, 31)],
    "time": [ZONED.replace(tzinfo=None, microsecond=5), None, ZONED.replace(tzinfo=None, year=1969)],
    "moment": [ZONED, None, ZONED],
    "clock": [time(1, 2, 3, 4), None, time(0)],
    "money": [Decimal("1234567890123456789.10"), None, Decimal("-0.01")],
    "bytes": [b"\0x", None, b""],
    "items": [[1, None], None, []],
    "record": [{"a": BIG, "b": None}, None, {"a": None, "b": "x"}],
    "span": [timedelta(hours=30, microseconds=5), None, timedelta(0)],
    "odd name é,\"'`;=%(x)s :y": ["a", None, "b"],
    "_x0041_": ["a", "b", "c"],
}
KEPT: dict[str, set[str]] = {
    "parquet": set(COLUMNS),
    "ipc": set(COLUMNS),
    "ipc_stream": set(COLUMNS),
    "avro": set(COLUMNS) - {"span", "odd name é,\"'`;=%(x)s :y"},
    "excel": {"small", "real", "text", "digits", "truth", "day", "odd name é,\"'`;=%(x)s :y", "_x0041_"},
    "delta": set(COLUMNS) - {"clock", "span"},
    "iceberg": set(COLUMNS) - {"span"},
    "sqlite": {"whole", "small", "real", "text", "truth", "day", "time", "clock", "bytes", "digits", "_x0041_"}
    | {"odd name é,\"'`;=%(x)s :y"},
    "duckdb": set(COLUMNS),
    "csv": {"whole", "small", "real", "text", "digits", "truth", "odd name é,\"'`;=%(x)s :y", "_x0041_"},
    "tsv": {"whole", "small", "real", "text", "digits", "truth", "odd name é,\"'`;=%(x)s :y", "_x0041_"},
    "json": {"whole", "small", "real", "text", "digits", "truth", "items", "record", "_x0041_"}
    | {"odd name é,\"'`;=%(x)s :y"},
    "jsonl": {"whole", "small", "real", "text", "digits", "truth", "items", "record", "_x0041_"}
    | {"odd name é,\"'`;=%(x)s :y"},
}
"""By format, the columns that it keeps exactly; each other one must be an error, a warning, or text."""


@pytest.fixture(params=IN_ORDER)
def engine(request: pytest.FixtureRequest) -> Any:
    return loaded(request.param)


Place = Callable[[str], tuple[str, dict[str, Any], dict[str, Any]]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return the path, the options to write, and those to read, of a format."""
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/warehouse"}

    def place(format: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if format in ("sqlite", "duckdb"):
            return f"{format}:///{tmp_path}/x.{format}", {"table": "t", "mode": "replace"}, {"table": "t"}
        if format == "delta":
            return str(tmp_path / "table"), {"format": "delta"}, {"format": "delta"}
        if format == "iceberg":
            options = {"format": "iceberg", "catalog": catalog}
            return "shop.table", options, options
        return str(tmp_path / f"x{TABLE[format].suffixes[0]}"), {}, {}

    return place


def values(frame: Any, name: str) -> list[Any]:
    """The values of a column as Python's own; of pandas, NaN and NaT are None and a midnight is a day too."""
    if isinstance(frame, pl.DataFrame):
        return frame[name].to_list()
    return [None if _is_missing(value) else _plain(value) for value in frame[name].tolist()]


def _is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, list | dict) and bool(pd.isna(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.to_pytimedelta() if isinstance(value, pd.Timedelta) else value


def same(found: list[Any], wanted: list[Any]) -> bool:
    """Equal with equal types; a pandas column of days holds midnights."""
    as_days = [v.date() if type(v) is datetime and type(w) is date else v for v, w in zip(found, wanted, strict=True)]
    return as_days == wanted and [type(v) for v in as_days] == [type(w) for w in wanted]


def _error_of(call: Callable[[], None]) -> EngineError | None:
    try:
        call()
    except EngineError as error:
        return error
    return None


@pytest.mark.parametrize("format", sorted(KEPT))
def test_a_column_is_read_back_exactly_or_a_message_names_it(engine: Any, place: Place, format: str) -> None:
    """Each hostile column by itself; the frame in pandas and polars is made from the same values."""
    path, writes, reads = place(format)
    for name, wanted in COLUMNS.items():
        frame = engine.frame(pl.DataFrame({name: wanted}, strict=False))
        if format in ("iceberg", "sqlite", "duckdb"):  # a table keeps its columns, so that each is one of its own
            number = list(COLUMNS).index(name)
            path = f"shop.t{number}" if format == "iceberg" else path
            if "table" in writes:
                writes, reads = {**writes, "table": f"t{number}"}, {**reads, "table": f"t{number}"}
        if format == "delta":
            writes = {**writes, "schema_mode": "overwrite"}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            refused = _error_of(lambda: engine.write(frame, path, **writes))  # noqa: B023
        if refused is not None:
            assert name not in KEPT[format], f"{name}: {refused}"
            assert repr(name) in str(refused)
            continue
        found = values(engine.read(path, **reads), name)
        if same(found, wanted):
            continue
        assert name not in KEPT[format], f"{name}: {found}"
        told = [str(each.message) for each in caught if issubclass(each.category, DataChangedWarning)]
        is_text = all(value is None or isinstance(value, str) for value in found) or format in ("csv", "tsv")
        assert any(repr(name) in each for each in told) or is_text, f"{name}: {found}"


@pytest.mark.parametrize("format", sorted(KEPT))
def test_no_rows_are_a_file_too(engine: Any, place: Place, format: str) -> None:
    """The columns are there; their types too, if the format has types."""
    path, writes, reads = place(format)
    frame = engine.frame(pl.DataFrame({"n": [1], "s": ["x"], "f": [0.5]}))[:0]
    engine.write(frame, path, **writes)
    found = engine.read(path, **reads)
    assert len(found) == 0
    if format not in ("json", "jsonl"):
        assert list(found.columns) == ["n", "s", "f"]
    if format not in ("csv", "tsv", "excel", "json", "jsonl"):
        assert [str(dtype).lower() for dtype in (found["n"].dtype, found["f"].dtype)] == ["int64", "float64"]


@pytest.mark.parametrize("format", ["parquet", "ipc", "ipc_stream", "avro", "delta", "iceberg", "duckdb"])
def test_nan_and_null_differ_in_polars(place: Place, format: str) -> None:
    """A NaN of polars is a value, and stays one."""
    engine = load("engines", "polars")()
    path, writes, reads = place(format)
    engine.write(pl.DataFrame({"f": [float("nan"), None]}), path, **writes)
    nan, null = engine.read(path, **reads)["f"].to_list()
    assert nan != nan
    assert null is None


@pytest.mark.parametrize("format", ["csv", "tsv", "json", "jsonl", "excel", "sqlite"])
def test_nan_that_becomes_null_is_a_warning(place: Place, format: str) -> None:
    """In the formats that have no NaN."""
    path, writes, _ = place(format)
    with pytest.warns(DataChangedWarning, match="'f' holds NaN"):
        load("engines", "polars")().write(pl.DataFrame({"f": [float("nan"), 1.0]}), path, **writes)


@pytest.mark.parametrize("format", ["avro", "delta", "iceberg", "duckdb"])
def test_a_time_zone_is_kept_as_its_moments(engine: Any, place: Place, format: str) -> None:
    """The name of the zone is lost, with a warning; the moments are the same."""
    path, writes, reads = place(format)
    frame = pl.DataFrame({"z": [ZONED]}).with_columns(pl.col("z").dt.convert_time_zone("Europe/Oslo"))
    with pytest.warns(DataChangedWarning, match="'z' is in the time zone Europe/Oslo"):
        engine.write(engine.frame(frame), path, **writes)
    assert values(engine.read(path, **reads), "z") == [ZONED]


@pytest.mark.parametrize("format", ["avro", "delta", "iceberg", "duckdb", "sqlite"])
def test_what_a_format_has_no_type_for_is_an_error_that_names_the_column(place: Place, format: str) -> None:
    """Whole numbers past 64 bits, nanoseconds; what was there stays."""
    engine = load("engines", "polars")()
    path, writes, reads = place(format)
    engine.write(pl.DataFrame({"n": [1]}), path, **writes)
    for values_ in (pl.Series("n", [2**64 - 1], dtype=pl.UInt64), pl.Series("n", [1], dtype=pl.Datetime("ns"))):
        with pytest.raises(EngineError, match="'n'"):
            engine.write(pl.DataFrame([values_]), path, **writes)
        assert engine.read(path, **reads)["n"].to_list() == [1]


def test_two_columns_of_one_name_are_refused(place: Place) -> None:
    """pandas allows them, and a table does not."""
    frame = pd.DataFrame([[1, 2]], columns=["n", "n"])
    for format in ("ipc", "avro", "excel", "delta", "sqlite"):
        path, writes, _ = place(format)
        with pytest.raises(EngineError, match="'n' is there twice"):
            load("engines", "pandas")().write(frame, path, **writes)
    assert not any(each.startswith("x.a") for each in os.listdir())


def test_mixed_objects_of_pandas_are_refused(place: Place) -> None:
    """A column of numbers and texts has no type."""
    path, writes, _ = place("ipc")
    with pytest.raises(EngineError, match="'n' has no type in Arrow"):
        load("engines", "pandas")().write(pd.DataFrame({"n": [1, "x"]}), path, **writes)


@pytest.mark.parametrize(("text", "words"), [
    ('{"a":1}\n{"a":2}\n', "set format='jsonl'"),
    ('{"a":1}', "a JSON dict, not an array of objects"),
    ('[{"a":1},2]', "item 1 of its array is a int, not an object"),
    ('[{"a":1,"a":2}]', "'a' is there twice"),
    ('[{"a":1}', "Expecting"),
    ("", "Expecting value"),
])  # fmt: skip
def test_json_that_is_no_array_of_objects_is_unreadable(engine: Any, text: str, words: str) -> None:
    """The message names what it is."""
    Path("x.json").write_text(text)
    with pytest.raises(UnreadableSourceError, match=f"x.json.*{words}"):
        engine.read("x.json")


def test_json_is_one_array(engine: Any) -> None:
    """Every other tool reads it: also without rows, and with more rows than one block."""
    import json

    for count in (0, 1, 10_001):
        engine.write(engine.frame(pl.DataFrame({"n": range(count), "s": ["a\nb"] * count})), "x.json")
        assert json.loads(Path("x.json").read_text()) == [{"n": n, "s": "a\nb"} for n in range(count)]
