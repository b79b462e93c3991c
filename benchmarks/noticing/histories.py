"""The histories: 60 to 140 runs of one pipeline on a real source, each with its batch, its time and its durations."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal

import polars as pl

from benchmarks.noticing import sources
from benchmarks.noticing.staging import STEPS, Plan, Run
from odibi_core.history.figures import RunFigures

MOST_RUNS: Final = 140
_BASE_MS: Final = {"load": 900.0, "lookup": 80.0, "enriched": 400.0, "kept": 150.0, "summary": 250.0}
Half = Literal["tune", "report"]


@dataclass
class History:
    """The runs of one pipeline, the oldest first, and their figures."""

    name: str
    source: str
    half: str
    plan: Plan
    runs: list[Run]
    figures: list[RunFigures]
    kind: str
    seed: int


@cache
def durations() -> dict[str, list[float]]:
    """Return the durations in milliseconds of real repeats of processes."""
    text = (Path(__file__).resolve().parent / "durations.json").read_text(encoding="utf-8")
    found: dict[str, list[float]] = json.loads(text)
    return found


@cache
def _source(name: str) -> pl.DataFrame:
    return sources.read(name)


@cache
def _daily_flights() -> tuple[tuple[date, int], ...]:
    """Return the flights of each day of 2013: a count with weekdays and holidays."""
    counts = _source("flights").group_by("day").len().sort("day")
    return tuple(counts.iter_rows())


@cache
def _daily_readings() -> tuple[tuple[date, int], ...]:
    """Return the readings of a sensor by day: a count with gaps."""
    counts = _source("glucose").group_by("day").len().sort("day")
    return tuple(counts.iter_rows())


def plan_of(frame: pl.DataFrame) -> Plan:
    """Choose the key of the join and the filter: the first column of 3 to 60 values, and the first of numbers."""
    names = [name for name in frame.columns if name != "day"]
    counts = {name: frame[name].n_unique() for name in names}
    texts = [name for name in names if frame[name].dtype == pl.String and 3 <= counts[name] <= 200]
    whole = [name for name in names if frame[name].dtype.is_integer() and 3 <= counts[name] <= 60]
    key = next(iter([*texts, *whole]), None)
    numbers = [name for name in names if frame[name].dtype.is_numeric() and name != key and counts[name] > 10]
    measure = next(iter(numbers or [name for name in names if frame[name].dtype.is_numeric()]), names[-1])
    values = sorted({str(each) for each in frame[key].drop_nulls().to_list()}) if key else []
    lookup = pl.DataFrame(
        {
            "key": values,
            "label": [f"group {each}" for each in values],
            "weight": [float(i) for i in range(len(values))],
        },
        schema={"key": pl.String, "label": pl.String, "weight": pl.Float64},
    )
    part = 0.02 if "day" in frame.columns else 0.15  # a season must not leave the filter without rows
    limit = frame[measure].quantile(part) if frame[measure].dtype.is_numeric() else 0.0
    return Plan(key or "-", measure, float(limit or 0.0), lookup)


def everything() -> Iterator[History]:
    """Yield every history, without its figures, each from a seed of its own."""
    for place, (name, (_, half)) in enumerate(sources.BY_TIME.items()):
        yield from _by_time(name, half, 100 * place)
    for place, (name, half) in enumerate(sources.DRAWN.items()):
        for draw in range(2):
            for size in (100, 10_000):
                yield _drawn(name, half, size, bool(draw), 5_000 + 100 * place + 10 * draw + (size > 100))
        yield _growing(name, half, 5_000 + 100 * place + 50)


def _by_time(name: str, half: str, seed: int) -> Iterator[History]:
    frame = _source(name)
    parts = {"": frame}
    if name == "flights":
        parts |= {f" {origin}": frame.filter(pl.col("origin") == origin) for origin in ("EWR", "JFK", "LGA")}
    elif name == "weather":
        parts = {f" {origin}": frame.filter(pl.col("origin") == origin) for origin in ("EWR", "JFK", "LGA")} | parts
    for number, (part, rows) in enumerate(parts.items()):
        if name == "weather" and part:
            rows = rows.with_columns(day=pl.col("day") - pl.duration(days=1) * (pl.col("day").dt.ordinal_day() % 4))
        days = [(day[0], batch.drop("day")) for day, batch in rows.partition_by("day", as_dict=True).items()]
        days.sort(key=lambda each: each[0])
        for first in range(0, len(days) - 59, 2 * MOST_RUNS if len(days) < 250 else MOST_RUNS):
            chosen = days[first : first + MOST_RUNS]
            if name == "flights":
                kind = "incremental, its own days"
                times = [each for each, _ in chosen]
            else:
                kind = "incremental, its own periods"
                times = [date(2026, 1, 5) + timedelta(days=i) for i in range(len(chosen))]
            if len(chosen) >= 60:
                seeded = seed + 10 * number + first // MOST_RUNS
                batches = list(zip(times, (batch for _, batch in chosen), strict=True))
                yield _history(f"{name}{part} {first}", name, half, kind, seeded, batches)


def _drawn(name: str, half: str, size: int, is_steady: bool, seed: int) -> History:
    """Return a history of draws; the number of rows follows a real count by day, or varies as independent rows do."""
    frame = _source(name)
    draw = random.Random(seed)
    counts = _daily_flights() if half == "report" else _daily_readings()
    first = draw.randrange(0, len(counts) - 120)
    window = counts[first : first + 120]
    usual = sorted(count for _, count in window)[60]
    batches = []
    for number, (day, count) in enumerate(window):
        expected = size if is_steady else size * count / usual
        rows = max(1, round(draw.gauss(expected, expected**0.5)))
        batches.append((day, frame.sample(rows, with_replacement=rows > frame.height // 4, seed=1_000 * seed + number)))
    return _history(f"{name} {size} {seed}", name, half, f"incremental, {size} rows", seed, batches)


def _growing(name: str, half: str, seed: int) -> History:
    """Return a history of snapshots: a table that grows by some rows each day, read whole."""
    frame = _source(name).sample(fraction=1.0, shuffle=True, seed=seed)[:8_000]
    start, runs = frame.height // 2, 90
    batches = []
    for number in range(runs):
        rows = start + (frame.height - start) * number // runs
        batches.append((date(2026, 1, 5) + timedelta(days=number), frame[:rows]))
    return _history(f"{name} snapshot {seed}", name, half, "snapshot", seed, batches)


def _history(
    name: str, source: str, half: str, kind: str, seed: int, batches: list[tuple[date, pl.DataFrame]]
) -> History:
    draw = random.Random(seed)
    kinds = list(durations())
    series = {step: durations()[draw.choice(kinds)] for step in STEPS}
    offsets = {step: draw.randrange(len(values)) for step, values in series.items()}
    usual = {step: sorted(values)[len(values) // 2] for step, values in series.items()}
    runs = []
    for number, (day, batch) in enumerate(batches):
        took = {
            step: _BASE_MS[step] * series[step][(offsets[step] + number) % len(series[step])] / usual[step]
            for step in STEPS
        }
        late = timedelta(seconds=series["load"][(offsets["load"] + number) % len(series["load"])])
        started = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) + late
        runs.append(Run(f"{seed}-{number:04}", started, batch, took))
    return History(name, source, half, plan_of(_source(source)), runs, [], kind, seed)
