"""Steps on a Dask cluster: what stays there, what comes home, and what happens if a part of it dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from distributed import Client
from tests.executors.test_processes import _is_alive, _wait

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, StepTimeoutError
from odibi_core.executors import dask_cluster
from odibi_core.executors.base import Home
from odibi_core.executors.dask_cluster import Cluster
from odibi_core.executors.dask_place import DaskPlace, _Call
from odibi_core.observability import get_logger, get_metrics
from odibi_core.runtime import step_runner
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

ENDED = r"the worker tcp://\S+ ended.* step 'dies' (ran|may have begun) on it"
PATIENCE = 60  # seconds that a correct run never needs

pytestmark = pytest.mark.xdist_group("dask")


def run(address: str | None, *steps: Any, bus: EventBus | None = None, **options: Any) -> Result:
    options = {"store": False, "raise_on_error": False, "max_workers": 2, **options}
    given = {"address": address} if address else {}
    return Orchestrator(list(steps), event_bus=bus, executor="dask", executor_options=given, **options).execute()


def recorded() -> tuple[RecordingSink, EventBus]:
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    return heard, bus


def pid() -> int:
    return os.getpid()


def dies(path: str, times: int) -> int:
    """Be killed in the first attempts, and then return the number of attempts."""
    with Path(path).open("a") as file:
        file.write("x")
    number = len(Path(path).read_text())
    if number <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def speaks(word: str = "worked") -> int:
    get_logger("inside").info(word, pid=os.getpid())
    get_metrics().increment("rows_seen", "speaks", 3)
    return 1


def sleeps(path: str, seconds: float) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)


def test_frames_stay_on_the_workers(dask_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is in the result comes to the calling process, with its library and its dtypes."""
    fetched = []
    fetch = DaskPlace.fetch

    def counted(place: DaskPlace, held: Any) -> Any:
        fetched.append(held)
        return fetch(place, held)

    monkeypatch.setattr(DaskPlace, "fetch", counted)

    def pandas() -> pd.DataFrame:
        return pd.DataFrame({"pid": [os.getpid()], "c": pd.Categorical(["a"])})

    def polars(pandas: pd.DataFrame) -> pl.DataFrame:
        assert pandas["c"].dtype == "category"
        return pl.DataFrame({"pid": [int(pandas["pid"].iloc[0])]})

    result = run(dask_address, pandas, polars)
    assert result.success
    assert isinstance(result.data["polars"], pl.DataFrame)
    assert result.data["polars"]["pid"][0] != os.getpid()
    assert result.nodes["pandas"]["row_count"] == 1
    assert len(fetched) == 1


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


def test_a_step_that_changes_its_input_changes_that_of_no_other(dask_address: str) -> None:
    """Each step has a frame of its own, also of a value that this process sends."""

    def made() -> pd.DataFrame:
        return pd.DataFrame({"a": [1, 2]})

    def spoils(made: pd.DataFrame, given: pd.DataFrame) -> int:
        made.loc[:, "a"] = 9
        given.loc[:, "a"] = 9
        return 1

    def after(spoils: int, made: pd.DataFrame, given: pd.DataFrame) -> list[int]:
        return [*made["a"].tolist(), *given["a"].tolist()]

    given = pd.DataFrame({"a": [5]})
    result = run(dask_address, made, spoils, after, initial={"given": given}, keep=["after", "made"])
    assert result.data["after"] == [1, 2, 5]
    result.data["made"].iloc[0, 0] = 7  # what comes home can be changed
    assert result.data["made"]["a"].tolist() == [7, 2]


def test_events_and_metrics_of_a_worker_are_in_the_record(dask_address: str, tmp_path: Path) -> None:
    """With the node that published them; a later run on the same worker adds nothing to the first."""
    first = run(dask_address, speaks, store=tmp_path)
    second = run(dask_address, speaks, store=tmp_path)
    for result in (first, second):
        (line,) = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
        assert (line.node_name, line.run_id) == ("speaks", result.run_id)
        assert line.fields["pid"] != os.getpid()
        assert result.metrics.counters["rows_seen:speaks"] == 3


