"""The Spark engine, with one local session for all tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines import frame as frames
from odibi_core.engines import spark_rows
from odibi_core.errors import EngineError, SourceNotFoundError, UnknownTableError, UnreadableSourceError
from odibi_core.plugins import load

pytestmark = pytest.mark.xdist_group("spark")
ROWS = [{"n": 1, "s": "a,b", "f": 1.5}, {"n": 2, "s": 'é\n"', "f": None}]
BIG = 2**53 + 1


@pytest.fixture
def engine(spark: Any) -> Any:
    return load("engines", "spark")()


def rows(frame: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = frame.toArrow().to_pylist()
    return found


class Jobs:
    """The jobs that Spark began in the block."""

    def __init__(self, spark: Any) -> None:
        self._tracker = spark.sparkContext._jsc.sc().statusStore()

    def count(self) -> int:
        return int(self._tracker.jobsList(None).size())


@pytest.fixture
def jobs(spark: Any) -> Jobs:
    return Jobs(spark)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "tsv", "parquet", "jsonl", "jsonl.gz", "arrow", "avro", "xlsx"])
def test_what_is_written_is_read_back(engine: Any, suffix: str) -> None:
    """In each format, into folders that were not there; a second write replaces the first."""
    for _ in range(2):
        engine.write(engine.frame(ROWS), f"new/folder/x.{suffix}")
    found = sorted(rows(engine.read(f"new/folder/x.{suffix}")), key=lambda row: row["n"])
    assert found == ROWS
    assert [path.name for path in Path("new/folder").iterdir()] == [f"x.{suffix}"]


def test_other_engines_read_its_folders(engine: Any) -> None:
    """A folder of part files is read by the suffix of its name."""
    for suffix in ("parquet", "csv", "jsonl"):
        engine.write(engine.frame(ROWS), f"x.{suffix}")
        for other in ("pandas", "polars"):
            found = load("engines", other)().read(f"x.{suffix}")
            assert sorted(found["n"].to_list()) == [1, 2]


def test_csv_means_what_it_means_to_pandas(engine: Any) -> None:
    """Missing values by name, zip codes and long numbers as text, one type for a column."""
    Path("a.csv").write_text(
        f"n,f,zip,long,mixed,b,none,t\n1,1,00123,{BIG},{BIG},true,NA,x\nNA,2.5,1,{2**63},0.5,False,,NA\n"
    )
    found = engine.read("a.csv")
    assert [kind for _, kind in found.dtypes] == [
        "bigint", "double", "string", "string", "string", "boolean", "string", "string",
    ]  # fmt: skip
    assert rows(found) == [
        {"n": 1, "f": 1.0, "zip": "00123", "long": str(BIG), "mixed": str(BIG), "b": True, "none": None, "t": "x"},
        {"n": None, "f": 2.5, "zip": "1", "long": str(2**63), "mixed": "0.5", "b": False, "none": None, "t": None},
    ]


def test_reading_parquet_starts_no_job_over_the_rows(engine: Any, jobs: Jobs) -> None:
    """A read is a plan; the schema comes from a footer, as do the rows and the missing values of local files."""
    engine.write(engine.frame(ROWS), "x.parquet")
    found = engine.read("x.parquet")
    before = jobs.count()
    described = frames.describe(found, "stats")
    assert described["schema"] == [
        {"column": "n", "type": "Int64"}, {"column": "s", "type": "String"}, {"column": "f", "type": "Float64"},
    ]  # fmt: skip
    assert (described["row_count"], described["metadata"]["lazy"], described["not_described"]) == (2, True, None)
    assert described["stats"] == [{"column": "n", "nulls": 0}, {"column": "s", "nulls": 0}, {"column": "f", "nulls": 1}]
    assert jobs.count() == before


def test_a_write_counts_in_its_own_job(engine: Any, spark: Any, jobs: Jobs) -> None:
    """The rows and the missing values of a frame are known after the job that wrote it, and no other job ran."""
    frame = spark.range(10).selectExpr("id as n", "if(id > 6, null, id) as `odd.name`")
    assert frames.row_count(frame) is None
    before = jobs.count()
    frame.write.parquet(f"file://{Path('plain.parquet').absolute()}")
    bare = jobs.count() - before
    engine.write(frame, "x.parquet")
    assert jobs.count() - before == 2 * bare
    assert frames.row_count(frame) == 10
    known = spark_rows.known(frame)
    assert known is not None
    assert known.nulls == {"n": 0, "odd.name": 3}


def test_an_observation_that_never_comes_leaves_the_rows_unknown(
    engine: Any, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count that Spark does not deliver is unknown, never zero, and nothing waits without end."""
    monkeypatch.setattr(spark_rows, "PATIENCE", 0.05)
    frame = spark.range(3)
    counted = spark_rows.Counted(frame)
    counted.finish()  # nothing was executed
    assert spark_rows.known(frame) is None


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [BIG, None, -(2**63)]),
        (pa.uint8(), [200, None]),
        (pa.uint64(), [2**63 - 1, None]),
        (pa.float64(), [0.1 + 0.2, None, 5e-324]),
        (pa.string(), ["é\n\"'", None, ""]),
        (pa.string_view(), ["x", None]),
        (pa.bool_(), [True, None, False]),
        (pa.date32(), [date(2020, 2, 29), None]),
        (pa.timestamp("us"), [datetime.fromisoformat("1969-01-01T00:00:00.000005"), None]),
        (pa.timestamp("us", "UTC"), [datetime(2020, 7, 1, 12, tzinfo=UTC), None]),
        (pa.time64("us"), [time(1, 2, 3, 4), None]),
        (pa.duration("us"), [timedelta(hours=30, microseconds=5), None]),
        (pa.decimal128(38, 2), [Decimal("1234567890123456789.10"), None]),
        (pa.binary(), [b"\0x", None]),
        (pa.list_(pa.int64()), [[1, None], None, []]),
        (pa.struct({"a": pa.int64(), "b": pa.string()}), [{"a": BIG, "b": None}, None]),
    ],
)
def test_each_type_crosses_exactly(engine: Any, kind: Any, values: list[Any]) -> None:
    """Every value comes back from Spark as it was given, with the rows known and no job to take it."""
    frame = engine.frame(pa.table({"x": pa.array(values, kind)}))
    assert frames.row_count(frame) == len(values)
    assert engine.arrow(frame).column("x").to_pylist() == values


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**64 - 1], pa.uint64()),
        pa.array([1], pa.timestamp("ns")),
        pa.array([Decimal(1)], pa.decimal256(50, 2)),
    ],
)
def test_a_value_that_spark_cannot_hold_is_refused_by_column(engine: Any, column: Any) -> None:
    """Nothing is rounded on the way to Spark."""
    with pytest.raises(EngineError, match="'x'"):
        engine.frame(pa.table({"x": column}))
    with pytest.raises(EngineError, match="'n'"):
        engine.frame({"n": [BIG, 0.5]})


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table, dict, lambda _: [{"n": 1}, {"n": 2}]]
)
def test_frames_cross_in_both_directions(engine: Any, make: Any) -> None:
    """Frames of every library become Spark's and are tables in its SQL; its frames become those of the others."""
    given = make({"n": [1, 2]})
    assert rows(engine.sql("select sum(n) as n from t", {"t": given})) == [{"n": 3}]
    for other in ("pandas", "polars"):
        there = load("engines", other)()
        assert there.frame(engine.frame(given))["n"].to_list() == [1, 2]
        assert there.sql("select sum(n)::bigint as n from t", {"t": engine.frame(given)})["n"].to_list() == [3]


