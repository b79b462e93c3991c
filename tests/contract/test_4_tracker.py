"""Contract, section 4: the tracker, row by row."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from odibi_core.runtime.tracker import Tracker


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """A run of two steps, the second of which changes the data and one of two further ones fails."""
    tracker = Tracker(log_dir=str(tmp_path / "tracker_logs"))
    tracker.start_pipeline("daily")
    raw = pd.DataFrame({"id": range(8), "name": list("abcdefgh"), "amount": [1] * 8})
    tracker.start_step("load", "ingest")
    tracker.snapshot("after", raw)
    tracker.end_step("load", "success")
    tracker.start_step("clean", "transform")
    tracker.snapshot("before", raw)
    tidy = raw[raw["id"] > 1].drop(columns="name").assign(amount=0.5, total=1.5)
    tracker.snapshot("after", tidy, context={"rule": "id > 1"})
    tracker.end_step("clean", "success")
    tracker.start_step("publish", "publish")
    tracker.end_step("publish", "failed", error_message="disk full")
    return tracker


def test_export_lineage_has_every_key(tracker: Tracker) -> None:
    """`pipeline_id, pipeline_name, start_time, steps, edges, summary`."""
    lineage = tracker.export_lineage()
    assert {"pipeline_id", "pipeline_name", "start_time", "steps", "edges", "summary"} <= lineage.keys()
    assert lineage["pipeline_name"] == "daily"
    assert [(edge["source"], edge["target"]) for edge in lineage["edges"]] == [
        ("load", "clean"),
        ("clean", "publish"),
    ]


def test_each_step_has_every_key(tracker: Tracker) -> None:
    """`step_name, layer, start_time … attempts, inputs`."""
    wanted = {
        "step_name", "layer", "start_time", "end_time", "duration_ms", "before_snapshot", "before_snapshots",
        "after_snapshot", "schema_diff", "row_delta", "state", "error_message", "attempts", "inputs",
    }  # fmt: skip
    steps = tracker.export_lineage()["steps"]
    assert all(wanted <= step.keys() for step in steps)
    assert [(step["step_name"], step["layer"], step["state"]) for step in steps] == [
        ("load", "ingest", "success"),
        ("clean", "transform", "success"),
        ("publish", "publish", "failed"),
    ]
    assert all(step["duration_ms"] >= 0 and step["attempts"] == 1 for step in steps)
    assert steps[2]["error_message"] == "disk full"


def test_schema_diff_and_row_delta(tracker: Tracker) -> None:
    """`schema_diff{added_columns, removed_columns, changed_types}`, `row_delta` = after − before."""
    clean = tracker.export_lineage()["steps"][1]
    assert clean["row_delta"] == -2
    assert clean["schema_diff"]["added_columns"] == ["total"]
    assert clean["schema_diff"]["removed_columns"] == ["name"]
    assert [change["column"] for change in clean["schema_diff"]["changed_types"]] == ["amount"]


def test_a_snapshot_has_every_key_and_five_rows(tracker: Tracker) -> None:
    """`name, timestamp, row_count, schema[{column,type}], sample_data (first 5 rows), metadata`."""
    snap = tracker.export_lineage()["steps"][1]["after_snapshot"]
    assert {"name", "timestamp", "row_count", "schema", "sample_data", "metadata"} <= snap.keys()
    assert (snap["name"], snap["row_count"]) == ("after", 6)
    assert [row["id"] for row in snap["sample_data"]] == [2, 3, 4, 5, 6]
    assert [column["column"] for column in snap["schema"]] == ["id", "amount", "total"]
    assert snap["metadata"]["rule"] == "id > 1"


def test_get_stats(tracker: Tracker) -> None:
    """`total_steps, success_count, failed_count, success_rate` in percent, `total_duration_ms`."""
    stats = tracker.get_stats()
    assert {name: stats[name] for name in ("total_steps", "success_count", "failed_count")} == {
        "total_steps": 3,
        "success_count": 2,
        "failed_count": 1,
    }
    assert stats["success_rate"] == pytest.approx(66.67)
    steps = tracker.export_lineage()["steps"]
    assert stats["total_duration_ms"] == pytest.approx(sum(step["duration_ms"] for step in steps))


def test_lineage_has_the_total_duration_and_the_tracker_its_executions(tracker: Tracker) -> None:
    """`lineage["total_duration_ms"]`; `tracker.executions` are the steps, read by attribute or by key."""
    lineage = tracker.export_lineage()
    assert lineage["total_duration_ms"] == tracker.get_stats()["total_duration_ms"]
    assert tracker.executions == lineage["steps"]
    first, clean, last = tracker.executions
    assert (first.step_name, first.layer, first.state) == ("load", "ingest", "success")
    assert (clean.row_delta, clean["row_delta"], last.error_message) == (-2, -2, "disk full")
    with pytest.raises(AttributeError, match="duration_ms"):
        _ = first.durations_ms


def test_get_summary_is_headed(tracker: Tracker) -> None:
    """A text headed "Pipeline Execution Summary", with every step."""
    text = tracker.get_summary()
    assert text.startswith("Pipeline Execution Summary")
    assert all(name in text for name in ("daily", "load", "clean", "publish", "disk full"))


def test_save_gives_the_path_of_the_file(tracker: Tracker, tmp_path: Path) -> None:
    """The lineage as JSON inside `log_dir`."""
    path = tracker.save()
    assert path.parent == tmp_path / "tracker_logs"
    assert json.loads(path.read_text("utf-8")) == tracker.export_lineage()


def test_export_lineage_writes_where_it_is_told(tracker: Tracker, tmp_path: Path) -> None:
    """The file holds what was returned."""
    lineage = tracker.export_lineage(tmp_path / "deep" / "lineage.json")
    assert json.loads((tmp_path / "deep" / "lineage.json").read_text("utf-8")) == lineage


def test_it_is_right_when_steps_run_at_the_same_time() -> None:
    """A snapshot belongs to the step that its own thread started."""
    tracker = Tracker()
    tracker.start_pipeline("together")
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        tracker.start_step(f"step {number}", "transform")
        barrier.wait(20)
        tracker.snapshot("after", pl.DataFrame({"x": list(range(number))}))
        barrier.wait(20)
        tracker.end_step(f"step {number}", "success")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = tracker.export_lineage()["steps"]
    assert {step["step_name"]: step["after_snapshot"]["row_count"] for step in steps} == {
        f"step {number}": number for number in range(4)
    }


FRAMES = {
    "not a number": pd.DataFrame({"x": [float("nan"), float("inf"), None]}),
    "no time": pd.DataFrame({"x": [pd.NaT, pd.Timestamp("2026-01-01", tz="UTC")]}),
    "objects": pd.DataFrame({"x": [object(), {1, 2}, b"\xff", 10**400]}),
    "names twice": pd.DataFrame([[1, 2, 3]], columns=["a", "a", ""]),
    "names of names": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "no rows": pd.DataFrame({"x": []}),
    "no columns": pd.DataFrame(index=range(3)),
    "nested": pl.DataFrame({"x": [[{"a": float("nan")}], None]}),
    "lazy": pl.LazyFrame({"x": [1]}),
    "no frame": object(),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_it_is_valid_json_whatever_the_frame_holds(frame: object, tmp_path: Path) -> None:
    """Saved and read back equal, without NaN, which is no JSON."""
    tracker = Tracker(tmp_path)
    tracker.start_pipeline("hostile")
    tracker.start_step("a", "transform")
    tracker.snapshot("before", frame)
    tracker.snapshot("after", frame)
    tracker.end_step("a", "success")
    lineage = tracker.export_lineage()
    json.dumps(lineage, allow_nan=False)
    assert json.loads(tracker.save().read_text("utf-8")) == lineage
    diff = lineage["steps"][0]["schema_diff"]
    assert diff is None or not any(diff.values())
