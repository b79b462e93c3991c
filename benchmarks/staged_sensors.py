"""Forty further regressions, of another pipeline: they were written after the rules and used for none of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from benchmarks.staged_causes import Change, World, cells, edit, feed, file, library, param, values

PIPELINE = '''
import polars as pl
import unitlib
from feed import read_feed
from gapslib import filled
from odibi_core import Step
from odibi_core.checks import between, unique

def sites():
    return pl.DataFrame(read_feed("sites"))

def limits():
    return pl.DataFrame(read_feed("limits"))

def readings(day_folder):
    return pl.concat([pl.read_csv(f"{day_folder}/{part}.csv") for part in ("morning", "evening")])

def log():
    return pl.read_ndjson("data/log.jsonl")

def celsius(readings):
    return readings.with_columns(temp=unitlib.to_celsius(readings["temp"]))

def complete(celsius, longest):
    return filled(celsius).filter(pl.col("gap") <= longest)

def located(complete, sites):
    return complete.join(sites, on="site", how="inner")

def judged(located, limits, tolerance):
    wide = located.join(limits, on="kind", how="left")
    return wide.with_columns(high=pl.col("temp") > pl.col("limit") + tolerance)

def faults(log):
    return log.filter(pl.col("level") == "error").unique(subset=["site", "code"], keep="first", maintain_order=True)

DAILY = """
select region, kind, count(*) as n, avg(temp) as temp, sum(high::int) as high
from judged join faults using (site) where temp < $hottest group by all
"""

steps = [
    sites, limits, readings, log, celsius, complete, located,
    Step(name="judged", value=judged, inputs=["located", "limits"], checks=(between("temp", -60, 80),)),
    faults,
    Step(name="daily", type="sql", value=DAILY, inputs=["judged", "faults"]),
]
'''
UNITLIB = '__version__ = "0.9.1"\ndef to_celsius(values):\n    return (values - 32) / 1.8\n'
GAPSLIB = """__version__ = "1.2.0"
import polars as pl
def filled(frame):
    return frame.with_columns(pl.col("gap").fill_null(0))
"""


@dataclass
class SensorWorld(World):
    """The world of the sensors: readings of a day in two files, a log, two feeds."""

    code: str = PIPELINE
    libraries: dict[str, str] = field(default_factory=lambda: {"unitlib": UNITLIB, "gapslib": GAPSLIB})
    params: dict[str, Any] = field(
        default_factory=lambda: {"day_folder": "data", "longest": 9, "tolerance": 0.5, "hottest": 60}
    )

    def a_day(self) -> None:
        """Make the files and feeds of a day."""
        for part, base in (("morning", 58), ("evening", 66)):
            rows = (_reading(self.chance, base) for _ in range(self.chance.randint(1_180, 1_220)))
            self.files[f"{part}.csv"] = "\n".join(["site,kind,temp,gap", *rows]) + "\n"
        self.files["log.jsonl"] = "".join(_entry(self.chance) for _ in range(self.chance.randint(580, 620)))
        regions = ("north", "south", "east")
        self.feeds = {
            "sites": [{"site": f"s{n:02d}", "region": regions[n % 3], "height": 10 * n} for n in range(60)],
            "limits": [{"kind": "air", "limit": 18.0 + self.chance.random()}, {"kind": "soil", "limit": 15.0}],
        }


def _reading(chance: random.Random, base: int) -> str:
    gap = chance.choice(["", "0", "1", "2", "5", "12"])
    return f"s{chance.randrange(60):02d},{chance.choice(['air', 'air', 'soil'])},{chance.gauss(base, 6):.1f},{gap}"


def _entry(chance: random.Random) -> str:
    level = chance.choice(["info", "info", "error"])
    return f'{{"site": "s{chance.randrange(60):02d}", "level": "{level}", "code": {chance.randrange(5)}}}\n'


HELD_OUT: dict[str, list[tuple[str, Change]]] = {
    "code": [
        ("celsius", edit("unitlib.to_celsius(readings[", "unitlib.to_celsius(-readings[")),
        ("complete", edit('pl.col("gap") <= longest', 'pl.col("gap") < longest - 6')),
        ("located", edit('on="site", how="inner"', 'on="site", how="anti"')),
        ("judged", edit('> pl.col("limit") + tolerance', '> pl.col("limit") - 20 * tolerance')),
        ("faults", edit('subset=["site", "code"]', 'subset=["site"]')),
        ("daily", edit("avg(temp) as temp", "max(temp) as temp")),
        ("readings", edit('("morning", "evening")', '("morning",)')),
        ("judged", edit("wide = located.join", "wide = located.missing.join")),
    ],
    "parameter": [
        ("longest", param(longest=1)), ("longest", param(longest=-1)), ("tolerance", param(tolerance=30.0)),
        ("hottest", param(hottest=14)), ("hottest", param(hottest=-90)), ("day_folder", param(day_folder="nowhere")),
        ("tolerance", param(tolerance="half")), ("longest", param(longest=30)),
    ],
    "version": [
        ("unitlib", library("unitlib", "1.0.0", "(values - 32) / 1.8", "values")),
        ("unitlib", library("unitlib", "1.0.1", "/ 1.8", "/ 1.8 + 273.15")),
        ("unitlib", library("unitlib", "2.0.0", "def to_celsius", "def celsius")),
        ("unitlib", library("unitlib", "0.9.2", "/ 1.8", "// 1.8")),
        ("gapslib", library("gapslib", "2.0.0", "fill_null(0)", "fill_null(99)")),
        ("gapslib", library("gapslib", "1.3.0", "frame.with_columns", "frame.drop_nulls().with_columns")),
        ("gapslib", library("gapslib", "1.3.1", "frame.with_columns", "frame.rename({'kind': 'sort'}).with_columns")),
        ("gapslib", library("gapslib", "1.4.0", "fill_null(0)", "fill_null(0).cast(pl.Float64)")),
    ],
    "file": [
        ("readings", file("evening.csv", lambda lines: lines[:200])),
        ("readings", file("morning.csv", lambda lines: None)),
        ("readings", file("evening.csv", lambda lines: [*lines, *lines[1:]])),
        ("readings", file("morning.csv", lambda lines: [lines[0].replace("temp", "temperature"), *lines[1:]])),
        ("log", file("log.jsonl", lambda lines: lines[:60])),
        ("log", file("log.jsonl", lambda lines: [line.replace('"code"', '"fault"') for line in lines])),
        ("log", file("log.jsonl", lambda lines: [*lines[:9], '{"site": '])),
        ("readings", file("morning.csv", lambda lines: [f"{line},x" for line in lines])),
    ],
    "data": [
        ("sites", feed("sites", lambda rows: rows[:20])),
        ("sites", values("sites", "region", lambda value, at: "west" if value == "north" else value)),
        ("limits", values("limits", "limit", lambda value, at: value * 10)),
        ("limits", feed("limits", lambda rows: rows[:1])),
        ("readings", cells("evening.csv", 1, lambda value, at: "air")),
        ("readings", cells("morning.csv", 2, lambda value, at: f"{float(value) - 32:04.1f}")),
        ("readings", cells("evening.csv", 0, lambda value, at: f"t{value[1:]}")),
        ("log", file("log.jsonl", lambda lines: [line.replace('"info"', '"fine"') for line in lines])),
    ],
}  # fmt: skip
"""By kind: the subject of the change, and the change."""

DISTRACTIONS: tuple[Change, ...] = (
    edit("group by all", "group by all -- of each region"),
    edit("def limits():", "def limits():\n    # from the office"),
    lambda world: world.libraries.update(otherlib='__version__ = "9.9"\n'),
)