def test_sql_is_sparks_with_named_parameters(engine: Any) -> None:
    """`$name` is a parameter, and no more than text within quotes; the statement may have a WITH of its own."""
    query = "with u as (select * from t) select n + $more as n, '$more' as s from u where s like 'a%' -- $none"
    assert rows(engine.sql(query, {"t": ROWS}, {"more": 10})) == [{"n": 11, "s": "$more"}]
    with pytest.raises(EngineError, match=r"\$more"):
        engine.sql(query, {"t": ROWS})


def test_sql_runs_nothing(engine: Any, spark: Any, jobs: Jobs) -> None:
    """The answer is a plan, which outlives the views that it was made with."""
    before = jobs.count()
    found = engine.sql("select count(*) as n from `a b`", {"a b": spark.range(5)})
    assert jobs.count() == before
    assert not [view for view in spark.catalog.listTables() if view.name.startswith("odibi")]
    assert rows(found) == [{"n": 5}]


def test_an_unknown_table_is_named_with_the_nearest(engine: Any) -> None:
    """The table, the step's inputs, the right name; other errors show the lines of the SQL."""
    with pytest.raises(UnknownTableError, match=r"(?s)'fligths'.*did you mean 'flights'.*'flights', 'planes'"):
        engine.sql("select * from fligths", {"flights": ROWS, "planes": ROWS})
    with pytest.raises(EngineError, match=r"(?s)PARSE_SYNTAX_ERROR.*2 \| from t wher n"):
        engine.sql("select n\nfrom t wher n", {"t": ROWS})
    with pytest.raises(EngineError, match="capitals"):
        engine.sql("select 1 as n", {"t": ROWS, "T": ROWS})


