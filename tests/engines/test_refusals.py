"""Paths and options that no engine can read or write are refused before anything runs."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.families.seen import IN_ORDER, loaded

from odibi_core import Orchestrator, Step, pipeline
from odibi_core.errors import EngineError, PipelineDefinitionError
from odibi_core.plugins import load

WRITES = [
    ("out.doc", {}, "no format that can be read or written; those are .csv, .tsv"),
    ("out.DOC", {}, "no format"),
    ("out", {}, "has no suffix"),
    ("out.jsn", {}, r"\.jsonl"),
    ("out.json", {"lines": True}, "one array of an object for each row"),
    ("out.json", {"orient": "split"}, "one array of an object for each row"),
    ("out.json", {"mode": "a"}, "mode='a' does not fit.*to append"),
    ("out.tsv", {"mode": "a"}, "mode='a' does not fit.*to append"),
    ("out.tsv", {"sep": ";"}, "no option 'sep'"),
    ("out.tsv", {"separator": ";"}, "no option 'separator'"),
    ("out.arrow", {"compression": "gzip"}, "compression must be one of uncompressed, lz4, zstd"),
    ("out.arrow", {"wrong": 1}, "no option 'wrong'"),
    ("out.arrow.gz", {}, "compressed inside"),
    ("s3://key:secret@bucket/out.csv", {}, "must have no credentials in it, got some; set them by storage_options"),
    ("gs://bucket/out.csv", {}, r"needs gcsfs, which is not installed: pip install 'odibi-core\[gcs\]'"),
    ("out.csv.bz2", {}, r"'\.bz2'"),
    ("out.csv.zst", {}, r"\.gz or \.zip"),
    ("out.parquet.gz", {}, "compressed inside"),
    ("out.csv", {"format": "exel"}, "format 'exel'"),
    ("out.csv", {"format": 5}, "got 5"),
    ("out/", {}, "is a folder; name the file to write, such as out/out.parquet"),
    (".", {}, "is a folder"),
    ("out.csv", {"mode": "a"}, "mode='a' does not fit.*to append"),
    ("out.csv", {"mode": "x"}, "mode='x' does not fit"),
    ("out.jsonl", {"mode": "a"}, "mode='a' does not fit.*to append"),
    ("out.jsonl.gz", {"mode": "a"}, "mode='a' does not fit"),
    ("out.parquet", {"mode": "a"}, "mode='a' does not fit"),
    ("out.parquet", {"append": True}, "append=True does not fit"),
    ("out.csv", {"compression": "gzip"}, r"the suffix \.gz or \.zip decides"),
    ("out.csv.gz", {"compression": "gzip"}, "the suffix .* decides"),
    ("out.jsonl", {"compression": "gzip"}, "the suffix .* decides"),
    ("out.jsonl", {"lines": False}, "one object a line"),
    ("out.jsonl", {"orient": "split"}, "one object a line"),
    ("out.csv", {"storage_options": {"key": "x"}}, "is a local path"),
    ("out.csv", {"path_or_buf": "other.csv"}, "the path is the step's value"),
    ("out.csv", {"file": "other.csv"}, "the path is the step's value"),
    ("out.csv", {"partition_by": ["n"]}, "no option 'partition_by'"),
    ("out.csv", {"wrong": 1}, "no option 'wrong'"),
    ("out.parquet", {"wrong": 1}, "no option 'wrong'"),
]
READS = [
    ("in.doc", {}, "no format that can be read or written"),
    ("in", {}, "has no suffix"),
    ("data/*.doc", {}, "no format"),
    ("in.json", {"lines": True}, "one array of objects"),
    ("in.feather", {"columns": "n"}, "columns must be a list of names, got 'n'"),
    ("in.csv", {"chunksize": 10}, "reads one frame"),
    ("in.csv", {"iterator": True}, "reads one frame"),
    ("in.csv", {"wrong": 1}, "no option 'wrong'"),
    ("in.jsonl", {"lines": False}, "one object a line"),
    ("in.csv", {"storage_options": {"key": "x"}}, "is a local path"),
]


@pytest.fixture(params=IN_ORDER)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("path", "params", "words"), WRITES)
def test_a_write_that_cannot_be_is_refused_before_anything_runs(
    engine: str, path: str, params: dict[str, Any], words: str
) -> None:
    """By name of the step, with what would be right; no step has run, and the file that was there is whole."""
    Path("out.csv").write_text("old")
    ran: list[int] = []

    def made() -> list[dict[str, int]]:
        ran.append(1)
        return [{"n": 1}]

    steps: list[Any] = [made, Step(name="save", layer="publish", value=path, inputs=["made"], params=params)]
    with pytest.raises(PipelineDefinitionError, match=f"step 'save': .*{words}"):
        Orchestrator(steps, engine).execute()
    assert not ran
    with pytest.raises(EngineError, match=words):
        load("engines", engine)().write([{"n": 1}], path, **params)
    assert Path("out.csv").read_text() == "old"


@pytest.mark.parametrize(("path", "params", "words"), READS)
def test_a_read_that_cannot_be_is_refused_before_anything_runs(
    engine: str, path: str, params: dict[str, Any], words: str
) -> None:
    """The same for what is read; the file itself need not be there yet."""
    with pytest.raises(PipelineDefinitionError, match=f"step 'take': .*{words}"):
        pipeline.compile([Step(name="take", layer="ingest", value=path, params=params)], engine)


def test_what_can_be_is_not_refused(engine: str) -> None:
    """A folder, an open pattern, capitals, packed text, a given format: the rest depends on the files."""
    Path("hive").mkdir()
    reads = [("hive", {}), ("hive/", {}), ("*", {}), ("a.*", {}), ("A.CSV.GZ", {}), ("in", {"format": "CSV"})]
    for path, params in reads:
        pipeline.compile([Step(name="take", layer="ingest", value=path, params=params)], engine)
    writes: list[tuple[Any, dict[str, str]]] = [
        ("OUT.CSV", {}),
        ("out.jsonl.zip", {}),
        ("out", {"format": "parquet"}),
        (Path("a.pq"), {}),
    ]
    for path, params in writes:
        step = Step(name="save", layer="publish", value=path, inputs=["x"], params=params)
        pipeline.compile([step], engine, initial={"x"})


def test_params_set_later_are_looked_at_too() -> None:
    """`with_params` refuses what `compile` would."""
    step = Step(name="save", layer="publish", value="x.csv", inputs=["x"], params={"mode": "w"})
    graph = pipeline.compile([step], initial={"x"})
    with pytest.raises(PipelineDefinitionError, match="mode='a'"):
        pipeline.with_params(graph, {"mode": "a"})


def test_a_format_whose_library_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet on pandas without pyarrow: the missing library is named before anything runs."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for step in (
        Step(name="s", layer="ingest", value="x.parquet"),
        Step(name="s", layer="publish", value="x.parquet", inputs=["x"]),
    ):
        with pytest.raises(
            PipelineDefinitionError, match=r"step 's': .*parquet needs pyarrow.*odibi-core\[parquet\]"
        ):
            pipeline.compile([step], "pandas", initial={"x"})
    pipeline.compile([Step(name="s", layer="ingest", value="x.csv")], "pandas")


def test_sql_whose_library_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB hands frames to polars by pyarrow; to pandas it needs none."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    step = Step(name="s", type="sql", value="select 1 as n")
    pipeline.compile([step], "pandas")
    with pytest.raises(
        PipelineDefinitionError, match=r"step 's': SQL on polars needs pyarrow.*odibi-core\[parquet\]"
    ):
        pipeline.compile([step], "polars")


def test_an_engine_from_outside_need_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without `problems` is not asked."""

    class Plain:
        name = "pandas"

    monkeypatch.setattr("odibi_core.plugins.load", lambda family, name: Plain)
    pipeline.compile([Step(name="s", layer="ingest", value="x.anything")], "pandas")


