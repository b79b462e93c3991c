"""The files of a run as events: of steps, of functions, of `@node` functions, of worker processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from odibi_core import Orchestrator, Step, node, observe
from odibi_core.engines import access_facts
from odibi_core.events import Event
from odibi_core.runtime import file_events
from odibi_core.store.runs import RunStore


@pytest.fixture(autouse=True)
def _data() -> None:
    Path("a.csv").write_text("n\n1\n2\n3\n")


def files_of(*steps: Any, **options: Any) -> list[Event]:
    """Return the file events of a run."""
    found: list[Event] = []
    run = Orchestrator(list(steps), **{"store": False, "raise_on_error": False, **options})
    run.bus.subscribe(found.append, ["file_access"])
    run.execute()
    return found


def shown(events: list[Event]) -> list[tuple[Any, ...]]:
    """Return step, access, name, dataset and rows of each."""
    return [
        (e.node_name, e.fields["access"], Path(e.fields["uri"]).name, e.fields["dataset"], e.row_count) for e in events
    ]


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_each_step_has_its_own_files_once(engine: str) -> None:
    """One event a file, whatever the engine opens; the dataset is the key of the step."""
    found = files_of(
        Step(name="read", layer="ingest", value="a.csv", outputs={"out": "numbers"}),
        Step(name="query", type="sql", value="select * from numbers, 'a.csv' b", inputs=["numbers"]),
        Step(name="write", layer="publish", value="out/b.parquet", inputs={"frame": "numbers"}),
        engine_type=engine,
    )
    assert shown(found) == [
        ("read", "read", "a.csv", "numbers", 3),
        ("query", "read", "a.csv", "a", None),
        ("write", "write", "b.parquet", "numbers", 3),
    ]
    assert found[0].fields["uri"] == f"{os.getcwd()}/a.csv"
    assert found[0].fields["bytes"] == 8
    assert found[0].run_id


def test_a_partitioned_dataset_is_one_file_event() -> None:
    """Number of files and sum of sizes."""
    pd.DataFrame({"k": [1, 2], "n": [1, 2]}).to_csv("k.csv", index=False)
    found = files_of(
        Step(name="read", layer="ingest", value="*.csv"),
        Step(name="write", layer="publish", value="out", params={"partition_by": "k"}, inputs={"frame": "read"}),
    )
    assert [event.fields["files"] for event in found] == [2, 3]
    assert found[1].fields["bytes"] == sum(path.stat().st_size for path in Path("out").rglob("*.parquet"))


def test_a_function_and_a_thread_of_it() -> None:
    """The step is that of the context; a thread without one belongs to the only open run, outside of a step."""

    def reads() -> Any:
        pl.read_csv("a.csv").write_json("b.json")
        thread = threading.Thread(target=lambda: pd.read_json("b.json"))
        thread.start()
        thread.join()
        return duckdb.query("select * from 'a.csv'")  # a relation

    assert shown(files_of(reads)) == [
        ("reads", "read", "a.csv", "a", 3),
        ("reads", "write", "b.json", "b", 3),
        (None, "read", "b.json", "b", 3),
        ("reads", "read", "a.csv", "a", None),
    ]


def test_a_file_that_is_missing_or_broken() -> None:
    """A missing one was not read; a broken one was, with unknown rows. The error stays that of the library."""
    Path("broken.parquet").write_text("no parquet")

    def missing() -> Any:
        return pd.read_csv("missing.csv")

    def broken() -> Any:
        return pl.read_parquet("broken.parquet")

    found = files_of(
        missing,
        broken,
        Step(name="step", layer="ingest", value="broken.parquet"),
        on_failure="skip",
    )
    assert [(path, rows) for _, _, path, _, rows in shown(found)] == [("broken.parquet", None)] * 2


@pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "duckdb", "pyarrow"])
def test_a_file_is_recorded_whatever_a_function_left(engine: str) -> None:
    """The facts of a table that a function read by an engine itself are not those of a later step in its thread."""
    pl.DataFrame({"n": [1]}).write_parquet("b.parquet")

    def leave() -> pl.LazyFrame:
        access_facts.note(access_facts.Facts("elsewhere", "delta", "read", version="1"))
        return pl.LazyFrame({"n": [1]})

    found = files_of(
        Step(name="leave", value=leave),
        Step(name="write", layer="publish", value="out.parquet", inputs=["leave"]),
        Step(name="read", layer="ingest", value="b.parquet"),
        engine_type=engine,
        executor="inline",
    )
    assert sorted(Path(event.fields["uri"]).name for event in found) == ["b.parquet", "out.parquet"]


def test_runs_at_the_same_time_have_their_own_files() -> None:
    """Neither run has the events of the other; when both ended, the functions of pandas are back."""
    original = pd.read_csv
    barrier = threading.Barrier(2)
    found: dict[str, list[Event]] = {}

    def run(name: str) -> None:
        def reads() -> Any:
            barrier.wait()
            return [pd.read_csv(name) for _ in range(10)][-1]

        found[name] = files_of(reads)

    Path("b.csv").write_text("n\n1\n")
    threads = [threading.Thread(target=run, args=(name,)) for name in ("a.csv", "b.csv")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: [path for _, _, path, _, _ in shown(events)] for name, events in found.items()} == {
        "a.csv": ["a.csv"] * 10,
        "b.csv": ["b.csv"] * 10,
    }
    assert pd.read_csv is original


def test_events_of_a_step_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further files are counted, and one event at the end of the run has their number and size."""
    monkeypatch.setattr(file_events, "MAX_EVENTS", 2)

    def many() -> Any:
        for _ in range(5):
            frame = pd.read_csv("a.csv")
        return frame

    found = files_of(many)
    assert len(found) == 3
    assert {name: found[-1].fields[name] for name in ("access", "left_out", "bytes")} == {
        "access": "read",
        "left_out": 3,
        "bytes": 24,
    }
    assert found[-1].node_name == "many"


