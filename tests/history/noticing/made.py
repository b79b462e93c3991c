"""A small pipeline's histories, made without a run: three steps, a join, and figures that vary as real ones do."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from odibi_core.history.figures import STATS, RunFigures

START = datetime(2026, 1, 5, 4, tzinfo=UTC)
Change = Callable[[dict[str, Any]], object]


def column(draw: random.Random, rows: int, *, mean: float = 50.0, nulls: float = 0.0) -> list[float | None]:
    """Make the statistics of a numeric column of so many rows."""
    values: dict[str, float] = {
        "null_share": nulls, "distinct": 40 + draw.randrange(4), "min": 10 + draw.random(), "max": 95 + draw.random(),
        "mean": draw.gauss(mean, 10 / rows**0.5), "deviation": draw.gauss(10, 0.2), "median": mean,
    }  # fmt: skip
    return [values.get(name) for name in STATS]


def frame(draw: random.Random, rows: int, *names: str) -> dict[str, Any]:
    """Make a frame of numeric columns and the category `origin`."""
    share = draw.gauss(0.35, 0.3 / rows**0.5)
    return {
        "rows": rows, "sampled": rows, "schema_hash": None, "content": f"{draw.random():.12f}",
        "schema": [*([name, "Float64"] for name in names), ["origin", "String"]],
        "columns": {name: column(draw, rows) for name in names} | {"origin": [0.0, 3] + [None] * (len(STATS) - 2)},
        "top": {"origin": {"JFK": share, "EWR": 0.36, "LGA": 1 - 0.36 - share}},
    }  # fmt: skip


def run(number: int, change: Change | None = None, *, rows: int = 1000, at: datetime | None = None) -> RunFigures:
    """Make the figures of a run: `load` and `weather` feed `joined`."""
    draw = random.Random(number)
    rows = round(draw.gauss(rows, rows**0.5))

    def step(ms: float, made: dict[str, Any], **more: Any) -> dict[str, Any]:
        took = ms * draw.uniform(0.9, 1.2)
        return {"status": "success", "duration_ms": took, "rows": made["rows"], "frames": {"out": made}, **more}

    figures = {
        "run": {"duration_ms": 1500.0},
        "shape": [["day", "str"]],
        "steps": {
            "load": step(900, frame(draw, rows, "delay", "distance"), checks={"not_null delay": [True, 0, rows]}),
            "weather": step(300, frame(draw, 72, "wind")),
            "joined": step(
                300, frame(draw, rows, "delay", "wind"), rows_in=rows, selectivity=1.0,
                joins={"weather": [0.98, 1.0, rows]},
            ),
        },
        "edges": [["load", "joined"], ["weather", "joined"]],
        "left_out": 0,
    }  # fmt: skip
    if change is not None:
        change(figures["steps"])  # type: ignore[arg-type]
    started = at or START + timedelta(days=number)
    return RunFigures(f"run-{number:04}", "flights", started, "success", figures)


def history(runs: int = 40, *, rows: int = 1000) -> list[RunFigures]:
    """Make so many daily runs without a fault."""
    return [run(number, rows=rows) for number in range(runs)]


def frame_of(steps: dict[str, Any], step: str) -> dict[str, Any]:
    """Return the frame that a step made."""
    found: dict[str, Any] = steps[step]["frames"]["out"]
    return found


def place(name: str) -> int:
    """Return the place of a statistic in the list of a column."""
    return STATS.index(name)