def test_options_that_fit_still_reach_the_writer(engine: str) -> None:
    """Refusing takes nothing away: separators, null texts and compression inside of Parquet work."""
    frame = pd.DataFrame({"a": [1, 2]})
    tool = loaded(engine)
    tool.write(frame, "x.csv", **({"sep": ";"} if engine == "pandas" else {"separator": ";"}))
    tool.write(frame, "x.parquet", compression="gzip")
    assert Path("x.csv").read_text() == "a\n1\n2\n"
    assert len(tool.read("x.parquet")) == 2


@pytest.mark.parametrize(
    ("library", "path", "params", "extra"),
    [
        ("fastavro", "x.avro", {}, "avro"),
        ("openpyxl", "x.xlsx", {}, "excel"),
        ("pyarrow", "x.arrow", {}, "parquet"),
        ("deltalake", "x", {"format": "delta"}, "delta"),
        ("pyiceberg", "a.b", {"format": "iceberg", "catalog": "c"}, "iceberg"),
        ("sqlalchemy", "sqlite:///x.db", {"table": "t", "mode": "append"}, "sql"),
        ("psycopg", "postgresql://host/db", {"table": "t", "mode": "append"}, "postgresql"),
    ],
)
def test_a_format_without_its_library_names_the_extra(
    engine: str, library: str, path: str, params: dict[str, Any], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything runs, for reading and writing."""
    monkeypatch.setitem(sys.modules, library, None)
    reads = {name: value for name, value in params.items() if name != "mode"}
    for step in (
        Step(name="s", layer="ingest", value=path, params=reads),
        Step(name="s", layer="publish", value=path, inputs=["x"], params=params),
    ):
        with pytest.raises(PipelineDefinitionError, match=rf"step 's': .*{library}.*odibi-core\[{extra}\]"):
            pipeline.compile([step], engine, initial={"x"})
