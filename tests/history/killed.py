"""Work in a process that is killed at a step or at any moment, and the check of what a compaction leaves."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from time import sleep

from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

STEPS = ("begun", "written", "renamed", "described", "committed")
PROCESSES = get_context("forkserver")
"""Each process begins as a copy of one that has loaded everything: it takes milliseconds."""
PROCESSES.set_forkserver_preload(["tests.history.killed", "duckdb", "odibi_core.history.rows"])


def die_at(wanted: str, skipped: int = 0) -> Callable[[str], None]:
    """Return a call that kills this process at a step, after so many times that it passes it."""
    left = [skipped]

    def at(step: str) -> None:
        if step == wanted:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    return at


def killed_after(number: int, work: Callable[[Callable[[str], None]], object]) -> bool:
    """Do work in a forked child that is killed after so many of its steps; return false if it had fewer."""
    child = os.fork()
    if child == 0:
        left = [number]

        def step(name: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            work(step)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def deletes_first(root: Path) -> Callable[[str], None]:
    """Sabotage: the segments go before the manifest is there, and then the process dies."""

    def at(step: str) -> None:
        if step == "written":
            for path in root.glob("runs/*/events/*.jsonl"):
                path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def compacting(root: Path, step: str = "", skipped: int = 0, sabotage: str = "") -> None:
    """Compact; killed at a step if one is given."""
    at = deletes_first(root) if sabotage else die_at(step, skipped)
    compact(RunStore(root), Options(grace_s=0, threads=1, step=at))


def killed(root: Path, step: str = "", skipped: int = 0, after_s: float | None = None, sabotage: str = "") -> bool:
    """Run a compaction in a process, kill it, and return whether it was killed before its end."""
    process = PROCESSES.Process(target=compacting, args=(root, step, skipped, sabotage))
    process.start()
    if after_s is not None:
        sleep(after_s)
        process.kill()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


def write_runs(store: RunStore, count: int, expected: dict[str, int]) -> None:
    """Write ended runs of different lengths, and note the number of their events."""
    for number in range(count):
        start = utc_now()
        run_id = store.new_run_id("nightly", start)
        journal = store.open(run_id)
        kinds = ["pipeline_start", *["node_complete"] * number, "pipeline_complete"]
        for seq, kind in enumerate(kinds):
            moment = start + timedelta(microseconds=seq)
            journal(an_event(kind, timestamp=moment, run_id=run_id, writer_id="w", seq=seq, pipeline_name="nightly"))
        journal.close()
        expected[run_id] = len(kinds)


def problems(store: RunStore, expected: dict[str, int]) -> list[str]:
    """Return the faults of a store: each event of each run must be read exactly once, in its order."""
    wrong = [f"{run_id} is lost" for run_id in expected.keys() - set(store.ids())]
    wrong += [f"{run_id} is listed twice" for run_id, count in Counter(store.ids()).items() if count > 1]
    seen: dict[str, list[int]] = {}
    events: Iterable[Event] = store.events()
    for event in events:
        seen.setdefault(str(event.run_id), []).append(event.seq)
    for run_id, count in expected.items():
        if seen.get(run_id, []) != list(range(count)):
            wrong.append(f"{run_id}: {len(seen.get(run_id, []))} of {count} events")
    return wrong + store.cold.problems
