"""Steps on a cluster, of Dask and of Ray: what stays there, what comes home, and what happens if a worker dies."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.delivery.loopback import dead_url
from tests.executors.clusters import PATIENCE, Cluster, recorded, without_folder
from tests.executors.on_cluster import dies, divides, pid, speaks
from tests.executors.traced import spans_here
from typer.testing import CliRunner

from odibi_core import plugins
from odibi_core.cli import app
from odibi_core.otlp.signals import spans_and_logs
from odibi_core.runtime.exports import close_exports
from odibi_core.runtime.orchestrator import Result, Step
from odibi_core.store.runs import RunStore

WORKER = r"(?:tcp://\S+|\S+, process \d+)"
ENDED = rf"the worker {WORKER} ended.* step '{{}}' (?:ran|may have begun) on it"


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("dask", "ray")])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(request.param, request.getfixturevalue(f"{request.param}_address"))


def test_frames_stay_on_the_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is in the result comes to the calling process, with its library and its dtypes."""
    fetched = []
    place: Any = plugins.load("executors", cluster.executor)(1).place
    fetch = type(place).fetch

    def counted(place: Any, held: Any) -> Any:
        fetched.append(held)
        return fetch(place, held)

    monkeypatch.setattr(type(place), "fetch", counted)

    def pandas() -> pd.DataFrame:
        return pd.DataFrame({"pid": [os.getpid()], "c": pd.Categorical(["a"])})

    def polars(pandas: pd.DataFrame) -> pl.DataFrame:
        assert pandas["c"].dtype == "category"
        return pl.DataFrame({"pid": [int(pandas["pid"].iloc[0])]})

    result = cluster.run(pandas, polars)
    assert result.success
    assert isinstance(result.data["polars"], pl.DataFrame)
    assert result.data["polars"]["pid"][0] != os.getpid()
    assert result.nodes["pandas"]["row_count"] == 1
    assert len(fetched) == 1


def test_a_step_that_changes_its_input_changes_that_of_no_other(cluster: Cluster) -> None:
    """Each step has a frame of its own, also of a value that this process sends, and of arrays in shared memory."""
    rows = 100_000  # more than Ray sends with a message

    def made() -> pd.DataFrame:
        return pd.DataFrame({"a": range(rows)})

    def spoils(made: pd.DataFrame, given: pd.DataFrame) -> int:
        made.loc[:, "a"] = 9
        given.loc[:, "a"] = 9
        return 1

    def after(spoils: int, made: pd.DataFrame, given: pd.DataFrame) -> list[int]:
        return [*made["a"].tolist()[:2], *given["a"].tolist()]

    given = pd.DataFrame({"a": [5]})
    result = cluster.run(made, spoils, after, initial={"given": given}, keep=["after", "made"])
    assert result.data["after"] == [0, 1, 5]
    result.data["made"].iloc[0, 0] = 7  # what comes home can be changed
    assert result.data["made"]["a"].tolist()[:2] == [7, 1]


def test_events_and_metrics_of_a_worker_are_in_the_record(cluster: Cluster, tmp_path: Path) -> None:
    """With the node that published them; a later run on the same worker adds nothing to the first."""
    first = cluster.run(speaks, store=tmp_path)
    second = cluster.run(speaks, store=tmp_path)
    for result in (first, second):
        (line,) = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
        assert (line.node_name, line.run_id) == ("speaks", result.run_id)
        assert line.fields["pid"] != os.getpid()
        assert result.metrics.counters["rows_seen:speaks"] == 3


