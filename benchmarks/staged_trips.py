"""Forty regressions of a third pipeline: polars steps between steps of SQL, and a file and a parameter of each day.

They were written before the rules for runs without statistics, and used for none of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.staged_causes import Change, World, edit, feed, file, library, param, values

PIPELINE = '''
import polars as pl
import geolib
import taxlib
from feed import read_feed
from odibi_core import Step
from odibi_core.checks import not_null, row_count

def first_letters(place):
    return place.str.slice(0, 1)

def trips(source, day):
    return pl.read_csv(f"{source}/trips_{day}.csv")

def tariffs():
    return pl.read_csv("data/tariffs.csv")

def drivers():
    return pl.DataFrame(read_feed("drivers"))

def zoned(paid):
    return geolib.with_speed(paid).with_columns(zone=first_letters(pl.col("place")))

def taxed(priced):
    return taxlib.taxed(priced, 0.2)

def rated(by_driver, drivers, limit):
    rated = by_driver.join(drivers, on="driver", how="left")
    return rated.with_columns(is_fast=pl.col("speed") > limit)

PAID = "select * from trips where status = 'paid' and km >= $shortest"
WAITING = "select driver, count(*) as waiting from trips where status = 'open' group by driver"
PRICED = "select z.*, t.per_km * z.km * (1 + $fee) as fare from zoned z join tariffs t using (zone)"
BY_DRIVER = """
select driver, count(*) as trips, sum(net) as net, avg(speed) as speed from taxed
group by driver having count(*) >= $fewest
"""
TEAMS = """
select team, sum(net) as net, sum(trips) as trips, sum(coalesce(waiting, 0)) as waiting
from rated left join waiting using (driver) group by team
"""

steps = [
    trips, tariffs, drivers,
    Step(name="paid", type="sql", value=PAID, inputs=["trips"]),
    Step(name="waiting", type="sql", value=WAITING, inputs=["trips"]),
    Step(name="zoned", value=zoned, inputs=["paid"], checks=(not_null("zone"),)),
    Step(name="priced", type="sql", value=PRICED, inputs=["zoned", "tariffs"], checks=(row_count(1),)),
    taxed,
    Step(name="by_driver", type="sql", value=BY_DRIVER, inputs=["taxed"]),
    rated,
    Step(name="teams", type="sql", value=TEAMS, inputs=["rated", "waiting"]),
]
'''
GEOLIB = """__version__ = "2.3.0"
import polars as pl
def with_speed(frame):
    return frame.with_columns(speed=pl.col("km") / pl.col("hours"))
"""
TAXLIB = """__version__ = "7.0"
import polars as pl
def taxed(frame, rate):
    return frame.with_columns(net=pl.col("fare") * (1 - rate))
