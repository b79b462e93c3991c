"""One process's part: a forked child has only its own measurements."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from odibi_core.endpoint.merged import MergedMetrics
from odibi_core.metrics.manager import MetricsManager


def measure(manager: MetricsManager, times: int) -> None:
    for _ in range(times):
        manager.increment("error_count", "load", 0.1)
        manager.record_node_execution("load", 7.5, True, rows=3)


def merged(*parts: str) -> Any:
    both = MergedMetrics()
    for part in parts:
        both.add(msgspec.json.decode(part)["series"])
    return both.view().answer()


def test_one_part_alone_is_the_manager() -> None:
    """Nothing is lost on the way."""
    manager = MetricsManager()
    measure(manager, 3)
    assert merged(manager.export("snapshot"))["series"] == manager.answer()["series"]


def test_parent_and_child_make_the_whole(tmp_path: Path) -> None:
    """Measurements before the fork are counted once, pending and unpublished ones too."""
    manager = MetricsManager()
    measure(manager, 3)
    manager.set_gauge("only_before", None, 1)
    child = os.fork()
    if not child:
        measure(manager, 4)
        (tmp_path / "child").write_text(manager.export("snapshot"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    measure(manager, 2)
    told = (tmp_path / "child").read_text()
    assert "only_before" not in told
    together = merged(told, manager.export("snapshot"))
    expected = MetricsManager()
    measure(expected, 9)
    assert {
        (series["metric"], series["kind"]): series.get("buckets", series["count"])
        for series in together["series"]
    } == {
        (series["metric"], series["kind"]): series.get("buckets", series["count"])
        for series in expected.answer()["series"]
    } | {("only_before", "gauge"): 1}
    nodes = together["nodes"]["load"]
    assert nodes["duration_ms"] == 9 * 7.5
