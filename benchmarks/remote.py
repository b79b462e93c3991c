"""A shared store on S3 (moto on loopback): shipping a run, 1,000 writers of which 100 are killed, and reading them.

moto is one Python process and answers one request at a time: the figures compare with the plain loop beside them, and
are no figures of S3 itself.
"""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAODIBIBENCH000001",
    "AWS_SECRET_ACCESS_KEY": "of-the-benchmark", "AWS_DEFAULT_REGION": "us-east-1",
}  # fmt: skip
AT_ONCE = 8
FOLLOWED = 50
"""Writers after which the reader brings its copy up to date."""
EVENTS = 10
_buckets = count(1)


@contextmanager
def _bucket(folder: Path) -> Iterator[str]:
    """Run an S3 server, and yield the name of an empty bucket; the variables of the provider lead to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, name = f"http://127.0.0.1:{port}", f"bucket-{next(_buckets)}"
    before = dict(os.environ)
    try:
        _wait_for(url, server)
        with urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=30):
            pass
        os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=url, XDG_CACHE_HOME=str(folder / "cache"))
        yield name
    finally:
        server.kill()
        server.wait()
        os.environ.clear()
        os.environ.update(before)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/", timeout=10):
            return
        if server.poll() is not None:
            raise RuntimeError("moto.server ended: pip install 'odibi-core[dev]' has it")
        time.sleep(0.1)
    raise TimeoutError("moto.server did not answer within a minute")


def _record(root: Path, *, dies_at: int = -1) -> str:
    """Record a run of some events; kill this process before one of them if asked."""
    from odibi_core.bus.bus import EventBus
    from odibi_core.events.clock import host_name, process_start
    from odibi_core.store.runs import RunStore

    store = RunStore(root)
    run_id = store.new_run_id("nightly")
    bus, about = EventBus(), {"run_id": run_id, "pipeline_name": "nightly"}
    journal = store.open(run_id)
    bus.subscribe(journal)
    identity = {"host": host_name(), "pid": os.getpid(), "process_start": process_start()}
    bus.publish("pipeline_start", fields={**about, "status": "running", **identity})
    for number in range(EVENTS):
        if number == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        bus.publish("stage_completed", fields={"run_id": run_id, "number": number, "elapsed_ms": 1.5 * number})
    bus.publish("pipeline_complete", fields={**about, "status": "success", "duration_ms": 1.0})
    journal.close()
    return run_id


def _ship(root: Path, url: str) -> None:
    from odibi_core.history.remote import read_address, ship

    ship(root, read_address(url))


# A run, by one program.


@contextmanager
def _shipped(folder: Path) -> Iterator[Runner]:
    from odibi_core.history.remote import read_address
    from odibi_core.history.remote.objects import open_objects
    from odibi_core.history.remote.shipment import Shipment
    from odibi_core.history.remote.shipped import ShippedNames

    with _bucket(folder) as name:
        address, root = read_address(f"s3://{name}/team"), folder / "local"
        shipment = Shipment(root, open_objects(address), ShippedNames(root, address))
        shipment.objects.folders("hot")

        def run(n: int) -> float:
            runs = [_record(root) for _ in range(n)]
            started = time.perf_counter()
            for run_id in runs:
                shipment.run(run_id, is_over=True)
            return time.perf_counter() - started

        yield run


@contextmanager
def _plain(folder: Path) -> Iterator[Runner]:
    """Compress each file and put it: nothing is noted, and nothing is shipped after a crash."""
    import boto3

    from odibi_core.store.runs import RunStore

    with _bucket(folder) as name:
        client: Any = boto3.client("s3")
        store = RunStore(folder / "local")

        def run(n: int) -> float:
            paths = [store.segments(_record(store.root))[0] for _ in range(n)]
            started = time.perf_counter()
            for path in paths:
                client.put_object(Bucket=name, Key=f"team/{path.parent}", Body=gzip.compress(path.read_bytes(), 6))
            return time.perf_counter() - started

        yield run


# Many writers.


def _writer(root: Path, url: str, number: int) -> None:
    """Record and ship as a program of its own; each tenth is killed, at a moment of its own."""
    from odibi_core.history.remote.shipped import ShippedNames

    moment = Random(number).randrange(3) if number % 10 == 0 else -1
    if moment == 1:  # before the object is written
        os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    if moment == 2:  # when it is written, before it is noted
        ShippedNames.add = lambda self, name: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    _record(root, dies_at=Random(number).randrange(EVENTS) if moment == 0 else -1)
    if moment == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    _ship(root, url)


def _in_child(work: Any, *arguments: Any) -> int:
    child = os.fork()
    if not child:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return child


def _each(roots: list[Path], work: Any, url: str, between: Any) -> int:
    """Run the work for each store in a process of its own, some at once; return how many were killed or failed."""
    running: set[int] = set()
    ended = []
    for number, root in enumerate(roots):
        running.add(_in_child(work, root, url, number))
        while len(running) >= AT_ONCE:
            pid, status = os.wait()
            running.discard(pid)
            ended.append(status)
        if number % FOLLOWED == FOLLOWED - 1:
            between()
    for pid in running:
        ended.append(os.waitpid(pid, 0)[1])
    return sum(status != 0 for status in ended)


def _names(store: Any) -> dict[str, list[tuple[str, int]]]:
    return {run_id: sorted((each.writer_id, each.seq) for each in store.read(run_id)) for run_id in store.ids()}


def _many(writers: int) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.history.remote import read_address, sync
        from odibi_core.store.runs import RunStore
        from odibi_core.store.sql import query_files

        with _bucket(folder) as name:
            turns = count()

            def run(n: int) -> float:
                turn = next(turns)
                url = f"s3://{name}/turn-{turn}"
                address = read_address(url)
                roots = [folder / f"host-{turn}-{number}" for number in range(writers)]
                killed = _each(roots, _writer, url, lambda: sync(address))
                failed = _each(roots[::10], lambda root, url, _: _ship(root, url), url, lambda: sync(address))
                if (killed, failed) != (len(roots[::10]), 0):
                    raise AssertionError(f"{killed} writers were killed, {failed} of the next ones failed")
                started = time.perf_counter()
                store = RunStore(sync(address).root)
                paths = [path for run_id in store.ids() for path in store.segments(run_id)]
                counted = query_files("select count(distinct run_id) as runs from logs", paths).rows[0]["runs"]
                took = time.perf_counter() - started
                there = _names(store)
                here = {run_id: names for root in roots for run_id, names in _names(RunStore(root)).items() if names}
                if there != here or counted != len(here):
                    raise AssertionError(f"{len(here)} runs were recorded, {len(there)} are in the shared store")
                return took

            yield run

    return prepare


def works(quick: bool) -> list[Work]:
    """Return the rows of the area."""
    writers = 20 if quick else 1000
    return [
        Work(
            f"ship a run of {EVENTS + 2} events",
            "ms",
            [
                Contender("odibi-core", _shipped, "ours", "one request; noted, so that a crash ships it again"),
                Contender("gzip + boto3 put_object", _plain, "floor", "one request; nothing else"),
            ],
            [Target(1.5, "gzip + boto3 put_object", "ratio")],
            loops=5 if quick else 50,
            rounds=5,
        ),
        Work(
            f"{writers:,} writers, {writers // 10} killed: from the last shipment until SQL has all",
            "s",
            [Contender("odibi-core", _many(writers), "ours", "0 lost, 0 twice, or the row fails")],
            [Target(5.0)],
            loops=1,
            rounds=1,
            note="A reader follows: it brings its copy up to date after each 50 writers",
        ),
    ]
