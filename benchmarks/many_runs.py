"""Ten thousand runs of ten steps in one store: the commands that list them, each as a process of its own.

The store is made once, of synthetic events as a pipeline writes them, and kept in the folder for temporary files: one
form as it is written (all runs hot), and one compacted into Parquet. The index is warm, as after any earlier command.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, timed

RUNS = 10_000
STEPS = 10
PIPELINES = 10
EVERY = 20
"""One run of so many fails in its last step."""
FORM = 3
"""Of the synthetic events: a kept store of another form is made again."""
START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("Int64", "Float64", "String", "Datetime", "Int64", "Float64", "String", "Boolean")


def events_of(run_id: str, pipeline: str, start: datetime, number: int) -> Iterator[Any]:
    """Yield the events of one run."""
    from odibi_core.testing import an_event

    seq = 0

    def at(ms: float, kind: str, /, **fields: Any) -> Any:
        nonlocal seq
        seq += 1
        about: dict[str, Any] = {"timestamp": start + timedelta(milliseconds=ms), "run_id": run_id}
        return an_event(kind, **about, writer_id=f"{number:012x}", seq=seq - 1, **fields)

    names = [f"step_{step}" for step in range(STEPS)]
    plan = [
        {
            "name": name, "layer": "transform", "type": "function", "engine": "polars", "outputs": {"out": name},
            "inputs": {"x": names[step - 1]} if step else {}, "depends_on": names[step - 1 : step] if step else [],
        }
        for step, name in enumerate(names)
    ]  # fmt: skip
    about = {"pipeline_name": pipeline, "steps": STEPS, "engine": "polars", "pid": 1, "host": "elsewhere"}
    yield at(0, "pipeline_start", params={"day": f"{start:%Y-%m-%d}", "limit": 100}, tags={"team": "sales"}, **about)
    yield at(0, "pipeline_plan", level="debug", steps=plan)
    schema = [{"column": f"column_{place}", "type": kind} for place, kind in enumerate(TYPES)]
    failed = number % EVERY == 0
    for step, name in enumerate(names):
        ms, rows = step * 100.0, 100_000 - step * 1_000 + number % 500
        yield at(ms, "node_start", node_name=name, layer="transform", status="running", worker="MainThread")
        if failed and step == STEPS - 1:
            error = {"error": f"row {number} is bad", "error_type": "ValueError", "traceback": "Traceback …"}
            yield at(ms + 90, "node_failed", level="error", node_name=name, status="failed", duration_ms=90.0, **error)
            break
        seen = {"when": "after", "dataset": name, "row_count": rows, "column_count": len(schema), "schema": schema}
        yield at(ms + 80, "snapshot", node_name=name, metadata={"frame": "polars.DataFrame"}, **seen)
        if step % 5 == 4:
            check = {"check": "not_null", "column": "column_0", "passed": True, "severity": "error", "total_rows": rows}
            yield at(ms + 85, "check_result", node_name=name, **check)
        done = {"status": "success", "duration_ms": 90.0 + number % 7, "row_count": rows, "memory_mb": 180.5}
        yield at(ms + 90, "node_complete", node_name=name, layer="transform", engine="polars", **done)
    counts = {"success_count": STEPS - failed, "failed_count": int(failed), "skipped_count": 0}
    kind, status = ("pipeline_error", "failed") if failed else ("pipeline_complete", "success")
    ending = {"status": status, "duration_ms": 1_000.0 + number % 50, "pipeline_name": pipeline, **counts}
    yield at(1_000, kind, level="error" if failed else "info", **ending, **({"error": "it failed"} if failed else {}))


def make_store(root: Path, runs: int) -> None:
    """Write runs, one a minute, of several pipelines in turn."""
    for number in range(runs):
        start, pipeline = START + timedelta(minutes=number), f"pipeline_{number % PIPELINES}"
        run_id = f"{start:%Y%m%dT%H%M%S}-{pipeline}-{number:011x}"
        write_run(root, run_id, events_of(run_id, pipeline, start, number))


def write_run(root: Path, run_id: str, events: Iterable[Any]) -> None:
    """Write the record of a run to which nothing was added for a long time."""
    from odibi_core.events import encode

    folder = root / "runs" / run_id / "events"
    folder.mkdir(parents=True)
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(map(encode, events)))
    os.utime(path, (0, 0))


def kept(root: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made at the first call."""
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        make(root)
        (root / "made").touch()
    return root


