"""Worker processes: what is sent, what comes home, and what happens if one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.executors.processes import ProcessesExecutor, ProcessPlace
from odibi_core.executors.worker import keep, load
from odibi_core.observability import get_logger, get_metrics
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

PATIENCE = 60  # seconds that a correct run never needs


def run(*steps: Any, bus: EventBus | None = None, **options: Any) -> Result:
    options = {"store": False, "raise_on_error": False, "executor": "processes", **options}
    return Orchestrator(list(steps), event_bus=bus, **options).execute()


def pid() -> int:
    return os.getpid()


def dies_once(path: str) -> int:
    """Be killed in the first attempt."""
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def sleeps(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(PATIENCE)


def speaks() -> int:
    get_logger("inside").info("worked", pid=os.getpid())
    get_metrics().increment("rows_seen", "speaks", 3)
    return 1


class Unpicklable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.lock = threading.Lock()


def raises_unpicklable() -> None:
    raise Unpicklable("no way", "back")


def made_frame(frames: dict[str, Any], task: Any) -> tuple[dict[str, Any], None]:
    return {"out": pd.DataFrame({"a": [1]})}, None


def divides() -> float:
    return 1 / 0


def test_a_step_runs_in_another_process_and_leaves_its_frames_there() -> None:
    """Each frame comes home only if it is a result; the frames of two libraries keep their types."""
    at_home = os.getpid()

    def pandas() -> pd.DataFrame:
        return pd.DataFrame({"pid": [os.getpid()], "c": pd.Categorical(["a"])})

    def polars(pandas: pd.DataFrame) -> pl.DataFrame:
        assert pandas["c"].dtype == "category"
        return pl.DataFrame({"pid": [int(pandas["pid"][0])]})

    result = run(pandas, polars)
    assert isinstance(result.data["polars"], pl.DataFrame)
    assert result.data["polars"]["pid"][0] != at_home
    assert result.nodes["pandas"]["row_count"] == 1


def test_a_worker_that_dies_is_a_failed_attempt(tmp_path: Path) -> None:
    """The next attempt has a new worker; without one the step fails and names the signal."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    step = Step(name="dies", value=dies_once, params={"path": str(tmp_path / "1")}, retries=1)
    assert run(step, bus=bus).status == "success"
    assert [event.fields["error_type"] for event in heard.events if event.event_type == "node_retry"] == [
        "odibi_core.errors.WorkerLostError"
    ]
    result = run(Step(name="dies", value=dies_once, params={"path": str(tmp_path / "2")}), pid)
    assert "was ended by signal 9" in result.nodes["dies"]["error"]
    assert result.nodes["pid"]["status"] == "success"


def test_a_timeout_ends_the_process(tmp_path: Path) -> None:
    """The step fails, and its worker is gone."""
    result = run(Step(name="sleeps", value=sleeps, params={"path": str(tmp_path / "pid")}, timeout_s=0.5))
    assert "took longer than its timeout_s of 0.5 s and its process was ended" in result.nodes["sleeps"]["error"]
    assert not (tmp_path / "pid").exists() or not _is_alive(int((tmp_path / "pid").read_text()))


def test_events_and_metrics_of_a_worker_are_in_the_record(tmp_path: Path) -> None:
    """With the node that published them."""
    result = run(speaks, store=tmp_path)
    events = list(RunStore(tmp_path).read(result.run_id))
    (line,) = [event for event in events if event.event_type == "worked"]
    assert (line.node_name, line.run_id) == ("speaks", result.run_id)
    assert line.fields["pid"] != os.getpid()
    assert result.metrics.counters["rows_seen:speaks"] == 3


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        (raises_unpicklable, "test_processes.Unpicklable", "no way"),
        (divides, "ZeroDivisionError", "division by zero"),
    ],
)
def test_the_error_of_a_step_is_the_one_that_was_raised(step: Any, kind: str, message: str) -> None:
    """With its type and its traceback in the worker, also if the exception cannot be pickled."""
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    run(step, bus=bus)
    (failed,) = [event for event in heard.events if event.event_type == "node_failed"]
    assert failed.error == message
    assert str(failed.fields["error_type"]).endswith(kind)
    assert f"in {step.__name__}" in failed.fields["traceback"]


def test_a_value_that_cannot_be_sent() -> None:
    """Named before the step runs, with its type."""
    result = run(Step(name="takes", value=lambda lock: 1, inputs=["lock"]), initial={"lock": threading.Lock()})
    assert "'lock', a lock, cannot be sent to a worker process" in result.nodes["takes"]["error"]
    result = run(Step(name="makes", value=threading.Lock), Step(name="takes", value=lambda makes: 1, inputs=["makes"]))
    assert "'out', a lock, cannot be sent" in result.nodes["makes"]["error"]


