"""MetricsExporter: the files and texts that users of the older systems read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd

from odibi_core.metrics.exporter import MetricsExporter
from odibi_core.metrics.manager import MetricsManager


def exporter() -> MetricsExporter:
    manager = MetricsManager()
    manager.record_node_execution("clean", 10.0, True, rows=100, cached=True)
    manager.record_node_execution("clean", 30.0, True, rows=900)
    manager.record_node_execution("load", 5.0, False, engine="polars")
    return MetricsExporter(manager)


def test_parquet_and_dataframe_hold_the_same_rows(tmp_path: Path) -> None:
    """One row a measurement, with a column for each label; the file reads back to the same frame."""
    frame = exporter().export_dataframe()
    path = exporter().save_parquet(tmp_path / "m.parquet")
    read = pd.read_parquet(path)
    assert list(read.columns) == list(frame.columns)
    columns = ["metric_type", "name", "value", "label_engine"]
    pd.testing.assert_frame_equal(read[columns], frame[columns], check_dtype=False)
    assert str(read["timestamp"].dtype).endswith("UTC]")


def test_an_empty_manager_gives_an_empty_table() -> None:
    """The columns are there before the first measurement."""
    empty = MetricsExporter(MetricsManager())
    assert list(empty.export_dataframe().columns) == ["metric_type", "name", "value", "timestamp"]
    assert len(pd.read_parquet(io.BytesIO(empty.export_parquet()))) == 0


def test_json_is_json_whatever_was_measured() -> None:
    """NaN and the infinities are spelled, since JSON does not know them."""
    manager = MetricsManager()
    manager.set_gauge("memory_usage", "a", float("nan"))
    manager.set_gauge("memory_usage", "b", float("inf"))
    document = json.loads(MetricsExporter(manager).export_json(), parse_constant=lambda name: 1 / 0)
    assert [node["memory_mb"] for node in document["by_node"]] == ["NaN", "Infinity"]


def test_by_node_joins_what_is_known_of_a_node() -> None:
    """Totals, last values and statistics of a node stand in one object."""
    clean, load = json.loads(exporter().export_json())["by_node"]
    assert (clean["node_name"], clean["executions"], clean["duration_ms"]) == ("clean", 2, 40.0)
    assert (clean["row_count"], clean["avg_duration_ms"]) == (900, 20.0)
    assert (load["failure_count"], load["row_count"]) == (1, None)


def test_a_report_fits_any_name() -> None:
    """A name with line breaks or of 500 characters stays on its line."""
    manager = MetricsManager()
    manager.record_node_execution("a\nb\x1b[31m" + "c" * 500, 5.0, True)
    lines = MetricsExporter(manager).generate_report().splitlines()
    assert max(map(len, lines)) < 100
    assert not any("\x1b" in line for line in lines)
