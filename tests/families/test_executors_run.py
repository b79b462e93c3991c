"""The promises of a run on every executor and every engine: the same data, the same events, a valid lineage."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from tests.families.seen import IN_ORDER

from odibi_core import plugins
from odibi_core.bus.bus import EventBus
from odibi_core.checks import not_null
from odibi_core.errors import ConfigurationError
from odibi_core.runtime.orchestrator import Orchestrator, Step
from odibi_core.testing import RecordingSink

CLUSTERS = ("dask", "ray")


@pytest.fixture
def executor_options(executor: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of an executor that joins a cluster which the tests share."""
    return {"address": request.getfixturevalue(f"{executor}_address")} if executor in CLUSTERS else {}


EVERY_ENGINE = pytest.mark.parametrize("engine", IN_ORDER)


def flaky(failed: Path) -> Any:
    """A step that fails once, in whatever process; the file is there once it has."""

    def passed(flights: Any) -> Any:
        if not failed.exists():
            failed.touch()
            raise ConnectionError("failure 1")
        return flights

    return passed


def pipeline(folder: Path) -> list[Any]:
    """Reads two files, joins them by SQL, tries twice, checks, writes; a branch fails and one is skipped."""

    def broken(flights: Any) -> Any:
        raise ValueError("no such road")

    def after_broken(broken: Any) -> Any:
        return broken

    return [
        Step(name="flights", layer="ingest", value=str(folder / "flights.csv")),
        Step(name="planes", layer="ingest", value=str(folder / "planes.csv")),
        Step(name="tried", value=flaky(folder / "failed"), inputs=["flights"], retries=1),
        Step(
            name="joined", type="sql", inputs={"f": "tried", "p": "planes"}, checks=[not_null("seats")],
            value="select f.id, p.seats from f join p using (tail) order by f.id",
        ),
        Step(name="out", layer="publish", value=str(folder / "out.csv"), inputs=["joined"]),
        broken,
        after_broken,
    ]  # fmt: skip


ONCE = ("flights", "planes", "tried", "joined", "out")
EXPECTED: Counter[tuple[str, str | None]] = Counter(
    [
        ("pipeline_start", None), ("pipeline_plan", None), ("pipeline_error", None),
        *(("node_start", name) for name in (*ONCE, "broken")),
        *(("node_complete", name) for name in ONCE),
        *(("snapshot", name) for name in ("flights", "planes", "tried", "tried", "out", "broken", *["joined"] * 3)),
        ("node_retry", "tried"), ("check_result", "joined"), ("join_match", "joined"),
        ("column_lineage", "joined"), ("column_lineage", "tried"), ("row_change", "joined"), ("row_change", "tried"),
        *(("file_access", name) for name in ("flights", "planes", "out")),
        ("node_failed", "broken"), ("node_skipped", "after_broken"), ("frames_kept", None),
    ]
)  # fmt: skip


IN_PROCESSES = ("processes", *CLUSTERS)
"""Executors whose steps run in other processes: each run starts some, or waits for them."""
EVERY_PLACE = pytest.mark.parametrize(
    ("executor", "workers"),
    [
        pytest.param(name, workers, marks=pytest.mark.xdist_group(name) if name in CLUSTERS else ())
        for name in plugins.names("executors")
        for workers in ([2] if name in IN_PROCESSES else [1, 4])
    ],
)


@EVERY_ENGINE
@EVERY_PLACE
def test_one_pipeline_everywhere(
    engine: str, executor: str, executor_options: dict[str, Any], workers: int, tmp_path: Path
) -> None:
    """On every executor and every engine."""
    (tmp_path / "flights.csv").write_text("id,tail\n1,A\n2,B\n3,A\n")
    (tmp_path / "planes.csv").write_text("tail,seats\nA,100\nB,50\n")
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    result = Orchestrator(
        pipeline(tmp_path), engine, event_bus=bus, executor=executor, max_workers=workers, store=tmp_path / "store",
        executor_options=executor_options, keep=["joined"], raise_on_error=False,
    ).execute()  # fmt: skip
    frame = nw.from_native(result.data["joined"])
    assert frame.rows(named=False) == [(1, 100), (2, 50), (3, 100)]
    assert (tmp_path / "out.csv").read_text().split() == ["id,seats", "1,100", "2,50", "3,100"]
    has_rows = executor in IN_PROCESSES  # a worker process executes a plan at once
    is_planned = engine == "polars-lazy" and not has_rows
    expected = EXPECTED + Counter([("plan_executed", None)] if is_planned else [])
    assert Counter((event.event_type, event.node_name) for event in heard.events) == expected
    check_order(heard)
    check_lineage(result.tracker.export_lineage(), is_planned=is_planned)


@pytest.mark.parametrize("executor", IN_PROCESSES)
def test_spark_has_workers_of_its_own(executor: str, tmp_path: Path) -> None:
    """Its frames cannot be in a worker process: refused before the run is recorded."""
    steps = [Step(name="flights", layer="ingest", value=str(tmp_path / "flights.csv"))]
    with pytest.raises(ConfigurationError, match="'spark' has workers of its own: executor must be 'inline'"):
        Orchestrator(steps, "spark", executor=executor, store=tmp_path / "store").execute()
    assert not (tmp_path / "store" / "runs").exists()


def check_order(heard: RecordingSink) -> None:
    """Cause before effect: a node starts after its makers ended, and emits nothing after its own end."""
    place = {(event.event_type, event.node_name): at for at, event in enumerate(heard.events)}
    for maker, taker in (("flights", "tried"), ("tried", "joined"), ("planes", "joined"), ("joined", "out")):
        assert place["node_complete", maker] < place["node_start", taker]
    for name in ("flights", "planes", "tried", "joined", "out"):
        told = [event.event_type for event in heard.events if event.node_name == name]
        assert (told[0], told[-1]) == ("node_start", "node_complete")
    assert heard.kinds[0] == "pipeline_start"
    assert heard.kinds[-1] == "pipeline_error"


def check_lineage(lineage: dict[str, Any], *, is_planned: bool) -> None:
    """Valid JSON, with every step's state, the edges that the keys make, the rows that went along them.

    The rows of a plan in the middle of a plan are unknown, and never 0.
    """
    json.dumps(lineage, allow_nan=False)
    assert [(step["step_name"], step["state"]) for step in lineage["steps"]] == [
        ("flights", "success"), ("planes", "success"), ("tried", "success"), ("joined", "success"),
        ("out", "success"), ("broken", "failed"), ("after_broken", "skipped"),
    ]  # fmt: skip
    within = None if is_planned else 3
    edges = {(edge["source"], edge["target"]): edge["row_count"] for edge in lineage["edges"]}
    assert edges == {
        ("flights", "tried"): within, ("tried", "joined"): 3, ("planes", "joined"): 2, ("joined", "out"): 3,
        ("flights", "broken"): within, ("broken", "after_broken"): None,
    }  # fmt: skip
    assert lineage["steps"][2]["attempts"] == 2
    assert lineage["summary"]["checks_passed"] == 1
