"""Steps on a Ray cluster: what stays there, what comes home, and what happens if a part of it dies."""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray
from tests.executors.clusters import PATIENCE, Cluster, recorded, without_folder
from tests.executors.on_cluster import dies, divides, makes, no_lines, pid, sleeps, sleeps_there, speaks, takes
from tests.executors.test_processes import _is_alive, _wait

from odibi_core.errors import ConfigurationError, WorkerLostError
from odibi_core.executors import ray_connection, ray_worker
from odibi_core.executors.base import Home
from odibi_core.executors.ray_connection import Connection
from odibi_core.executors.ray_place import RayPlace
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore

pytestmark = pytest.mark.xdist_group("ray")


def run(address: str | None, *steps: Any, **options: Any) -> Result:
    return Cluster("ray", address).run(*steps, **options)


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


def test_a_step_with_a_timeout_that_is_in_time(ray_address: str) -> None:
    """Has its result, and its own error."""
    result = run(ray_address, *(Step(name=each.__name__, value=each, timeout_s=PATIENCE) for each in (pid, divides)))
    assert result.data["pid"] != os.getpid()
    assert result.nodes["divides"]["error"] == "division by zero"


def test_processes_that_a_run_keeps(ray_address: str, tmp_path: Path) -> None:
    """One does one step after the other; one that ends, or is ended, is replaced, and none is left after the run."""
    heard, bus = recorded()

    def second(pid: int) -> tuple[list[int], int]:
        return [pid, os.getpid()], 1

    def dies_once(pids: list[int], one: int) -> int:
        return dies(str(tmp_path / "1"), one)

    steps = [
        pid,
        Step(name="second", value=second, inputs=["pid"], outputs=["pids", "one"]),
        Step(name="sleeps", value=lambda one: sleeps(str(tmp_path / "pid"), PATIENCE), inputs=["one"], timeout_s=0.5),
        Step(name="dies", value=dies_once, inputs=["pids", "one"], retries=1),
    ]
    result = run(ray_address, *steps, bus=bus, more={"keep_workers": True}, max_workers=1, keep="all")
    first, again = result.data["pids"]
    assert first == again != os.getpid()
    assert result.data["dies"] == 2
    assert "took longer than its timeout_s of 0.5 s and its worker process was ended" in result.nodes["sleeps"]["error"]
    (retry,) = heard.of_kind("node_retry")
    assert re.search(r"the worker \S+, process \d+ ended while step 'dies' ran on it", str(retry.error))
    (lost,) = heard.of_kind("worker_lost")
    assert str(lost.fields["worker"]) in str(retry.error)
    _wait(lambda: not _is_alive(first))
    _wait(lambda: ray.available_resources().get("CPU", 0) >= 2)


@pytest.mark.parametrize("keeps", [False, True])
def test_an_abandoned_run_ends_the_processes_of_its_steps(ray_address: str, tmp_path: Path, keeps: bool) -> None:
    """On a cluster that goes on."""
    place, began = opened(ray_address, keeps=keeps), tmp_path / "pid"
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


@pytest.fixture
def far(ray_cluster: Any) -> Any:
    """Another node, and the needs of a step that only it has; the next test of this file has it too, if it lives."""
    for node in ray_cluster.worker_nodes:
        return node
    node = ray_cluster.add_node(num_cpus=1, resources={"far": 1})
    ray_cluster.wait_for_nodes()
    return node


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
    """Fails the step that runs there, and those that take a frame from there; the record names what is lost, once."""
    lost: list[str] = []
    there, here = opened(ray_cluster.address, FAR, lost), opened(ray_cluster.address, None, lost)
    began = tmp_path / "pid"
    try:
        held, _ = there.call(makes, {}, None)
        with ThreadPoolExecutor() as threads:
            running = threads.submit(there.call, sleeps_there, {}, str(began))
            _wait(began.exists)
            ray_cluster.remove_node(far, allow_graceful=False)
            with pytest.raises(WorkerLostError, match=r"the worker \S+, process \d+ ended while step 'sleeps_there'"):
                running.result(PATIENCE)
        frame = r"the frame of step 'makes' is lost with the node of the worker \S+, process \d+"
        with pytest.raises(WorkerLostError, match=f"step 'takes' cannot begin: {frame}"):
            here.call(takes, held, None)
        with pytest.raises(WorkerLostError, match=frame):
            here.fetch(held["out"])
        assert len(lost) == len(set(lost)) + 1  # each place publishes the end of a worker once
    finally:
        there.close()
        here.close()


def test_a_run_that_lost_a_node_is_resumed(ray_cluster: Any, far: Any, tmp_path: Path) -> None:
    """The step whose frame was lost is made again, because it is nowhere; no frame is taken for another one."""
    began, log, store = tmp_path / "pid", tmp_path / "log", tmp_path / "store"

    def table(log: str) -> pd.DataFrame:
        with Path(log).open("a") as file:
            file.write("x")
        return pd.DataFrame({"a": range(100_000)})

    def waits(table: pd.DataFrame, began: str) -> int:
        if not Path(began).exists():
            sleeps(began, PATIENCE)
        return len(table)

    def end_node() -> None:
        _wait(lambda: began.exists() and began.read_text() != "")
        ray_cluster.remove_node(far, allow_graceful=False)

    threading.Thread(target=end_node, daemon=True).start()
    params = {"log": str(log), "began": str(began)}
    failed = run(ray_cluster.address, table, waits, store=store, params=params, more={"task_options": FAR})
    assert "ended while step 'waits' ran on it" in failed.nodes["waits"]["error"]
    pipeline = Orchestrator(
        [table, waits], executor="ray", executor_options={"address": ray_cluster.address}, store=store, params=params
    )
    assert pipeline.execute(resume=failed.run_id).data["waits"] == 100_000
    assert log.read_text() == "xx"


def opened(address: str, needs: Any = None, lost: list[str] | None = None, *, keeps: bool = False) -> RayPlace:
    place = RayPlace(Connection(address, 1), needs or {}, keep_workers=keeps)
    names = [] if lost is None else lost
    place.open(Home("run", lambda _: None, lambda worker, _: names.append(worker), no_lines, no_lines))
    return place


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


def test_an_option_that_is_no_yes_or_no() -> None:
    """Refused when the pipeline is made."""
    with pytest.raises(ConfigurationError, match="keep_workers must be True or False, got '1'"):
        Orchestrator([pid], executor="ray", executor_options={"keep_workers": 1}).execute()
    options = {"keep_workers": True, "task_options": {"max_calls": 1}}
    with pytest.raises(ConfigurationError, match="task_options must be options of an actor of Ray with keep_workers"):
        Orchestrator([pid], executor="ray", executor_options=options).execute()


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


def test_a_value_of_a_module_that_only_the_program_has(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that did nothing for this program before has its path first, and loads the value then."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine  # type: ignore[import-not-found]

    result = run(ray_address, mine.make, Step(name="take", value=mine.take, inputs=["make"], retries=1))
    assert result.success, result.nodes


MINE = """
import os, signal
class Mine:
    pid = 0
def make():
    mine = Mine()
    mine.pid = os.getpid()
    return mine
def take(make):
    if os.getpid() == make.pid:
        os.kill(make.pid, signal.SIGKILL)  # the next attempt has another worker
    return 1
"""


def test_the_folders_of_the_program_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the same name in the current folder of the worker is not imported instead."""
    monkeypatch.setattr(sys, "path", ["current", "/usr/lib/python3"])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    ray_worker._Program().follow(pickle.dumps((["program", "/usr/lib/python3"], ["p.py"])))
    assert sys.path == ["program", "/usr/lib/python3", "current"]


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


