"""One body over every engine: a new one is tested by its line in BUILTIN."""

import gzip
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines import BUILTIN
from odibi_core.engines.base import Engine
from odibi_core.engines.frame import is_frame
from odibi_core.errors import EngineError, OdibiError, SourceNotFoundError, UnknownTableError, UnreadableSourceError
from odibi_core.plugins import load

ROWS = [{"n": 1, "s": "a,b", "f": 1.5}, {"n": 2, "s": 'é\n"', "f": None}]
FILES = [
    "csv", "csv.gz", "csv.zip", "parquet", "jsonl", "jsonl.gz", "jsonl.zip", "tsv", "tsv.gz", "json", "json.zip",
    "arrow", "arrows", "avro", "xlsx",
]  # fmt: skip


def rows(frame: Any) -> list[dict[str, Any]]:
    """A frame as rows, with NaN and null both None."""
    seen = nw.from_native(frame).lazy().collect()
    return [{k: None if v != v else v for k, v in row.items()} for row in seen.iter_rows(named=True)]


def test_it_is_an_engine_called_as_it_is_registered(engine: Any) -> None:
    """The protocol holds, and the name is the one to ask for."""
    assert isinstance(engine, Engine)
    assert engine.name in BUILTIN


@pytest.mark.parametrize("suffix", FILES)
def test_what_is_written_is_read_back(engine: Any, suffix: str) -> None:
    """In each format and packing, into folders that were not there."""
    engine.write(engine.frame(ROWS), f"new/folder/x.{suffix}")
    assert rows(engine.read(f"new/folder/x.{suffix}")) == ROWS


def test_a_glob_reads_as_one_frame(engine: Any) -> None:
    """Files that infer differently still make one frame, in the order of their names."""
    Path("b.csv").write_text("n,s\n2.5,y\n")
    Path("a.csv").write_text("n,s\n1,x\n")
    assert rows(engine.read("*.csv")) == [{"n": 1.0, "s": "x"}, {"n": 2.5, "s": "y"}]


def test_missing_values_of_csv_mean_the_same(engine: Any) -> None:
    """`NA` and empty are null for every engine, and late floats do not break what began as whole numbers."""
    Path("a.csv").write_text("n,s\n" + "1,x\n" * 500 + "NA,\n2.5,y\n")
    frame = rows(engine.read("a.csv"))
    assert frame[500] == {"n": None, "s": None}
    assert frame[501] == {"n": 2.5, "s": "y"}


def test_options_go_to_the_library(engine: Any) -> None:
    """A wrong one is an error that names it."""
    Path("a.csv").write_text("n\n1\n")
    with pytest.raises(EngineError, match="wrong"):
        engine.read("a.csv", wrong=1)
    with pytest.raises(EngineError, match="wrong"):
        engine.write(engine.frame(ROWS), "b.csv", wrong=1)
    assert not Path("b.csv").exists()


def test_a_missing_file_is_one_error(engine: Any) -> None:
    """An OdibiError that is a FileNotFoundError as well, with the nearest name."""
    Path("flights.csv").touch()
    with pytest.raises(SourceNotFoundError, match=r"fligths.csv.*flights.csv") as raised:
        engine.read("fligths.csv")
    assert isinstance(raised.value, FileNotFoundError)
    assert isinstance(raised.value, OdibiError)


