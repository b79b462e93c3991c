"""Descriptions of frames, for every library and every odd frame."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.bus.bus import EventBus
from odibi_core.engines import frame_pandas
from odibi_core.engines.frame import LEVELS, SAMPLE_COLUMNS, SCHEMA_COLUMNS, describe, is_frame, row_count, unique_keys
from odibi_core.engines.frame_cells import CELL_CHARS, cell
from odibi_core.events import to_dict
from odibi_core.testing import RecordingSink

DATA = {"a": [1, 2, None], "s": ["x", None, "z"]}
EAGER: dict[str, Callable[[Any], Any]] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def as_json(told: dict[str, Any]) -> str:
    """Strict JSON: a NaN would be refused."""
    return json.dumps(told, allow_nan=False)


def recorded(frame: object, level: str = "sample") -> dict[str, Any]:
    """A description as its event has it: the bus redacts what `describe` hands over."""
    bus, sink = EventBus(), RecordingSink()
    bus.subscribe(sink)
    bus.publish("snapshot", fields=dict(describe(frame, level)))
    return to_dict(sink.events[0])


@pytest.mark.parametrize("library", EAGER)
def test_a_frame_is_told_alike_by_every_library(library: str) -> None:
    """Columns, types, rows and samples are those of the data, under the same names whatever the library."""
    told = describe(EAGER[library]({"n": [1, 2], "s": ["x", "z"]}))
    assert told["row_count"] == 2
    assert told["column_count"] == 2
    assert told["schema"] == [{"column": "n", "type": "Int64"}, {"column": "s", "type": "String"}]
    assert told["sample_data"] == [{"n": 1, "s": "x"}, {"n": 2, "s": "z"}]
    assert told["not_described"] is None


@pytest.mark.parametrize("library", EAGER)
def test_each_level_adds_to_the_one_below(library: str) -> None:
    """off < schema < counts < sample < stats: a level describes no more than asked for."""
    told = {level: describe(EAGER[library](DATA), level) for level in LEVELS}
    assert told["off"]["schema"] == []
    assert told["off"]["not_described"]
    assert told["schema"]["schema"]
    assert told["schema"]["row_count"] is None
    assert told["counts"]["row_count"] == 3
    assert told["counts"]["sample_data"] == []
    assert len(told["sample"]["sample_data"]) == 3
    assert "stats" not in told["sample"]
    assert [of["nulls"] for of in told["stats"]["stats"]] == [1, 1]
    assert [of["distinct"] is not None for of in told["stats"]["stats"]] == [True, True]
    assert (told["stats"]["stats"][0]["min"], told["stats"]["stats"][0]["max"]) == (1, 2)


def test_rows_says_how_many_are_sampled() -> None:
    """`rows` bounds the sample; a number below none is none."""
    frame = pl.DataFrame({"a": range(100)})
    assert len(describe(frame)["sample_data"]) == 5
    assert len(describe(frame, rows=2)["sample_data"]) == 2
    assert describe(frame, rows=-1)["sample_data"] == []


def test_an_unknown_level_is_told_and_not_raised() -> None:
    """Describing never raises, not even for a level that does not exist."""
    assert "stast" in describe(pl.DataFrame(DATA), "stast")["not_described"]


class Forced(Exception):
    """A lazy frame was run."""


def exploding(*_: Any) -> Any:
    raise Forced


@pytest.mark.parametrize("level", LEVELS)
def test_a_lazy_polars_frame_is_never_run(level: str) -> None:
    """Only the schema of a LazyFrame is described: it is collected at no level."""
    ran: list[int] = []

    def work(frame: pl.DataFrame) -> pl.DataFrame:
        ran.append(1)
        return frame

    lazy = pl.LazyFrame({"a": [1]}).map_batches(work, schema={"a": pl.Int64()})
    told = describe(lazy, level)
    assert ran == []
    assert told["row_count"] is None
    assert told["sample_data"] == []
    assert level == "off" or told["schema"] == [{"column": "a", "type": "Int64"}]
    assert lazy.collect().height == 1
    assert ran, "the frame would have told of its run"


@pytest.mark.parametrize("level", LEVELS)
def test_a_duckdb_relation_is_never_run(level: str) -> None:
    """The query behind a relation would fail if it ran; its columns are described all the same."""
    with duckdb.connect() as connection:
        relation = connection.sql("select error('was run')::int as a")
        told = describe(relation, level)
    assert told["row_count"] is None
    assert level == "off" or told["schema"] == [{"column": "a", "type": "Int32"}]


def test_a_lazy_frame_that_cannot_tell_its_columns_says_why() -> None:
    """A plan over a file that is missing gives a reason, not an exception."""
    assert describe(pl.scan_csv("nowhere.csv"))["not_described"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("method", ["head", "iloc", "dtypes", "columns", "index", "shape", "__len__"])
def test_a_pandas_frame_that_raises_is_described_as_far_as_it_goes(method: str, level: str) -> None:
    """The description is JSON, even if a frame's methods fail."""
    frame = pd.DataFrame(DATA)
    frame.__class__ = type("Hostile", (pd.DataFrame,), {method: property(exploding)})
    as_json(describe(frame, level))
    row_count(frame)
    assert is_frame(frame)


