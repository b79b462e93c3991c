"""`python -m benchmarks.noticing`: the quality of noticing, into `benchmarks/results/` and `docs/noticing.md`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.noticing import cost, report
from benchmarks.noticing.evaluate import Outcome, evaluate
from benchmarks.noticing.histories import everything
from benchmarks.noticing.staged import kept, stage

HOME = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def _one(place: int) -> Outcome:
    return evaluate(stage(next(each for number, each in enumerate(everything()) if number == place)))


def _part(part: int, parts: int, folder: Path | None) -> list[Outcome]:
    """Return the outcomes of a part of the histories; only its number goes to the other process."""
    mine = ((number, each) for number, each in enumerate(everything()) if number % parts == part)
    return [evaluate(kept(each, number, folder)) for number, each in mine]


def main(arguments: list[str] | None = None) -> int:
    """Return 0; a missed goal is a figure in the table, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noticing", description="The quality of noticing.")
    parser.add_argument("--quick", action="store_true", help="one history: shows that it works, writes nothing")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument(
        "--staged",
        type=Path,
        metavar="FOLDER",
        help="keep the figures of the histories here, and use those that it has",
    )
    given = parser.parse_args(arguments)
    if given.quick:
        print(_one(3))
        return 0
    started = time.perf_counter()
    with ProcessPoolExecutor(given.processes) as pool:
        parts = [pool.submit(_part, part, given.processes, given.staged) for part in range(given.processes)]
        outcomes = [outcome for part in parts for outcome in part.result()]
    data = report.as_data(outcomes) | {"cost": cost.measure()}
    tables = report.as_markdown(data)
    today = datetime.now(UTC).date().isoformat()
    facts = {"measured_on": today, "machine": machine.facts(), "seconds": round(time.perf_counter() - started)}
    results = HOME / "results"
    (results / "noticing.json").write_text(
        json.dumps(facts | data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (results / "noticing.md").write_text(f"# Quality of noticing\n\n{tables}", encoding="utf-8")
    page = HOME.parent / "docs" / "noticing.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{tables}{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(tables)
    print(f"{facts['seconds']} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
