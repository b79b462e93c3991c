"""One day of the flights, as a scheduler runs it every morning: eight steps, with the day as parameter and partition.

    odibi run examples/flights/daily.py --param day=2013-11-05 --partition 2013-11-05
    odibi demo --days 30

`deliver` plays the part of the providers: it puts the files of a day into a folder, on some days with a fault.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import narwhals as nw
import queries
from sources import packaged_data
from transforms import STRONGEST_WIND_MPH, add_weather, times_to_utc

from odibi_core import Step
from odibi_core.checks import not_null, row_count

FIRST_DAY = date(2013, 11, 5)
DELIVERED = ("flights", "weather")
SLOW = "slow.txt"
"""A file of a delivery with the number of seconds that the provider's server takes to answer."""

# The faults of `odibi demo --days 30`, by the number of the day, from 0.
SLOWER, NO_WEATHER, RENAMED, MISSING, CHANGED_CODE = 14, 18, 22, 23, 26
FAULTS = {
    SLOWER: "the delivery is slow",
    NO_WEATHER: "no weather of JFK and LGA",
    RENAMED: "humid is renamed to humidity",
    MISSING: "no run",
    CHANGED_CODE: "changed code drops short flights",
}


def deliver(folder: Path, days: Iterable[date], data_dir: Path | None = None) -> None:
    """Write `<folder>/<day>/flights.csv` and `weather.csv`, the files of each day as they are."""
    wanted = {day.isoformat() for day in days}
    for table in DELIVERED:
        by_day: dict[str, list[list[str]]] = defaultdict(list)
        rows = _rows(data_dir or packaged_data(), table)
        header = next(rows)
        places = [header.index(part) for part in ("year", "month", "day")]
        for row in rows:
            year, month, day = (int(row[place]) for place in places)
            name = f"{year:04d}-{month:02d}-{day:02d}"
            if name in wanted:
                by_day[name].append(row)
        for name in sorted(wanted):
            _write(folder / name / f"{table}.csv", [header, *by_day[name]])


def spoil(folder: Path, day: date, fault: int) -> None:
    """Change the delivery of a day: slower, without the weather of two airports, or with a renamed column."""
    weather = folder / day.isoformat() / "weather.csv"
    if fault == SLOWER:
        (weather.parent / SLOW).write_text("2", encoding="utf-8")
    elif fault == NO_WEATHER:
        lines = weather.read_text(encoding="utf-8").splitlines(keepends=True)
        weather.write_text("".join(line for line in lines if not line.startswith(("JFK", "LGA"))), encoding="utf-8")
    elif fault == RENAMED:
        text = weather.read_text(encoding="utf-8")
        weather.write_text(text.replace("humid", "humidity", 1), encoding="utf-8")


def receive(day: str, delivered: str = "out/daily/delivered") -> str:
    """Wait for the delivery of a day, and return its folder."""
    folder = Path(delivered) / day
    slow = folder / SLOW
    if slow.exists():
        time.sleep(float(slow.read_text(encoding="utf-8")))
    return str(folder)


@nw.narwhalify
def clean_weather(weather: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Return one row for each origin and hour in UTC; an impossible wind becomes missing."""
    possible = nw.col("wind_speed") <= STRONGEST_WIND_MPH
    hour = nw.col("time_hour").str.to_datetime(format="%Y-%m-%dT%H:%M:%SZ").dt.replace_time_zone("UTC")
    return (
        weather.with_columns(hour_utc=hour, wind_mph=nw.when(possible).then(nw.col("wind_speed")))
        .drop("year", "month", "day", "hour", "wind_speed", "wind_gust", "time_hour")
        .unique(subset=["origin", "hour_utc"], keep="first", maintain_order=True)
    )


@nw.narwhalify
def drop_cancelled(flights: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Drop the flights that never left."""
    return flights.filter(~nw.col("dep_delay").is_null())


@nw.narwhalify
def drop_cancelled_and_short(flights: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Drop the flights that never left, and, by mistake, those of less than 1,000 miles."""
    return flights.filter(~nw.col("dep_delay").is_null() & (nw.col("distance") >= 1_000))


@nw.narwhalify
def join_weather(flights: nw.DataFrame[Any], weather: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Keep the flights whose weather is known, with the weather of their hour."""
    joined: nw.DataFrame[Any] = nw.from_native(add_weather(flights.to_native(), weather.to_native()), eager_only=True)
    return joined.filter(~nw.col("temp").is_null())


def build(out_dir: str = "out/daily", *, changed: bool = False) -> list[Step]:
    """Return the steps of a day; `changed` drops short flights by mistake, as a change of the code may."""
    out = Path(out_dir)
    drop = drop_cancelled_and_short if changed else drop_cancelled
    return [
        Step(name="receive", layer="connect", value=receive, outputs={"folder": "delivery"}),
        *(
            Step(
                name=f"read_{table}",
                layer="ingest",
                value=reader,
                inputs={"folder": "delivery"},
                checks=(row_count(1),),
            )
            for table, reader in (("flights", read_flights), ("weather", read_weather))
        ),
        Step(name="clean_weather", value=clean_weather, inputs={"weather": "read_weather"}),
        Step(name="times_to_utc", value=times_to_utc, inputs={"flights": "read_flights"}),
        Step(name="drop_cancelled", value=drop, inputs={"flights": "times_to_utc"}),
        Step(
            name="join_weather",
            value=join_weather,
            inputs={"flights": "drop_cancelled", "weather": "clean_weather"},
            checks=(not_null("visib", severity="warn"),),
        ),
        Step(name="delays_by_airport", type="sql", value=queries.BY_AIRPORT, inputs={"flights": "join_weather"}),
        Step(
            name="publish_delays",
            layer="publish",
            value=str(out / "delays_by_airport.parquet"),
            inputs={"frame": "delays_by_airport"},
        ),
    ]


def read_flights(folder: str) -> Any:
    """Read the flights of a delivery."""
    return _read(folder, "flights")


def read_weather(folder: str) -> Any:
    """Read the weather of a delivery."""
    return _read(folder, "weather")


def _read(folder: str, table: str) -> Any:
    import pandas as pd

    return pd.read_csv(Path(folder) / f"{table}.csv")


def days_from(first: date, number: int) -> list[date]:
    """Return consecutive days."""
    return [first + timedelta(days=each) for each in range(number)]


def _rows(source: Path, table: str) -> Iterator[list[str]]:
    plain, zipped = source / f"{table}.csv", source / f"{table}.csv.zip"
    if plain.exists():
        with plain.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)
        return
    with zipfile.ZipFile(zipped) as archive, archive.open(plain.name) as raw:
        yield from csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


pipeline = build()


def parameters(day: date, folder: Path) -> Mapping[str, Any]:
    """Return the parameters of the run of a day."""
    return {"day": day.isoformat(), "delivered": str(folder)}