@pytest.mark.parametrize("method", ["head", "schema", "columns", "height", "shape", "rows", "select"])
def test_a_polars_frame_that_raises_is_described_as_far_as_it_goes(method: str) -> None:
    """The same of polars, whose Rust side may even panic."""
    frame = pl.DataFrame(DATA)
    frame.__class__ = type("Hostile", (pl.DataFrame,), {method: property(exploding)})
    as_json(describe(frame, "stats"))


def test_what_a_frame_raises_is_told() -> None:
    """A failure names the exception, and the description before it stands."""
    frame = pd.DataFrame(DATA)
    frame.__class__ = type("Hostile", (pd.DataFrame,), {"iloc": property(exploding)})
    told = describe(frame)
    assert "Forced" in told["not_described"]
    assert told["row_count"] == 3


def test_the_rows_of_a_pandas_frame_have_the_values_of_its_columns() -> None:
    """The sample is taken at once, and each value is what its column lists, also of nullable and of Arrow's types."""
    count = 3
    columns: dict[str, Any] = {
        "u64": np.array([2**64 - 1] * count, dtype="uint64"), "f32": np.linspace(0, 1.1, count).astype("f4"),
        "b": [True, False, True], "B": pd.array([True, None, False], dtype="boolean"),
        "I": pd.array([1, None, 2], dtype="Int64"),
        "s": ["x", None, "y"], "cat": pd.Categorical(["a", None, "b"]), "n": pd.Categorical([3, 1, 3]),
        "ns": pd.date_range("2020", periods=count, unit="ns"), "tz": pd.date_range("2020", periods=count, tz="UTC"),
        "td": pd.to_timedelta([1, 2, None], unit="s"), "p": pd.period_range("2020", periods=count, freq="M"),
        "o": [[1], {"a": np.int64(1)}, None], "c": [1j, 2j, 3j],
    }  # fmt: skip
    nested = {"l": pd.Series([[1], None, [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}
    for each in (columns, {**columns, **nested}, nested):
        frame = pd.DataFrame(each)
        rows = describe(frame)["sample_data"]
        for name in frame.columns:
            assert [row[name] for row in rows] == [cell(name, value) for value in frame[name].tolist()], name


def test_a_stop_is_not_swallowed() -> None:
    """Ctrl-C during a description still stops the program."""

    def stop(_: Any, *__: Any) -> Any:
        raise KeyboardInterrupt

    frame = pd.DataFrame(DATA)
    frame.__class__ = type("Hostile", (pd.DataFrame,), {"iloc": property(stop)})
    with pytest.raises(KeyboardInterrupt):
        describe(frame)


def test_duplicate_names_survive() -> None:
    """The schema keeps order and duplicates; the sample's keys are made different."""
    told = describe(pd.DataFrame([[1, "x", 3.5, 4]], columns=["a", "a", "a.1", "a"]))
    assert [of["column"] for of in told["schema"]] == ["a", "a", "a.1", "a"]
    assert [of["type"] for of in told["schema"]] == ["Int64", "String", "Float64", "Int64"]
    assert told["sample_data"] == [{"a": 1, "a.2": "x", "a.1": 3.5, "a.3": 4}]


@given(st.lists(st.sampled_from(["a", "a.1", "a.2", "b", ""]), max_size=12))
def test_keys_are_unique_and_first_ones_keep_their_names(names: list[str]) -> None:
    """No two keys are alike, none is lost, and a name that is there once is kept."""
    keys = unique_keys(names)
    assert len(set(keys)) == len(keys) == len(names)
    assert [key for key, name in zip(keys, names, strict=True) if names.count(name) == 1] == [
        name for name in names if names.count(name) == 1
    ]


def test_strange_names_survive() -> None:
    """Numbers, None, tuples, dates and empty text are names, and so are the columns of a MultiIndex."""
    names = [0, None, ("a", 1), pd.Timestamp("2024-01-01"), ""]
    frame = pd.DataFrame([[1, 2, 3, 4, 5]])
    frame.columns = pd.Index(names, dtype="object", tupleize_cols=False)
    told = describe(frame)
    assert len(told["schema"]) == 5
    assert list(told["sample_data"][0].values()) == [1, 2, 3, 4, 5]
    multi = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert [of["column"] for of in describe(multi)["schema"]] == ["('a', 'x')", "('a', 'y')"]


ODD_FRAMES: dict[str, Any] = {
    "pandas without rows": pd.DataFrame({"a": pd.Series([], dtype="int64"), "o": []}),
    "pandas without columns": pd.DataFrame(index=range(3)),
    "pandas without anything": pd.DataFrame(),
    "pandas zoned": pd.DataFrame({"t": pd.to_datetime(["2024-01-01"], utc=True)}),
    "pandas categories": pd.DataFrame({"c": pd.Categorical(["a", None])}),
    "pandas all null": pd.DataFrame({"a": [None, None], "b": [float("nan")] * 2}),
    "pandas objects": pd.DataFrame({"o": [{"a": {1, 2}}, object(), np.int64(3), [np.nan], b"\xff"]}),
    "pandas odd types": pd.DataFrame(
        {"p": pd.period_range("2024", periods=2), "i": pd.interval_range(0, 2), "n": pd.array([1, None])}
    ),
    "polars without rows": pl.DataFrame(schema={"a": pl.Int64}),
    "polars without columns": pl.DataFrame(),
    "polars nested": pl.DataFrame({"l": [[1], None], "s": [{"x": 1}, None]}),
    "polars odd types": pl.DataFrame(
        {
            "e": pl.Series(["a"], dtype=pl.Enum(["a"])),
            "o": pl.Series([object()], dtype=pl.Object),
            "n": [None],
        }
    ),
    "polars infinite": pl.DataFrame({"f": [float("nan"), float("inf")]}),
    "arrow nested": pa.table({"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}),
    "arrow twice": pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    "rows": [{"a": 1}, {"b": object()}],
    "columns": {"a": [1, 2], "b": np.array([1.5, float("nan")])},
}


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8(), pl.UInt64(), pl.Int128(), pl.Float32(), pl.String(), pl.Boolean(), pl.Date(), pl.Time(), pl.Binary(),
        pl.Null(), pl.Object(), pl.Categorical(), pl.Decimal(10, 2), pl.Datetime("us"), pl.Datetime("ms", "UTC"),
        pl.Duration("ns"), pl.List(pl.List(pl.Int64)), pl.List(pl.Null), pl.Array(pl.Int64, (2, 3)),
        pl.Struct({"Null": pl.Int8, "n": pl.Null}),
    ],
    ids=str,
)  # fmt: skip
def test_a_type_of_polars_has_the_name_that_narwhals_has_for_it(dtype: Any) -> None:
    """Polars describes itself, and a frame of another library with the same columns still has the same schema."""
    frame = pl.DataFrame(schema={"c": dtype})
    for each in (frame, frame.lazy()):
        assert describe(each, "schema")["schema"] == [
            {"column": "c", "type": str(narwhals.from_native(each).collect_schema()["c"])}
        ]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("which", ODD_FRAMES)
def test_odd_frames_are_described_or_say_why(which: str, level: str) -> None:
    """Each gives strict JSON at each level: a description, or the reason why there is none."""
    told = describe(ODD_FRAMES[which], level)
    as_json(told)
    assert told["not_described"] or told["column_count"] is not None


@pytest.mark.parametrize("which", [name for name in ODD_FRAMES if name != "arrow twice"])
def test_odd_frames_are_described(which: str) -> None:
    """All of them but a table of narwhals' own limits are described in full."""
    assert describe(ODD_FRAMES[which], "stats")["not_described"] is None


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_very_wide_frame_is_bounded_and_says_so(make: Callable[[Any], Any]) -> None:
    """Of 10,000 columns the first are described, with the number of the others."""
    told = describe(make({f"column_{i}": [i] for i in range(10_000)}))
    assert told["column_count"] == 10_000
    assert len(told["schema"]) == SCHEMA_COLUMNS
    assert told["metadata"]["columns_left_out"] == 10_000 - SCHEMA_COLUMNS
    assert len(told["sample_data"][0]) == SAMPLE_COLUMNS
    assert told["metadata"]["sample_columns_left_out"] == 10_000 - SAMPLE_COLUMNS
    assert len(json.dumps(told["schema"])) < 64 * 1024


@pytest.mark.parametrize("library", EAGER)
def test_long_cells_are_cut(library: str) -> None:
    """A cell of a million characters leaves a short one."""
    told = describe(EAGER[library]({"s": ["x" * 1_000_000], "t": ["y"]}))
    assert len(told["sample_data"][0]["s"]) <= CELL_CHARS + 1


@pytest.mark.parametrize("library", EAGER)
def test_dates_are_told_and_can_be_secret(library: str) -> None:
    """As ISO text, and hidden like any other value by the column's name."""
    moment = datetime(2024, 1, 2, 3, 4, tzinfo=UTC)
    told = recorded(
        EAGER[library]({"t": [moment, None], "password": [moment, None], "d": [moment.date(), None]})
    )
    first, second = told["sample_data"]
    assert first["t"] == "2024-01-02T03:04:00+00:00"
    assert first["password"] == "[REDACTED]"
    assert first["d"] == "2024-01-02"
    assert (second["t"], second["d"]) == (None, None)


@pytest.mark.parametrize("library", EAGER)
def test_secrets_do_not_reach_a_sample_or_a_statistic(library: str) -> None:
    """By the column's name or by the value's shape, whatever level."""
    frame = EAGER[library]({"password": ["hunter2"], "note": ["write to ann@example.com"], "n": [1]})
    told = as_json(recorded(frame, "stats"))
    assert "hunter2" not in told
    assert "ann@example.com" not in told


def test_a_secret_across_the_cut_does_not_leak() -> None:
    """A secret is hidden before a cell is cut, so that no half of one is shown."""
    text = "x" * (CELL_CHARS - 8) + " ann.longname@example.com"
    assert "ann.long" not in as_json(recorded([{"note": text}]))


@pytest.mark.parametrize(
    "value", ["text", 5, None, b"", object(), {1, 2}, [], {}, [1], {"a": 1}, int, pl.Series([1])]
)
def test_what_is_no_frame_says_so(value: Any) -> None:
    """Its type is named, and nothing is raised."""
    told = describe(value)
    assert type(value).__name__ in told["not_described"]
    assert "is no frame" in told["not_described"]
    assert row_count(value) is None
    assert not is_frame(value)


def test_a_generator_is_not_consumed() -> None:
    """A description takes nothing out of what it looks at."""

    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}

    stream = rows()
    assert describe(stream)["not_described"]
    assert list(stream) == [{"a": 1}]


def test_plain_rows_and_columns_are_told() -> None:
    """Rows as dicts and a dict of columns have counts, columns and Python's own types."""
    told = describe([{"a": 1}, {"a": 2, "b": "x"}])
    assert (told["row_count"], told["column_count"]) == (2, 2)
    assert told["schema"] == [{"column": "a", "type": "int"}, {"column": "b", "type": "str"}]
    assert told["sample_data"] == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert describe({"a": [1, 2], "b": ["x", "y"]})["sample_data"] == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert describe({"a": [1, 2], "b": ["x"]})["not_described"]
    assert row_count([{"a": 1}] * 7) == 7


@pytest.mark.parametrize(
    "value",
    [
        {"tables": ["orders", "customers"], "days": [1, 2]},
        {"a": [1, 2], "b": (3, 4)},
        {"weights": np.array([0.5, 0.5])},
        {"a": []},
        {},
        {"orders": [{"n": 1}], "customers": [{"n": 2}]},
        [1, 2],
        ["a"],
        [],
    ],
    ids=repr,
)
def test_a_configuration_is_no_frame(value: object) -> None:
    """A dict of lists may be columns, or tables and days: only what certainly has rows has a number of them."""
    assert row_count(value) is None
    assert not is_frame(value)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]),
            st.one_of(st.none(), st.integers(-(2**62), 2**62), st.text(max_size=5)),
        ),
        max_size=6,
    )
)
def test_a_description_changes_nothing(make: Callable[..., Any], rows: list[dict[str, Any]]) -> None:
    """The frame is the same after as before, at the deepest level, and the description is strict JSON."""
    # Object columns: a library's own idea of mixed columns is not what is tested here.
    columns = {name: [str(row.get(name)) for row in rows] for name in ("a", "b", "c")}
    frame, twin = make(columns), make(columns)
    told = describe(frame, "stats")
    as_json(told)
    assert told["row_count"] == len(rows)
    assert frame.equals(twin)


