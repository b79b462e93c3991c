"""A step in another process: what recording it costs beside the bare executor.

A chain of steps over a small frame, from the end of its first step to the end of its last: no start of a worker is
timed. Each bare call waits for its end, as the next step of a pipeline does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.child import in_child, resident_bytes
from benchmarks.harness import Contender, Prepare, Runner, Target, Work

ROWS = 1000
ITEMS = 10_000
SAMPLED = 100  # items between two looks at the memory


def first() -> Any:
    import pandas as pd

    return pd.DataFrame({"number": range(ROWS), "name": ["a"] * ROWS})


def passed(frame: Any) -> Any:
    return frame


def _ours(options: dict[str, Any]) -> Callable[[Path], Iterator[Runner]]:
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import EventBus, Orchestrator, Step

        def run(count: int) -> float:
            steps = [Step(name="s0", value=first, outputs={"out": "k0"})]
            steps += [
                Step(name=f"s{n}", value=passed, inputs={"frame": f"k{n - 1}"}, outputs={"out": f"k{n}"})
                for n in range(1, count + 1)
            ]
            ends: list[float] = []
            bus = EventBus()
            bus.subscribe(lambda _: ends.append(time.perf_counter()), kinds="node_complete")
            Orchestrator(steps, store=folder / "store", event_bus=bus, pipeline_name="bench", **options).execute()
            return ends[-1] - ends[0]

        yield run

    return prepare


@contextmanager
def _pool(_: Path) -> Iterator[Runner]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:

        def run(count: int) -> float:
            frame = pool.submit(first).result()
            started = time.perf_counter()
            for _ in range(count):
                frame = pool.submit(passed, frame).result()
            return time.perf_counter() - started

        yield run


@contextmanager
def _cluster() -> Iterator[Any]:
    """Yield a client of one worker process."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _dask(**more: Any) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        with _cluster() as client:
            options = {"executor": "dask", "executor_options": {"address": client.scheduler.address}, **more}
            yield from _ours(options)(folder)

    return prepare


@contextmanager
def _submit(_: Path) -> Iterator[Runner]:
    from distributed import wait

    with _cluster() as client:

        def run(count: int) -> float:
            future = client.submit(first, pure=False)
            with client.as_current():
                wait(future)
                started = time.perf_counter()
                for _ in range(count):
                    future = client.submit(passed, future, pure=False)
                    wait(future)
                return time.perf_counter() - started

        yield run


@contextmanager
def _connected() -> Iterator[Any]:
    """Connect this process to a Ray cluster of one worker; all contenders share its one connection."""
    import ray

    if ray.is_initialized():
        yield ray
        return
    ray.init("local", num_cpus=1, include_dashboard=False, logging_level="error")
    try:
        yield ray
    finally:
        ray.shutdown()


def _ray(**more: Any) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        with _connected():
            yield from _ours({"executor": "ray", **more})(folder)

    return prepare


@contextmanager
def _remote(_: Path) -> Iterator[Runner]:
    with _connected() as ray:
        begin, go_on = ray.remote(max_retries=0)(first), ray.remote(max_retries=0)(passed)

        def run(count: int) -> float:
            frame = begin.remote()
            ray.wait([frame], fetch_local=False)
            started = time.perf_counter()
            for _ in range(count):
                frame = go_on.remote(frame)
                ray.wait([frame], fetch_local=False)
            return time.perf_counter() - started

        yield run


def processes(**more: Any) -> Prepare:
    """Return a preparation of our executor of processes."""
    return contextmanager(_ours({"executor": "processes", **more}))


def _mapped(count: int, folder: Path, seen: Callable[[object], object], options: dict[str, Any]) -> float:
    """Return the seconds of a map over numbers, from the end of its first item to the end of its last."""
    from odibi_core.observability import EventBus, Orchestrator, Step

    ends: list[float] = []
    bus = EventBus()
    bus.subscribe(lambda _: ends.append(time.perf_counter()), kinds="task")
    bus.subscribe(seen, kinds="task")
    step = Step(name="map", value=passed, inputs={"frame": "items"}, outputs={"out": "done"}, map="frame")
    run = Orchestrator(
        [step], store=folder / "store", event_bus=bus, initial={"items": list(range(count + 1))}, pipeline_name="bench",
        max_workers=1, **options,
    )  # fmt: skip
    run.execute()
    return ends[-1] - ends[0]


def _map_on(executor: str) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        yield lambda count: _mapped(count, folder, lambda _: None, {"executor": executor})

    return prepare


@contextmanager
def _pool_items(_: Path) -> Iterator[Runner]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:

        def run(count: int) -> float:
            pool.submit(passed, 0).result()
            started = time.perf_counter()
            for number in range(count):
                pool.submit(passed, number).result()
            return time.perf_counter() - started

        yield run


