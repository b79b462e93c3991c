"""A no-op node of a DAG: what running and recording a step costs when the step itself costs nothing.

odibi-core writes its log to disk, fills metrics and tracker, and publishes on the bus; the peers record nothing.
Its time includes building the orchestrator; the peers' graphs are built before the clock starts.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

Shape = Literal["chain", "wide"]
WORKERS = 2


def first() -> int:
    return 1


def noop(x: int) -> int:
    return x


def steps_of(shape: Shape, count: int) -> list[Any]:
    """Return the steps: in a chain each takes the result of the previous one; wide steps are independent."""
    from odibi_core.observability import Step

    steps = [Step(name="s0", value=first, outputs={"out": "k0"})]
    for number in range(1, count):
        chained = {"value": noop, "inputs": {"x": f"k{number - 1}"}} if shape == "chain" else {"value": first}
        steps.append(Step(name=f"s{number}", outputs={"out": f"k{number}"}, **chained))
    return steps


Record = Literal["store", "store and log", "nothing"]


def _ours(shape: Shape, workers: int, record: Record) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator

        def run(count: int) -> float:
            steps = steps_of(shape, count)
            started = time.perf_counter()
            options = recorders(folder, record)
            result = Orchestrator(steps, pipeline_name="bench", max_workers=workers, **options).execute()
            took = time.perf_counter() - started
            if result["status"] != "success":
                raise RuntimeError(f"the run ended with {result['status']}")
            return took

        yield run

    return prepare


def recorders(folder: Path, record: Record) -> dict[str, Any]:
    """Return the recorders of the orchestrator: its journal, and with `StructuredLogger` a log file too."""
    from odibi_core.observability import EventBus, MetricsManager, StructuredLogger

    if record == "nothing":
        return {"enable_tracker": False, "store": False}
    bus = EventBus()
    on = {"event_bus": bus, "metrics_manager": MetricsManager(bus=bus), "store": str(folder / "store")}
    if record == "store and log":
        on["logger"] = StructuredLogger("bench", log_dir=folder / "logs", bus=bus)
    return on


def _dask(shape: Shape) -> Prepare:
    """Return a preparation of the threaded scheduler of dask on a dict, its fastest form."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from dask.threaded import get

        def run(count: int) -> float:
            chained = shape == "chain"
            graph: dict[str, Any] = {"k0": (first,)}
            graph |= {f"k{n}": (noop, f"k{n - 1}") if chained else (first,) for n in range(1, count)}
            wanted = f"k{count - 1}" if chained else list(graph)
            started = time.perf_counter()
            get(graph, wanted, num_workers=WORKERS)
            return time.perf_counter() - started

        yield run

    return prepare


def _hamilton(shape: Shape) -> Prepare:
    """Functions in a module, as its users write them; the driver is made before the clock starts."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from hamilton import base, driver

        def run(count: int) -> float:
            # a dict as the result: its default would build a frame of ten thousand columns
            built = (
                driver.Builder().with_modules(_module(shape, count, folder)).with_adapters(base.DictResult()).build()
            )
            wanted = [f"k{count - 1}"] if shape == "chain" else [f"k{n}" for n in range(count)]
            started = time.perf_counter()
            built.execute(wanted, inputs={})
            return time.perf_counter() - started

        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(200_000)  # it walks the graph by recursion: a long chain stops it otherwise
        try:
            yield run
        finally:
            sys.setrecursionlimit(limit)

    return prepare


def _module(shape: Shape, count: int, folder: Path) -> ModuleType:
    lines = ["def k0() -> int: return 1"]
    for n in range(1, count):
        lines.append(
            f"def k{n}(k{n - 1}: int) -> int: return k{n - 1}" if shape == "chain" else f"def k{n}() -> int: return 1"
        )
    name = f"odibi_bench_{shape}_{count}"
    (folder / f"{name}.py").write_text("\n".join(lines))
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _plain_loop(_: Path) -> Iterator[Runner]:
    yield statement("made[key] = noop(1)", made={}, key="k1", noop=noop)


@contextmanager
def _thread_hop(_: Path) -> Iterator[Runner]:
    with ThreadPoolExecutor(1) as pool:
        yield statement("submit(noop, 1).result()", submit=pool.submit, noop=noop)


def works(quick: bool) -> list[Work]:
    count = 20 if quick else 10_000
    inline: list[tuple[str, Callable[[Path], Any]]] = [("a plain loop", _plain_loop)]
    hop = [*inline, ("one thread hop", _thread_hop)]
    return [
        _row("chain", 1, count, inline),
        _row("wide", 1, count, inline),
        _row("chain", WORKERS, count, hop),
        _row("wide", WORKERS, count, hop),
    ]


def _row(shape: Shape, workers: int, count: int, floors: list[tuple[str, Callable[[Path], Any]]]) -> Work:
    where = "inline" if workers == 1 else f"{workers} threads"
    nothing = "nothing recorded"
    peer = ("Hamilton", _hamilton) if workers == 1 else ("dask.threaded", _dask)
    return Work(
        f"a no-op node of a DAG, {shape}, {where}",
        "µs",
        [
            Contender("odibi-core", _ours(shape, workers, "store"), "ours", "log, metrics, tracker, bus, on disk"),
            Contender("odibi-core, a log file besides", _ours(shape, workers, "store and log")),
            Contender("odibi-core, recorders off", _ours(shape, workers, "nothing"), note=nothing),
            Contender(peer[0], peer[1](shape), note=nothing),
            *(Contender(name, prepare, "floor") for name, prepare in floors),
        ],
        [Target(40.0), Target(60.0, label="10,000 steps in 0.6 s")],
        loops=count,
        rounds=3,
        note=f"a run of {count:,} steps, whole, divided by its steps",
    )
