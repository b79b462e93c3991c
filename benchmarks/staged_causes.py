"""The staged regressions of `benchmarks.causes`: a pipeline, its daily data, and a hundred changes of five kinds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PIPELINE = '''
import time
import pandas as pd
import polars as pl
import cleanlib
import scorelib
from feed import read_feed
from odibi_core import Step
from odibi_core.checks import not_null, row_count

def customers():
    return pd.DataFrame(read_feed("customers"))

def rates():
    return pd.DataFrame(read_feed("rates"))

def orders(folder, region):
    return pd.read_csv(f"{folder}/orders_{region}.csv")

def stock():
    return pl.read_csv("data/stock.csv")

def valid(orders, floor):
    kept = orders[orders["amount"] > floor]
    return cleanlib.normalized(kept)

def scored(customers):
    customers = customers.assign(score=scorelib.score(customers["age"]))
    return customers.drop_duplicates("customer")

def joined(valid, scored):
    return valid.merge(scored, on="customer", how="left")

def reserves(stock, label):
    stock = stock.with_columns(reserve=pl.col("amount") * 0.1)
    return stock.filter(pl.col("amount") >= 1)

def value(joined, rates):
    whole = joined.merge(rates, on="currency")
    return whole.assign(euro=whole["amount"] * whole["rate"])

SUMMARY = """
select segment, count(*) as orders, sum(euro) as euro from value where euro >= $minimum group by segment
"""

steps = [
    customers, rates, orders, stock, scored, reserves,
    Step(name="valid", value=valid, inputs=["orders"], checks=(row_count(1), not_null("customer"))),
    joined, value,
    Step(name="summary", type="sql", value=SUMMARY, inputs=["value"]),
]
'''
FEED = "def read_feed(name):\n    return DATA[name]\n"
CLEANLIB = (
    '__version__ = "1.4.0"\ndef normalized(frame):\n    return frame.assign(status=frame["status"].str.lower())\n'
)
SCORELIB = '__version__ = "3.0.1"\ndef score(ages):\n    return (ages / 10).round(1)\n'
PARAMS: dict[str, Any] = {"folder": "data", "region": "north", "floor": 1.0, "minimum": 2}


@dataclass
class World:
    """The world of one run: its code, libraries, parameters, files and feeds."""

    chance: random.Random
    code: str = PIPELINE
    engine: str = "pandas"
    libraries: dict[str, str] = field(default_factory=lambda: {"cleanlib": CLEANLIB, "scorelib": SCORELIB})
    params: dict[str, Any] = field(default_factory=lambda: {**PARAMS, "label": "old"})
    files: dict[str, str] = field(default_factory=dict)
    feeds: dict[str, Any] = field(default_factory=dict)

    def a_day(self) -> None:
        """Make the files and feeds of a day: other rows, about as many, of the same kind."""
        for region, size in (("north", 2_000), ("south", 600)):
            self.files[f"orders_{region}.csv"] = _orders(self.chance, int(size * self.chance.uniform(0.98, 1.02)))
        stock = (
            f"{each},{self.chance.randint(1, 500)},s{each % 7}" for each in range(800 + self.chance.randint(-8, 8))
        )
        self.files["stock.csv"] = "\n".join(["item,amount,shelf", *stock]) + "\n"
        self.feeds = {"customers": _customers(self.chance), "rates": _rates(self.chance)}


def _orders(chance: random.Random, rows: int) -> str:
    lines = ["order,customer,amount,currency,status"]
    for number in range(rows):
        amount, currency = chance.lognormvariate(3, 0.5), chance.choice(["EUR", "EUR", "USD", "CHF"])
        status = chance.choice(["Paid", "Paid", "Open", "Sent"])
        lines.append(f"{number},{chance.randint(1, 900)},{amount:.2f},{currency},{status}")
    return "\n".join(lines) + "\n"


def _customers(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {"customer": number, "age": chance.randint(18, 80), "segment": chance.choice(["a", "b", "c"])}
        for number in range(1, 901)
    ]


def _rates(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {"currency": name, "rate": rate * chance.uniform(0.995, 1.005)}
        for name, rate in (("EUR", 1), ("USD", 0.9), ("CHF", 1.05))
    ]


Change = Callable[[World], None]


def edit(old: str, new: str) -> Change:
    def change(world: World) -> None:
        if old not in world.code:
            raise ValueError(f"the pipeline has no {old!r}")
        world.code = world.code.replace(old, new)

    return change


def library(name: str, version: str, old: str, new: str) -> Change:
    def change(world: World) -> None:
        text = world.libraries[name]
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        first = text.splitlines()[0]
        world.libraries[name] = text.replace(first, f'__version__ = "{version}"').replace(old, new)

    return change


def param(**values: Any) -> Change:
    return lambda world: world.params.update(values)


def file(name: str, edit: Callable[[list[str]], list[str] | None]) -> Change:
    def change(world: World) -> None:
        lines = edit(world.files[name].splitlines())
        if lines is None:
            del world.files[name]
        else:
            world.files[name] = "\n".join(lines) + "\n"

    return change


def feed(name: str, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Change:
    def change(world: World) -> None:
        world.feeds[name] = edit(world.feeds[name])

    return change


def cells(name: str, place: int, edit: Callable[[str, int], str]) -> Change:
    """Change a column of a file whose size stays usual: the data of a daily load."""

    def change(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines]
        for at, row in enumerate(rows[1:]):
            row[place] = edit(row[place], at)
        return [",".join(row) for row in rows]

    return file(name, change)


def values(name: str, field: str, edit: Callable[[Any, int], Any]) -> Change:
    """Change a field of a feed."""
    return feed(name, lambda rows: [{**row, field: edit(row[field], at)} for at, row in enumerate(rows)])


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in row.items() if field != name}


_READ = 'pd.read_csv(f"{folder}/orders_{region}.csv")'
_LIKED = "return frame.assign"
_NORTH = "orders_north.csv"

STAGED: dict[str, list[tuple[str, Change]]] = {
    "code": [
        ("valid", edit('orders["amount"] > floor', 'orders["amount"] > 10 * floor')),
        ("valid", edit("cleanlib.normalized(kept)", 'cleanlib.normalized(kept).drop(columns="status")')),
        ("valid", edit("cleanlib.normalized(kept)", 'cleanlib.normalized(kept).rename(columns={"status": "state"})')),
        ("joined", edit('how="left"', 'how="inner").query("age > 40"')),
        ("joined", edit("valid.merge(scored", "valid.merge(scored.head(300)")),
        ("scored", edit('.drop_duplicates("customer")', '.drop_duplicates("segment")')),
        ("scored", edit('score=scorelib.score(customers["age"])', 'score=scorelib.score(customers["age"]) * 100')),
        ("value", edit('whole["amount"] * whole["rate"]', 'whole["amount"] * whole["rate"] * 100')),
        ("value", edit("joined.merge(", "pd.concat([joined, joined]).merge(")),
        ("value", edit("whole.assign(euro=", "whole.assign(euros=")),
        ("summary", edit("group by segment", "group by segment, customer")),
        ("summary", edit("sum(euro) as euro", "sum(euro) / 1000 as euro")),
        ("reserves", edit('pl.col("amount") * 0.1', 'pl.col("amount") * 0.9')),
        ("reserves", edit('pl.col("amount") >= 1', 'pl.col("amount") >= 250')),
        ("orders", edit(_READ, f"{_READ[:-1]}, dtype=str)")),
        ("orders", edit(_READ, f"{_READ}.head(500)")),
        ("customers", edit('read_feed("customers"))', 'read_feed("customers")).drop(columns="segment")')),
        ("stock", edit('pl.read_csv("data/stock.csv")', 'pl.read_csv("data/stock.csv").head(0)')),
        ("reserves", edit("    stock = stock.with", "    time.sleep(0.4)\n    stock = stock.with")),
        ("scored", edit("    customers = customers", "    raise ValueError(1)\n    customers = customers")),
    ],
    "parameter": [
        ("floor", param(floor=30.0)), ("floor", param(floor=15.0)), ("floor", param(floor=1_000_000.0)),
        ("floor", param(floor="much")), ("minimum", param(minimum=60)), ("minimum", param(minimum=10_000)),
        ("minimum", param(minimum=40)), ("region", param(region="south")), ("region", param(region="west")),
        ("folder", param(folder="nowhere")), ("floor", param(floor=25.0)), ("floor", param(floor=12.0)),
        ("minimum", param(minimum=35)), ("floor", param(floor=20.0)), ("region", param(region="East")),
        ("folder", param(folder="dat")), ("floor", param(floor=40.0)), ("minimum", param(minimum=50)),
        ("floor", param(floor=None)), ("minimum", param(minimum=100)),
    ],
    "version": [
        ("cleanlib", library("cleanlib", "2.0.0", ".lower()", ".upper()")),
        ("cleanlib", library("cleanlib", "2.0.0", _LIKED, "return frame[frame['amount'] > 15].assign")),
        ("cleanlib", library("cleanlib", "1.5.0", "status=frame", 'amount=frame["amount"].astype(str), status=frame')),
        ("cleanlib", library("cleanlib", "1.4.9", _LIKED, "return frame.dropna().head(900).assign")),
        ("cleanlib", library("cleanlib", "2.1.0", "def normalized", "def normalised")),
        ("cleanlib", library("cleanlib", "2.1.0", _LIKED, "import time; time.sleep(0.4)\n    return frame.assign")),
        ("cleanlib", library("cleanlib", "3.0.0", "status=", "state=")),
        ("cleanlib", library("cleanlib", "3.0.0", '["status"].str.lower()', '["status"].astype("category")')),
        ("cleanlib", library("cleanlib", "3.1.0", _LIKED, "return frame.rename(columns={'currency': 'unit'}).assign")),
        ("cleanlib", library("cleanlib", "3.2.0", 'frame["status"].str.lower()', 'None')),
        ("scorelib", library("scorelib", "4.0.0", "ages / 10", "ages * 10")),
        ("scorelib", library("scorelib", "4.0.0", ".round(1)", ".astype(str)")),
        ("scorelib", library("scorelib", "4.0.0", "(ages / 10)", "(ages.where(ages > 50) / 10)")),
        ("scorelib", library("scorelib", "4.1.0", "(ages / 10)", "(ages * 0)")),
        ("scorelib", library("scorelib", "4.1.0", "def score(", "def scores(")),
        ("scorelib", library("scorelib", "4.1.0", "return", "import time; time.sleep(0.4)\n    return")),
        ("scorelib", library("scorelib", "5.0.0", "(ages / 10)", "(ages - 50)")),
        ("scorelib", library("scorelib", "5.0.0", "return", "raise RuntimeError('no licence')\n    return")),
        ("scorelib", library("scorelib", "5.1.0", "(ages / 10)", "(ages / 7)")),
        ("scorelib", library("scorelib", "5.2.0", "(ages / 10).round(1)", "ages > 50")),
    ],
    "file": [
        ("orders", file(_NORTH, lambda lines: lines[: len(lines) // 2])),
        ("orders", file(_NORTH, lambda lines: lines[:40])),
        ("orders", file(_NORTH, lambda lines: None)),
        ("orders", file(_NORTH, lambda lines: lines[:1])),
        ("orders", file(_NORTH, lambda lines: [*lines, *lines[1:]])),
        ("orders", file(_NORTH, lambda lines: [lines[0].replace("amount", "total"), *lines[1:]])),
        ("orders", file(_NORTH, lambda lines: [lines[0].replace("status", "state"), *lines[1:]])),
        ("orders", file(_NORTH, lambda lines: [line.replace(",", ";") for line in lines])),
        ("orders", file(_NORTH, lambda lines: [f"{lines[0]},note", *(f"{line},extra" for line in lines[1:])])),
        ("orders", file(_NORTH, lambda lines: [line.rpartition(",")[0] for line in lines])),
        ("orders", file(_NORTH, lambda lines: ["<html>error</html>"])),
        ("orders", file(_NORTH, lambda lines: [])),
        ("stock", file("stock.csv", lambda lines: lines[: len(lines) // 3])),
        ("stock", file("stock.csv", lambda lines: None)),
        ("stock", file("stock.csv", lambda lines: [lines[0].replace("amount", "pieces"), *lines[1:]])),
        ("stock", file("stock.csv", lambda lines: [*lines, *lines[1:], *lines[1:]])),
        ("stock", file("stock.csv", lambda lines: [lines[0].upper(), *lines[1:]])),
        ("stock", file("stock.csv", lambda lines: [f"{lines[0]},more", *(f"{line},1" for line in lines[1:])])),
        ("stock", file("stock.csv", lambda lines: lines[:1])),
        ("stock", file("stock.csv", lambda lines: [lines[0], *(f"{line}-old" for line in lines[1:])])),
    ],
    "data": [
        ("customers", feed("customers", lambda rows: rows[:300])),
        ("customers", feed("customers", lambda rows: [*rows, *rows])),
        ("customers", values("customers", "segment", lambda value, at: None if at % 3 else value)),
        ("customers", values("customers", "segment", lambda value, at: value if at % 5 else "d")),
        ("customers", values("customers", "segment", lambda value, at: value.replace("b", "a"))),
        ("customers", values("customers", "age", lambda value, at: value * 100)),
        ("customers", values("customers", "age", lambda value, at: str(value))),
        ("customers", values("customers", "customer", lambda value, at: value + 600)),
        ("customers", feed("customers", lambda rows: [_without(row, "segment") for row in rows])),
        ("customers", values("customers", "age", lambda value, at: None if at % 2 else value)),
        ("rates", feed("rates", lambda rows: rows[:2])),
        ("rates", values("rates", "rate", lambda value, at: value * 100)),
        ("rates", feed("rates", lambda rows: [*rows, *rows])),
        ("rates", values("rates", "currency", lambda value, at: value.lower())),
        ("orders", cells("orders_north.csv", 2, lambda value, at: f"{float(value) * 0.45:.2f}")),
        ("orders", cells("orders_north.csv", 4, lambda value, at: value if at % 6 else "Lost")),
        ("orders", cells("orders_north.csv", 3, lambda value, at: "EUR")),
        ("orders", cells("orders_north.csv", 4, lambda value, at: value if at % 10 else "")),
        ("stock", cells("stock.csv", 1, lambda value, at: f"1{value[1:]}")),
        ("stock", cells("stock.csv", 2, lambda value, at: "s1")),
    ],
}  # fmt: skip
"""By kind: the subject of the change (step, parameter, package), and the change."""

DISTRACTIONS: tuple[Change, ...] = (
    edit("def rates():", "def rates():\n    # daily"),
    edit("group by segment", "group by segment -- and not by customer"),
    lambda world: world.params.update(label="new"),
    lambda world: world.libraries.update(otherlib='__version__ = "9.9"\n'),
)