@contextmanager
def _submit_items(_: Path) -> Iterator[Runner]:
    from distributed import wait

    with _cluster() as client, client.as_current():
        kept: list[Any] = []  # as a map keeps its results

        def run(count: int) -> float:
            kept.clear()
            wait(client.submit(passed, 0, pure=False))
            started = time.perf_counter()
            for number in range(count):
                kept.append(client.submit(passed, number, pure=False))
                wait(kept[-1])
            return time.perf_counter() - started

        yield run


def _grown_by_map(executor: str) -> Callable[[int, str], float]:
    """Return the peak bytes that the process of the run grows by during a map, after a short one."""

    def grown(count: int, folder: str) -> float:
        seen: list[int] = []

        def sample(_: object) -> None:
            if len(seen) % SAMPLED == 0 or not seen:
                seen.append(resident_bytes())
            else:
                seen.append(seen[-1])

        _mapped(min(SAMPLED, count), Path(folder), sample, {"executor": executor})
        before = resident_bytes()
        seen.clear()
        _mapped(count, Path(folder), sample, {"executor": executor})
        return max(0, max(seen) - before)

    return grown


def map_in_processes(count: int, folder: str) -> float:
    return _grown_by_map("processes")(count, folder)


def map_on_dask(count: int, folder: str) -> float:
    return _grown_by_map("dask")(count, folder)


def bare_items_on_dask(count: int, folder: str) -> float:
    with _submit_items(Path(folder)) as run:
        run(min(SAMPLED, count))
        before = resident_bytes()
        run(count)
        return max(0, resident_bytes() - before)


def _maps(quick: bool) -> list[Work]:
    """Return the works of mapped steps, whose items are tasks of the executor."""
    count, rounds = (30, 1) if quick else (ITEMS, 1)
    note = f"A map of {count:,} numbers in one worker"
    pool, submit = "bare ProcessPoolExecutor", "bare Client.submit"
    return [
        Work(
            "an item of a map in a process", "ms",
            [
                Contender("odibi-core", _map_on("processes"), "ours"),
                Contender(pool, _pool_items, note="nothing recorded"),
            ],
            loops=count, rounds=3 if not quick else 1, note=f"{note}; per item",
        ),
        Work(
            "an item of a map on Dask", "ms",
            [
                Contender("odibi-core", _map_on("dask"), "ours"),
                Contender(submit, _submit_items, note="nothing recorded"),
            ],
            [Target(1.15, submit, "ratio")], loops=count, rounds=rounds, note=f"{note}; per item",
        ),
        Work(
            "memory of an item of a map in processes", "kB",
            [Contender("odibi-core", in_child(map_in_processes), "ours")],
            [Target(3.0)], loops=count, rounds=rounds, note=f"{note}; peak growth of the process of the run, per item",
        ),
        Work(
            "memory of an item of a map on Dask", "kB",
            [
                Contender("odibi-core", in_child(map_on_dask), "ours"),
                Contender(submit, in_child(bare_items_on_dask), note="nothing recorded"),
            ],
            [Target(1.0)], loops=count, rounds=rounds,
            note=f"{note}; peak growth of the process of the run, with its scheduler, per item",
        ),
    ]  # fmt: skip


def works(quick: bool) -> list[Work]:
    """Return the works of this area; the quick ones need no cluster."""
    count, rounds = (30, 1) if quick else (300, 7)
    light = "odibi-core, rows counted only"
    note = f"A chain of {count} steps over {ROWS:,} rows in one worker; per step"
    pool, submit, remote = "bare ProcessPoolExecutor", "bare Client.submit", "bare tasks of ray.remote"
    keeps: dict[str, Any] = {"executor_options": {"keep_workers": True}, "max_workers": 1}
    found = [
        Work(
            "a step in a process", "ms",
            [
                Contender("odibi-core", processes(), "ours"),
                Contender(light, processes(snapshot_level="counts"), "ours"),
                Contender(pool, _pool, note="nothing recorded"),
            ],
            [Target(1.3, pool, "ratio")], loops=count, rounds=rounds, note=note,
        ),
        Work(
            "a step on Dask", "ms",
            [
                Contender("odibi-core", _dask(), "ours"), Contender(light, _dask(snapshot_level="counts"), "ours"),
                Contender(submit, _submit, note="nothing recorded"),
            ],
            [Target(1.15, submit, "ratio")], loops=count, rounds=rounds, note=note,
        ),
        Work(
            "a step on Ray", "ms",
            [
                Contender("odibi-core", _ray(), "ours"), Contender(light, _ray(snapshot_level="counts"), "ours"),
                Contender("odibi-core, keep_workers", _ray(**keeps), "ours"),
                Contender(f"{light}, keep_workers", _ray(**keeps, snapshot_level="counts"), "ours"),
                Contender(remote, _remote, note="nothing recorded"),
            ],
            [Target(1.15, remote, "ratio")], loops=count, rounds=rounds, note=note,
        ),
        *_maps(quick),
    ]  # fmt: skip
    return [work for work in found if not quick or "process" in work.name]
