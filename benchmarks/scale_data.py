"""A store of 100,000 runs with 100 events each, for the questions of `docs/questions.md`.

The batches are written by `history.batch`, by a process for each core. Their sizes are those that merging leaves: a
large one, and fewer than eight of each smaller size. The last runs are hot, and one of them still runs.

The pipeline `nightly` is one of ten. One run in twenty fails in `clean`. In the latest 3 % of the runs `join` loses
rows and has other code, and the latest run has another limit, another pandas and a slow `clean`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.many_runs import kept, write_run
from odibi_core.events import Event
from odibi_core.events.clock import iso

RUNS: Final = 100_000
FORM: Final = 1
"""Of the events: a kept store of another form is made again."""
END: Final = datetime(2026, 3, 10, 4, tzinfo=UTC)
"""The time of the last run."""
EVERY: Final = timedelta(minutes=15)
NIGHTLY: Final = "nightly"
PIPELINES: Final = (NIGHTLY, *(f"pipeline_{number}" for number in range(1, 10)))
FAILS: Final = 20
"""One run in so many fails."""
COLUMNS: Final = (
    ("order_id", "Int64"), ("price", "Float64"), ("country", "String"), ("day", "Datetime"), ("amount", "Int64"),
    ("discount", "Float64"),
)  # fmt: skip
STEPS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("read_orders", "ingest", ()), ("read_customers", "ingest", ()), ("clean", "transform", ("read_orders",)),
    ("join", "transform", ("clean", "read_customers")), ("rates", "transform", ("join",)),
    ("discounts", "transform", ("rates",)), ("taxes", "transform", ("discounts",)),
    ("totals", "transform", ("taxes",)), ("report", "transform", ("totals",)), ("publish", "publish", ("report",)),
)  # fmt: skip
"""Name, layer, and the steps that it needs. A dataset has the name of its step."""
_PARTS: Final = (0.45, 0.09, 0.09, 0.09, 0.09, *[0.025] * 6, *[0.005] * 6)
"""The shares of the batches; the rest is hot."""
_HOT: Final = 50

_Emit = Callable[..., Event]


def run_id_of(runs: int, number: int) -> str:
    """Return the id of a run of a store with so many."""
    start, pipeline = _start_of(runs, number), PIPELINES[number % len(PIPELINES)]
    return f"{start:%Y%m%dT%H%M%S}-{pipeline}-{number:08x}"


def store_of(runs: int) -> Path:
    """Return the store, made at the first call and kept in the folder for temporary files."""
    root = Path(tempfile.gettempdir()) / f"odibi-bench-questions-{FORM}-{runs}"
    return kept(root, lambda root: _make(root, runs))


def _make(root: Path, runs: int) -> None:
    from odibi_core.history.index import Index

    hot = min(_HOT, runs // 2)
    ranges = list(_ranges(runs - hot))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        for first, last in pool.map(_write_batch, [root] * len(ranges), [runs] * len(ranges), ranges):
            print(f" runs {first:,} to {last:,}", end="", file=sys.stderr, flush=True)
    for number in range(runs - hot, runs):
        write_run(root, run_id_of(runs, number), events_of(runs, number))
    with Index(root) as index:
        index.refresh()


def _ranges(runs: int) -> Iterator[tuple[int, int]]:
    """Yield the first run of each batch and the one after its last."""
    ends, total = [0], 0.0
    for part in _PARTS:
        total += part
        ends.append(min(runs, round(total * runs)))
    ends[-1] = runs
    yield from ((first, last) for first, last in pairwise(ends) if first < last)


def _write_batch(root: Path, runs: int, numbers: tuple[int, int]) -> tuple[int, int]:
    from odibi_core.history.commit import begun, commit
    from odibi_core.store.segments import ReadErrors

    os.nice(max(0, 10 - os.nice(0)))
    with begun(root, threads=1) as batch:
        for run_id, number in sorted((run_id_of(runs, number), number) for number in range(*numbers)):
            batch.add(run_id, events_of(runs, number), ReadErrors())
        commit(batch, [])
    return numbers


def _start_of(runs: int, number: int) -> datetime:
    return END - EVERY * (runs - 1 - number)


def events_of(runs: int, number: int) -> Iterator[Event]:
    """Yield the events of one run."""
    run_id, start = run_id_of(runs, number), _start_of(runs, number)
    pipeline, writer, seq = PIPELINES[number % len(PIPELINES)], f"{number:012x}", 0

    def event(second: float, kind: str, level: str = "info", /, **fields: Any) -> Event:
        nonlocal seq
        seq += 1
        own = {name: fields.pop(name) for name in _OWN & fields.keys()}
        moment = start + timedelta(seconds=second)
        return Event(moment, level, kind, run_id=run_id, writer_id=writer, seq=seq - 1, fields=fields, **own)

    age, chance = (runs - 1 - number) // len(PIPELINES), Random(number)
    loses, is_latest = age < 0.003 * runs, age == 0
    yield from _opening(event, pipeline, age, loses, is_latest)
    if number == runs - 1:
        return  # it still runs
    is_failed = number // len(PIPELINES) % FAILS == 3 and not is_latest
    for place, (name, _, needs) in enumerate(STEPS):
        rows = 100_000 + number % 500 - 1_000 * place - (30_000 if loses and place >= 3 else 0)
        if is_failed and name == "clean":
            error = {"error": f"bad price in row {number % 7}", "error_type": "ValueError", "traceback": "Traceback …"}
            yield event(place, "node_failed", "error", node_name=name, status="failed", duration_ms=90.0, **error)
            yield event(
                9.5, "pipeline_error", "error", pipeline_name=pipeline, status="failed", duration_ms=950.0, **error
            )
            return
        yield from _step(event, place, rows, number, is_latest, chance)
        if len(needs) == 2:
            rate = 0.7 if loses else 1.0
            yield event(
                place + 0.5, "join_match", node_name=name, left=needs[0], right=needs[1], keys=["customer_id"],
                left_match_rate=rate, right_match_rate=1.0, fan_out_left=1.0, fan_out_right=9.9,
            )  # fmt: skip
    yield event(9.5, "cost", node_name="publish", operation="load", estimated_cost_usd=0.05, bytes_processed=5_000_000)
    if is_latest or number % 500 == 0:
        yield event(
            9.6, "anomaly", "warning", node_name="clean", alert_id=f"clean-{number}", family="duration",
            series="clean.duration_ms", actual=9000, expected=2000, low=1500, high=2600, likelihood=0.0001,
            message="clean took 9 s", compared_runs=30,
        )  # fmt: skip
    yield event(
        9.9, "pipeline_complete", pipeline_name=pipeline, status="success", duration_ms=9_900.0 + number % 50,
        unusual=int(is_latest), overhead_ms=60.0, overhead_pct=0.6,
    )  # fmt: skip


_OWN: Final = frozenset(
    {"message", "node_name", "layer", "engine", "status", "duration_ms", "error", "row_count", "memory_mb", "metadata",
     "operation", "component"}
)  # fmt: skip


def _opening(event: _Emit, pipeline: str, age: int, loses: bool, is_latest: bool) -> Iterator[Event]:
    day = END.date() - timedelta(days=1 + age)
    yield event(
        0, "pipeline_start", pipeline_name=pipeline, engine="polars", steps=len(STEPS), partition=f"{day}",
        params={"day": f"{day}", "limit": 500 if is_latest else 100}, tags={"team": "sales" if age % 3 else "web"},
        command=f"odibi run {pipeline}.py --partition {day}", host="web2" if is_latest else "web1", pid=1000 + age,
        git={"commit": f"c{age // 400}", "branch": "main", "dirty": age % 200 == 0}, os_user="etl",
        packages={"pandas": "2.3" if is_latest else "2.2", "polars": "1.0"}, python="3.11.9",
        environment={"REGION": "eu"}, system="Linux x86_64",
    )  # fmt: skip
    plan = [
        {
            "name": name, "layer": layer, "type": "function", "engine": "polars",
            "inputs": {each: each for each in needs}, "outputs": {"out": name}, "depends_on": list(needs),
            "source_file": f"{pipeline}.py",
            "source_line": 10 * place, "source_hash": f"{name}-{2 if loses and name == 'join' else 1}",
        }
        for place, (name, layer, needs) in enumerate(STEPS)
    ]  # fmt: skip
    yield event(0, "pipeline_plan", "debug", steps=plan)


def _step(event: _Emit, place: int, rows: int, number: int, is_latest: bool, chance: Random) -> Iterator[Event]:
    """Yield the events of a step that succeeds."""
    name, layer, _ = STEPS[place]
    about: dict[str, Any] = {"node_name": name, "layer": layer}
    yield event(place, "node_start", worker="MainThread", status="running", **about)
    if layer != "transform":
        day = END.date() - timedelta(days=1 + number // len(PIPELINES))
        access = {"access": "read" if layer == "ingest" else "write", "format": "csv", "dataset": name}
        changing = {"bytes": 50 * rows, "etag": f"v{number // 2}", "modified": iso(END - timedelta(hours=number % 90))}
        uri = f"s3://shop/orders/{day}.csv"
        yield event(place + 0.1, "file_access", node_name=name, uri=uri, row_count=rows, **access, **changing)
    if number % 300 == 0 and name == "read_orders":
        yield event(place + 0.15, "node_retry", "warning", node_name=name, attempt=1, error="timed out")
    for batch in range(5):
        counts = {
            "recordsIn": rows // 5,
            "recordsOut": (rows - number % 90) // 5,
            "elapsedMs": round(chance.lognormvariate(5, 1), 3),
        }
        yield event(place + 0.2, "stage_completed", component="normalize", **about, **counts, batch=batch)
    if number % 50 == 0:
        states = {"oldState": "closed", "newState": "open"}
        yield event(place + 0.3, "circuit_state_change", circuitName=f"circuit_{place}", **states)
    yield _snapshot(event, place, rows, number, chance)
    for check in ("unique", "range"):
        column = {"check": check, "column": "order_id", "passed": True, "severity": "error", "total_rows": rows}
        yield event(place + 0.85, "check_result", node_name=name, duration_ms=1.5, **column)
    if name == "clean":
        missing = rows // 10 if is_latest or number % 40 == 0 else 0
        column = {"check": "not_null", "column": "price", "passed": not missing, "severity": "warn", "total_rows": rows}
        yield event(place + 0.85, "check_result", node_name=name, failed_rows=missing, **column)
    took = 9000.0 if is_latest and name == "clean" else round(chance.lognormvariate(4.5, 0.2), 3)
    measured = {"duration_ms": took, "row_count": rows, "memory_mb": 180.0 + number % 9}
    yield event(place + 0.9, "node_complete", engine="polars", status="success", **about, **measured)


def _snapshot(event: _Emit, place: int, rows: int, number: int, chance: Random) -> Event:
    name = STEPS[place][0]
    schema = [{"column": column, "type": kind} for column, kind in _columns(number)]
    usual = 9.0 if number % 1_000 == 0 else 20.0
    stats = [
        {
            "column": column, "nulls": number % 3, "distinct": rows, "min": 1, "max": 100 + number % 7,
            "mean": round(chance.gauss(usual, 0.5), 4), "deviation": round(chance.gauss(4, 0.1), 4), "median": usual,
        }
        for column, _ in _columns(number)
    ]  # fmt: skip
    about: dict[str, Any] = {"when": "after", "dataset": name, "schema": schema, "column_count": len(schema)}
    metadata = {"frame": "polars.DataFrame", "stats_rows": 10_000, "stats_ms": 2.5}
    return event(place + 0.8, "snapshot", node_name=name, row_count=rows, metadata=metadata, stats=stats, **about)


def _columns(number: int) -> Sequence[tuple[str, str]]:
    """Return the columns of a run's frames: one has another name for a hundred runs."""
    if number // 100 % 50 == 7:
        return (*COLUMNS[:-1], ("rebate", "Float64"))
    return COLUMNS
