"""Steps on a Ray cluster: what stays there, what comes home, and what happens if a part of it dies."""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import ray
from tests.executors.test_dask import PATIENCE, dies, divides, pid, recorded, sleeps, speaks, without_folder
from tests.executors.test_processes import _is_alive, _wait
from typer.testing import CliRunner

from odibi_core.bus.bus import EventBus
from odibi_core.cli import app
from odibi_core.errors import ConfigurationError, WorkerLostError
from odibi_core.executors import ray_connection, ray_worker
from odibi_core.executors.base import Home
from odibi_core.executors.ray_connection import Connection
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
    began = tmp_path / "pid"
    for timeout_s in (0.3, 2, 20):  # a new worker first loads what the step needs
        step = Step(name="sleeps", value=sleeps, params={"path": str(began), "seconds": PATIENCE}, timeout_s=timeout_s)
        error = run(ray_address, step).nodes["sleeps"]["error"]
        assert error == f"took longer than its timeout_s of {timeout_s} s and its worker process was ended"
        if began.exists():
            break
    worker = int(began.read_text())
    _wait(lambda: not _is_alive(worker))


def test_the_error_of_a_step_is_the_one_that_was_raised(ray_address: str) -> None:
    """With its type and its traceback in the worker."""
    heard, bus = recorded()
    run(ray_address, divides, bus=bus)
    (failed,) = heard.of_kind("node_failed")
    assert failed.error == "division by zero"
    assert str(failed.fields["error_type"]) == "ZeroDivisionError"
    assert "in divides" in failed.fields["traceback"]


def test_several_outputs(ray_address: str) -> None:
    """Each is a frame of its own."""

    def both() -> tuple[pd.DataFrame, pd.DataFrame]:
        return pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [2, 3]})

    steps = [
        Step(name="both", value=both, outputs={"first": "first", "second": "second"}),
        Step(name="sum", value=lambda first, second: len(first) + len(second), inputs=["first", "second"]),
    ]
    assert run(ray_address, *steps).data["sum"] == 3


