"""Steps on a Dask cluster: what stays there, what comes home, and what happens if a part of it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask
import distributed
import pandas as pd
import pytest
from distributed import Client
from tests.executors.clusters import PATIENCE, Cluster, recorded, without_folder
from tests.executors.on_cluster import no_lines, pid, sleeps, sleeps_for, speaks
from tests.executors.test_processes import _is_alive, _wait

from odibi_core.errors import ConfigurationError, StepTimeoutError, WorkerLostError
from odibi_core.executors import dask_cluster
from odibi_core.executors.base import Home
from odibi_core.executors.dask_cluster import Cluster as DaskCluster
from odibi_core.executors.dask_place import DaskPlace, _Call
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore

pytestmark = pytest.mark.xdist_group("dask")


def run(address: str | None, *steps: Any, **options: Any) -> Result:
    return Cluster("dask", address).run(*steps, **options)


def test_several_outputs_are_released_one_by_one(dask_address: str) -> None:
    """After the run the cluster holds none of its frames."""

    def both() -> tuple[pd.DataFrame, pd.DataFrame]:
        return pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [2, 3]})

    steps = [
        Step(name="both", value=both, outputs={"first": "first", "second": "second"}),
        Step(name="sum", value=lambda first, second: len(first) + len(second), inputs=["first", "second"]),
    ]
    assert run(dask_address, *steps).data["sum"] == 3
    with Client(dask_address, set_as_default=False) as client:
        _wait(lambda: not any(client.has_what().values()))


def test_lines_that_were_lost_on_the_way_come_from_the_file_of_the_worker(
    dask_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the run, and each once."""
    without_folder(monkeypatch, tmp_path)
    receive = DaskPlace._receive
    monkeypatch.setattr(
        DaskPlace, "_receive", lambda place, event: None if event[1].get("odibi") == "line" else receive(place, event)
    )
    result = run(dask_address, speaks, store=tmp_path)
    events = list(RunStore(tmp_path).read(result.run_id))
    assert [event.node_name for event in events if event.event_type == "worked"] == ["speaks"]


