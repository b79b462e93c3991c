"""A program with one observed run per case, whose work is done in worker processes; it prints JSON per case."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from odibi_core import Orchestrator, node, observe
from odibi_core.observability import capture_exception, context_for_workers, get_logger, track_performance
from odibi_core.store.runs import RunStore

METHODS = ("fork", "spawn", "forkserver")
POOLS = ("executor", "pool", "process")
CASES = [
    (method, pool, given)
    for method in METHODS
    for pool in POOLS
    for given in ("with", "without")
    if (pool, given) != ("process", "with")
]
CALLS = 2


@node
def work(number: int) -> list[dict[str, int]]:
    """Do everything that a run records."""
    get_logger("worker").info("line", number=number)
    with track_performance("operation"):
        try:
            raise LookupError(number)
        except LookupError as error:
            capture_exception(error)
    return [{"n": number}]


def in_workers(method: str, pool: str, given: str) -> None:
    started: Any = multiprocessing.get_context(method)
    context: Any = context_for_workers() if given == "with" else {}
    if pool == "executor":
        with ProcessPoolExecutor(2, mp_context=started, **context) as executor:
            list(executor.map(work, range(CALLS)))
    elif pool == "pool":
        with started.Pool(2, **context) as workers:
            workers.map(work, range(CALLS))
    else:
        processes = [started.Process(target=work, args=(number,)) for number in range(CALLS)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()


def observed(case: tuple[str, str, str]) -> tuple[str, int]:
    with observe("workers") as run:
        in_workers(*case)
    (step,) = run.tracker.export_lineage()["steps"]
    return run.run_id, step["calls"] if step["state"] == "success" else 0


def orchestrated(case: tuple[str, str, str]) -> tuple[str, int]:
    def step() -> list[dict[str, int]]:
        in_workers(*case)
        return [{"n": 1}]

    result = Orchestrator([step]).execute()
    return result["run_id"], len(result["nodes"])


def main() -> None:
    for kind, run in (("observed", observed), ("orchestrated", orchestrated)):
        for case in CASES if kind == "observed" else [("spawn", "executor", "without"), ("fork", "pool", "without")]:
            run_id, counted = run(case)
            events = list(RunStore().read(run_id))
            said = Counter(event.event_type for event in events)
            nodes = len({event.node_name for event in events if event.event_type == "node_start"})
            (row,) = [row for row in RunStore().rows() if row["run_id"] == run_id]
            about = {"said": said, "nodes": nodes, "counted": counted, "row": row["status"]}
            print(json.dumps({"kind": kind, "case": case, **about}), flush=True)


if __name__ == "__main__":
    main()