@pytest.mark.parametrize(
    "suffix", ["csv.gz", "csv.zip", "parquet", "jsonl", "jsonl.gz", "json", "tsv.gz", "arrow", "arrows", "avro", "xlsx"]
)
def test_a_file_cut_short_is_unreadable(engine: Any, suffix: str) -> None:
    """It is refused by name, and never read in part. (Text cut just between two lines cannot be known.)"""
    engine.write(engine.frame(ROWS * 50), f"x.{suffix}")
    whole = Path(f"x.{suffix}").read_bytes()
    for kept in (1, len(whole) // 2 - 7, len(whole) - 3):
        Path(f"x.{suffix}").write_bytes(whole[:kept])
        with pytest.raises(UnreadableSourceError, match=f"x.{suffix}"):
            engine.read(f"x.{suffix}")


@pytest.mark.parametrize(
    "suffix", ["csv", "csv.gz", "csv.zip", "parquet", "jsonl", "json", "tsv", "arrow", "arrows", "avro", "xlsx"]
)
def test_garbage_is_unreadable(engine: Any, suffix: str) -> None:
    """Bytes of another kind, a panic of the library included, are one error that names the file."""
    Path(f"x.{suffix}").write_bytes(bytes(range(128, 256)) * 40)
    with pytest.raises(UnreadableSourceError, match=f"x.{suffix}"):
        engine.read(f"x.{suffix}")


def test_a_zip_of_several_files_is_refused(engine: Any) -> None:
    """Which of them is meant cannot be known."""
    with zipfile.ZipFile("x.csv.zip", "w") as archive:
        archive.writestr("a.csv", "n\n1\n")
        archive.writestr("b.csv", "n\n1\n")
    with pytest.raises(UnreadableSourceError, match="2 files"):
        engine.read("x.csv.zip")


def test_no_lines_are_no_rows(engine: Any) -> None:
    """An empty file of JSON lines is a frame without rows, packed or not."""
    Path("x.jsonl").touch()
    with gzip.open("y.jsonl.gz", "wb"):
        pass
    assert rows(engine.read("x.jsonl")) == []
    assert rows(engine.read("y.jsonl.gz")) == []


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table, dict, lambda data: [{"n": 1}, {"n": 2}]]
)
def test_any_frame_can_be_taken_and_queried(engine: Any, make: Any) -> None:
    """Frames of other libraries, lazy ones and plain Python become this engine's, and are tables in SQL."""
    given = make({"n": [1, 2]})
    assert rows(engine.frame(given)) == [{"n": 1}, {"n": 2}]
    assert rows(engine.sql("select sum(n)::bigint as n from t", {"t": given})) == [{"n": 3}]


def test_what_is_no_frame_is_refused(engine: Any) -> None:
    """With its type."""
    with pytest.raises(EngineError, match="int"):
        engine.frame(5)


def test_sql_gives_this_engines_frame(engine: Any) -> None:
    """With parameters by name."""
    told = engine.sql(
        "select n + $more as n from t where s like 'a%'", {"t": engine.frame(ROWS)}, {"more": 10}
    )
    assert is_frame(told)
    assert type(told) is type(engine.frame(ROWS))
    assert rows(told) == [{"n": 11}]


def test_an_unknown_table_is_named_with_the_nearest(engine: Any) -> None:
    """The table, the step's inputs, the right name."""
    with pytest.raises(
        UnknownTableError, match=r"(?s)'fligths'.*did you mean 'flights'.*'flights', 'planes'"
    ):
        engine.sql("select * from fligths", {"flights": engine.frame(ROWS), "planes": engine.frame(ROWS)})


def test_python_variables_are_no_tables(engine: Any) -> None:
    """A frame that happens to be in a variable of that name is not seen."""
    hidden = engine.frame(ROWS)
    # DuckDB looks in the function that calls it: `frames` and `text` are variables there.
    for name in ("hidden", "frames", "text"):
        with pytest.raises(UnknownTableError, match=f"'{name}'"):
            engine.sql(f"select * from {name}", {"t": hidden})


def test_a_syntax_error_shows_the_line(engine: Any) -> None:
    """With the text and its line numbers."""
    with pytest.raises(EngineError, match=r"(?s)LINE 2.*2 \| from t wher n"):
        engine.sql("select n\nfrom t wher n", {"t": engine.frame(ROWS)})


def test_names_of_tables_may_be_anything(engine: Any) -> None:
    """Quotes, spaces and newlines included; only capitals make no difference, which the message states."""
    name = 'we"ird\n; drop table x'
    quoted = name.replace('"', '""')
    assert len(rows(engine.sql(f'select * from "{quoted}"', {name: engine.frame(ROWS)}))) == 2
    with pytest.raises(EngineError, match="capitals"):
        engine.sql("select 1 as n", {"t": engine.frame(ROWS), "T": engine.frame(ROWS)})