def test_a_connection_stays_in_this_process() -> None:
    """A step of the layer `connect` is not sent anywhere."""
    result = run(Step(name="connection", layer="connect", value=pid))
    assert result.data["connection"] == os.getpid()


def test_frames_that_no_step_needs_are_deleted_and_the_folder_ends_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is below the folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def first() -> pd.DataFrame:
        return pd.DataFrame({"a": range(100_000)})

    def second(first: pd.DataFrame) -> pd.DataFrame:
        return first

    def third(second: pd.DataFrame, folder: str) -> list[str]:
        return sorted(path.suffix for path in Path(folder).glob("*/*"))

    result = run(first, second, third, params={"folder": str(tmp_path)})
    assert result.data["third"] == [".arrow"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": pd.Categorical(["u", "v"])}, index=["p", "q"]),
        pd.DataFrame({"a": [{1}, ["mixed"]]}),
        pl.DataFrame({"a": [1, None], "b": [["x"], []]}),
    ],
    ids=["pandas", "objects", "polars"],
)
def test_a_small_frame_travels_with_the_message_and_comes_back_equal(frame: Any, tmp_path: Path) -> None:
    """Without a file; a frame of as few cells whose texts are long goes to one."""
    kept = keep(frame, "frame", tmp_path)
    assert kept.path == ""
    assert load(kept).equals(frame)
    assert list(tmp_path.iterdir()) == []
    long = pd.DataFrame({"a": ["x" * 100_000]})
    assert load(keep(long, "frame", tmp_path)).equals(long)
    assert len(list(tmp_path.iterdir())) == 1
    assert keep(frame, "frame", tmp_path, inline=0).path


def test_the_small_frames_that_the_process_of_the_run_holds_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound they go to files, and a released one makes room."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("odibi_core.executors.processes._MOST_INLINE", 1)
    place = ProcessPlace()
    try:
        one, two = (place.call(made_frame, {}, None)[0]["out"] for _ in range(2))
        assert [len(list(tmp_path.glob("*/*"))), place.fetch(one).equals(place.fetch(two))] == [1, True]
        place.release(one)
        place.release(one)
        place.call(made_frame, {}, None)
        assert len(list(tmp_path.glob("*/*"))) == 1
    finally:
        place.close()


def test_a_full_disk_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the error of the system; no part of the frame is used."""
    def full(value: object, path: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("odibi_core.executors.worker.pack", full)
    takes = Step(name="takes", value=lambda frame: 1, inputs=["frame"])
    result = run(takes, initial={"frame": pd.DataFrame({"a": range(100_000)})})
    assert "No space left on device" in result.nodes["takes"]["error"]


MAIN = """
import sys, time, os, pathlib
from odibi_core.orchestrator import Orchestrator
def slow():
    pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(60)
    return 1
if True:
    Orchestrator([slow], executor="processes", store=sys.argv[2]).execute()
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_the_process_of_the_run(stop: signal.Signals, tmp_path: Path) -> None:
    """However it ends, in a script without a guard of its main program too; no frames are left."""
    program, began = tmp_path / "program.py", tmp_path / "began"
    program.write_text(MAIN)
    (temporary := tmp_path / "tmp").mkdir()
    child = subprocess.Popen(
        [sys.executable, str(program), str(began), str(tmp_path / "store")],
        env={**os.environ, "TMPDIR": str(temporary)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _wait(began.exists)
    _wait(lambda: began.read_text() != "")
    child.send_signal(stop)
    child.wait(PATIENCE)
    worker = int(began.read_text())
    _wait(lambda: not _is_alive(worker))
    _wait(lambda: not list(temporary.glob("odibi-frames-*")))


def _wait(condition: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(os.listdir(f"/proc/{process}/task")) > 1
    except OSError:
        return False


def test_without_cloudpickle_a_function_of_the_main_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    result = run(Step(name="anonymous", value=lambda: 1))
    assert "install 'odibi-core[processes]'" in result.nodes["anonymous"]["error"]


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    """Its end is no failure of the next step."""
    place: Any = ProcessesExecutor(1).place
    try:
        first = place.call(_report_pid, {}, None)[1]
        os.kill(first, signal.SIGKILL)
        _wait(lambda: not _is_alive(first))
        assert place.call(_report_pid, {}, None)[1] != first
    finally:
        place.close()


def _report_pid(frames: dict[str, Any], task: Any) -> tuple[dict[str, Any], int]:
    return {}, os.getpid()