def test_periods_and_intervals_are_told_by_their_text() -> None:
    """In cells, in extremes and as types, whether they are a column of their own or of objects."""
    frame = pd.DataFrame(
        {
            "month": pd.period_range("2026-01", periods=2, freq="M"),
            "bin": pd.interval_range(0, 2, closed="left"),
            "any": pd.Series([pd.Period("2026"), pd.Interval(0, 1)], dtype=object),
            "step": [pd.offsets.Day(2)] * 2,
        }
    )
    told = describe(frame, "stats")
    assert told["sample_data"][0] == {"month": "2026-01", "bin": "[0, 1)", "any": "2026", "step": "<2 * Days>"}
    assert told["stats"][0]["max"] == "2026-02"
    assert [column["type"] for column in told["schema"]] == ["period[M]", "interval[int64, left]", "Object", "Object"]
    assert describe([{"month": pd.Period("2026-01")}])["sample_data"] == [{"month": "2026-01"}]


@pytest.mark.parametrize("dtype", frame_pandas._KNOWN)
def test_the_known_types_of_pandas_have_the_names_of_narwhals(dtype: str) -> None:
    """The table spares the import of narwhals, and must not differ from it."""
    frame = pd.DataFrame({"c": pd.Series([], dtype=dtype)})
    assert str(frame.dtypes["c"]) == dtype
    assert frame_pandas._named(frame) == frame_pandas._KNOWN[dtype]