def test_the_setting_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is recorded, and nothing is replaced."""
    monkeypatch.setenv("ODIBI_FILES__TRACK", "false")
    seen: list[Any] = []
    original = pd.read_csv

    def reads() -> Any:
        seen.append(pd.read_csv is original)
        return pd.read_csv("a.csv")

    assert files_of(reads, Step(name="read", layer="ingest", value="a.csv")) == []
    assert seen == [True]


def test_a_node_of_an_observed_run_has_its_files() -> None:
    """Calls of `@node` functions are steps; code outside of them belongs to the run."""

    @node
    def load(path: str) -> Any:
        return pd.read_csv(path)

    with observe("nightly") as run:
        found: list[Event] = []
        run.bus.subscribe(found.append, ["file_access"])
        load("a.csv").to_parquet("b.parquet")
    assert shown(found) == [("load", "read", "a.csv", "a", 3), (None, "write", "b.parquet", "b", 3)]
    assert pd.read_csv("a.csv").shape == (3, 1)
    stored = [event for event in RunStore(Path(".odibi")).read(run.run_id) if event.event_type == "file_access"]
    assert shown(stored) == shown(found)


@node
def in_worker(path: str) -> int:
    """Read a file in a worker process."""
    return len(pd.read_csv(path))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_process_records_its_files_in_the_run(method: str) -> None:
    """By both start methods, in the record of the run."""
    with observe("nightly") as run, ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert pool.submit(in_worker, "a.csv").result() == 3
    stored = [event for event in RunStore(Path(".odibi")).read(run.run_id) if event.event_type == "file_access"]
    assert shown(stored) == [("in_worker", "read", "a.csv", "a", 3)]


def list_one_file() -> None:
    """List one file of each step, in this process."""
    file_events.MAX_EVENTS = 1  # type: ignore[misc]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_process_counts_the_files_that_it_left_out(method: str) -> None:
    """At its end, as the process of the run does at the end of the run."""
    processes = multiprocessing.get_context(method)
    with observe("nightly") as run, ProcessPoolExecutor(1, processes, list_one_file) as pool:
        for _ in range(3):
            pool.submit(in_worker, "a.csv").result()
    stored = [event for event in RunStore(Path(".odibi")).read(run.run_id) if event.event_type == "file_access"]
    assert [event.fields.get("left_out") for event in stored] == [None, 2]