def test_partitions_are_written_and_read(engine: Any, spark: Any) -> None:
    """Folders by value, appended to, and replaced one by one; other engines read the same rows."""
    frame = engine.frame({"day": ["01", "02", "02"], "n": [1, 2, 3]})
    engine.write(frame, "set", partition_by="day")
    engine.write(engine.frame({"day": ["02"], "n": [4]}), "set", partition_by=["day"], mode="overwrite_partitions")
    engine.write(engine.frame({"day": ["01"], "n": [5]}), "set", partition_by=["day"], mode="append")
    wanted = [(1, "01"), (4, "02"), (5, "01")]
    found = engine.read("set")
    assert sorted((row["n"], row["day"]) for row in rows(found)) == wanted
    assert sorted(map(tuple, load("engines", "polars")().read("set").select("n", "day").rows())) == wanted
    plan = found.where("day = '02'")._jdf.queryExecution().executedPlan().toString()
    assert "PartitionFilters: [isnotnull(day" in plan


def test_bad_files_are_one_error(engine: Any) -> None:
    """A missing file with the nearest name, garbage, wrong options, and a failed write that leaves the old data."""
    Path("flights.csv").touch()
    with pytest.raises(SourceNotFoundError, match=r"fligths.csv.*flights.csv"):
        engine.read("fligths.csv")
    with pytest.raises(UnreadableSourceError, match="header"):
        engine.read("flights.csv")
    Path("x.parquet").write_bytes(bytes(range(128, 256)) * 40)
    with pytest.raises(UnreadableSourceError, match=r"x\.parquet"):
        engine.read("x.parquet")
    Path("x.csv").write_bytes(b"n,s\n1,x\n2,\xe9\n")
    with pytest.raises(UnreadableSourceError, match=r"x\.csv.*UTF-8"):
        engine.read("x.csv")
    with pytest.raises(EngineError, match="wrong"):
        engine.read("flights.csv", wrong=1)


def test_a_failed_write_leaves_what_was_there(engine: Any, spark: Any) -> None:
    """Spark writes aside: a job that fails half way changes nothing."""
    engine.write(engine.frame(ROWS), "x.parquet")
    bad = spark.range(5).selectExpr("if(id > 3, raise_error('no'), id) as n")
    with pytest.raises(EngineError, match=r"x\.parquet"):
        engine.write(bad, "x.parquet")
    assert len(rows(engine.read("x.parquet"))) == 2
    assert [path.name for path in Path().iterdir()] == ["x.parquet"]


@pytest.mark.parametrize(
    ("operation", "path", "wanted"),
    [("read", "x.csv.zip", "zip"), ("write", "x.json", "jsonl"), ("write", "s3a://b/x.avro", "local")],
)
def test_what_spark_cannot_do_is_refused_before_the_run(engine: Any, operation: str, path: str, wanted: str) -> None:
    """With what would work instead."""
    assert wanted in " ".join(engine.problems(operation, path, {}))


def test_a_missing_java_is_named_before_the_run(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version to install, and only if no session is running."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert engine.problems("sql", "", {}) == []
    monkeypatch.setattr("odibi_core.engines.spark_session.running", lambda: None)
    assert "Java 17" in " ".join(engine.problems("sql", "", {}))
    with pytest.raises(EngineError, match="Java 17"):
        engine.frame(ROWS)
