"""`python -m benchmarks.noticing.cost`: the time of noticing at the end of a run, with 10,000 earlier runs."""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.history.figures import run_figures
from odibi_core.history.index import Index
from odibi_core.history.noticing import judge, judge_run
from odibi_core.history.noticing.judge import MOST_RUNS
from odibi_core.history.schema import TABLES

STEPS, COLUMNS, RUNS = 10, 20, 10_000
ROUNDS: Final = 15
_START: Final = datetime(2020, 1, 1, 4, tzinfo=UTC)
Tables = dict[str, list[tuple[Any, ...]]]


def tables_of(number: int) -> Tables:
    """Return the tables of a run of ten steps, each of which makes a frame of twenty columns."""
    draw = random.Random(number)
    about = {"run_id": f"run-{number:06}", "pipeline_name": "wide", "run_started": _START + timedelta(days=number)}
    tables: Tables = {name: [] for name in TABLES}

    def add(table: str, **values: Any) -> None:
        row = about | values
        tables[table].append(tuple(row.get(name) for name in TABLES[table].names))

    add("runs", status="success", started=about["run_started"], duration_ms=draw.gauss(5e3, 200))
    for step in range(STEPS):
        rows = round(draw.gauss(10_000, 100))
        needs = json.dumps([f"step {step - 1}"] if step else [])
        add(
            "nodes", node_name=f"step {step}", status="success", duration_ms=draw.gauss(500, 20), rows_in=10_000,
            rows_out=rows, selectivity=rows / 10_000, memory_mb=300.0, attempts=1, depends_on=needs,
        )  # fmt: skip
        of_step = {"node_name": f"step {step}", "side": "after", "dataset": f"frame {step}"}
        add("snapshots", **of_step, row_count=rows, stats_rows=rows)
        for place in range(COLUMNS):
            about_column = {**of_step, "column_name": f"column {place}", "rows_sampled": rows, "nulls": 0}
            if place % 4:
                add(
                    "columns", **about_column, type="Float64", null_share=0.0, distinct=draw.randrange(900, 950),
                    min=str(draw.random()), max=str(99 + draw.random()), mean=draw.gauss(50, 0.1),
                    deviation=draw.gauss(10, 0.1), median=draw.gauss(50, 0.1),
                )  # fmt: skip
            else:
                top = json.dumps([[name, round(draw.gauss(2_000, 40))] for name in "abcde"])
                add("columns", **about_column, type="String", null_share=0.0, distinct=5, top=top, length_mean=1.0)
    return tables


def _filled(root: Path) -> Index:
    """Return an index with the figures of 10,000 runs, of which the last hundred differ."""
    index = Index(root)
    found = [run_figures(tables_of(number)) for number in range(RUNS - 100, RUNS)]
    index.record("run-000000", tables_of(0))
    index.close()
    encoded = [msgspec.msgpack.encode([run.run_id, run.figures]) for run in found if run is not None]
    with sqlite3.connect(root / "index.sqlite") as connection:
        micros = [int((_START + timedelta(days=number)).timestamp() * 1e6) for number in range(RUNS)]
        rows = ((f"id-{n}", "wide", micros[n], "success", encoded[n % 100]) for n in range(1, RUNS))
        connection.executemany("insert into figures values (?, ?, ?, ?, ?)", rows)
    return index


def _ms(call: Callable[[], object]) -> float:
    """Return the median of the milliseconds of CPU time, which other work on the machine changes little."""
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        call()
        found.append(1e3 * (time.process_time() - started))
    return statistics.median(found)


def measure() -> dict[str, float]:
    """Return the milliseconds of each part."""
    tables = tables_of(RUNS)
    current = run_figures(tables)
    assert current is not None

    def whole() -> object:
        figures = run_figures(tables)
        return None if figures is None else judge_run(index, figures)

    with tempfile.TemporaryDirectory() as folder, _filled(Path(folder)) as index:
        earlier = index.figures("wide", current.started, MOST_RUNS)
        judged = judge(current, earlier)
        judging = _ms(lambda: judge(current, earlier))
        return {
            "figures of the run": _ms(lambda: run_figures(tables)),
            f"figures of {MOST_RUNS} earlier runs": _ms(lambda: index.figures("wide", current.started, MOST_RUNS)),
            "judgement": judging,
            "all": _ms(whole),
            "µs a point": 1e3 * judging / judged.series,
        }


if __name__ == "__main__":
    for name, value in measure().items():
        sys.stdout.write(f"{name:<28} {value:8.1f}\n")
