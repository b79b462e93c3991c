"""Contract section 4, the orchestrator: each of its rows, and what it promises of sections 1, 2 and 3."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.errors import PipelineError
from odibi_core.event_bus import EventBus
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.metrics_manager import MetricsManager
from odibi_core.orchestrator import Orchestrator, Result, Step


def orders() -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2, 3], "amount": [5.0, 7.5, None]})


def clean(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.dropna()


def broken(orders: pd.DataFrame) -> pd.DataFrame:
    raise ValueError("no such column")


def after_broken(broken: pd.DataFrame) -> pd.DataFrame:
    return broken


Heard = dict[str, list[dict[str, Any]]]


def hear(bus: EventBus) -> Heard:
    """Everything that hooks hear, by the name that they registered for."""
    heard: Heard = {}

    def listen(name: str) -> Callable[[dict[str, Any]], None]:
        return lambda event: heard.setdefault(name, []).append(event)

    for name in (
        "pipeline_start",
        "pipeline_complete",
        "pipeline_error",
        "node_start",
        "node_complete",
        "node_error",
    ):
        bus.register_hook(name, listen(name))
    return heard


WORKERS = pytest.mark.parametrize("workers", [1, 3])


def test_step_has_a_module_of_its_own() -> None:
    """`from odibi_core.step import Step`, the same class."""
    import odibi_core.step

    assert odibi_core.step.Step is Step


def test_step_fields_and_defaults() -> None:
    """`Step(*, name, layer="transform", type="function", engine=None, value=None, params={}, inputs={}, …)`."""
    step = Step(name="s")
    assert (step.layer, step.type, step.engine, step.value) == ("transform", "function", None, None)
    assert (step.params, step.inputs, step.metadata) == ({}, {}, {})
    with pytest.raises(TypeError):
        Step("s")  # type: ignore[call-arg]


def test_value_is_a_callable_a_sql_text_or_a_path(tmp_path: Path) -> None:
    """According to type and layer; dependencies follow from the dataset keys, not from the order of writing."""
    (tmp_path / "in.csv").write_text("id,amount\n1,5\n2,7\n")
    steps = [
        Step(name="store", layer="publish", value=str(tmp_path / "out.parquet"), inputs={"data": "large"}),
        Step(
            name="filter", type="sql", value="select * from data where amount > 5",
            inputs={"data": "doubled"}, outputs={"data": "large"},
        ),
        Step(
            name="double", value=lambda df, by: df.assign(amount=df.amount * by), params={"by": 1},
            inputs={"df": "raw"}, outputs={"df": "doubled"},
        ),
        Step(name="read", layer="ingest", type="config_op", value=str(tmp_path / "in.csv"), outputs={"df": "raw"}),
    ]  # fmt: skip
    result = Orchestrator(steps, store=tmp_path / "store").execute()
    assert pd.read_parquet(tmp_path / "out.parquet").id.tolist() == [2]
    edges = {(edge["source"], edge["target"]) for edge in result["tracker"].export_lineage()["edges"]}
    assert edges == {("read", "double"), ("double", "filter"), ("filter", "store")}


def test_a_plain_function_list_works() -> None:
    """Parameter names are the inputs."""
    result = Orchestrator([clean, orders], store=False).execute()
    assert result["data"]["clean"].id.tolist() == [1, 2]


def test_orchestrator_takes_the_contracts_arguments() -> None:
    """`Orchestrator(steps, engine_type="pandas", enable_tracker=True, metrics_manager=None, event_bus=None, *, …)`."""
    parameters = inspect.signature(Orchestrator).parameters
    assert list(parameters)[:5] == ["steps", "engine_type", "enable_tracker", "metrics_manager", "event_bus"]
    assert {"pipeline_name", "logger", "max_workers"} <= set(parameters)
    Orchestrator([orders], "polars", False, MetricsManager(), EventBus(), pipeline_name="p", store=False)


def test_run_is_execute() -> None:
    """`.run()` is the same."""
    assert Orchestrator([orders], store=False).run()["status"] == "success"


@WORKERS
def test_result_keys(workers: int) -> None:
    """tracker, metrics, data, status, run_id, duration_ms, and per-node results."""
    metrics = MetricsManager()
    result = Orchestrator(
        [orders, clean], metrics_manager=metrics, store=False, max_workers=workers
    ).execute()
    assert isinstance(result, Result)
    assert result["tracker"].export_lineage()["run_id"] == result["run_id"]
    assert result["metrics"] is metrics
    assert list(result["data"]) == ["clean"]
    assert result["status"] == "success"
    assert result["duration_ms"] > 0
    assert result["nodes"]["clean"]["status"] == "success"
    assert result["nodes"]["clean"]["row_count"] == 2
    assert result["nodes"]["clean"]["duration_ms"] >= 0
    assert result["nodes"]["clean"]["error"] is None


@WORKERS
def test_result_success_and_nodes_executed(workers: int) -> None:
    """`success` is a bool; a node that failed was executed, one that was skipped was not."""
    good = Orchestrator([orders, clean], store=False, max_workers=workers).execute()
    assert (good["success"], good["nodes_executed"]) == (True, 2)
    bad = Orchestrator(
        [orders, broken, after_broken, clean], store=False, raise_on_error=False, max_workers=workers
    ).execute()
    assert (bad["success"], bad["nodes_executed"], bad.success) == (False, 3, False)


@WORKERS
def test_hooks_of_a_run_that_succeeds_hear_each_event_with_its_keys(workers: int) -> None:
    """Section 3: pipeline_start, node_start, node_complete, pipeline_complete, all with run_id."""
    bus = EventBus()
    heard = hear(bus)
    result = Orchestrator(
        [orders, clean], event_bus=bus, pipeline_name="daily", store=False, max_workers=workers
    ).execute()
    assert {name: len(events) for name, events in heard.items()} == {
        "pipeline_start": 1, "node_start": 2, "node_complete": 2, "pipeline_complete": 1,
    }  # fmt: skip
    for name, events in heard.items():
        for event in events:
            assert (event["event_type"], event["run_id"]) == (name, result["run_id"])
            assert "timestamp" in event
    assert heard["pipeline_start"][0]["pipeline_name"] == "daily"
    start = heard["node_start"][1]
    assert (start["step_name"], start["node_name"]) == ("clean", "clean")
    assert (start["layer"], start["engine"]) == ("transform", "pandas")
    end = heard["node_complete"][1]
    assert (end["step_name"], end["node_name"], end["row_count"], end["cache_hit"]) == (
        "clean",
        "clean",
        2,
        False,
    )
    assert end["duration_ms"] >= 0
    complete = heard["pipeline_complete"][0]
    assert (complete["pipeline_name"], complete["success_count"], complete["failed_count"]) == ("daily", 2, 0)
    assert complete["duration_ms"] == pytest.approx(result["duration_ms"])
    assert complete["metrics_manager"] is result["metrics"]
    assert complete["tracker"] is result["tracker"]


@WORKERS
def test_hooks_of_a_run_that_fails_hear_node_error_and_pipeline_error_alone(workers: int) -> None:
    """Section 3: `pipeline_complete` means success; `pipeline_error` has all its keys and error_message."""
    bus = EventBus()
    heard = hear(bus)
    result = Orchestrator(
        [orders, broken, after_broken, clean],
        event_bus=bus,
        store=False,
        raise_on_error=False,
        max_workers=workers,
    ).execute()
    assert "pipeline_complete" not in heard
    (error,) = heard["node_error"]
    assert (error["step_name"], error["node_name"]) == ("broken", "broken")
    assert error["error_message"] == "no such column"
    assert error["duration_ms"] >= 0
    (end,) = heard["pipeline_error"]
    assert (end["success_count"], end["failed_count"], end["skipped_count"]) == (2, 1, 1)
    assert end["error_message"] == "broken: no such column"
    assert end["metrics_manager"] is result["metrics"]
    assert end["tracker"] is result["tracker"]
    assert end["pipeline_name"]
    assert end["duration_ms"] > 0


@WORKERS
def test_a_failing_node_skips_its_descendants_and_independent_branches_finish(workers: int) -> None:
    """And `execute()` raises PipelineError with `.result`."""
    plan = Orchestrator([orders, broken, after_broken, clean], store=False, max_workers=workers)
    with pytest.raises(PipelineError, match="no such column") as raised:
        plan.execute()
    result = raised.value.result
    assert {name: node["status"] for name, node in result["nodes"].items()} == {
        "orders": "success", "broken": "failed", "after_broken": "skipped", "clean": "success",
    }  # fmt: skip
    assert result["status"] == "failed"
    assert list(result["data"]) == ["clean"]
    assert result["nodes"]["broken"]["error"] == "no such column"


def test_raise_on_error_false_returns_the_result() -> None:
    """The same that the error would carry."""
    result = Orchestrator([orders, broken], store=False, raise_on_error=False).execute()
    assert (result["status"], result["error"]) == ("failed", "broken: no such column")


@WORKERS
def test_memory_mb_of_a_node_is_filled_by_every_run(workers: int) -> None:
    """In its start and end lines, in the metrics, in the lineage that the story is made of."""
    heard: list[dict[str, Any]] = []
    bus = EventBus()
    bus.subscribe(lambda event: heard.append(event))  # type: ignore[arg-type]
    result = Orchestrator([orders, clean], event_bus=bus, store=False, max_workers=workers).execute()
    edges = [event for event in heard if event.event_type in ("node_start", "node_complete")]  # type: ignore[attr-defined]
    assert len(edges) == 4
    assert all(event.memory_mb > 1 for event in edges)  # type: ignore[attr-defined]
    nodes = result["metrics"].get_summary()["nodes"]
    assert all(nodes[name]["memory_mb"] > 1 for name in ("orders", "clean"))
    assert 'odibi_memory_usage_mb{node="clean",engine="pandas"}' in result["metrics"].export_prometheus()
    assert all(step["memory_mb"] > 1 for step in result["tracker"].export_lineage()["steps"])


def test_a_node_that_runs_without_a_cache_is_no_cache_miss() -> None:
    """The rate stays a float; beside it stands that no cache was asked, and Prometheus gets no rate."""
    metrics = Orchestrator([orders, clean], store=False).execute()["metrics"]
    summary = metrics.get_summary()
    assert (summary["cache_hit_rate"], summary["cache_lookups"], metrics.get_cache_hit_rate()) == (0.0, 0, 0.0)
    assert metrics.counters["cache_miss:orders"] == 0
    assert "odibi_cache" not in metrics.export_prometheus()


def test_nodes_stand_in_the_order_of_execution() -> None:
    """Not in that of the alphabet."""

    def zebra() -> list[dict[str, int]]:
        return [{"a": 1}]

    def middle(zebra: Any) -> Any:
        return zebra

    def aardvark(middle: Any) -> Any:
        return middle

    metrics = Orchestrator([aardvark, middle, zebra], store=False).execute()["metrics"]
    assert list(metrics.get_summary()["nodes"]) == ["zebra", "middle", "aardvark"]


@WORKERS
def test_it_fills_the_metrics(workers: int) -> None:
    """Section 2: duration, success or failure and error of each node, rows, throughput, by itself."""
    metrics = MetricsManager()
    Orchestrator(
        [orders, clean, broken],
        metrics_manager=metrics,
        store=False,
        raise_on_error=False,
        max_workers=workers,
    ).execute()
    assert metrics.counters["success_count:clean"] == 1
    assert metrics.counters["failure_count:broken"] == 1
    assert metrics.counters["error_count:broken"] == 1
    stats = metrics.get_node_stats("clean")
    assert (stats["executions"], stats["success_count"], stats["failure_count"]) == (1, 1, 0)
    assert stats["avg_duration_ms"] >= 0
    summary = metrics.get_summary()
    assert summary["error_count"] == 1
    assert set(summary["nodes"]) == {"orders", "clean", "broken"}
    assert summary["nodes"]["clean"]["throughput"] > 0
    assert "odibi_node_duration_ms{" in metrics.export_prometheus()


@WORKERS
@pytest.mark.parametrize("same_bus", [True, False], ids=["on the run's bus", "on its own"])
def test_it_writes_the_log(workers: int, same_bus: bool, tmp_path: Path) -> None:
    """Section 1: a line for each event of the run, with its standard fields, through `logger=`; each once."""
    bus = EventBus()
    logger = StructuredLogger("nightly", log_dir=tmp_path / "logs", bus=bus if same_bus else None)
    result = Orchestrator(
        [orders, clean, broken, after_broken], logger=logger, event_bus=bus, store=tmp_path, raise_on_error=False,
        max_workers=workers, pipeline_name="nightly",
    ).execute()  # fmt: skip
    lines = [json.loads(line) for line in (logger.log_file or Path()).read_text("utf-8").splitlines()]
    kinds = [line["event_type"] for line in lines]
    for kind, times in {
        "pipeline_start": 1, "node_start": 3, "node_complete": 2, "node_failed": 1, "node_skipped": 1,
        "pipeline_error": 1, "pipeline_complete": 0,
    }.items():  # fmt: skip
        assert kinds.count(kind) == times, kind
    assert {line["run_id"] for line in lines} == {result["run_id"]}
    (done,) = logger.query_logs(event_type="node_complete", node_name="clean")
    assert (done["status"], done["row_count"], done["layer"], done["engine"]) == (
        "success",
        2,
        "transform",
        "pandas",
    )
    (failed,) = logger.query_logs(event_type="node_failed")
    assert (failed["level"], failed["status"], failed["error"]) == ("error", "failed", "no such column")
    assert logger.get_summary()["errors"][0]["node_name"] == "broken"
    logger.info("afterwards")
    assert logger.query_logs(event_type="afterwards")
    logger.close()


def test_messages_of_a_run_are_the_older_systems_words(tmp_path: Path) -> None:
    """Every line of its record has one, in the journal and in the log."""
    logger = StructuredLogger("nightly", log_dir=tmp_path / "logs")
    result = Orchestrator(
        [orders, broken, after_broken], logger=logger, store=tmp_path, raise_on_error=False, pipeline_name="nightly"
    ).execute()
    journal = [line for path in result["path"].rglob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    for lines in (map(json.loads, journal), logger.query_logs(limit=None)):
        told = {(line["event_type"], line.get("node_name")): line["message"] for line in lines}
        assert all(told.values())
        assert told["pipeline_start", None] == "Pipeline 'nightly' started"
        assert told["node_start", "orders"] == "Node 'orders' started"
        assert told["node_complete", "orders"].startswith("Node 'orders' completed in ")
        assert told["node_failed", "broken"] == "Node 'broken' failed: no such column"
        assert told["node_skipped", "after_broken"].startswith("Node 'after_broken' skipped: ")
        assert told["pipeline_error", None].startswith("Pipeline 'nightly' failed: ")


@WORKERS
def test_it_fills_the_tracker(workers: int) -> None:
    """Steps with states, snapshots, differences and edges, without a call of the user's."""
    result = Orchestrator(
        [orders, clean, broken, after_broken], store=False, raise_on_error=False, max_workers=workers
    ).execute()
    lineage = result["tracker"].export_lineage()
    steps = {step["step_name"]: step for step in lineage["steps"]}
    assert {name: step["state"] for name, step in steps.items()} == {
        "orders": "success", "clean": "success", "broken": "failed", "after_broken": "skipped",
    }  # fmt: skip
    assert steps["clean"]["before_snapshot"]["row_count"] == 3
    assert steps["clean"]["after_snapshot"]["row_count"] == 2
    assert steps["clean"]["row_delta"] == -1
    assert steps["clean"]["schema_diff"] == {"added_columns": [], "removed_columns": [], "changed_types": []}
    assert steps["broken"]["error_message"] == "no such column"
    assert {(edge["source"], edge["target"]) for edge in lineage["edges"]} == {
        ("orders", "clean"), ("orders", "broken"), ("broken", "after_broken"),
    }  # fmt: skip
    assert "Pipeline Execution Summary" in result["tracker"].get_summary()


def test_enable_tracker_false_has_none() -> None:
    """Neither in the result nor for hooks."""
    bus = EventBus()
    heard = hear(bus)
    assert (
        Orchestrator([orders], enable_tracker=False, event_bus=bus, store=False).execute()["tracker"] is None
    )
    assert heard["pipeline_complete"][0]["tracker"] is None
