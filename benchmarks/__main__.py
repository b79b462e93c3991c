"""`python -m benchmarks [area …] [--quick] [--format table|json]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, report
from benchmarks.harness import measure
from odibi_core.testing import fresh_program

AREAS = (
    "log", "context", "redaction", "metrics", "bus", "breaker", "dag", "snapshot", "flights", "imports", "memory",
    "outside", "alerts", "history", "remote", "many_runs", "query", "serve",
    "questions", "executors", "spark", "tpch", "insight",
)  # fmt: skip
HOME = Path(__file__).resolve().parent


def run(area: str, *, quick: bool) -> report.Area:
    """Everything of one area; what it does meanwhile goes to standard error."""
    facts = machine.facts()
    works = []
    for work in importlib.import_module(f"benchmarks.{area}").works(quick):
        print(f"{area}: {work.name} …", end="", file=sys.stderr, flush=True)
        started = time.perf_counter()
        with fresh_program():  # a subscriber left behind would receive all runs of the next work
            works.append(report.as_data(work, measure(work, quick=quick)))
        print(f" {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    today = datetime.now(UTC).date().isoformat()
    return {"area": area, "measured_on": today, "machine": facts, "works": works}


def ours_missing(areas: list[report.Area]) -> list[str]:
    """Works in which our own side did not run: a broken benchmark, not a slow one."""
    return [
        f"{work['name']}: {who['not_run']}"
        for area in areas
        for work in area["works"]
        for who in work["contenders"]
        if who["kind"] == "ours" and who["not_run"]
    ]


def _area(name: str) -> str:
    """Return a valid area; `choices` of argparse would refuse the empty list, which means all areas."""
    if name not in AREAS:
        raise argparse.ArgumentTypeError(f"no area is called {name!r}; there are {', '.join(AREAS)}")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Return 0, or 1 if odibi-core could not run. A missed target is a figure in the table, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="odibi-core against its peers.")
    parser.add_argument("area", nargs="*", type=_area, help=f"of {', '.join(AREAS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one tiny round: shows that it works, writes nothing")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args(arguments)
    areas = [run(area, quick=given.quick) for area in given.area or AREAS]
    if not given.quick:
        report.write(areas, HOME / "results", HOME.parent / "docs" / "benchmarks.md")
    if given.format == "json":
        print(json.dumps(areas, indent=1, ensure_ascii=False))
    else:
        print("\n".join(report.area_as_markdown(area) for area in areas))
    missing = ours_missing(areas)
    for line in missing:
        print(f"odibi-core itself did not run: {line}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
