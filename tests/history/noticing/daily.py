"""A real pipeline of four steps over made flights and weather, run once a day under a clock that the steps move."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pandas as pd

from odibi_core.bus.bus import EventBus
from odibi_core.orchestrator import Orchestrator, Result
from odibi_core.testing import FakeClock

RENAMED = {"renamed": {"distance": "miles"}, "broken": {"delay": "late_minutes"}}
"""The column with another name, by fault; the last step needs that of `broken`."""
AIRPORTS = ("JFK", "LGA", "EWR")


@dataclass
class Day:
    """A day's run: its number, and the fault that it has, if any."""

    number: int
    fault: str = ""
    begin: datetime = datetime(2026, 1, 5, 4, tzinfo=UTC)
    hooks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> datetime:
        """The time of the run: four o'clock, and up to five minutes."""
        return self.begin + timedelta(days=self.number, seconds=random.Random(self.number).uniform(0, 300))


def flights_of(day: Day, draw: random.Random) -> pd.DataFrame:
    """Make about 600 flights; with the fault `renamed` or `broken`, under another name of a column."""
    rows = round(draw.gauss(600, 20))
    frame = pd.DataFrame(
        {
            "origin": [draw.choice(AIRPORTS) for _ in range(rows)],
            "hour": [draw.randrange(5, 23) for _ in range(rows)],
            "delay": [round(draw.expovariate(1 / 12) - 5, 1) for _ in range(rows)],
            "distance": [draw.randrange(180, 2600) for _ in range(rows)],
        }
    )
    return frame.rename(columns=RENAMED.get(day.fault, {}))


def weather_of(day: Day, draw: random.Random) -> pd.DataFrame:
    """Make the hourly weather; with the fault `weather`, of one airport of three."""
    airports = AIRPORTS[:1] if day.fault == "weather" else AIRPORTS
    places = [(airport, hour) for airport in airports for hour in range(24)]
    return pd.DataFrame(
        {
            "origin": [airport for airport, _ in places],
            "hour": [hour for _, hour in places],
            "wind": [round(draw.uniform(0, 30), 1) for _ in places],
        }
    )


@contextmanager
def under(clock: FakeClock) -> Iterator[None]:
    """Measure durations of runs and steps by this clock."""
    with (
        mock.patch("odibi_core.runtime.node_events.monotonic", clock.monotonic),
        mock.patch("odibi_core.runtime.record.monotonic", clock.monotonic),
    ):
        yield


def run_day(day: Day, store: str = ".odibi", name: str = "flights_daily") -> Result:
    """Run the pipeline of one day."""
    draw, clock = random.Random(day.number), FakeClock(day.start)

    def flights() -> pd.DataFrame:
        clock.advance(draw.uniform(0.9, 1.2) * (3.5 if day.fault == "slow" else 1))
        return flights_of(day, draw)

    def weather() -> pd.DataFrame:
        clock.advance(draw.uniform(0.4, 0.5))
        return weather_of(day, draw)

    def joined(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
        clock.advance(draw.uniform(0.4, 0.5))
        return flights.merge(weather, on=["origin", "hour"], how="left")

    def late(joined: pd.DataFrame) -> pd.DataFrame:
        clock.advance(draw.uniform(0.2, 0.25))
        return joined[joined["delay"] > 0]

    def late_changed(joined: pd.DataFrame) -> pd.DataFrame:
        clock.advance(draw.uniform(0.2, 0.25))
        return joined[joined["delay"] > 15]  # a new idea of late

    last = late_changed if day.fault == "code" else late
    last.__name__ = last.__qualname__ = "late"
    bus = EventBus(clock=clock)
    for kind, hook in day.hooks.items():
        bus.register_hook(kind, hook)
    with under(clock):
        return Orchestrator(
            [flights, weather, joined, last],
            event_bus=bus, pipeline_name=name, store=store, snapshot_level="stats", partition=day.start.date(),
            params={}, raise_on_error=False,
        ).execute()  # fmt: skip