"""
ZONES = "ABCDEF"


@dataclass
class TripWorld(World):
    """The world of the trips: the trips of a day in a file named after it, tariffs that seldom change, drivers."""

    code: str = PIPELINE
    engine: str = "polars"
    libraries: dict[str, str] = field(default_factory=lambda: {"geolib": GEOLIB, "taxlib": TAXLIB})
    params: dict[str, Any] = field(
        default_factory=lambda: {"source": "data", "shortest": 1.0, "fee": 0.05, "fewest": 5, "limit": 40.0}
    )
    number: int = 0

    def a_day(self) -> None:
        """Make the files and feeds of a day; the tariffs are those of the day before."""
        self.number += 1
        day = self.params["day"] = f"2024-03-{self.number:02d}"
        size = int(8_000 * self.chance.uniform(0.95, 1.05))
        lines = ["trip,driver,place,km,hours,status", *(_trip(self.chance, number) for number in range(size))]
        tariffs = self.files.get("tariffs.csv") or "\n".join(["zone,per_km", *(f"{z},{ord(z) / 40}" for z in ZONES)])
        self.files = {f"trips_{day}.csv": "\n".join(lines) + "\n", "tariffs.csv": tariffs}
        self.feeds = {"drivers": [_driver(self.chance, number) for number in range(250)]}


def _trip(chance: random.Random, number: int) -> str:
    km = chance.lognormvariate(2, 0.6)
    hours, status = km / chance.gauss(35, 4), chance.choice(["paid", "paid", "paid", "open", "void"])
    place = f"{chance.choice(ZONES)}{chance.randrange(100):02d}"
    return f"{number},d{chance.randrange(250):03d},{place},{km:.2f},{hours:.4f},{status}"


def _driver(chance: random.Random, number: int) -> dict[str, Any]:
    return {"driver": f"d{number:03d}", "team": "red" if number % 3 else "blue", "since": chance.randint(2001, 2024)}


def _trips(change: Callable[[list[str]], list[str] | None]) -> Change:
    """Change the file of the day, whose name is another one each day."""
    return lambda world: file(f"trips_{world.params['day']}.csv", change)(world)


def _cells(place: int, change: Callable[[str, int], str]) -> Change:
    def lines(old: list[str]) -> list[str]:
        rows = [line.split(",") for line in old]
        for at, row in enumerate(rows[1:]):
            row[place] = change(row[place], at)
        return [",".join(row) for row in rows]

    return _trips(lines)


TRIPS: dict[str, list[tuple[str, Change]]] = {
    "code": [
        ("paid", edit("status = 'paid' and", "status in ('paid', 'void') and")),
        ("priced", edit("z join tariffs t using (zone)", "z join tariffs t on z.zone < t.zone")),
        ("priced", edit("z.km * (1 + $fee)", "z.km / (1 + $fee)")),
        ("taxed", edit("taxlib.taxed(priced, 0.2)", "taxlib.taxed(priced, 0.6)")),
        ("by_driver", edit("group by driver having", "group by driver, place having")),
        ("rated", edit('on="driver", how="left"', 'on="driver", how="left").filter(pl.col("speed") > 35')),
        ("waiting", edit("driver, count(*) as waiting", "driver, count(*) as waits")),
        ("zoned", edit("place.str.slice(0, 1)", "place.str.slice(1, 1)")),
    ],
    "parameter": [
        ("shortest", param(shortest=9.0)), ("shortest", param(shortest=900.0)), ("fee", param(fee=0.9)),
        ("fewest", param(fewest=20)), ("fewest", param(fewest=2_000)), ("limit", param(limit=33.0)),
        ("source", param(source="dta")), ("limit", param(limit="fast")),
    ],
    "version": [
        ("geolib", library("geolib", "2.4.0", 'pl.col("hours")', '(pl.col("hours") * 60)')),
        ("geolib", library("geolib", "3.0.0", "speed=", "pace=")),
        ("geolib", library("geolib", "3.0.1", "return frame.", "return frame.filter(pl.col('km') < 9).")),
        ("geolib", library("geolib", "3.1.0", "def with_speed", "def add_speed")),
        ("taxlib", library("taxlib", "7.1", "(1 - rate)", "(1 + rate)")),
        ("taxlib", library("taxlib", "8.0", 'pl.col("fare") * (1 - rate)', '(pl.col("fare") * 80).cast(pl.Int64)')),
        ("taxlib", library("taxlib", "8.1", "return frame.", "return pl.concat([frame, frame]).")),
        ("taxlib", library("taxlib", "8.2", "net=", "netto=")),
    ],
    "file": [
        ("trips", _trips(lambda lines: lines[: len(lines) // 3])),
        ("trips", _trips(lambda lines: None)),
        ("trips", _trips(lambda lines: [*lines, *lines[1:]])),
        ("trips", _trips(lambda lines: [lines[0].replace("km", "distance"), *lines[1:]])),
        ("trips", _trips(lambda lines: lines[:1])),
        ("tariffs", file("tariffs.csv", lambda lines: lines[:4])),
        ("tariffs", file("tariffs.csv", lambda lines: [*lines, *lines[1:]])),
        ("tariffs", file("tariffs.csv", lambda lines: [lines[0], *(f"{line}0" for line in lines[1:])])),
    ],
    "data": [
        ("drivers", feed("drivers", lambda rows: rows[:60])),
        ("drivers", values("drivers", "team", lambda value, at: value if at % 2 else "green")),
        ("drivers", values("drivers", "driver", lambda value, at: value.upper())),
        ("drivers", feed("drivers", lambda rows: [*rows, *rows])),
        ("trips", _cells(3, lambda value, at: f"{float(value) * 0.4:.2f}")),
        ("trips", _cells(5, lambda value, at: value.replace("paid", "done"))),
        ("trips", _cells(2, lambda value, at: f"Z{value[1:]}")),
        ("trips", _cells(5, lambda value, at: "void" if value == "open" else value)),
    ],
}  # fmt: skip
"""By kind: the subject of the change, and the change."""

DISTRACTIONS: tuple[Change, ...] = (
    edit("group by team", "group by team -- of the drivers"),
    edit("def drivers():", "def drivers():\n    # all of them"),
    lambda world: world.libraries.update(otherlib='__version__ = "9.9"\n'),
)
