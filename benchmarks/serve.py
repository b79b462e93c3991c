"""`odibi serve`: a page of a log of a million lines, the first rows of 100,000 runs, and the cost of being watched.

The store of many runs has a start and an end in each run: the lists read the index, which has a row for each run
whatever its events are. All figures are processor times, in which a machine with other work counts little; that of a
watched run is of its process alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.child import HOME
from benchmarks.harness import Contender, Prepare, Runner, Target, Work
from benchmarks.history_data import START, long_log
from benchmarks.many_runs import kept

LINES = 1_000_000
RUNS = 100_000
PIPELINES = 20
CLIENTS = 50
STEPS = 300

PROGRAM = """
import sys, time
from odibi_core import node, observe
def work(n):
    return sum(i * i for i in range(n))
with observe("watched"):
    for number in range(int(sys.argv[1])):
        node(work, name=f"step_{number}")(30_000)
print(time.process_time())
"""
"""A program of steps that compute for some milliseconds; it prints its processor time."""

FOLLOWERS = """
import asyncio, sys
port, clients = int(sys.argv[1]), int(sys.argv[2])
request = b"GET /api/runs/watched/events HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n"
async def follow():
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        is_there = b" 200 " in await reader.readline()
        while await reader.read(1 << 16):
            pass
        writer.close()
        if not is_there:
            await asyncio.sleep(0.05)
async def main():
    await asyncio.gather(*(follow() for _ in range(clients)))
asyncio.run(main())
"""
"""Clients that follow the run, each with a connection of its own, again and again."""


def log_of(lines: int, *, compacted: bool) -> Path:
    """Return a store with one long log, made at the first call."""
    from odibi_core.history.compaction import Options, compact
    from odibi_core.store.runs import RunStore

    def make(root: Path) -> None:
        long_log(root, lines)
        if compacted:
            compact(RunStore(root), Options(grace_s=0))

    return kept(_folder(f"log-{lines}-{'cold' if compacted else 'hot'}"), make)


def runs_of(runs: int) -> Path:
    """Return a store with many short runs in one batch, and its index, made at the first call."""

    def make(root: Path) -> None:
        from odibi_core.history.commit import begun, commit
        from odibi_core.history.index import Index
        from odibi_core.store.segments import ReadErrors

        with begun(root, threads=1) as batch:
            for number in range(runs):
                run_id, events = _short_run(number)
                batch.add(run_id, events, ReadErrors())
            commit(batch, [])
        with Index(root) as index:
            index.refresh()

    return kept(_folder(f"runs-{runs}"), make)


def _folder(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"odibi-bench-serve-{name}"


def _short_run(number: int) -> tuple[str, list[Any]]:
    from odibi_core.testing import an_event

    start, pipeline = START + timedelta(minutes=number), f"pipeline_{number % PIPELINES}"
    run_id = f"{start:%Y%m%dT%H%M%S}-{pipeline}-{number:08x}"
    about = {"run_id": run_id, "writer_id": f"{number:08x}", "pipeline_name": pipeline}
    status = "failed" if number % 25 == 0 else "success"
    end = {"timestamp": start + timedelta(seconds=30), "status": status, "duration_ms": 30_000.0, "seq": 1}
    kind = "pipeline_complete" if status == "success" else "pipeline_error"
    return run_id, [
        an_event("pipeline_start", timestamp=start, seq=0, status="running", **about),
        an_event(kind, **end, **about),
    ]


def _page(lines: int, compacted: bool, **asked: Any) -> Prepare:
    """Return the first page of a log, as the API has it."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.store.runs import RunStore
        from odibi_core.web import requests, runs
        from odibi_core.web.source import Source

        root = log_of(lines, compacted=compacted)
        source = Source(RunStore(root))
        (run_id,) = source.store.ids()
        wanted = requests.OfLog(**asked)
        yield _processor_time(lambda: _encoded(runs.log(source, wanted, run_id)))

    return prepare


def _processor_time(call: Callable[[], object]) -> Runner:
    """Return a runner of a function that measures the processor time of this process and its threads."""

    def run(n: int) -> float:
        began = time.process_time()
        for _ in range(n):
            call()
        return time.process_time() - began

    return run


