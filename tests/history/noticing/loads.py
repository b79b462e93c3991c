"""Incremental loads: each run brings the rows of its own days, with columns that name the day, the batch, the run."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

from odibi_core.engines.stats_values import value_stats
from odibi_core.history.figures import RunFigures, run_figures
from odibi_core.history.schema import TABLES

Row = tuple[date, int, random.Random]
"""The day of a row, its number since the first run, and a draw."""
MIDNIGHT = time(tzinfo=UTC)

ADVANCING: Mapping[str, Callable[[Row], Any]] = {
    "day": lambda row: row[0].isoformat(),
    "day_date": lambda row: row[0],
    "day_number": lambda row: int(f"{row[0]:%Y%m%d}"),
    "day_digits": lambda row: f"{row[0]:%Y%m%d}",
    "month_start": lambda row: row[0].replace(day=1),
    "month": lambda row: f"{row[0]:%Y-%m}",
    "month_code": lambda row: int(f"{row[0]:%Y%m}"),
    "month_of_year": lambda row: row[0].month,
    "month_name": lambda row: f"{row[0]:%B}",
    "quarter": lambda row: f"Q{(row[0].month + 2) // 3}",
    "year": lambda row: row[0].year,
    "week": lambda row: f"{row[0]:%G-W%V}",
    "week_of_year": lambda row: row[0].isocalendar().week,
    "weekday": lambda row: f"{row[0]:%A}",
    "day_of_month": lambda row: row[0].day,
    "day_of_year": lambda row: row[0].timetuple().tm_yday,
    "seen_at": lambda row: datetime.combine(row[0], MIDNIGHT) + timedelta(seconds=row[2].randrange(86_400)),
    "epoch": lambda row: datetime.combine(row[0], MIDNIGHT).timestamp() + row[2].randrange(86_400),
    "partition": lambda row: f"year={row[0].year}/month={row[0].month}/day={row[0].day}",
    "file": lambda row: f"flights_{row[0]:%Y%m%d}.csv",
    "batch": lambda row: row[0].toordinal(),
    "batch_id": lambda row: f"batch-{row[0].toordinal() - 739_000}",
    "load_id": lambda row: blake2b(row[0].isoformat().encode(), digest_size=8).hexdigest(),
    "id": lambda row: 1_000_000 + row[1],
    "key": lambda row: f"K{1_000_000 + row[1]}",
}
STEADY: Mapping[str, Callable[[Row], Any]] = {
    "origin": lambda row: row[2].choice(["JFK", "LGA", "EWR"]),
    "amount": lambda row: round(row[2].gauss(50, 10), 1),
}


def rows_of(day: date, first: date, window: int, rows: int) -> list[Row]:
    """Return the rows of the last days: those of a day are the same in each load."""
    found: list[Row] = []
    for back in range(window - 1, -1, -1):
        here = day - timedelta(days=back)
        draw = random.Random(here.toordinal())
        begin = (here - first).days * 2 * rows
        found += [(here, begin + number, draw) for number in range(round(draw.gauss(rows, rows**0.5)))]
    return found


def load(
    day: date, columns: Mapping[str, Callable[[Row], Any]], *, first: date, window: int = 1, rows: int = 120
) -> RunFigures:
    """Return the figures of a run that loads the last `window` days, with the statistics that a run records."""
    loaded = rows_of(day, first, window, rows)
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
    run = {"run_id": f"run-{day}", "pipeline_name": "daily"}

    def add(table: str, **values: Any) -> None:
        tables[table].append(tuple((run | values).get(name) for name in TABLES[table].names))

    add("runs", status="success", started=datetime.combine(day, MIDNIGHT) + timedelta(days=1, hours=4))
    add("nodes", node_name="load", status="success", rows_out=len(loaded), depends_on="[]")
    about = {"node_name": "load", "side": "after", "dataset": "load"}
    add("snapshots", **about, row_count=len(loaded), stats_rows=len(loaded))
    for name, make in columns.items():
        stats = value_stats([value for row in loaded if (value := make(row)) is not None], 0)
        for each in ("min", "max"):
            if each in stats:
                stats[each] = _text(stats[each])
        if "top" in stats:
            stats["top"] = json.dumps([[_plain(value), count] for value, count in stats["top"]])
        kind = "Int64" if isinstance(make(loaded[0]), int) else "String"
        known = {key: value for key, value in stats.items() if key in TABLES["columns"].names}
        add("columns", **about, column_name=name, type=kind, rows_sampled=len(loaded), null_share=0.0, **known)
    found = run_figures(tables)
    assert found is not None
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _text(value: Any) -> str:
    return str(_plain(value))
