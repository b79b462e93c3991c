"""Stores to measure the history on: one long log, and many runs of ten steps; the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from odibi_core.events.clock import iso
from odibi_core.store.runs import RunStore

START = datetime(2026, 1, 31, 4, tzinfo=UTC)
STEPS = [f"step_{number:02}" for number in range(10)]
_encode = msgspec.json.Encoder().encode


def log_lines(count: int, run_id: str) -> Iterator[bytes]:
    """Yield the lines of one run: twenty nodes, three levels, a duration and a number of rows each."""
    chance, moment = random.Random(1), START
    nodes = [f"node_{number:02}" for number in range(20)]
    for seq in range(count):
        moment += timedelta(microseconds=20 + int(chance.expovariate(1 / 150)))
        share = chance.random()
        level = "error" if share < 0.01 else "warning" if share < 0.05 else "info"
        kind = "write_failed" if level == "error" else "rows_written"
        if seq in (0, count - 1):
            kind = "pipeline_start" if seq == 0 else "pipeline_complete"
        yield _encode(
            {
                "timestamp": iso(moment), "level": level, "event_type": kind, "node_name": chance.choice(nodes),
                "duration_ms": round(chance.lognormvariate(2, 1), 2), "row_count": chance.randrange(1000, 1100),
                "memory_mb": 24.629, "run_id": run_id, "operation": "nightly", "component": "bench",
                "writer_id": "40732e944b9b", "seq": seq, "table": "orders", "ok": level != "error",
            }
        )  # fmt: skip


def long_log(root: Path, count: int) -> RunStore:
    """Write a store with one ended run of so many lines."""
    store = RunStore(root)
    run_id = store.new_run_id("nightly", START)
    _write(store, run_id, log_lines(count, run_id))
    return store


def many_runs(root: Path, count: int) -> RunStore:
    """Write a store with so many ended runs of ten steps, 42 events and about 12 kB each."""
    store, chance = RunStore(root), random.Random(2)
    for number in range(count):
        start = START + timedelta(minutes=7 * number)
        run_id = store.new_run_id("shop", start)
        about = {"run_id": run_id, "pipeline_name": "shop"}
        lines = list(_events(start, about, number, chance))
        _write(store, run_id, map(_encode, lines))
    return store


def _events(start: datetime, about: dict[str, Any], number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    plan = [{"name": step, "layer": "transform", "inputs": {}, "outputs": {}} for step in STEPS]
    events: list[dict[str, Any]] = [
        {"event_type": "pipeline_start", "steps": len(STEPS)},
        {"event_type": "pipeline_plan", "level": "debug", "steps": plan},
    ]
    for step in STEPS:
        rows = chance.randrange(900, 1100)
        schema = [{"column": name, "type": "Int64"} for name in ("id", "amount", "day")]
        own = {"node_name": step, "layer": "transform", "engine": "pandas"}
        frame = {**own, "when": "after", "dataset": step, "row_count": rows, "schema": schema}
        took = round(chance.lognormvariate(3, 0.5), 3)
        events += [
            {"event_type": "node_start", **own, "attempt": 1},
            {"event_type": "snapshot", **frame},
            {"event_type": "check_result", **own, "check": "not_null", "column": "id", "passed": True},
            {"event_type": "node_complete", **own, "status": "success", "duration_ms": took, "row_count": rows},
        ]
    events.append({"event_type": "pipeline_complete", "status": "success", "duration_ms": 300.0})
    for seq, event in enumerate(events):
        moment = iso(start + timedelta(milliseconds=5 * seq))
        yield {"timestamp": moment, "level": "info", **event, **about, "writer_id": f"{number:012x}", "seq": seq}


def _write(store: RunStore, run_id: str, lines: Iterator[bytes] | map[bytes]) -> None:
    folder = store.folder(run_id) / "events"
    folder.mkdir(parents=True)
    with (folder / "events.jsonl").open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