def without_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make the workers see no folder of the run, as on another host."""
    from odibi_core.logs.context import worker_context as known

    elsewhere = {"odibi_core_store": str(tmp_path / "elsewhere")}
    monkeypatch.setattr(step_runner, "worker_context", lambda: {**known(), **elsewhere})


def test_lines_of_a_worker_without_the_folder_are_sent(
    dask_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the record while the run lasts, each once."""
    without_folder(monkeypatch, tmp_path)

    def reads(speaks: int, root: str, run_id: str) -> list[str]:
        return [event.event_type for event in RunStore(root).read(RunStore(root).find(run_id))]

    result = run(dask_address, speaks, reads, store=tmp_path, params={"root": str(tmp_path), "run_id": ""})
    assert "worked" in result.data["reads"]
    lines = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
    assert [(line.node_name, line.run_id) for line in lines] == [("speaks", result.run_id)]
    assert result.metrics.counters["rows_seen:speaks"] == 3
    assert not (tmp_path / "elsewhere").exists()


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


def test_two_runs_at_the_same_time_on_one_cluster(dask_address: str, tmp_path: Path) -> None:
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
        results[word] = run(dask_address, waits, speaks, again, store=tmp_path / "store", params=params)

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


def test_a_worker_that_dies_is_a_failed_attempt(dask_address: str, tmp_path: Path) -> None:
    """The next attempt has another worker; the step is one node."""
    heard, bus = recorded()
    step = Step(name="dies", value=dies, params={"path": str(tmp_path / "1"), "times": 1}, retries=1)
    result = run(dask_address, step, pid, bus=bus)
    assert result.success
    assert result.nodes["pid"]["status"] == "success"
    retries = heard.of_kind("node_retry")
    assert [event.fields["error_type"] for event in retries] == ["odibi_core.errors.WorkerLostError"]
    assert re.search(ENDED, str(retries[0].error))
    assert [event.node_name for event in heard.of_kind("node_start")].count("dies") == 1
    (lost,) = heard.of_kind("worker_lost")
    assert str(lost.fields["worker"]).startswith("tcp://")


def test_a_step_that_kills_its_worker_fails_after_its_retries(dask_address: str, tmp_path: Path) -> None:
    """And the cluster serves the next run."""
    step = Step(name="dies", value=dies, params={"path": str(tmp_path / "1"), "times": 99}, retries=1)
    result = run(dask_address, step)
    assert re.search(ENDED, result.nodes["dies"]["error"])
    assert (tmp_path / "1").read_text() == "xx"
    assert run(dask_address, pid).success


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


def test_a_value_that_cannot_be_sent(dask_address: str) -> None:
    """Named, with its type, where it was made or before it is sent."""
    takes = Step(name="takes", value=lambda lock: 1, inputs=["lock"])
    result = run(dask_address, takes, initial={"lock": threading.Lock()})
    assert "'lock', a lock, cannot be sent to a worker process" in result.nodes["takes"]["error"]
    result = run(dask_address, Step(name="makes", value=threading.Lock))
    assert "'out', a lock, cannot be sent" in result.nodes["makes"]["error"]

    def in_a_column() -> pd.DataFrame:
        return pd.DataFrame({"a": [threading.Lock()]})

    result = run(dask_address, in_a_column)
    assert "'out', a DataFrame, cannot be sent" in result.nodes["in_a_column"]["error"]


def divides() -> float:
    return 1 / 0