def test_a_report_that_was_lost_on_the_way_is_asked_for(dask_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step has its result all the same."""
    receive = DaskPlace._receive
    monkeypatch.setattr(
        DaskPlace, "_receive", lambda place, event: None if event[1].get("odibi") == "report" else receive(place, event)
    )
    result = run(dask_address, pid)
    assert result.nodes["pid"]["status"] == "success"
    assert result.data["pid"] != os.getpid()


def test_a_lost_frame_is_computed_again_and_stays_one_node(dask_address: str, tmp_path: Path) -> None:
    """The record names the step whose frame was lost."""
    heard, bus = recorded()

    def first(log: str) -> pd.DataFrame:
        with Path(log).open("a") as file:
            file.write("x")
        return pd.DataFrame({"pid": [os.getpid()]})

    def kills(first: pd.DataFrame, done: str) -> int:
        """End the worker that has the frame, which may be this one."""
        if not Path(done).exists():
            Path(done).touch()
            os.kill(int(first["pid"].iloc[0]), signal.SIGKILL)
            time.sleep(1)
        return 1

    def last(kills: int, first: pd.DataFrame) -> int:
        return len(first)

    log = tmp_path / "log"
    steps = [first, Step(name="kills", value=kills, inputs=["first"], retries=2), last]
    result = run(dask_address, *steps, bus=bus, params={"log": str(log), "done": str(tmp_path / "done")})
    assert result.data["last"] == 1, result.error
    assert log.read_text() == "xx"
    assert [event.node_name for event in heard.of_kind("node_start")] == ["first", "kills", "last"]
    assert [name for event in heard.of_kind("worker_lost") for name in event.fields["steps_again"]] == ["first"]


def test_a_timeout_on_a_cluster_of_others_names_what_may_still_run(dask_address: str, tmp_path: Path) -> None:
    """Dask cannot stop a function."""
    step = Step(name="sleeps", value=sleeps, params={"path": str(tmp_path / "pid"), "seconds": 3}, timeout_s=0.3)
    error = run(dask_address, step).nodes["sleeps"]["error"]
    assert "took longer than its timeout_s of 0.3 s; its task is cancelled" in error
    assert "may still run on the worker tcp://" in error


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before a run is recorded, with its address."""
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.3)
    with pytest.raises(ConfigurationError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 within 0\.3 s"):
        run("tcp://127.0.0.1:9", pid, store=tmp_path)
    assert RunStore(tmp_path).ids() == []


@pytest.mark.parametrize("address", ["nonsense", "http://a.example/", "tcp://host", 7])
def test_an_address_that_cannot_be_right(address: Any) -> None:
    """Refused when the pipeline is made."""
    with pytest.raises(ConfigurationError, match="must be tcp://host:port, got"):
        Orchestrator([pid], executor="dask", executor_options={"address": address})


def test_options_that_an_executor_does_not_have() -> None:
    """Refused with the name of the executor."""
    with pytest.raises(ConfigurationError, match="executor_options do not fit the executor 'threads'"):
        Orchestrator([pid], executor="threads", executor_options={"address": "tcp://a:1"})


def test_the_setting_names_the_scheduler(dask_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an option in code."""
    monkeypatch.setenv("ODIBI_EXECUTOR__ADDRESS", dask_address)
    result = run(None, pid)
    with Client(dask_address, set_as_default=False) as client:
        assert result.data["pid"] in client.run(os.getpid).values()


def test_a_client_of_the_program_stays_open(dask_address: str) -> None:
    """The run has a connection of its own to the same scheduler."""
    with Client(dask_address, set_as_default=False) as client:
        result = Orchestrator([pid], executor="dask", executor_options={"client": client}, store=False).execute()
        assert result.data["pid"] in client.run(os.getpid).values()
    with pytest.raises(ConfigurationError, match=r"must be an open distributed\.Client"):
        Orchestrator([pid], executor="dask", executor_options={"client": 7})


def test_other_versions_on_the_workers(dask_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before the run, with the package, both versions, and where."""
    answers = Client.run

    def older(client: Client, function: Any, **options: Any) -> Any:
        found = answers(client, function, **options)
        for about in found.values():
            about["packages"] |= {"pandas": "1.5.3", "odibi_core": None}
        return found

    monkeypatch.setattr(Client, "run", older)
    with pytest.raises(ConfigurationError) as caught:
        run(dask_address, pid)
    assert "odibi_core is 0.1.0 here and missing on tcp://" in str(caught.value)
    assert f"pandas is {pd.__version__} here and 1.5.3 on tcp://" in str(caught.value)


MAIN = """
import os, pathlib, sys, time
from odibi_core.orchestrator import Orchestrator
from odibi_core.orchestrator import Step
print("main", flush=True)
def slow():
    pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(60)
    return 1
Orchestrator([slow], executor="dask", store=sys.argv[2]).execute()
"""


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_local_cluster_ends_with_the_process_of_the_run(stop: signal.Signals, tmp_path: Path) -> None:
    """However that ends, in a script without a guard of its main program too."""
    program, began = tmp_path / "program.py", tmp_path / "began"
    program.write_text(MAIN)
    child = subprocess.Popen(
        [sys.executable, str(program), str(began), str(tmp_path / "store")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    _wait(lambda: began.exists() and began.read_text() != "")
    child.send_signal(stop)
    output, _ = child.communicate(timeout=PATIENCE)
    assert output == "main\n"
    worker = int(began.read_text())
    _wait(lambda: not _is_alive(worker))
    if stop is signal.SIGINT:
        (run_id,) = RunStore(tmp_path / "store").ids()
        last = list(RunStore(tmp_path / "store").read(run_id))[-1]
        assert (last.event_type, last.status) == ("pipeline_error", "cancelled")


@pytest.mark.slow
def test_a_local_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout ends the worker process, and no call that waits behind it; one that does not answer is lost.

    Nothing is left.
    """
    began, stopped = tmp_path / "pid", tmp_path / "stopped"

    def sleeps_here(_: dict[str, Any], seconds: float) -> tuple[dict[str, Any], int]:
        sleeps(str(began), seconds)
        return {}, 1

    def stops(_: dict[str, Any], seconds: float) -> tuple[dict[str, Any], int]:
        if not stopped.exists():
            stopped.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        return {}, 1

    cluster = DaskCluster(None, None, workers=1)
    place = DaskPlace(cluster)
    lost: list[str] = []
    monkeypatch.setattr(distributed.scheduler, "heartbeat_interval", lambda _: 0.1)  # ten of them are waited for
    with dask.config.set({"distributed.scheduler.worker-ttl": "1s"}):
        place.open(Home("run", lambda _: None, lambda worker, _: lost.append(worker), no_lines, no_lines))
    folder = Path(str(cluster._folder))
    try:
        with ThreadPoolExecutor() as threads:
            late = threads.submit(place.call, sleeps_here, {}, 60.0, timeout_s=0.5)
            _wait(lambda: any(call.worker for call in place._calls.values()))
            waiting = threads.submit(place.call, sleeps_for, {}, 0.0)
            error = late.exception(PATIENCE)
            assert isinstance(error, StepTimeoutError)
            assert str(error) == "took longer than its timeout_s of 0.5 s and its worker process was ended"
            assert waiting.result(PATIENCE) == ({}, 0.0)
        _wait(lambda: not _is_alive(int(began.read_text())))
        lost.clear()
        with pytest.raises(WorkerLostError, match=r"step 'stops' (ran|may have begun) on it"):
            place.call(stops, {}, 0.0)
        assert len(lost) == 1
        assert place.call(stops, {}, 0.0) == ({}, 1)
    finally:
        place.close()
    assert not folder.exists()


def test_a_worker_that_ends_after_the_report_of_a_step_costs_no_attempt() -> None:
    """The step is over, although Dask's own message of its end did not arrive; its frame is computed again."""
    lost: list[tuple[str, Any]] = []
    place = DaskPlace(DaskCluster(None, None, workers=1))
    place._home = Home("run", lambda _: None, lambda *about: lost.append(about), lambda *_: [], lambda _: [])
    call = place._calls["key"] = _Call("makes")
    place._futures["key"] = None
    about = {"key": "key", "worker": "tcp://here", "threads": 1, "report": b"", "names": ["out"]}
    place._receive((0.0, {"odibi": "report", **about}))
    place._receive((0.0, {"action": "remove-worker", "worker": "tcp://here", "processing-tasks": {"key": 1}}))
    assert (call.has_news.is_set(), call.ending, lost) == (True, None, [("tcp://here", ["makes"])])