def _encoded(answer: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(answer, enc_hook=str)


def _first_rows(runs: int, part: str) -> Prepare:
    """Return the first page of a list, or a part of the time that it takes."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.store.runs import RunStore
        from odibi_core.web import fleet, requests
        from odibi_core.web import runs as of_runs
        from odibi_core.web.source import Source

        root = runs_of(runs)

        def opened() -> Source:
            return Source(RunStore(root))

        def index() -> None:
            with opened().index():
                pass

        source = opened()
        with source.index():
            pass
        found = of_runs.runs(source, requests.OfRuns())
        calls: dict[str, Callable[[], object]] = {
            "runs": lambda: _encoded(of_runs.runs(opened(), requests.OfRuns())),
            "fleet": lambda: _encoded(fleet.pipelines(opened(), requests.OfFleet())),
            "index": index,
            "again": lambda: _encoded(of_runs.runs(source, requests.OfRuns())),
            "json": lambda: _encoded(found),
        }
        yield _processor_time(calls[part])

    return prepare


def _watched(steps: int, clients: int | None) -> Prepare:
    """Return the processor time of the program; with `clients` a server has so many followers of the run."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        root = folder / ".odibi"
        root.mkdir()
        environment = {**os.environ, "ODIBI_STORE__DIR": str(root)}
        with ExitStack() as stack:
            if clients is not None:
                port = _served(stack, root, environment)
            if clients:
                _started(stack, [sys.executable, "-c", FOLLOWERS, str(port), str(clients)], environment)

            def run(n: int) -> float:
                return sum(_seconds(steps, folder, environment) for _ in range(n))

            yield run

    return prepare


def _seconds(steps: int, folder: Path, environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(steps)], cwd=folder, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return float(json.loads(done.stdout))


def _served(stack: ExitStack, root: Path, environment: dict[str, str]) -> int:
    """Start a server; return its port, once it has one."""
    command = [sys.executable, "-m", "odibi_core", "serve", "--store", str(root), "--port", "0"]
    server = _started(stack, command, environment, stderr=subprocess.PIPE)
    assert server.stderr is not None
    line = server.stderr.readline().decode()
    return int(line.partition("://")[2].partition(":")[2].partition("/")[0])


def _started(stack: ExitStack, command: list[str], environment: dict[str, str], **more: Any) -> subprocess.Popen[bytes]:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "text": False} | more
    process: subprocess.Popen[bytes] = subprocess.Popen(command, cwd=HOME, env=environment, **quiet)
    stack.callback(process.wait)
    stack.callback(process.kill)
    time.sleep(0.1)
    return process


def works(quick: bool) -> list[Work]:
    """Return the works."""
    lines, runs = (2_000, 50) if quick else (LINES, RUNS)
    steps = 3 if quick else STEPS
    pages: dict[str, dict[str, Any]] = {
        "no filter": {}, "errors": {"level": "error"}, "name=value": {"search": "row_count=1099"},
        "a text that no line has": {"search": "no such text"},
    }  # fmt: skip
    of_logs = [
        Work(
            f"processor time of a page of a log of {lines:,} lines: {name}", "ms",
            [
                Contender("odibi-core, compacted", _page(lines, True, **asked), "ours"),
                Contender("odibi-core, hot", _page(lines, False, **asked), "floor"),
            ],
            [Target(200.0)],
        )
        for name, asked in pages.items()
    ]  # fmt: skip
    of_lists = Work(
        f"processor time of the first rows of {runs:,} runs", "ms",
        [
            Contender("/api/pipelines, a new server", _first_rows(runs, "fleet"), "ours"),
            Contender("/api/runs, a new server", _first_rows(runs, "runs"), "floor"),
            Contender("of it, opening the index", _first_rows(runs, "index"), "floor"),
            Contender("/api/runs, a server that runs", _first_rows(runs, "again"), "floor"),
            Contender("of it, JSON", _first_rows(runs, "json"), "floor"),
        ],
        [Target(300.0)],
    )  # fmt: skip
    of_watching = Work(
        f"processor time of a run of {steps:,} steps that {CLIENTS} clients follow", "s",
        [
            Contender("odibi-core, 50 clients", _watched(steps, CLIENTS), "ours"),
            Contender("no client", _watched(steps, 0), "floor"),
            Contender("no server", _watched(steps, None), "floor"),
        ],
        [Target(1.01, against="no client", how="ratio")],
        loops=1,
        rounds=1 if quick else 9,
        note="The program and the server share files alone; the spread without a server is the noise of the machine",
    )  # fmt: skip
    return [*of_logs, of_lists, of_watching]