def test_the_error_of_a_step_is_the_one_that_was_raised(dask_address: str) -> None:
    """With its type and its traceback in the worker."""
    heard, bus = recorded()
    run(dask_address, divides, bus=bus)
    (failed,) = heard.of_kind("node_failed")
    assert failed.error == "division by zero"
    assert str(failed.fields["error_type"]) == "ZeroDivisionError"
    assert "in divides" in failed.fields["traceback"]


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
def test_a_local_cluster(tmp_path: Path) -> None:
    """A timeout ends the worker process; a worker that does not answer is lost; nothing is left."""
    import dask

    def stops(path: str) -> int:
        if not Path(path).exists():
            Path(path).touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return 1

    steps = [
        Step(name="sleeps", value=sleeps, params={"path": str(tmp_path / "pid"), "seconds": 60}, timeout_s=0.5),
        Step(name="stops", value=stops, params={"path": str(tmp_path / "stopped")}, retries=1),
    ]
    heard, bus = recorded()
    with dask.config.set({"distributed.scheduler.worker-ttl": "4s"}):
        result = run(None, *steps, bus=bus)
    assert "took longer than its timeout_s of 0.5 s and its worker process was ended" in result.nodes["sleeps"]["error"]
    assert not _is_alive(int((tmp_path / "pid").read_text()))
    assert result.nodes["stops"]["status"] == "success"
    assert [event.node_name for event in heard.of_kind("node_retry")] == ["stops"]


def sleeps_for(_: dict[str, Any], seconds: float) -> tuple[dict[str, Any], float]:
    time.sleep(seconds)
    return {}, seconds


@pytest.mark.slow
def test_a_call_that_waits_behind_one_that_takes_too_long_is_not_lost() -> None:
    """The worker ends with the late call; the other one had not begun, and goes to the next worker."""
    place = DaskPlace(Cluster(None, None, workers=1))
    place.open(Home("run", lambda _: None, lambda *_: None, lambda *_: [], lambda _: []))
    try:
        with ThreadPoolExecutor() as threads:
            late = threads.submit(place.call, sleeps_for, {}, 60.0, timeout_s=1.0)
            _wait(lambda: any(call.worker for call in place._calls.values()))
            waiting = threads.submit(place.call, sleeps_for, {}, 0.0)
            assert isinstance(late.exception(PATIENCE), StepTimeoutError)
            assert waiting.result(PATIENCE) == ({}, 0.0)
    finally:
        place.close()


def test_a_worker_that_ends_after_the_report_of_a_step_costs_no_attempt() -> None:
    """The step is over, although Dask's own message of its end did not arrive; its frame is computed again."""
    lost: list[tuple[str, Any]] = []
    place = DaskPlace(Cluster(None, None, workers=1))
    place._home = Home("run", lambda _: None, lambda *about: lost.append(about), lambda *_: [], lambda _: [])
    call = place._calls["key"] = _Call("makes")
    place._futures["key"] = None
    about = {"key": "key", "worker": "tcp://here", "threads": 1, "report": b"", "names": ["out"]}
    place._receive((0.0, {"odibi": "report", **about}))
    place._receive((0.0, {"action": "remove-worker", "worker": "tcp://here", "processing-tasks": {"key": 1}}))
    assert (call.has_news.is_set(), call.ending, lost) == (True, None, [("tcp://here", ["makes"])])


def test_the_command_runs_where_it_is_told(dask_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `--executor`, with the address of the setting; the names are completed."""
    from typer.testing import CliRunner

    from odibi_core.cli import app

    monkeypatch.setenv("ODIBI_EXECUTOR__ADDRESS", dask_address)
    (tmp_path / "p.py").write_text("from tests.executors.test_dask import speaks\npipeline = [speaks]\n")
    args = ["run", str(tmp_path / "p.py"), "--executor", "dask", "--store", str(tmp_path / "store"), "--format", "json"]
    assert CliRunner().invoke(app, args).exit_code == 0
    (run_id,) = RunStore(tmp_path / "store").ids()
    (made,) = [event for event in RunStore(tmp_path / "store").read(run_id) if event.event_type == "worked"]
    with Client(dask_address, set_as_default=False) as client:
        assert made.fields["pid"] in client.run(os.getpid).values()
    words = {"_ODIBI_COMPLETE": "complete_bash", "COMP_WORDS": "odibi run --executor d", "COMP_CWORD": "3"}
    assert CliRunner().invoke(app, [], env=words, prog_name="odibi").output.strip() == "dask"


def test_a_module_that_the_workers_cannot_import(
    dask_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with the worker and the way out."""
    (tmp_path / "only_here.py").write_text("def step(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    error = run(dask_address, only_here.step).nodes["step"]["error"]
    assert re.search(r"step step cannot be loaded on the worker tcp://\S+: No module named 'only_here'; install", error)
