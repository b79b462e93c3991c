"""The flights pipeline on every engine and executor: whether the record has the same facts, and the seconds of a run.

    python -m benchmarks.pairs

The facts of a step are its rows, its columns and its checks. The first pair has all of them; the others are compared
with it.
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Final

from benchmarks.flights_facts import ENGINES, Facts, cell, facts_of
from odibi_core import plugins

OF_ONE_PROCESS: Final = ("inline", "threads")
ROUNDS: Final = 3


def pairs() -> list[tuple[str, str]]:
    """Return the pairs that make sense: Spark has workers of its own."""
    executors = [*OF_ONE_PROCESS, *(name for name in plugins.names("executors") if name not in OF_ONE_PROCESS)]
    return [(engine, each) for engine in ENGINES for each in executors if engine != "spark" or each in OF_ONE_PROCESS]


def timed_facts(engine: str, executor: str) -> tuple[dict[str, Facts], float]:
    """Return the facts of the last of some runs, and the median of their seconds, the start of workers included."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = facts_of(engine, executor=executor, max_workers=2)
        seconds.append(time.perf_counter() - started)
    return found, median(seconds)


def main() -> None:
    """Print the table, and each difference on stderr."""
    wanted: dict[str, Facts] = {}
    print("| engine | executor | steps with the same facts | s |\n|---|---|--:|--:|")
    for engine, executor in pairs():
        found, seconds = timed_facts(engine, executor)
        wanted = wanted or found
        cells = {step: cell(found.get(step), facts) for step, facts in wanted.items()}
        same = sum(each == "same" for each in cells.values())
        print(f"| {engine} | {executor} | {same} of {len(wanted)} | {seconds:.2f} |", flush=True)
        for step, each in cells.items():
            if each != "same":
                print(f"{engine}, {executor}: {step}: {each}", file=sys.stderr)


if __name__ == "__main__":
    main()
