"""Plans are executed once for all that needs their rows, and never to be observed; their facts come with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from odibi_core.bus.bus import EventBus
from odibi_core.checks import accepted_values, between, not_null, references, row_count, unique
from odibi_core.engines import arrow_columns
from odibi_core.engines.duckdb_engine import DuckdbEngine
from odibi_core.engines.plan_operators import WITHIN
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.testing import RecordingSink

ROWS = pl.DataFrame({"n": [1, 2, 3, 4], "k": ["a", "b", "a", None]})


class Source:
    """A source of a LazyFrame that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def scan(self) -> pl.LazyFrame:
        def read(columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[pl.DataFrame]:
            self.reads += 1
            frame = ROWS if columns is None else ROWS.select(columns)
            yield frame if predicate is None else frame.filter(predicate)

        return register_io_source(read, schema=ROWS.schema)


def run(steps: list[Any], engine: str = "polars-lazy", **options: Any) -> tuple[Result, RecordingSink]:
    """Run steps; return the result and the events."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    result = Orchestrator(steps, engine, event_bus=bus, store=False, raise_on_error=False, **options).execute()
    return result, heard


def double(raw: pl.LazyFrame) -> pl.LazyFrame:
    return raw.with_columns(twice=pl.col("n") * 2)


def branches(raw: Callable[[], Any], folder: Path) -> list[Any]:
    """A source, a checked step, two files, SQL, and a result that no step takes."""
    return [
        Step(name="raw", layer="ingest", value=raw),
        Step(
            name="double", value=double, inputs=["raw"],
            checks=[between("twice", 2, 8), not_null("k", severity="warn")],
        ),
        Step(name="low", value=lambda double: double.filter(pl.col("n") < 3), inputs=["double"]),
        Step(name="high", value=lambda double: double.filter(pl.col("n") > 2), inputs=["double"]),
        Step(name="one", layer="publish", value=str(folder / "low.parquet"), inputs=["low"]),
        Step(name="two", layer="publish", value=str(folder / "high.csv"), inputs=["high"]),
        Step(name="sums", type="sql", value="select sum(twice) as s from double", inputs=["double"]),
        Step(name="left", value=lambda double: double.select("n"), inputs=["double"], checks=[row_count(4, 4)]),
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "options", [{}, {"snapshot_level": "stats"}, {"snapshot_level": "off", "enable_tracker": False}]
)
def test_a_plan_is_executed_once_with_and_without_a_record(
    tmp_path: Path, options: dict[str, Any], workers: int
) -> None:
    """Two files, a SQL step, checks and a result: the source is read once, whatever is recorded."""
    source = Source()
    result, heard = run(branches(source.scan, tmp_path), max_workers=workers, **options)
    assert result.status == "success", result.error
    assert source.reads == 1
    assert heard.kinds.count("plan_executed") == 1
    assert pl.read_parquet(tmp_path / "low.parquet")["n"].to_list() == [1, 2]
    assert pl.read_csv(tmp_path / "high.csv")["twice"].to_list() == [6, 8]
    assert result.data["left"]["n"].to_list() == [1, 2, 3, 4]
    assert result.data["sums"]["s"].to_list() == [20]


def test_the_facts_of_a_plan_are_those_of_an_eager_engine(tmp_path: Path) -> None:
    """Rows, schemas, checks and their examples are the same; rows within a plan are unknown, and not 0."""
    lazy, of_lazy = run(branches(Source().scan, tmp_path))
    eager, of_eager = run(branches(lambda: ROWS, tmp_path), "polars")
    rows = {name: node["row_count"] for name, node in eager.nodes.items()}
    assert {name: node["row_count"] for name, node in lazy.nodes.items()} == {**rows, "raw": None}
    assert checks(of_lazy) == checks(of_eager)
    assert lazy.checks == eager.checks == {"passed": 2, "failed": 1, "not_checked": 0}
    assert schemas(of_lazy) == schemas(of_eager)


def checks(heard: RecordingSink) -> list[tuple[Any, ...]]:
    names = ("check", "column", "passed", "failed_rows", "total_rows", "examples")
    found = [event for event in heard.events if event.event_type == "check_result"]
    return sorted((str(e.node_name), str(e.message), *(str(e.fields[name]) for name in names)) for e in found)


def schemas(heard: RecordingSink) -> dict[Any, Any]:
    found = [e for e in heard.events if e.event_type == "snapshot" and e.fields["when"] == "after"]
    return {(e.node_name, e.fields["dataset"]): e.fields["schema"] for e in found}


def test_the_level_stats_counts_within_a_plan(tmp_path: Path) -> None:
    """It asks for the rows of every frame, and the plan then passes them on."""
    result, _ = run(branches(Source().scan, tmp_path), snapshot_level="stats")
    assert result.nodes["raw"]["row_count"] == 4


def test_checks_see_the_plans_that_a_step_took() -> None:
    """References to another input, and a check of an input, are asked while the plan is executed."""
    source = Source()

    def joined(raw: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
        return raw.join(known, on="k", how="left")

    result, heard = run([
        Step(name="raw", value=source.scan),
        Step(name="known", value=lambda: pl.LazyFrame({"k": ["a", "c"]})),
        Step(
            name="joined", value=joined, inputs=["raw", "known"],
            checks=[references("k", "known.k", on="raw"), unique("n"), accepted_values("k", ["a", "b"])],
        ),
    ])  # fmt: skip
    assert result.status == "failed"
    assert [(c[1], c[4]) for c in checks(heard)] == [
        ("0 duplicates of n in 4 rows", "True"),
        ("0 values of k not accepted in 4 rows", "True"),
        ("1 value of k missing from known.k in 4 rows", "False"),
    ]
    assert source.reads == 1


def test_a_check_that_fails_late_fails_its_node_and_publishes_nothing_below(tmp_path: Path) -> None:
    """Its frame was computed, and the files and results below it are not made; other branches are."""
    source = Source()
    raw, *rest = branches(source.scan, tmp_path)
    fails = Step(name="double", value=double, inputs=["raw"], checks=[between("twice", 2, 7)])
    beside = Step(name="beside", layer="publish", value=str(tmp_path / "beside.parquet"), inputs=["raw"])
    result, heard = run([raw, fails, *rest[1:], beside])
    assert result.status == "failed"
    assert {name: node["status"] for name, node in result.nodes.items()} == {
        "raw": "success", "double": "failed", "beside": "success", "low": "skipped", "high": "skipped",
        "one": "skipped", "two": "skipped", "sums": "skipped", "left": "skipped",
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside.parquet"]
    assert not {"double", "left"} & set(result.data)
    failed = next(event for event in heard.events if event.event_type == "node_failed")
    assert "1 value of twice outside 2 to 7 in 4 rows" in str(failed.error)
    assert source.reads == 1


def test_a_plan_that_fails_fails_the_step_that_needs_it(tmp_path: Path) -> None:
    """The other files are written, and a checked step whose rows never came is not passed."""

    def broken(raw: pl.LazyFrame) -> pl.LazyFrame:
        return raw.with_columns(pl.col("k").cast(pl.Int64))

    result, _ = run([
        Step(name="raw", value=Source().scan),
        Step(name="broken", value=broken, inputs=["raw"], checks=[row_count(1)]),
        Step(name="bad", layer="publish", value=str(tmp_path / "bad.parquet"), inputs=["broken"]),
        Step(name="good", layer="publish", value=str(tmp_path / "good.parquet"), inputs=["raw"]),
    ])  # fmt: skip
    assert [result.nodes[name]["status"] for name in ("raw", "broken", "bad", "good")][-2:] == ["failed", "success"]
    assert result.checks["passed"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.parquet"]


def test_a_result_that_fails_fails_its_step() -> None:
    """It fails alone: the other result is there."""
    result, _ = run([
        Step(name="raw", value=Source().scan),
        Step(name="bad", value=lambda raw: raw.select(pl.col("k").cast(pl.Int64)), inputs=["raw"]),
        Step(name="good", value=lambda raw: raw.select("n"), inputs=["raw"]),
    ])  # fmt: skip
    assert result.nodes["bad"]["status"] == "failed"
    assert result.nodes["good"]["row_count"] == 4
    assert list(result.data) == ["good"]


def test_a_stopped_run_ends_the_nodes_that_wait(tmp_path: Path) -> None:
    """With `on_failure="stop"` no plan is executed after a failure, and no node stays open."""
    source = Source()

    def fails(raw: pl.LazyFrame) -> pl.LazyFrame:
        raise ValueError("no")

    steps = [*branches(source.scan, tmp_path)[:2], Step(name="fails", value=fails, inputs=["raw"])]
    result, heard = run(steps, on_failure="stop")
    assert source.reads == 0
    ends = {event.node_name for event in heard.events if event.event_type in ("node_complete", "node_failed")}
    assert ends == {event.node_name for event in heard.events if event.event_type == "node_start"}
    assert result.nodes["double"]["status"] == "failed"


def test_an_open_node_takes_the_time_of_its_function(tmp_path: Path) -> None:
    """The time of the execution belongs to `plan_executed`, because it is that of many steps."""
    _, heard = run(branches(Source().scan, tmp_path))
    executed = next(event for event in heard.events if event.event_type == "plan_executed")
    assert executed.status == "success"
    assert sorted(executed.fields["for_steps"]) == ["one", "sums", "two"]
    ended = [event.node_name for event in heard.events if event.event_type == "node_complete"]
    assert ended.index("double") < ended.index("one")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the executions of relations, which all go through two functions."""
    calls: list[str] = []
    fetch, copy = arrow_columns.of_relation, DuckdbEngine._copy

    def of_relation(relation: Any) -> Any:
        calls.append("fetch")
        return fetch(relation)

    def copied(self: Any, relation: Any, path: str) -> int:
        calls.append("copy")
        return copy(self, relation, path)

    monkeypatch.setattr(arrow_columns, "of_relation", of_relation)
    monkeypatch.setattr(DuckdbEngine, "_copy", copied)
    return calls


def relations(folder: Path) -> list[Any]:
    """A chain of SQL steps whose values differ from execution to execution."""
    ROWS.write_parquet(folder / "raw.parquet")
    return [
        Step(name="raw", layer="ingest", value=str(folder / "raw.parquet")),
        Step(name="drawn", type="sql", value="select *, random() as r from raw", inputs=["raw"]),
        Step(name="a", type="sql", value="select r from drawn", inputs=["drawn"]),
        Step(name="b", type="sql", value="select r from drawn", inputs=["drawn"], checks=[row_count(4, 4)]),
        Step(name="few", type="sql", value="select n from raw2 where n < 3", inputs={"raw2": "raw"}),
        Step(name="out", layer="publish", value=str(folder / "out.parquet"), inputs=["few"]),
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_relations_are_executed_equally_often_with_and_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """A relation that two steps take is executed once: both see the same random numbers."""
    calls, numbers = counted(monkeypatch), []
    for options in ({}, {"snapshot_level": "off", "enable_tracker": False}):
        calls.clear()
        result, _ = run(relations(tmp_path), "duckdb", max_workers=workers, **options)
        assert result.status == "success", result.error
        assert result.data["a"].equals(result.data["b"])
        assert result.nodes["out"]["row_count"] == 2
        numbers.append(sorted(calls))
    assert numbers[0] == numbers[1] == ["copy", "fetch", "fetch", "fetch", "fetch"]


def test_rows_of_a_chained_relation_are_unknown(tmp_path: Path) -> None:
    """It is executed within the file that is written, which has the number of rows."""
    result, heard = run(relations(tmp_path), "duckdb")
    assert result.nodes["few"]["row_count"] is None
    snapshots = [e for e in heard.events if e.event_type == "snapshot" and e.node_name == "few"]
    assert [(e.fields["when"], e.row_count) for e in snapshots] == [("before", 4), ("after", None)]


def test_a_step_of_another_engine_gets_its_frames() -> None:
    """A function that names its engine gets the frames of that engine, whatever made them."""
    kinds: list[str] = []

    def named(frame: Any) -> Any:
        kinds.append(f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}")
        return frame

    engines = ("pandas", "polars", "polars-lazy", "duckdb", "pyarrow", "polars-lazy", "pandas")
    first = Step(name="first", type="sql", value="from s0", inputs=["s0"])
    steps = [Step(name="s0", value=lambda: {"n": [1, 2]}), first]
    before = "first"
    for place, engine in enumerate(engines):
        steps.append(Step(name=f"f{place}", value=named, inputs={"frame": before}, engine=engine))
        before = f"f{place}"
    result, _ = run(steps, "polars")
    assert result.status == "success", result.error
    assert [kind.replace("_duckdb", "duckdb") for kind in kinds] == [
        "pandas.DataFrame", "polars.DataFrame", "polars.LazyFrame", "duckdb.DuckDBPyRelation", "pyarrow.Table",
        "polars.LazyFrame", "pandas.DataFrame",
    ]  # fmt: skip
    assert result.data[before]["n"].tolist() == [1, 2]


def test_a_plan_that_is_executed_has_the_rows_after_each_operator() -> None:
    """At the step whose rows are needed, with the operators of the steps before it, which polars may have merged."""
    steps = [
        Step(name="raw", value=ROWS.lazy),
        Step(name="some", value=lambda raw: raw.filter(pl.col("n") > 1), inputs=["raw"]),
        Step(name="kinds", value=lambda some: some.drop_nulls("k").unique("k"), inputs=["some"]),
    ]
    result, heard = run(steps)
    assert result["success"]
    found = {each.node_name: each.fields for each in heard.events if each.event_type == "row_change"}
    assert [(each["operator"], each["detail"], each["rows"]) for each in found["kinds"]["stages"]] == [
        ("TABLE_SCAN", "", 4), ("FILTER", "k.is_not_null() AND n > 1", 2), ("UNIQUE", "k", 2)
    ]  # fmt: skip
    assert found["some"]["stages"] == []
    assert found["some"]["stages_reason"] == WITHIN
