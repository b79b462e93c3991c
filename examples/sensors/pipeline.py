"""A stream of sensor readings through four stages that measure themselves: read, validate, enrich, aggregate.

    python examples/sensors/pipeline.py
    odibi inspect examples/sensors

Twenty minutes of readings, a batch of 200 every ten seconds, simulated and the same in each run. Some are torn, some
impossible, and for five minutes the registry that knows where a sensor stands hangs and answers nothing: a circuit
breaker leaves it alone, looks after a while whether it is back, and the pipeline goes on meanwhile.
"""

from __future__ import annotations

import resource
import sys
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from time import sleep
from typing import Any, Literal, TypedDict

from odibi_core.observability import (
    CircuitBreaker,
    CircuitOpenError,
    InstrumentedStage,
    PipelineHealthDashboard,
    measured_stage,
    observe,
    validate_config,
)

BATCHES, READINGS, EVERY_S = 120, 200, 10.0
SENSORS, SITES = 96, ("cellar", "hall", "roof", "yard")
DOWN_S = (300.0, 600.0)
HANGS_S = 0.2
CONFIG = Path(__file__).with_name("config.toml")


class Reading(TypedDict):
    """The measurement of one sensor."""

    sensor: str
    second: int
    celsius: float


class PlacedReading(Reading):
    """A measurement with the site of its sensor."""

    site: str


class Summary(TypedDict):
    """The summary of the readings of a site or a sensor."""

    name: str
    readings: int
    celsius: float


@measured_stage("read")
def read(records: Iterable[str], separator: str = ";") -> Iterator[Reading]:
    """Parse the lines of the sensors; a torn line is dropped."""
    for line in records:
        parts = line.split(separator)
        if len(parts) == 3:
            yield {"sensor": parts[0], "second": int(parts[1]), "celsius": float(parts[2])}


class Validate(InstrumentedStage):
    """Drops impossible readings."""

    def process(self, records: Iterable[Reading], lowest: float = -40.0, highest: float = 60.0) -> Iterator[Reading]:
        """Yield the possible readings; the base class measures the stage."""
        return (reading for reading in records if lowest <= reading["celsius"] <= highest)


class Enrich:
    """Adds the site of each sensor, if the registry answers."""

    def __init__(self, registry: Registry, breaker: CircuitBreaker) -> None:
        self.site_of = lru_cache(maxsize=64)(breaker(registry.site_of))

    def process(self, records: Iterable[Reading], *, fallback: str = "unknown") -> Iterator[PlacedReading]:
        """Yield the placed readings; the class does not use odibi-core and is wrapped by the pipeline."""
        for reading in records:
            try:
                site = self.site_of(reading["sensor"])
            except (ConnectionError, CircuitOpenError):
                site = fallback
            yield {**reading, "site": site}


class Aggregate(InstrumentedStage):
    """Counts the readings of a batch and computes their mean."""

    def process(self, records: Iterable[PlacedReading], by: Literal["site", "sensor"] = "site") -> list[Summary]:
        """Return the summaries; the last stage consumes the batch."""
        groups: dict[str, list[float]] = {}
        for reading in records:
            groups.setdefault(reading[by], []).append(reading["celsius"])
        return [
            {"name": name, "readings": len(measured), "celsius": round(sum(measured) / len(measured), 2)}
            for name, measured in sorted(groups.items())
        ]


class StreamTime:
    """The clock of the stream: a minute is a minute of the readings."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the wall clock time."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the seconds since the start of the stream."""
        return self.seconds


class Registry:
    """The registry of the sites, which is down for a while."""

    def __init__(self, time: StreamTime) -> None:
        self._time = time

    def site_of(self, sensor: str) -> str:
        """Return the site of a sensor."""
        if DOWN_S[0] <= self._time.seconds < DOWN_S[1]:
            sleep(HANGS_S)
            raise ConnectionError("the registry does not answer")
        return SITES[int(sensor[1:]) % len(SITES)]


def sent(time: StreamTime, batches: int = BATCHES, seed: int = 7) -> Iterator[Iterator[str]]:
    """Yield the batches of lines, each generated while it is consumed; the clock advances between them."""
    random = Random(seed)
    for _ in range(batches):
        yield (_line(random, int(time.seconds)) for _ in range(READINGS))
        time.seconds += EVERY_S


def _line(random: Random, second: int) -> str:
    sensor = f"s{random.randrange(SENSORS):02d}"
    luck = random.random()
    if luck < 0.01:
        return f"{sensor};{second}"
    return f"{sensor};{second};{999.9 if luck < 0.03 else random.gauss(20, 4):.2f}"


def read_config(file: Path = CONFIG) -> dict[str, dict[str, Any]]:
    """Return the settings by stage; exit with every reason if they do not fit."""
    config = tomllib.loads(file.read_text(encoding="utf-8"))
    problems = [
        problem
        for stage in (read, Validate, Enrich, Aggregate)
        for problem in validate_config(stage, config.get(stage.__name__, {}))
    ]
    if problems:
        sys.exit("\n".join(problems))
    return config


def run(batches: int = BATCHES) -> dict[str, Any]:
    """Run and record the stream, and return the last report of the dashboard."""
    config, time = read_config(), StreamTime()
    breaker = CircuitBreaker("site-registry", fail_max=3, reset_timeout_s=60, clock=time)
    registry = Enrich(Registry(time), breaker)
    validate, enrich, aggregate = (Validate("validate"), InstrumentedStage(registry, "enrich"), Aggregate("aggregate"))
    dashboard, speeds = PipelineHealthDashboard(), dict[str, float]()
    with observe("sensors") as recorded:
        recorded.bus.register_hook(
            "stage_completed", lambda event: speeds.update({event["component"]: event["throughputRps"]})
        )
        for number, lines in enumerate(sent(time, batches)):
            valid = validate.process(read(lines), **config["Validate"])
            placed = enrich.process(valid, **config["Enrich"])
            sites = aggregate.process(placed, **config["Aggregate"])
            unplaced = [site for site in sites if site["name"] == config["Enrich"]["fallback"]]
            dashboard.recordBatch(speeds, {breaker.name: breaker}, {"sites": registry.site_of.cache_info()}, unplaced)
            if number % 10 == 0 and dashboard.healthReport()["status"] == "DEGRADED":
                print(f"{time.now():%H:%M:%S}  {breaker.name} is left alone: {breaker.failures} failures in a row")
        return dashboard.healthReport(peakMemoryKb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Run the stream and print its summary."""
    for name, value in run().items():
        print(f"{name:<26} {value}")


if __name__ == "__main__":
    main()
