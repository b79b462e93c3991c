"""The storage of ended runs: its size, the time and the memory of compaction, and its cost for a run beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.child import HOME, in_child
from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement
from benchmarks.history_data import long_log, many_runs
from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore

LINES = 2_000_000
TIMED_LINES = 200_000
RUNS = 1_000
KEPT = Options(grace_s=3600.0)
"""Without the deletion of the journals, so that every turn compacts the same store."""
_BESIDE = """
import shutil, sys
from pathlib import Path
import os
from odibi_core.history.background import NICENESS
from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore
os.nice(NICENESS)
source, copy = map(Path, sys.argv[1:])
print("ready", flush=True)
while True:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    compact(RunStore(copy), Options(threads=1))
"""


def _without_batches(root: Path) -> None:
    for name in ("tables", "manifests"):
        shutil.rmtree(root / name, ignore_errors=True)


def _bytes(root: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in root.glob(pattern))


def _once(measure: Callable[[Path], float], make: Callable[[Path], RunStore]) -> Prepare:
    """Return a contender that measures a store; each turn begins with the same journals."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        store = make(folder / "store")

        def run(n: int) -> float:
            total = 0.0
            for _ in range(n):
                _without_batches(store.root)
                total += measure(store.root)
            return total

        yield run

    return prepare


def _our_bytes(root: Path) -> float:
    compact(RunStore(root), KEPT)
    return _bytes(root, "tables/*/*/*.parquet")


def _our_seconds(root: Path) -> float:
    started = time.perf_counter()
    compact(RunStore(root), KEPT)
    return time.perf_counter() - started


def _by_hand(root: Path) -> Path:
    """Convert the journals as a user of DuckDB does: one COPY, everything detected."""
    import duckdb

    target = root / "by_hand.parquet"
    with duckdb.connect(":memory:", config={"memory_limit": "2GB"}) as connection:
        source = f"read_json('{root}/runs/*/events/*.jsonl', format='newline_delimited', union_by_name=true)"
        connection.execute(f"copy (from {source}) to '{target}' (format parquet, compression zstd)")
    return target


def _bytes_by_hand(root: Path) -> float:
    return _by_hand(root).stat().st_size


def _seconds_by_hand(root: Path) -> float:
    started = time.perf_counter()
    _by_hand(root)
    return time.perf_counter() - started


def _json_bytes(root: Path) -> float:
    return _bytes(root, "runs/*/events/*.jsonl")


def peak_of_long_log(_: int, folder: str) -> float:
    """Return the peak of the resident bytes of the compaction of the long log, in a process of its own."""
    return _peak(long_log(Path(folder) / "store", LINES))


def peak_of_many_runs(_: int, folder: str) -> float:
    """Return the same for many runs."""
    return _peak(many_runs(Path(folder) / "store", RUNS))


def _peak(store: RunStore) -> float:
    compact(store, Options(threads=1))
    # Not `getrusage`, whose peak a new process inherits from the one that started it.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024.0


@contextmanager
def _alone(folder: Path) -> Iterator[Runner]:
    from odibi_core.observability import StructuredLogger

    log = StructuredLogger("bench", log_dir=folder, level="info")
    try:
        yield statement("log.info('rows_written', node_name='orders', row_count=1042, duration_ms=12.5)", log=log)
    finally:
        log.close()


def _beside_compaction(runs: int) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        many_runs(folder / "store", runs)
        command = [sys.executable, "-c", _BESIDE, str(folder / "store"), str(folder / "copy")]
        with _alone(folder / "log") as log:

            def run(n: int) -> float:
                beside = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HOME)
                try:
                    assert beside.stdout is not None
                    beside.stdout.readline()
                    return log(n)
                finally:
                    beside.kill()
                    beside.communicate()

            yield run

    return prepare


def _end_of_run(code: str, runs: int, stories: int = 0) -> Prepare:
    """Return a contender for the end of a run in a store of so many runs, and so many folders of compacted runs."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.history.background import compact_soon
        from odibi_core.history.last_compaction import note_success
        from odibi_core.settings.sections import Store

        root = folder / "store"
        for number in range(stories):
            (root / "runs" / f"20250101T000000-shop-{number:08x}").mkdir(parents=True)
        (root / "runs").mkdir(parents=True, exist_ok=True)
        note_success(root, 0, 0, 0.0)
        *_, last = many_runs(root, runs).ids()
        names = {"root": root, "last": last, "compact_soon": compact_soon, "settings": Store()}
        yield statement(code, subprocess=subprocess, **names)

    return prepare


def works(quick: bool) -> list[Work]:
    lines, timed, runs = (2_000, 2_000, 5) if quick else (LINES, TIMED_LINES, RUNS)

    def log_of(root: Path) -> RunStore:
        return long_log(root, lines)

    def timed_log_of(root: Path) -> RunStore:
        return long_log(root, timed)

    def runs_of(root: Path) -> RunStore:
        return many_runs(root, runs)

    since = 5 if quick else 100
    soon = "compact_soon(root, settings, last)"
    hand = "DuckDB, one COPY"
    size = [
        Contender("odibi-core", _once(_our_bytes, log_of), "ours", "all tables, lossless"),
        Contender(hand, _once(_bytes_by_hand, log_of), note="no order of fields, no explicit nulls"),
        Contender("JSON Lines", _once(_json_bytes, log_of), "floor"),
    ]
    return [
        Work(f"closed size of {lines:,} lines", "MB", size, [Target(22.0)], loops=1, rounds=1),
        Work(
            f"compaction of {timed:,} lines", "s",
            [
                Contender("odibi-core", _once(_our_seconds, timed_log_of), "ours", "all tables, checksums, fsync"),
                Contender(hand, _once(_seconds_by_hand, timed_log_of)),
            ],
            loops=1, rounds=3,
        ),
        Work(
            f"compaction of {runs:,} runs of ten steps", "s",
            [
                Contender("odibi-core", _once(_our_seconds, runs_of), "ours", "all tables, checksums, fsync"),
                Contender(hand, _once(_seconds_by_hand, runs_of), note="the log alone"),
            ],
            loops=1, rounds=3,
        ),
        *([] if quick else _memory()),
        Work(
            "one event, written while another process compacts", "µs",
            [
                Contender("odibi-core, compaction beside", _beside_compaction(runs), "ours"),
                Contender("odibi-core, alone", _alone, "floor"),
            ],
            [Target(1.05, "odibi-core, alone", "ratio")],
            loops=500 if quick else 100_000,
        ),
        Work(
            "the end of a run: is a compaction due?", "ms",
            [
                Contender("odibi-core, 100 runs since the last", _end_of_run(soon, since), "ours"),
                Contender("odibi-core, and 10,000 stories", _end_of_run(soon, since, stories=10 if quick else 10_000)),
            ],
            [Target(1.0)],
            loops=3 if quick else 200,
        ),
    ]  # fmt: skip


def _memory() -> list[Work]:
    return [
        Work(
            "peak memory of a compaction", "MB",
            [
                Contender(f"odibi-core, {LINES:,} lines", in_child(peak_of_long_log), "ours"),
                Contender(f"odibi-core, {RUNS:,} runs", in_child(peak_of_many_runs)),
            ],
            [Target(600.0)],
            loops=1, rounds=1,
        )
    ]  # fmt: skip