def test_lines_of_a_worker_without_the_folder(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the record when the step ends, each once, and nothing is left on the worker."""
    without_folder(monkeypatch, tmp_path)

    def reads(speaks: int, root: str, run_id: str) -> list[str]:
        return [event.event_type for event in RunStore(root).read(RunStore(root).find(run_id))]

    result = cluster.run(speaks, reads, store=tmp_path, params={"root": str(tmp_path), "run_id": ""})
    assert "worked" in result.data["reads"]
    lines = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
    assert [(line.node_name, line.run_id) for line in lines] == [("speaks", result.run_id)]
    assert result.metrics.counters["rows_seen:speaks"] == 3
    assert not (tmp_path / "elsewhere").exists()
    assert not list(Path(tempfile.gettempdir()).glob(f"odibi-worker-{lines[0].fields['pid']}/runs/{result.run_id}"))


def test_two_runs_at_the_same_time_on_one_cluster(cluster: Cluster, tmp_path: Path) -> None:
    """Each record has the lines of its own steps, although both work in the same processes."""
    meet = [str(tmp_path / "a"), str(tmp_path / "b")]

    def waits(own: str, other: str) -> int:
        Path(own).touch()
        until = time.monotonic() + PATIENCE
        while not Path(other).exists() and time.monotonic() < until:
            time.sleep(0.01)
        return 1

    def again(waits: int, word: str) -> int:
        return speaks(word)

    results: dict[str, Result] = {}

    def one(word: str, own: str, other: str) -> None:
        params = {"own": own, "other": other, "word": word}
        results[word] = cluster.run(waits, speaks, again, store=tmp_path / "store", params=params)

    threads = [
        threading.Thread(target=one, args=("red", meet[0], meet[1])),
        threading.Thread(target=one, args=("blue", meet[1], meet[0])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for word in ("red", "blue"):
        events = list(RunStore(tmp_path / "store").read(results[word].run_id))
        said = [event.event_type for event in events if event.event_type in ("red", "blue")]
        assert said == [word, word]
        assert results[word].metrics.counters["rows_seen:speaks"] == 6


def test_a_worker_that_dies_is_a_failed_attempt(cluster: Cluster, tmp_path: Path) -> None:
    """Each attempt has another worker, which the record names; the step is one node, and fails after its retries."""
    heard, bus = recorded()
    steps = [
        Step(name="again", value=dies, params={"path": str(tmp_path / "again"), "times": 99}, retries=1),
        Step(name="dies", value=dies, params={"path": str(tmp_path / "once"), "times": 1}, retries=1),
    ]
    result = cluster.run(*steps, bus=bus, max_workers=1)
    assert result.data["dies"] == 2
    assert (tmp_path / "again").read_text() == "xx"
    assert re.search(ENDED.format("again"), result.nodes["again"]["error"])
    retries = {str(event.node_name): event for event in heard.of_kind("node_retry")}
    assert {event.fields["error_type"] for event in retries.values()} == {"odibi_core.errors.WorkerLostError"}
    for name in ("dies", "again"):
        assert re.search(ENDED.format(name), str(retries[name].error))
        assert [event.node_name for event in heard.of_kind("node_start")].count(name) == 1
    lost = [str(event.fields["worker"]) for event in heard.of_kind("worker_lost")]
    assert len(set(lost)) == 3
    assert all(re.fullmatch(WORKER, worker) for worker in lost)
    assert cluster.run(pid).success


def test_a_value_that_cannot_be_sent(cluster: Cluster) -> None:
    """Named, with its type, where it was made or before it is sent."""
    takes = Step(name="takes", value=lambda lock: 1, inputs=["lock"])
    result = cluster.run(takes, initial={"lock": threading.Lock()})
    assert "'lock', a lock, cannot be sent to a worker process" in result.nodes["takes"]["error"]
    result = cluster.run(Step(name="makes", value=threading.Lock))
    assert "'out', a lock, cannot be sent" in result.nodes["makes"]["error"]

    def in_a_column() -> pd.DataFrame:
        return pd.DataFrame({"a": [threading.Lock()]})

    result = cluster.run(in_a_column)
    assert "'out', a DataFrame, cannot be sent" in result.nodes["in_a_column"]["error"]


def test_the_error_of_a_step_is_the_one_that_was_raised(cluster: Cluster) -> None:
    """With its type and its traceback in the worker."""
    heard, bus = recorded()
    cluster.run(divides, bus=bus)
    (failed,) = heard.of_kind("node_failed")
    assert failed.error == "division by zero"
    assert str(failed.fields["error_type"]) == "ZeroDivisionError"
    assert "in divides" in failed.fields["traceback"]


def test_the_command_runs_where_it_is_told(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `--executor`, with the address of the setting; the names are completed."""
    monkeypatch.setenv("ODIBI_EXECUTOR__ADDRESS", str(cluster.address))
    (tmp_path / "p.py").write_text("from tests.executors.on_cluster import speaks\npipeline = [speaks]\n")
    name, store = cluster.executor, RunStore(tmp_path / "store")
    args = ["run", str(tmp_path / "p.py"), "--executor", name, "--store", str(store.root), "--format", "json"]
    assert CliRunner().invoke(app, args).exit_code == 0
    (run_id,) = store.ids()
    (made,) = [event for event in store.read(run_id) if event.event_type == "worked"]
    assert made.fields["pid"] != os.getpid()
    words = {"_ODIBI_COMPLETE": "complete_bash", "COMP_WORDS": f"odibi run --executor {name[0]}", "COMP_CWORD": "3"}
    assert CliRunner().invoke(app, [], env=words, prog_name="odibi").output.strip() == name


def test_a_module_that_the_workers_cannot_import(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with the worker and the way out."""
    (tmp_path / "only_here.py").write_text("def step(): return 1\n")
    path = list(sys.path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    monkeypatch.setattr(sys, "path", path)
    error = cluster.run(only_here.step).nodes["step"]["error"]
    found = rf"step step cannot be loaded on the worker {WORKER}: No module named 'only_here'; install"
    assert re.search(found, error)


def test_short_items_of_a_mapped_step(cluster: Cluster) -> None:
    """Go there together; each has its state, its attempts and its rows."""
    heard, bus = recorded()
    numbers = list(range(300))

    def part(number: int) -> pd.DataFrame:
        if number == 250:
            raise ValueError("no delivery")
        return pd.DataFrame({"n": [number], "pid": [os.getpid()]})

    step = Step(name="part", value=part, inputs={"number": "numbers"}, map="number", combine="rows", retries=1)
    result = cluster.run(step, initial={"numbers": numbers}, bus=bus)
    assert result.nodes["part"]["error"] == "step 'part' failed for 1 of 300 items: 250: no delivery"
    tasks = [(event.fields["task"], event.status, event.fields["attempts"]) for event in heard.of_kind("task")]
    assert sorted(tasks) == sorted(
        [(at, "success", 1) for at in numbers if at != 250] + [(250, "retried", 1), (250, "failed", 2)]
    )
    result = cluster.run(step, initial={"numbers": [n for n in numbers if n != 250]})
    assert result.data["part"]["n"].tolist() == [n for n in numbers if n != 250]
    assert os.getpid() not in result.data["part"]["pid"].tolist()


def test_the_trace_of_a_run_goes_through_its_workers(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One trace id from `TRACEPARENT` through run, node, line, active span and child process, sampled as the parent."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    monkeypatch.setenv("TRACEPARENT", parent)
    monkeypatch.setenv("TRACING_ENABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", dead_url())
    try:
        result = cluster.run(Step(name="asks", value=spans_here), store=tmp_path, keep="all")
    finally:
        close_exports(0)
    events = list(RunStore(tmp_path).read(str(result["run_id"])))
    spans = {span.name: span for span in spans_and_logs(events)[0]}
    seen = result.data["asks"]
    assert seen["pid"] != os.getpid()
    assert spans["asks"].trace_id == parent[3:35]
    expected = f"00-{parent[3:35]}-{spans['asks'].span_id}-01"
    assert (seen["child"], seen["active"]) == (expected, expected)
    asked = next(event for event in events if event.event_type == "asked")
    assert (asked.fields["trace_id"], asked.fields["span_id"]) == (parent[3:35], spans["asks"].span_id)