def test_lines_of_a_worker_without_the_folder_come_with_its_answer(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the record when the step ends, each once, and nothing is left in the worker."""
    without_folder(monkeypatch, tmp_path)

    def reads(speaks: int, root: str, run_id: str) -> list[str]:
        return [event.event_type for event in RunStore(root).read(RunStore(root).find(run_id))]

    result = run(ray_address, speaks, reads, store=tmp_path, params={"root": str(tmp_path), "run_id": ""})
    assert "worked" in result.data["reads"]
    lines = [event for event in RunStore(tmp_path).read(result.run_id) if event.event_type == "worked"]
    assert [(line.node_name, line.run_id) for line in lines] == [("speaks", result.run_id)]
    assert result.metrics.counters["rows_seen:speaks"] == 3
    assert not (tmp_path / "elsewhere").exists()
    assert not list(Path(tempfile.gettempdir()).glob(f"odibi-worker-{lines[0].fields['pid']}/runs/{result.run_id}"))


def test_two_runs_at_the_same_time_on_one_cluster(ray_address: str, tmp_path: Path) -> None:
    """Each record has the lines of its own steps."""
    results: dict[str, Result] = {}

    def one(word: str) -> None:
        step = Step(name="speaks", value=speaks, params={"word": word})
        results[word] = run(ray_address, step, store=tmp_path / "store")

    threads = [threading.Thread(target=one, args=(word,)) for word in ("red", "blue")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for word in ("red", "blue"):
        events = RunStore(tmp_path / "store").read(results[word].run_id)
        assert [event.event_type for event in events if event.event_type in ("red", "blue")] == [word]
        assert results[word].metrics.counters["rows_seen:speaks"] == 3


def test_a_step_that_kills_its_worker_fails_after_its_retries(ray_address: str, tmp_path: Path) -> None:
    """And the cluster serves the next run."""
    step = Step(name="dies", value=dies, params={"path": str(tmp_path / "1"), "times": 99}, retries=1)
    result = run(ray_address, step)
    assert "ended while step 'dies' ran on it" in result.nodes["dies"]["error"]
    assert (tmp_path / "1").read_text() == "xx"
    assert run(ray_address, pid).success


def test_the_worker_of_a_step_with_a_timeout_is_named(ray_address: str, tmp_path: Path) -> None:
    """If it ends after its begin was reported."""
    began = tmp_path / "pid"
    step = Step(name="sleeps", value=sleeps, params={"path": str(began), "seconds": PATIENCE}, timeout_s=PATIENCE)

    def kill() -> None:
        _wait(lambda: began.exists() and began.read_text() != "")
        time.sleep(0.5)  # the report of the begin is on its way
        os.kill(int(began.read_text()), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    error = run(ray_address, step).nodes["sleeps"]["error"]
    assert re.search(rf"the worker \S+, process {began.read_text()} ended while step 'sleeps' ran on it", error)


def test_a_step_with_a_timeout_that_is_in_time(ray_address: str) -> None:
    """Has its result, and its own error."""
    result = run(ray_address, *(Step(name=each.__name__, value=each, timeout_s=PATIENCE) for each in (pid, divides)))
    assert result.data["pid"] != os.getpid()
    assert result.nodes["divides"]["error"] == "division by zero"


def test_an_abandoned_run_ends_the_processes_of_its_steps(ray_address: str, tmp_path: Path) -> None:
    """On a cluster that goes on."""
    place, began = opened(ray_address), tmp_path / "pid"
    try:
        with ThreadPoolExecutor() as threads:
            running = threads.submit(place.call, sleeps_there, {}, str(began))
            _wait(lambda: began.exists() and began.read_text() != "")
            place.kill()
            assert isinstance(running.exception(PATIENCE), WorkerLostError)
    finally:
        place.close()
    worker = int(began.read_text())
    _wait(lambda: not _is_alive(worker))
    assert run(ray_address, pid).success


def test_a_value_that_cannot_be_sent(ray_address: str) -> None:
    """Named, with its type, where it was made or before it is sent."""
    takes = Step(name="takes", value=lambda lock: 1, inputs=["lock"])
    result = run(ray_address, takes, initial={"lock": threading.Lock()})
    assert "'lock', a lock, cannot be sent to a worker process" in result.nodes["takes"]["error"]
    result = run(ray_address, Step(name="makes", value=threading.Lock))
    assert "'out', a lock, cannot be sent" in result.nodes["makes"]["error"]


@pytest.fixture
def far(ray_cluster: Any) -> Iterator[Any]:
    """Another node, and the needs of a step that only it has."""
    node = ray_cluster.add_node(num_cpus=1, resources={"far": 1})
    ray_cluster.wait_for_nodes()
    yield node
    if node in ray_cluster.worker_nodes:
        ray_cluster.remove_node(node)


FAR = {"resources": {"far": 0.1}}


def test_lines_of_another_node_arrive_while_the_step_runs(
    ray_cluster: Any, far: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder that both see; each is in the record once."""
    without_folder(monkeypatch, tmp_path)
    arrived = tmp_path / "arrived"

    def waits() -> bool:
        speaks()
        _wait(arrived.exists)
        return True

    store = RunStore(tmp_path / "store")

    def is_there() -> bool:
        return any(event.event_type == "worked" for run_id in store.ids() for event in store.read(run_id))

    def answer() -> None:
        _wait(is_there)
        arrived.touch()

    threading.Thread(target=answer, daemon=True).start()
    options = {"address": ray_cluster.address, "task_options": FAR}
    result = Orchestrator([waits], executor="ray", executor_options=options, store=store.root).execute()
    events = [event.event_type for event in store.read(result.run_id)]
    assert events.count("worked") == 1
    assert result.metrics.counters["rows_seen:speaks"] == 3


def test_a_node_that_ends(ray_cluster: Any, far: Any, tmp_path: Path) -> None:
    """Fails the step that runs there, and those that take a frame from there; never another frame."""
    there, here = opened(ray_cluster.address, FAR), opened(ray_cluster.address)
    began = tmp_path / "pid"
    try:
        held, _ = there.call(makes, {}, None)
        with ThreadPoolExecutor() as threads:
            running = threads.submit(there.call, sleeps_there, {}, str(began))
            _wait(began.exists)
            ray_cluster.remove_node(far, allow_graceful=False)
            with pytest.raises(WorkerLostError, match="ended while step 'sleeps_there' ran on it"):
                running.result(PATIENCE)
        with pytest.raises(WorkerLostError, match="a frame that step 'takes' takes is lost with the node"):
            here.call(takes, held, None)
        with pytest.raises(WorkerLostError, match="a frame is lost with the node that had it"):
            here.fetch(held["out"])
    finally:
        there.close()
        here.close()


def opened(address: str, needs: Any = None) -> RayPlace:
    place = RayPlace(Connection(address, 1), needs or {})
    place.open(Home("run", lambda _: None, lambda *_: None, lambda *_: [], no_lines))
    return place


def no_lines(_: str) -> list[bytes]:
    return []


def makes(frames: dict[str, Any], _: Any) -> tuple[dict[str, Any], int]:
    return {"out": pd.DataFrame({"a": range(100_000)})}, 1


def takes(frames: dict[str, Any], _: Any) -> tuple[dict[str, Any], int]:
    return {}, len(frames["out"])


def sleeps_there(frames: dict[str, Any], began: str) -> tuple[dict[str, Any], int]:
    sleeps(began, PATIENCE)
    return {}, 1


def test_a_head_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before a run is recorded, with its address; also a program that is not Ray, or hangs."""
    monkeypatch.setattr(ray_connection, "CONNECT_S", 0.3)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at 127\.0\.0\.1:9 within 0\.3 s"):
        run("127.0.0.1:9", pid, store=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=f"no Ray cluster answers at {address} within"):
            run(address, pid, store=tmp_path)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as pages:
        threading.Thread(target=pages.handle_request, daemon=True).start()
        address = f"127.0.0.1:{pages.server_port}"
        with pytest.raises(ConfigurationError, match=f"another program than Ray answers at {address}"):
            run(address, pid, store=tmp_path)
    assert RunStore(tmp_path).ids() == []


def test_a_run_connects_and_disconnects_a_program_that_does_not_use_ray(ray_address: str, tmp_path: Path) -> None:
    """Two runs at the same time share the connection, and the last one closes it."""
    ray.shutdown()
    try:
        place = opened(ray_address)
        result = run(ray_address, speaks, store=tmp_path)
        assert result.success, result.nodes
        assert result.metrics.counters["rows_seen:speaks"] == 3
        assert ray.is_initialized()
        place.close()
        place.close()
        assert not ray.is_initialized()
    finally:
        ray.init(ray_address, ignore_reinit_error=True, logging_level="error", log_to_driver=False)


@pytest.mark.parametrize("address", ["nonsense", "ray://a.example:10001", "tcp://host:1", 7])
def test_an_address_that_cannot_be_right(address: Any) -> None:
    """Refused when the pipeline is made."""
    with pytest.raises(ConfigurationError, match=r"must be host:port or 'auto', got"):
        Orchestrator([pid], executor="ray", executor_options={"address": address}).execute()


def test_a_process_has_one_cluster(ray_address: str) -> None:
    """Another address than that of the program's connection is refused, with both."""
    both = rf"connected to the Ray cluster at {ray_address}, and .* 127\.0\.0\.1:9"
    with pytest.raises(ConfigurationError, match=both):
        run("127.0.0.1:9", pid)
    assert ray.is_initialized()


@pytest.mark.parametrize("options", [{"num_cpu": 1}, {"max_retries": 3}, {"name": "x"}])
def test_needs_of_steps_that_ray_does_not_know(options: dict[str, Any]) -> None:
    """Refused when the run begins, with the option."""
    with pytest.raises(ConfigurationError, match=rf"task_options must.*{next(iter(options))}"):
        Orchestrator([pid], executor="ray", executor_options={"task_options": options}).execute()


def test_the_needs_of_steps(ray_address: str) -> None:
    """Each step asks Ray for them."""

    def asks() -> float:
        return float(ray.get_runtime_context().get_assigned_resources()["CPU"])

    options = {"task_options": {"num_cpus": 2}}
    assert Orchestrator([asks], executor="ray", executor_options=options, store=False).execute().data["asks"] == 2


def test_other_versions_on_the_nodes(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before the run, with the package, both versions, and where."""
    answers = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "1.5.3" if name == "pandas" else answers(name))
    with pytest.raises(ConfigurationError, match=f"pandas is 1.5.3 here and {pd.__version__} on the node "):
        run(ray_address, pid)
    assert ray.is_initialized()


def test_workers_import_from_the_folders_of_the_program(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from one that the program added to its path, with the arguments of the program."""
    (tmp_path / "beside_me.py").write_text("import sys\ndef step(): return list(sys.argv)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["program", "--day", "1"])
    import beside_me  # type: ignore[import-not-found]

    assert run(ray_address, beside_me.step).data["step"] == ["program", "--day", "1"]


def test_the_folders_of_the_program_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the same name in the current folder of the worker is not imported instead."""
    monkeypatch.setattr(sys, "path", ["current", "/usr/lib/python3"])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    ray_worker._Program().follow(pickle.dumps((["program", "/usr/lib/python3"], ["p.py"])))
    assert sys.path == ["program", "/usr/lib/python3", "current"]


def test_a_module_that_the_workers_cannot_import(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with the worker and the way out."""
    (tmp_path / "only_here_too.py").write_text("def step(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here_too  # type: ignore[import-not-found]

    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(tmp_path)])
    error = run(ray_address, only_here_too.step).nodes["step"]["error"]
    assert re.search(r"step step cannot be loaded on the worker \S+, process \d+: No module named 'only_here", error)


MAIN = """
import os, pathlib, signal, sys, time
import ray
from odibi_core.orchestrator import Orchestrator, Step
print("main", flush=True)
before = signal.getsignal(signal.SIGTERM)
def slow(path):
    pathlib.Path(path + ".new").write_text(f"{os.getpid()} {os.getppid()}")
    os.replace(path + ".new", path)
    time.sleep(60)
    return 1
steps = [Step(name="slow", value=slow, params={"path": sys.argv[1]})]
try:
    Orchestrator(steps, executor="ray", store=sys.argv[2]).execute()
except KeyboardInterrupt:
    print(ray.is_initialized(), signal.getsignal(signal.SIGTERM) is before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_local_cluster_ends_with_the_process_of_the_run(stop: signal.Signals, tmp_path: Path) -> None:
    """However that ends; the program has its own handler of SIGTERM again."""
    program, began = tmp_path / "program.py", tmp_path / "began"
    program.write_text(MAIN)
    child = subprocess.Popen(
        [sys.executable, str(program), str(began), str(tmp_path / "store")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "RAY_ADDRESS": ""},
    )  # fmt: skip
    _wait(began.exists)
    child.send_signal(stop)
    output, _ = child.communicate(timeout=PATIENCE)
    assert output == ("main\nFalse True\n" if stop is signal.SIGINT else "main\n")
    processes = [int(number) for number in began.read_text().split()]
    _wait(lambda: not any(map(_is_alive, processes)))
    if stop is signal.SIGINT:
        (run_id,) = RunStore(tmp_path / "store").ids()
        last = list(RunStore(tmp_path / "store").read(run_id))[-1]
        assert (last.event_type, last.status) == ("pipeline_error", "cancelled")


def test_the_command_runs_on_the_cluster(ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `--executor`, with the address of the setting; the names are completed."""
    monkeypatch.setenv("ODIBI_EXECUTOR__ADDRESS", ray_address)
    (tmp_path / "p.py").write_text("from tests.executors.test_dask import speaks\npipeline = [speaks]\n")
    args = ["run", str(tmp_path / "p.py"), "--executor", "ray", "--store", str(tmp_path / "store"), "--format", "json"]
    assert CliRunner().invoke(app, args).exit_code == 0
    (run_id,) = RunStore(tmp_path / "store").ids()
    (made,) = [event for event in RunStore(tmp_path / "store").read(run_id) if event.event_type == "worked"]
    assert made.fields["pid"] != os.getpid()
    words = {"_ODIBI_COMPLETE": "complete_bash", "COMP_WORDS": "odibi run --executor r", "COMP_CWORD": "3"}
    assert CliRunner().invoke(app, [], env=words, prog_name="odibi").output.strip() == "ray"
