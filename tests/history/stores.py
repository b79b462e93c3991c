"""Stores with synthetic runs for the tests of the history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from odibi_core.events import Event, encode
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

START = datetime(2026, 1, 1, 4, tzinfo=UTC)


def events_of(run_id: str, pipeline: str = "daily", day: int = 0, status: str = "success", **about: Any) -> list[Event]:
    """Return the events of a run of two steps on a day: `load` makes 100 rows and `clean` fewer, one each day."""
    start = START + timedelta(days=day)
    failed = status == "failed"

    def at(ms: float, kind: str, /, **fields: Any) -> Event:
        moment = start + timedelta(milliseconds=ms)
        return an_event(kind, **{"timestamp": moment, "run_id": run_id, "writer_id": run_id, **fields})

    frames = {"inputs": {"x": "raw"}, "outputs": {"out": "tidy"}}
    plan = [
        {"name": "load", "layer": "ingest", "outputs": {"out": "raw"}},
        {"name": "clean", "layer": "publish", **frames, "depends_on": ["load"]},
    ]
    ended = {"error": f"row {day} is bad", "error_type": "ValueError"} if failed else {"row_count": 100 - day}
    found = [
        at(0, "pipeline_start", pipeline_name=pipeline, steps=2, engine="pandas", **about),
        at(0, "pipeline_plan", steps=plan),
        at(1, "node_start", node_name="load"),
        at(2, "snapshot", node_name="load", when="after", dataset="raw", row_count=100, column_count=0, schema=[]),
        at(3, "node_complete", node_name="load", status="success", row_count=100, duration_ms=10.0 + day),
        at(3, "node_start", node_name="clean"),
        at(4, "check_result", node_name="clean", check="not_null", passed=day % 2 == 0),
        at(
            5, "node_failed" if failed else "node_complete", node_name="clean", status=status, duration_ms=2.0,
            level="error" if failed else "info", **ended,
        ),
    ]  # fmt: skip
    if status not in ("running", "lost"):
        kind = "pipeline_complete" if status == "success" else "pipeline_error"
        found.append(at(6, kind, status=status, pipeline_name=pipeline, duration_ms=20.0 + day))
    if status == "lost":
        found.append(at(6, "run_lost", level="error", status="lost"))
    return [event_with_seq(event, seq) for seq, event in enumerate(found)]


def event_with_seq(event: Event, seq: int) -> Event:
    from msgspec.structs import replace

    return replace(event, seq=seq)


def write_run(root: Path, run_id: str, events: Iterable[Event], segment: str = "events.jsonl") -> Path:
    """Append events to a segment of a run, and return its path."""
    path = root / "runs" / run_id / "events" / segment
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.writelines(map(encode, events))
    return path


def lines_of(root: Path) -> dict[str, list[bytes]]:
    """Return the events of each run as a new reader gets them."""
    reader = RunStore(root)
    return {run_id: [encode(event) for event in reader.read(run_id)] for run_id in reader.ids()}


def write_runs(root: Path, number: int, pipeline: str = "daily", **about: Any) -> list[str]:
    """Write runs, one a day, every fifth failed, and return their ids, the oldest first."""
    names = []
    for day in range(number):
        moment = START + timedelta(days=day)
        names.append(f"{moment:%Y%m%dT%H%M%S}-{pipeline}-{day:08x}")
        status = "failed" if day % 5 == 4 else "success"
        write_run(root, names[-1], events_of(names[-1], pipeline, day, status, **about))
    return names