def test_a_frame_that_is_no_table_is_refused_when_it_is_used(engine: Any) -> None:
    """A frame without columns cannot be one, which matters only to SQL that reads it."""
    frames = {"empty": engine.frame({}), "t": engine.frame(ROWS)}
    assert len(rows(engine.sql("select n from t", frames))) == 2
    with pytest.raises(EngineError, match="'empty'"):
        engine.sql("select * from empty", frames)


def test_nothing_of_a_query_is_left_behind(engine: Any) -> None:
    """Tables made, transactions left open, and failures: the next query finds a clean place."""
    counted = "select count(*)::int as n from duckdb_databases() where not internal"
    before = rows(engine.sql(counted, {}))  # the base, this query's own, and those of frames that still live
    engine.sql("create table mine as select 1 as n; select * from mine", {})
    with pytest.raises(UnknownTableError):
        engine.sql("select * from mine", {})
    for text in ("begin; create table z as select 1 as n; select n from z", "select 1 as n"):
        assert rows(engine.sql(text, {})) == [{"n": 1}]
    with pytest.raises(EngineError):
        engine.sql("begin; select no from nowhere", {})
    assert rows(engine.sql(counted, {})) == before


def test_queries_run_side_by_side(engine: Any) -> None:
    """Eight threads with one table name and their own data never see each other's."""
    barrier = threading.Barrier(8)

    def ask(number: int) -> list[int]:
        barrier.wait()
        frame = engine.frame({"n": [number]})
        text = "create table copy as select n from t; select n from copy"
        return [rows(engine.sql(text, {"t": frame}))[0]["n"] for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [[number] * 10 for number in range(8)]


BIG = 2**53 + 1


@pytest.mark.parametrize(
    "value",
    [
        [{"n": BIG}, {"n": None}],
        [{"n": BIG}, {}],
        {"n": [BIG, None]},
        pl.DataFrame({"n": [BIG, None]}),
        pl.LazyFrame({"n": [BIG, None]}),
        pa.table({"n": [BIG, None]}),
        pd.DataFrame({"n": pd.array([BIG, None], dtype="Int64")}),
        {"n": [2**64 - 1, None]},
        {"n": [[BIG, None], None]},
        pl.DataFrame({"n": [[BIG, None], None]}),
        {"n": [True, None]},
        pl.DataFrame({"n": [True, None]}),
    ],
)
def test_a_frame_of_another_kind_is_taken_exactly(engine: Any, value: Any) -> None:
    """Rows, columns and frames of other libraries: whole numbers beside missing ones stay whole, through files too."""
    wanted = pl.DataFrame(value if isinstance(value, list | dict) else engine_of(value))["n"].to_list()
    for suffix in ("jsonl", "parquet"):
        engine.write(value, f"x.{suffix}")
        back = engine.read(f"x.{suffix}")["n"].to_list()
        found = [None if not isinstance(v, list) and pd.isna(v) else v for v in back]
        assert found == wanted
        assert [type(v) for v in found] == [type(v) for v in wanted]


def engine_of(value: Any) -> Any:
    return load("engines", "polars")().frame(value).lazy().collect()


def test_a_relation_is_taken_exactly(engine: Any) -> None:
    """A relation of DuckDB's gives the types that a query gives."""
    import duckdb

    connection = duckdb.connect()
    told = engine.frame(
        connection.sql(f"select sum(n) as n, 1.10::decimal(4,2) as d from (values ({BIG})) t(n)")
    )
    assert told["n"].to_list() == [BIG]
    assert str(told["d"].to_list()[0]) == "1.10"


def test_polars_refuses_to_make_floats_of_whole_numbers() -> None:
    """A column of plain Python that no type of polars holds exactly is refused by name."""
    for value in ({"n": [BIG, 0.5]}, [{"n": BIG}, {"n": 0.5}]):
        with pytest.raises(EngineError, match=r"'n' holds floats|Float64"):
            load("engines", "polars")().frame(value)
