"""Causes of staged regressions: how often `odibi compare` names the one change that was made.

`python -m benchmarks.causes [--cases N]`. Each case is a pipeline of eight steps with eight daily runs whose files and
feeds vary as daily data does. In the ninth run one thing changes: the code of a step, a parameter, the version of a
package, an input file, or the data of a feed. In half of the cases other things change too that have no effect: the
code of a step that is cosmetic, a parameter of another step, the version of another package. Then the ninth run is
compared with the last good one, and the named cause with the staged one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

KINDS = ("code", "parameter", "version", "file", "data")
DAYS = 8

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
UNUSED = {"cleanlib": '__version__ = "1.4.1"\n', "scorelib": '__version__ = "3.0.2"\n'}
PARAMS: dict[str, Any] = {"folder": "data", "region": "north", "floor": 1.0, "minimum": 2}


@dataclass
class World:
    """The world of one run: its code, libraries, parameters, files and feeds."""

    chance: random.Random
    code: str = PIPELINE
    libraries: dict[str, str] = field(default_factory=lambda: {"cleanlib": CLEANLIB, "scorelib": SCORELIB})
    params: dict[str, Any] = field(default_factory=lambda: dict(PARAMS))
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


def _edit(old: str, new: str) -> Change:
    def change(world: World) -> None:
        if old not in world.code:
            raise ValueError(f"the pipeline has no {old!r}")
        world.code = world.code.replace(old, new)

    return change


def _library(name: str, version: str, old: str, new: str) -> Change:
    def change(world: World) -> None:
        text = world.libraries[name]
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        first = text.splitlines()[0]
        world.libraries[name] = text.replace(first, f'__version__ = "{version}"').replace(old, new)

    return change


def _param(**values: Any) -> Change:
    return lambda world: world.params.update(values)


def _file(name: str, edit: Callable[[list[str]], list[str] | None]) -> Change:
    def change(world: World) -> None:
        lines = edit(world.files[name].splitlines())
        if lines is None:
            del world.files[name]
        else:
            world.files[name] = "\n".join(lines) + "\n"

    return change


def _feed(name: str, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Change:
    def change(world: World) -> None:
        world.feeds[name] = edit(world.feeds[name])

    return change


def _rows(name: str, edit: Callable[[list[str], int], list[str]]) -> Change:
    """Change values inside of a file whose size stays usual: the data of a daily load."""
    return _file(
        name, lambda lines: [lines[0], *(",".join(edit(line.split(","), at)) for at, line in enumerate(lines[1:]))]
    )


def _with(row: Any, place: Any, value: Any) -> Any:
    changed = row.copy()
    changed[place] = value
    return changed


STAGED: dict[str, list[tuple[str, Change]]] = {
    "code": [
        ("valid", _edit('orders["amount"] > floor', 'orders["amount"] > 10 * floor')),
        ("valid", _edit("cleanlib.normalized(kept)", 'cleanlib.normalized(kept).drop(columns="status")')),
        ("valid", _edit("cleanlib.normalized(kept)", 'cleanlib.normalized(kept).rename(columns={"status": "state"})')),
        ("joined", _edit('how="left"', 'how="inner").query("age > 40"')),
        ("joined", _edit("valid.merge(scored", "valid.merge(scored.head(300)")),
        ("scored", _edit('.drop_duplicates("customer")', '.drop_duplicates("segment")')),
        ("scored", _edit('score=scorelib.score(customers["age"])', 'score=scorelib.score(customers["age"]) * 100')),
        ("value", _edit('whole["amount"] * whole["rate"]', 'whole["amount"] * whole["rate"] * 100')),
        ("value", _edit('joined.merge(rates, on="currency")', 'pd.concat([joined, joined]).merge(rates, on="currency")')),
        ("value", _edit("whole.assign(euro=", "whole.assign(euros=")),
        ("summary", _edit("group by segment", "group by segment, customer")),
        ("summary", _edit("sum(euro) as euro", "sum(euro) / 1000 as euro")),
        ("reserves", _edit('pl.col("amount") * 0.1', 'pl.col("amount") * 0.9')),
        ("reserves", _edit('pl.col("amount") >= 1', 'pl.col("amount") >= 250')),
        ("orders", _edit('pd.read_csv(f"{folder}/orders_{region}.csv")', 'pd.read_csv(f"{folder}/orders_{region}.csv", dtype=str)')),
        ("orders", _edit('pd.read_csv(f"{folder}/orders_{region}.csv")', 'pd.read_csv(f"{folder}/orders_{region}.csv").head(500)')),
        ("customers", _edit('pd.DataFrame(read_feed("customers"))', 'pd.DataFrame(read_feed("customers")).drop(columns="segment")')),
        ("stock", _edit('pl.read_csv("data/stock.csv")', 'pl.read_csv("data/stock.csv").head(0)')),
        ("reserves", _edit("    stock = stock.with", "    time.sleep(0.4)\n    stock = stock.with")),
        ("scored", _edit("    customers = customers.assign", '    raise ValueError("broken")\n    customers = customers.assign')),
    ],
    "parameter": [
        ("floor", _param(floor=30.0)), ("floor", _param(floor=15.0)), ("floor", _param(floor=1_000_000.0)),
        ("floor", _param(floor="much")), ("minimum", _param(minimum=60)), ("minimum", _param(minimum=10_000)),
        ("minimum", _param(minimum=40)), ("region", _param(region="south")), ("region", _param(region="west")),
        ("folder", _param(folder="nowhere")), ("floor", _param(floor=25.0)), ("floor", _param(floor=12.0)),
        ("minimum", _param(minimum=35)), ("floor", _param(floor=20.0)), ("region", _param(region="East")),
        ("folder", _param(folder="dat")), ("floor", _param(floor=40.0)), ("minimum", _param(minimum=50)),
        ("floor", _param(floor=None)), ("minimum", _param(minimum=100)),
    ],
    "version": [
        ("cleanlib", _library("cleanlib", "2.0.0", ".lower()", ".upper()")),
        ("cleanlib", _library("cleanlib", "2.0.0", "return frame.assign", "return frame[frame['amount'] > 15].assign")),
        ("cleanlib", _library("cleanlib", "1.5.0", 'status=frame["status"].str.lower()', 'amount=frame["amount"].astype(str)')),
        ("cleanlib", _library("cleanlib", "1.4.9", "return frame.assign", "frame = frame.dropna().head(900)\n    return frame.assign")),
        ("cleanlib", _library("cleanlib", "2.1.0", "def normalized", "def normalised")),
        ("cleanlib", _library("cleanlib", "2.1.0", "return frame.assign", "import time; time.sleep(0.4)\n    return frame.assign")),
        ("cleanlib", _library("cleanlib", "3.0.0", "status=", "state=")),
        ("cleanlib", _library("cleanlib", "3.0.0", '["status"].str.lower()', '["status"].astype("category")')),
        ("cleanlib", _library("cleanlib", "3.1.0", "return frame.assign", "frame = frame.rename(columns={'currency': 'unit'})\n    return frame.assign")),
        ("cleanlib", _library("cleanlib", "3.2.0", 'frame["status"].str.lower()', 'None')),
        ("scorelib", _library("scorelib", "4.0.0", "ages / 10", "ages * 10")),
        ("scorelib", _library("scorelib", "4.0.0", ".round(1)", ".astype(str)")),
        ("scorelib", _library("scorelib", "4.0.0", "(ages / 10)", "(ages.where(ages > 50) / 10)")),
        ("scorelib", _library("scorelib", "4.1.0", "(ages / 10)", "(ages * 0)")),
        ("scorelib", _library("scorelib", "4.1.0", "def score(", "def scores(")),
        ("scorelib", _library("scorelib", "4.1.0", "return", "import time; time.sleep(0.4)\n    return")),
        ("scorelib", _library("scorelib", "5.0.0", "(ages / 10)", "(ages - 50)")),
        ("scorelib", _library("scorelib", "5.0.0", "return", "raise RuntimeError('no licence')\n    return")),
        ("scorelib", _library("scorelib", "5.1.0", "(ages / 10)", "(ages / 7)")),
        ("scorelib", _library("scorelib", "5.2.0", "(ages / 10).round(1)", "ages > 50")),
    ],
    "file": [
        ("orders", _file("orders_north.csv", lambda lines: lines[: len(lines) // 2])),
        ("orders", _file("orders_north.csv", lambda lines: lines[:40])),
        ("orders", _file("orders_north.csv", lambda lines: None)),
        ("orders", _file("orders_north.csv", lambda lines: lines[:1])),
        ("orders", _file("orders_north.csv", lambda lines: [*lines, *lines[1:]])),
        ("orders", _file("orders_north.csv", lambda lines: [lines[0].replace("amount", "total"), *lines[1:]])),
        ("orders", _file("orders_north.csv", lambda lines: [lines[0].replace("status", "state"), *lines[1:]])),
        ("orders", _file("orders_north.csv", lambda lines: [line.replace(",", ";") for line in lines])),
        ("orders", _file("orders_north.csv", lambda lines: [f"{line},{'extra' if at else 'note'}" for at, line in enumerate(lines)])),
        ("orders", _file("orders_north.csv", lambda lines: [line.rpartition(",")[0] for line in lines])),
        ("orders", _file("orders_north.csv", lambda lines: ["<html>error</html>"])),
        ("orders", _file("orders_north.csv", lambda lines: [])),
        ("stock", _file("stock.csv", lambda lines: lines[: len(lines) // 3])),
        ("stock", _file("stock.csv", lambda lines: None)),
        ("stock", _file("stock.csv", lambda lines: [lines[0].replace("amount", "pieces"), *lines[1:]])),
        ("stock", _file("stock.csv", lambda lines: [*lines, *lines[1:], *lines[1:]])),
        ("stock", _file("stock.csv", lambda lines: [lines[0].upper(), *lines[1:]])),
        ("stock", _file("stock.csv", lambda lines: [f"{line},{'1' if at else 'more'}" for at, line in enumerate(lines)])),
        ("stock", _file("stock.csv", lambda lines: lines[:1])),
        ("stock", _file("stock.csv", lambda lines: [lines[0], *(f"{line}-old" for line in lines[1:])])),
    ],
    "data": [
        ("customers", _feed("customers", lambda rows: rows[:300])),
        ("customers", _feed("customers", lambda rows: [*rows, *rows])),
        ("customers", _feed("customers", lambda rows: [_with(row, "segment", None if at % 3 else row["segment"]) for at, row in enumerate(rows)])),
        ("customers", _feed("customers", lambda rows: [_with(row, "segment", "d" if at % 5 == 0 else row["segment"]) for at, row in enumerate(rows)])),
        ("customers", _feed("customers", lambda rows: [_with(row, "segment", "a" if row["segment"] == "b" else row["segment"]) for row in rows])),
        ("customers", _feed("customers", lambda rows: [_with(row, "age", row["age"] * 100) for row in rows])),
        ("customers", _feed("customers", lambda rows: [_with(row, "age", str(row["age"])) for row in rows])),
        ("customers", _feed("customers", lambda rows: [_with(row, "customer", row["customer"] + 600) for row in rows])),
        ("customers", _feed("customers", lambda rows: [{k: v for k, v in row.items() if k != "segment"} for row in rows])),
        ("customers", _feed("customers", lambda rows: [_with(row, "age", None if at % 2 else row["age"]) for at, row in enumerate(rows)])),
        ("rates", _feed("rates", lambda rows: rows[:2])),
        ("rates", _feed("rates", lambda rows: [_with(row, "rate", row["rate"] * 100) for row in rows])),
        ("rates", _feed("rates", lambda rows: [*rows, *rows])),
        ("rates", _feed("rates", lambda rows: [_with(row, "currency", row["currency"].lower()) for row in rows])),
        ("orders", _rows("orders_north.csv", lambda row, at: _with(row, 2, f"{float(row[2]) * 0.45:.2f}"))),
        ("orders", _rows("orders_north.csv", lambda row, at: _with(row, 4, "Lost" if at % 6 == 0 else row[4]))),
        ("orders", _rows("orders_north.csv", lambda row, at: _with(row, 3, "EUR"))),
        ("orders", _rows("orders_north.csv", lambda row, at: _with(row, 4, "" if at % 10 == 0 else row[4]))),
        ("stock", _rows("stock.csv", lambda row, at: _with(row, 1, f"1{row[1][1:]}"))),
        ("stock", _rows("stock.csv", lambda row, at: _with(row, 2, "s1"))),
    ],
}  # fmt: skip
"""By kind: the subject of the change (step, parameter, package), and the change."""

DISTRACTIONS: tuple[Change, ...] = (
    _edit("def rates():", "def rates():\n    # daily"),
    _edit("group by segment", "group by segment -- and not by customer"),
    lambda world: world.params.update(label="new"),
    lambda world: world.libraries.update(otherlib='__version__ = "9.9"\n'),
)


@dataclass(frozen=True)
class Verdict:
    """The staged and the named cause of a case."""

    number: int
    kind: str
    subject: str
    named: str | None
    named_subject: str | None
    difference: str | None

    @property
    def is_right(self) -> bool:
        """Return whether the kind is right, and the subject too."""
        same = self.named_subject == self.subject or self.kind in ("code", "file", "data")
        return self.named == self.kind and same


def cases(count: int) -> Iterator[tuple[int, str, str, Change]]:
    """Yield so many cases, of all kinds in turn."""
    listed = [(kind, *STAGED[kind][at]) for at in range(20) for kind in KINDS]
    for number, (kind, subject, change) in enumerate(listed[:count]):
        yield number, kind, subject, change


def run_case(number: int, kind: str, subject: str, change: Change, folder: Path) -> Verdict:
    """Run eight usual days and the changed one, and compare that with the last good run."""
    from odibi_core.history.comparison import compare_runs

    world = World(random.Random(number))
    world.libraries["otherlib"] = '__version__ = "9.8"\n'
    world.params["label"] = "old"
    for _ in range(DAYS):
        world.a_day()
        _run(world, folder)
    world.a_day()
    change(world)
    if number % 2:
        for each in DISTRACTIONS:
            each(world)
    _run(world, folder)
    found = compare_runs(folder / ".odibi", other=None)
    named = (None, None) if found.cause is None else (found.cause.kind, found.cause.subject)
    first = found.notable[0].message if found.notable else None
    return Verdict(number, kind, subject, *named, first)


def _run(world: World, folder: Path) -> None:
    import os

    from odibi_core import Orchestrator

    data = folder / "data"
    data.mkdir(exist_ok=True)
    for old in data.iterdir():
        old.unlink()
    for name, text in world.files.items():
        (data / name).write_text(text)
    for name, text in {**world.libraries, "feed": FEED}.items():
        module = ModuleType(name)
        vars(module)["DATA"] = world.feeds
        exec(compile(text, f"<{name}>", "exec"), vars(module))  # noqa: S102 (the libraries of the case)
        sys.modules[name] = module
    file = folder / "pipeline.py"
    file.write_text(world.code + ("import otherlib\n" if "otherlib" in world.libraries else ""))
    import linecache

    linecache.checkcache(str(file))
    module = ModuleType("staged_pipeline")
    module.__file__ = str(file)
    sys.modules["staged_pipeline"] = module
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(file.read_text(), str(file), "exec"), vars(module))  # noqa: S102 (the pipeline of the case)
        Orchestrator(
            module.steps, pipeline_name="shop", params=world.params, store=folder / ".odibi", raise_on_error=False,
            snapshot_level="stats",
        ).execute()  # fmt: skip
    finally:
        os.chdir(before)


def measure(count: int) -> list[Verdict]:
    """Return the verdicts of so many cases."""
    found = []
    for number, kind, subject, change in cases(count):
        with TemporaryDirectory() as folder:
            found.append(run_case(number, kind, subject, change, Path(folder)))
    return found


def table(verdicts: list[Verdict]) -> str:
    """Return the rate of each kind as a table of Markdown, then the cases that were named wrong."""
    total, right = Counter(each.kind for each in verdicts), Counter(each.kind for each in verdicts if each.is_right)
    lines = ["| cause | cases | named | rate |", "|---|--:|--:|--:|"]
    lines += [
        f"| {kind} | {total[kind]} | {right[kind]} | {right[kind] / total[kind]:.0%} |" for kind in KINDS if total[kind]
    ]
    whole = sum(right.values())
    lines.append(f"| all | {len(verdicts)} | {whole} | {whole / len(verdicts):.0%} |")
    wrong = [each for each in verdicts if not each.is_right]
    lines += [
        "",
        *(f"- case {e.number}: {e.kind} {e.subject}, named {e.named} {e.named_subject}: {e.difference}" for e in wrong),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Print the table; return 1 if fewer than 90 % of the causes are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causes", description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="number of staged regressions, at most 100")
    verdicts = measure(parser.parse_args().cases)
    print(table(verdicts))
    return 0 if sum(each.is_right for each in verdicts) >= 0.9 * len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