def store_of(runs: int, *, compacted: bool) -> Path:
    """Return the store, made at the first call."""
    from odibi_core.history.compaction import Options, compact
    from odibi_core.store.runs import RunStore

    base = Path(tempfile.gettempdir()) / f"odibi-bench-many-runs-{FORM}-{runs}"

    def make(root: Path) -> None:
        make_store(root, runs)
        if compacted:
            compact(RunStore(root), Options(grace_s=0))

    return kept(base / ("cold" if compacted else "hot"), make)


def command(*arguments: str) -> float:
    """Return the seconds of one command, from its start to its end."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", "-m", "odibi_core", *arguments], capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return time.perf_counter() - started


def _command(runs: int, *arguments: str, compacted: bool) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.history.index import Index

        root = store_of(runs, compacted=compacted)
        with Index(root) as index:
            index.refresh()
            if index.count() != runs:
                raise RuntimeError(f"the index has {index.count()} of {runs} runs")
        yield lambda n: sum(command(*arguments, "--store", str(root)) for _ in range(n))

    return prepare


@contextmanager
def _start(_: Path) -> Iterator[Runner]:
    yield lambda n: sum(command("--version") for _ in range(n))


def _of_index(runs: int, call: str) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.history.index import Index
        from odibi_core.history.rows import tables_of
        from odibi_core.store.runs import RunStore

        root = store_of(runs, compacted=call != "record")
        store = RunStore(root)
        run_id = store.ids()[-1]
        tables = tables_of(store.read(run_id))
        with Index(root) as index:
            index.refresh()
            calls: dict[str, Callable[[], object]] = {
                "record": lambda: index.record(run_id, tables),
                "refresh": index.refresh,
                "figures": lambda: index.figures("pipeline_0", last=60),
                "nodes": lambda: index.nodes("pipeline_0", last=30),
            }

            yield timed(calls[call])

    return prepare


def works(quick: bool) -> list[Work]:
    """Return the works: the commands as processes, and the calls of the index."""
    runs = 20 if quick else RUNS
    commands: Sequence[tuple[str, tuple[str, ...], float]] = (
        ("odibi runs: the first page", ("runs",), 0.3),
        ("odibi runs with three filters", ("runs", "pipeline_0", "--status", "failed", "--tag", "team=sales"), 0.3),
        ("odibi history PIPELINE", ("history", "pipeline_0"), 0.5),
        ("odibi errors", ("errors",), 0.5),
        ("odibi compare: the latest run with the last good one", ("compare",), 0.5),
    )  # fmt: skip
    of_commands = [
        Work(
            f"{name}, {runs:,} runs",
            "s",
            [
                Contender("odibi-core, compacted", _command(runs, *arguments, compacted=True), "ours"),
                Contender("odibi-core, all hot", _command(runs, *arguments, compacted=False), "floor"),
                Contender("start of the command", _start, "floor", note="odibi --version"),
            ],
            [Target(limit)],
            loops=1,
            rounds=1 if quick else 5,
        )
        for name, arguments, limit in commands
    ]
    calls = (
        ("record", "an ended run", 2.0),
        ("refresh", "nothing new", None),
        ("figures", "of 60 runs", None),
        ("nodes", "of 30 runs", None),
    )
    return [
        *of_commands,
        *(
            Work(
                f"Index.{call}: {what}, {runs:,} runs",
                "ms",
                [Contender("odibi-core", _of_index(runs, call), "ours")],
                [Target(limit)] if limit is not None else [],
            )
            for call, what, limit in calls
        ),
    ]
