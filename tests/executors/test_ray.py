"""Steps on a Ray cluster: what stays there, what comes home, and what happens if a part of it dies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.executors.test_dask import PATIENCE, dies, divides, pid, recorded, sleeps, speaks

from odibi_core.bus.bus import EventBus
from odibi_core.executors.ray_place import RayPlace
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore

pytestmark = pytest.mark.xdist_group("ray")


def run(address: str | None, *steps: Any, bus: EventBus | None = None, **options: Any) -> Result:
    options = {"store": False, "raise_on_error": False, "max_workers": 2, **options}
    given = {"address": address} if address else {}
    return Orchestrator(list(steps), event_bus=bus, executor="ray", executor_options=given, **options).execute()


def test_frames_stay_on_the_cluster(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is in the result comes to the calling process, with its library and its dtypes."""
    fetched = []
    fetch = RayPlace.fetch

    def counted(place: RayPlace, held: Any) -> Any:
        fetched.append(held)
        return fetch(place, held)

    monkeypatch.setattr(RayPlace, "fetch", counted)

    def pandas() -> pd.DataFrame:
        return pd.DataFrame({"pid": [os.getpid()], "c": pd.Categorical(["a"])})

    def polars(pandas: pd.DataFrame) -> pl.DataFrame:
        assert pandas["c"].dtype == "category"
        return pl.DataFrame({"pid": [int(pandas["pid"].iloc[0])]})

    result = run(ray_address, pandas, polars)
    assert result.success
    assert isinstance(result.data["polars"], pl.DataFrame)
    assert result.data["polars"]["pid"][0] != os.getpid()
    assert result.nodes["pandas"]["row_count"] == 1
    assert len(fetched) == 1


def test_a_step_that_changes_its_input_changes_that_of_no_other(ray_address: str) -> None:
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
    result = run(ray_address, made, spoils, after, initial={"given": given}, keep=["after", "made"])
    assert result.data["after"] == [0, 1, 5], result.error
    result.data["made"].iloc[0, 0] = 7  # what comes home can be changed
    assert result.data["made"]["a"].tolist()[:2] == [7, 1]


def test_events_and_metrics_of_a_worker_are_in_the_record(ray_address: str, tmp_path: Path) -> None:
    """With the node that published them; a later run on the same worker adds nothing to the first."""
    first = run(ray_address, speaks, store=tmp_path)
    second = run(ray_address, speaks, store=tmp_path)
    for result in (first, second):
        (line,) = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
        assert (line.node_name, line.run_id) == ("speaks", result.run_id)
        assert line.fields["pid"] != os.getpid()
        assert result.metrics.counters["rows_seen:speaks"] == 3


def test_a_worker_that_dies_is_a_failed_attempt(ray_address: str, tmp_path: Path) -> None:
    """The next attempt has another worker; the step is one node."""
    heard, bus = recorded()
    step = Step(name="dies", value=dies, params={"path": str(tmp_path / "1"), "times": 1}, retries=1)
    result = run(ray_address, step, pid, bus=bus)
    assert result.success
    (retry,) = heard.of_kind("node_retry")
    assert retry.fields["error_type"] == "odibi_core.errors.WorkerLostError"
    assert "a worker of the Ray cluster ended while step 'dies' ran on it" in str(retry.error)
    assert [event.node_name for event in heard.of_kind("node_start")].count("dies") == 1


def test_a_timeout_ends_the_worker_process(ray_address: str, tmp_path: Path) -> None:
    """Also on a cluster that others use."""
    step = Step(name="sleeps", value=sleeps, params={"path": str(tmp_path / "pid"), "seconds": PATIENCE}, timeout_s=0.3)
    error = run(ray_address, step).nodes["sleeps"]["error"]
    assert error == "took longer than its timeout_s of 0.3 s and its worker process was ended"


def test_the_error_of_a_step_is_the_one_that_was_raised(ray_address: str) -> None:
    """With its type and its traceback in the worker."""
    heard, bus = recorded()
    run(ray_address, divides, bus=bus)
    (failed,) = heard.of_kind("node_failed")
    assert failed.error == "division by zero"
    assert str(failed.fields["error_type"]) == "ZeroDivisionError"
    assert "in divides" in failed.fields["traceback"]
