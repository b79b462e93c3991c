"""The complete example of the older tutorial on monitoring, as its readers paste it: contract, sections 2 to 5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture
def sales() -> None:
    """The tutorial's input."""
    Path("sales.csv").write_text("region,amount\nnorth,10\nsouth,\nnorth,30\n")


def clean_sales(df: pd.DataFrame) -> pd.DataFrame:
    return df.dropna()


def test_the_tutorials_complete_example_runs_as_it_is_written(
    sales: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its imports, its steps, its hooks, its metrics, its lineage and its story."""
    from odibi_core.metrics import MetricsManager, MetricType
    from odibi_core.observability import EventBus, EventPriority, StoryGenerator, StructuredLogger, Tracker
    from odibi_core.orchestrator import Orchestrator
    from odibi_core.step import Step

    logger = StructuredLogger("sales_pipeline", log_dir="logs")
    metrics = MetricsManager()
    bus = EventBus()

    def on_node_start(event: dict[str, Any]) -> None:
        print(f"starting {event['step_name']} ({event['layer']}, {event['engine']})")

    def on_node_complete(event: dict[str, Any]) -> None:
        print(f"{event['step_name']} took {event['duration_ms']:.1f}ms, {event['row_count']} rows")
        logger.log_node_complete(event["step_name"], event["duration_ms"], rows=event["row_count"])

    def make_story(event: dict[str, Any]) -> None:
        lineage_file = event["tracker"].save()
        print("story:", StoryGenerator().generate_story(lineage_file, "story.html", title="Sales"))

    bus.register_hook("node_start", on_node_start, priority=EventPriority.HIGH)
    bus.register_hook("node_complete", on_node_complete, priority=EventPriority.MEDIUM)
    bus.register_hook("pipeline_complete", bus.create_summary_hook(), priority=EventPriority.CRITICAL)
    bus.register_hook("pipeline_complete", bus.create_metrics_export_hook("metrics", formats=["json", "prometheus"]))
    bus.register_hook("pipeline_complete", make_story, priority=EventPriority.LOW)

    steps = [
        Step(
            name="read_sales", layer="ingest", type="config_op", engine="pandas", value="sales.csv",
            outputs={"data": "raw"},
        ),
        Step(
            name="clean_sales", layer="transform", type="function", engine="pandas", value=clean_sales,
            inputs={"df": "raw"}, outputs={"data": "clean"}, metadata={"owner": "finance"},
        ),
        Step(
            name="by_region", layer="transform", type="sql", engine="pandas", inputs={"clean": "clean"},
            value="SELECT region, sum(amount) AS total FROM clean GROUP BY region", outputs={"data": "totals"},
        ),
        Step(
            name="save", layer="publish", type="config_op", engine="pandas", value="totals.csv",
            inputs={"data": "totals"},
        ),
    ]  # fmt: skip
    orchestrator = Orchestrator(
        steps=steps, engine_type="pandas", enable_tracker=True, metrics_manager=metrics, event_bus=bus
    )
    result = orchestrator.run()

    assert result["success"]
    print(f"{result['nodes_executed']} nodes in {result['duration_ms']:.0f}ms, run {result['run_id']}")

    summary = metrics.get_summary()
    print(f"Cache hit rate: {summary['cache_hit_rate']:.1%}")
    for name, duration_ms in summary["top_nodes_by_duration"].items():
        print(f"  {name}: {duration_ms:.2f}ms")
    for name, node in summary["nodes"].items():
        print(f"  {name}: {node['memory_mb']:.1f} MB")
    metrics.record(MetricType.CHECKPOINT_SIZE, "save", 2048)
    metrics.save_to_file("metrics.json")

    tracker: Tracker = result["tracker"]
    print(tracker.get_summary())
    stats = tracker.get_stats()
    lineage = tracker.export_lineage("lineage.json")
    for execution in tracker.executions:
        print(execution.step_name, execution.state, execution.duration_ms)

    printed = capsys.readouterr().out
    assert "starting clean_sales (transform, pandas)" in printed
    assert "4 nodes in" in printed
    assert "Pipeline Execution Summary" in printed
    assert list(summary["nodes"]) == ["read_sales", "clean_sales", "by_region", "save"]
    assert (stats["total_steps"], stats["success_rate"]) == (4, 100.0)
    assert lineage["total_duration_ms"] == pytest.approx(stats["total_duration_ms"])
    assert json.loads(Path("lineage.json").read_text())["summary"]["success_count"] == 4
    assert pd.read_csv("totals.csv").set_index("region")["total"].to_dict() == {"north": 40}
    assert "Sales" in Path("story.html").read_text()
    assert sorted(path.suffix for path in Path("metrics").iterdir()) == [".json", ".prom"]
    assert len(logger.query_logs(event_type="node_complete")) == 4
    assert bus.failures == {}


def test_the_tutorials_tracker_by_hand_runs_as_it_is_written() -> None:
    """Without the orchestrator: start, snapshot, end, and the story of what was tracked."""
    from odibi_core.observability import StoryGenerator, Tracker

    tracker = Tracker(log_dir="tracker_logs")
    tracker.start_pipeline("sales_pipeline")
    raw = pd.DataFrame({"region": ["north", "south"], "amount": [10.0, None]})
    tracker.start_step("clean", "transform")
    tracker.snapshot("before", raw)
    cleaned = raw.dropna().assign(taxed=lambda df: df["amount"] * 1.2)
    tracker.snapshot("after", cleaned)
    tracker.end_step("clean", "success")
    lineage_file = tracker.save()
    story = StoryGenerator().generate_story(lineage_file, "tracked.html")
    step = tracker.export_lineage()["steps"][0]
    assert (step["row_delta"], step["schema_diff"]["added_columns"]) == (-1, ["taxed"])
    assert step["memory_mb"] > 1
    assert Path(story).read_text().lstrip().startswith("<!")
