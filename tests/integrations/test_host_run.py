"""`HostRun` without a host: the record of callbacks, nested runs, and runs that several processes record."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import odibi_core
from odibi_core import history
from odibi_core.integrations.base import Number, PlannedNode, System, guarded
from odibi_core.integrations.host_run import HostDetails, HostRun, begin_run, join_run, shared_run_id

FRAMES = System("frames", "pandas", ("0",))
PLAN = [
    PlannedNode("load", outputs={"out": "orders"}),
    PlannedNode("clean", inputs={"given": "orders"}, outputs={"out": "paid"}, depends_on=["load"]),
]


def begin(store: Path, name: str = "shop") -> HostRun:
    run = begin_run(FRAMES, name, HostDetails(external_run_id="x-1", external_url="http://host/x-1", store=store))
    assert run is not None
    run.plan(PLAN)
    return run


def numbers() -> list[int]:
    return [1]


def drive(run: HostRun) -> None:
    """Run both nodes, as a host does."""
    orders = pd.DataFrame({"amount": [0.0, 1.0, 2.0, 3.0]})
    load = run.node("load").begin()
    assert load is not None
    load.end(orders)
    clean = run.node("clean", {"given": orders}).begin()
    assert clean is not None
    logging.getLogger("shop").warning("cleaning")
    clean.end(orders[orders.amount > 0])


def test_callbacks_become_nodes_with_their_datasets_rows_and_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines of `logging` inside a node belong to it, and are not printed a second time."""
    run = begin(tmp_path)
    drive(run)
    run.end()
    found = history(tmp_path).sql("select node_name, rows_in, rows_out, inputs from nodes order by position")
    assert [(row["node_name"], row["rows_in"], row["rows_out"]) for row in found.rows] == [
        ("load", None, 4), ("clean", 4, 3),
    ]  # fmt: skip
    assert '"orders"' in found.rows[1]["inputs"]
    lines = history(tmp_path).sql("select node_name from logs where message = 'cleaning'").rows
    assert lines == [{"node_name": "clean"}]
    (row,) = history(tmp_path).sql("select status, integration, external_run_id, external_url from runs").rows
    assert row == {
        "status": "success", "integration": "frames", "external_run_id": "x-1", "external_url": "http://host/x-1",
    }  # fmt: skip
    assert "cleaning" not in capsys.readouterr().err


def test_nodes_of_a_host_inside_another_run_belong_to_that_run(tmp_path: Path) -> None:
    """Two recorders in one process make one record, under the name of the node around the inner host."""
    outer = begin(tmp_path, "outer")
    load = outer.node("load").begin()
    assert load is not None
    inner = begin_run(FRAMES, "inner")
    assert inner is not None
    inner.plan(PLAN)
    drive(inner)
    inner.end(ValueError("of the inner host"))
    load.end(None)
    outer.end()
    rows = history(tmp_path).sql("select node_name, depends_on from nodes order by node_name").rows
    assert {row["node_name"] for row in rows} == {"clean", "load", "load.clean", "load.load"}
    assert next(row for row in rows if row["node_name"] == "load.clean")["depends_on"] == '["load.load"]'
    assert history(tmp_path).sql("select status from runs").rows == [{"status": "success"}]


def test_a_run_inside_a_node_names_the_run_and_the_node_around_it(tmp_path: Path) -> None:
    run = begin(tmp_path)
    load = run.node("load").begin()
    assert load is not None
    odibi_core.run([numbers], store=tmp_path, pipeline_name="nested")
    load.end(None)
    run.end()
    (row,) = history(tmp_path).sql("select parent_run_id, parent_node from runs where pipeline_name = 'nested'").rows
    assert row == {"parent_run_id": run.run_id, "parent_node": "load"}


JOINS = """
import sys
from datetime import UTC, datetime
from odibi_core.integrations.base import System
from odibi_core.integrations.host_run import HostDetails, join_run
run = join_run(System("frames", "pandas", ("0",)), "shop", datetime(2026, 1, 31, tzinfo=UTC), "x-1",
               HostDetails(store=sys.argv[1]))
node = run.node(sys.argv[2]).begin()
node.end(None)
run.leave()
"""


def test_processes_that_join_write_one_run_which_outlives_them(tmp_path: Path) -> None:
    """The run has one start, is not lost when its processes end, and ends where the host ends it."""
    for name in ("load", "clean"):
        subprocess.run([sys.executable, "-c", JOINS, str(tmp_path), name], check=True)
    assert history(tmp_path).sql("select status, success_count from runs").rows == [
        {"status": "running", "success_count": 2}
    ]
    run = join_run(FRAMES, "shop", datetime(2026, 1, 31, tzinfo=UTC), "x-1", HostDetails(store=tmp_path))
    assert run is not None
    run.end("one task failed", duration_ms=5_000.0)
    rows = history(tmp_path).sql("select run_id, status, success_count, duration_ms, error from runs").rows
    run_id = shared_run_id("shop", datetime(2026, 1, 31, tzinfo=UTC), "frames:x-1")
    assert rows == [
        {
            "run_id": run_id, "status": "failed", "success_count": 2, "duration_ms": 5_000.0,
            "error": "one task failed",
        }
    ]  # fmt: skip
    starts = history(tmp_path).sql("select count(*) as n from logs where event_type = 'pipeline_start'").rows
    assert starts == [{"n": 1}]


def test_processes_continue_the_executions_of_each_other(tmp_path: Path) -> None:
    """An attempt that fails is a retry, an execution of a killed process ends where the host reports it."""
    joined = (FRAMES, "shop", datetime(2026, 1, 31, tzinfo=UTC), "x-1", HostDetails(store=tmp_path))

    def process() -> HostRun:
        run = join_run(*joined)
        assert run is not None
        return run

    first = process()
    again = first.node("load", attempt=Number(1)).begin()
    assert again is not None
    again.retry(ValueError("no answer"), 0.0, 2)
    again.leave_open()
    for call in (1, 2):
        item = first.node("item", attempt=Number(1, call)).begin()
        assert item is not None
        item.leave_open()
    first.leave()
    second = process()
    again = second.node("load", attempt=Number(2)).begin()
    assert again is not None
    again.end()
    item = second.node("item", attempt=Number(2, 1)).begin()
    assert item is not None
    item.end()
    second.leave()
    host = process()
    assert (second.is_first, host.ended_elsewhere()) == (False, {("load", None), ("item", 1)})
    lost = host.node("item", attempt=Number(1, 2)).take_over(3.0)
    assert lost is not None
    lost.fail("the process was killed")
    host.node("never").take_over().skip("not wanted")  # type: ignore[union-attr]
    host.end()
    late = process()
    late.end("a second end")
    rows = history(tmp_path).sql("select node_name, status, attempts, calls, error from nodes order by node_name").rows
    assert [tuple(row.values()) for row in rows] == [
        ("item", "failed", 1, 2, "the process was killed"),
        ("load", "success", 2, None, None),
        ("never", "skipped", 0, None, None),
    ]
    assert history(tmp_path).sql("select status from runs").rows == [{"status": "success"}]


def test_a_callback_that_fails_is_logged_once_and_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    def callback() -> int:
        raise MemoryError("no")

    assert (callback(), callback()) == (None, None)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None


def test_an_untested_version_is_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    FRAMES.check()
    FRAMES.check()
    (record,) = caplog.records
    assert record.getMessage() == f"odibi-core records frames {pd.__version__}, which its tests do not run; they run 0"


def test_a_store_that_cannot_be_had_leaves_the_host_without_a_record(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert begin_run(FRAMES, "shop", HostDetails(store=tmp_path / "file" / "store")) is None
