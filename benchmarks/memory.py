"""Resident memory, from fresh interpreters: of a series, of a million label sets, of 10,000,000 events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.child import answer_of, in_child, resident_bytes
from benchmarks.harness import Contender, Prepare, Runner, Target, Work
from benchmarks.metrics import BUCKETS, labels_of

SERIES = 50_000
EVENTS = 10_000_000
SAMPLES = 20
KEPT_SAMPLES = 100_000  # a MetricsManager's default
NODES = [f"node_{number}" for number in range(200)]


def grown(fill: Callable[[int], object], n: int) -> float:
    """Bytes that the process grew by; what fills must hand back what it filled, or it would be gone."""
    fill(1)  # imports and first-use tables are not a series
    before = resident_bytes()
    kept = fill(n)
    after = resident_bytes()
    del kept
    return max(0, after - before)


def ours_counters(n: int, _: str) -> float:
    return _ours(n, lambda manager, labels: manager.increment("rows_read", None, 1, labels))


def ours_histograms(n: int, _: str) -> float:
    return _ours(n, lambda manager, labels: manager.observe("load_seconds", None, 0.42, labels))


def _ours(n: int, record: Callable[[Any, dict[str, str]], None]) -> float:
    """Fill the raw samples of a manager to their bound before the counting starts.

    They cost the same for one series as for a million; `10,000,000 events` has them in its figure.
    """
    from odibi_core.observability import MetricsManager

    manager = MetricsManager()
    for _ in range(2 * KEPT_SAMPLES):
        record(manager, labels_of(0))

    def fill(count: int) -> object:
        for number in range(count):
            record(manager, labels_of(number))
        return manager

    return grown(fill, n)


def prometheus_counters(n: int, _: str) -> float:
    return _prometheus("Counter", n, lambda series: series.inc())


def prometheus_histograms(n: int, _: str) -> float:
    return _prometheus("Histogram", n, lambda series: series.observe(0.42), buckets=BUCKETS)


def _prometheus(kind: str, n: int, use: Callable[[Any], None], **options: Any) -> float:
    import prometheus_client

    def fill(count: int) -> object:
        registry = prometheus_client.CollectorRegistry()
        metric = getattr(prometheus_client, kind)(
            "load_seconds", "Loads.", list(labels_of(0)), registry=registry, **options
        )
        for number in range(count):
            use(metric.labels(**labels_of(number)))
        return metric

    return grown(fill, n)


def bare_dict(n: int, _: str) -> float:
    """Measure the minimum: the text of the label and a sum."""
    return grown(lambda count: {labels_of(number)["table"]: 1.0 for number in range(count)}, n)


def many_label_sets(n: int, _: str) -> float:
    """Increment one counter with n distinct label sets, far beyond sensible use: memory is bounded, the sum exact."""
    from odibi_core.observability import MetricsExporter, MetricsManager

    manager = MetricsManager()
    manager.increment("rows_read", None, 0, labels_of(0))
    before = resident_bytes()
    for number in range(n):
        manager.increment("rows_read", None, 1, labels_of(number))
    after = resident_bytes()
    lines = MetricsExporter(manager).export_prometheus().splitlines()
    total = sum(float(line.rpartition(" ")[2]) for line in lines if "rows_read" in line and not line.startswith("#"))
    if total != n:
        raise RuntimeError(f"the sum over the series is {total}, not {n}")
    return max(0, after - before)


def recorded(n: int, folder: str) -> dict[str, Any]:
    """Record n events through log, bus and metrics; return resident bytes over the bare process as they go.

    Segments that are closed are deleted as it goes, as retention would, lest the run need gigabytes of disk.
    """
    bare = resident_bytes()
    from odibi_core.observability import EventBus, MetricsManager, StructuredLogger

    bus, metrics = EventBus(), MetricsManager()
    log = StructuredLogger("bench", log_dir=folder, bus=bus)
    samples: list[list[int]] = []
    started, said = time.perf_counter(), 0
    for _ in range(SAMPLES):
        while said < (len(samples) + 1) * n // SAMPLES:
            node = NODES[said // 4 % len(NODES)]
            log.log_node_start(node, "transform")
            log.info("rows_written", node_name=node, table="orders", rows=said)
            log.info("file_written", node_name=node, path="part.parquet", bytes=said * 8)
            log.log_node_complete(node, 12.5, rows=1042)
            metrics.record_node_execution(node, 12.5, True, rows=1042)
            said += 4
        samples.append([said, resident_bytes() - bare])
        _forget_closed(Path(folder), log.log_file)
    return {"samples": samples, "seconds": time.perf_counter() - started}


def _forget_closed(folder: Path, open_now: Path | None) -> None:
    segments = sorted(folder.rglob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for path in segments[:-1]:
        if path != open_now:
            path.unlink()


class Recording:
    """One run of `recorded`, of which several works read a figure each."""

    def __init__(self, events: int) -> None:
        self.events = events
        self.answer: dict[str, Any] | None = None

    def reading(self, figure: Callable[[dict[str, Any]], float]) -> Prepare:
        @contextmanager
        def prepare(folder: Path) -> Iterator[Runner]:
            def run(_: int) -> float:
                self.answer = self.answer or answer_of(recorded, self.events, folder)
                return figure(self.answer)

            yield run

        return prepare


def works(quick: bool) -> list[Work]:
    series = 200 if quick else SERIES
    many = 1_000 if quick else 1_000_000
    return [*_per_series(series), _many(many), *_flat(2_000 if quick else EVENTS)]


def _per_series(series: int) -> list[Work]:
    floor = Contender("a dict of sums", in_child(bare_dict), "floor", "the text of one label, one number")
    note = f"{series:,} series with 3 labels, the labels' own text included"
    return [
        Work(
            "memory of a counter's series",
            "kB",
            [
                Contender("odibi-core", in_child(ours_counters), "ours"),
                Contender("prometheus_client", in_child(prometheus_counters)),
                floor,
            ],
            [Target(0.5)],
            loops=series,
            rounds=3,
            note=note,
        ),
        Work(
            "memory of a histogram's series",
            "kB",
            [
                Contender("odibi-core", in_child(ours_histograms), "ours"),
                Contender("prometheus_client", in_child(prometheus_histograms), note=f"{len(BUCKETS)} buckets"),
                floor,
            ],
            [Target(1.5)],
            loops=series,
            rounds=3,
            note=note,
        ),
    ]


def _many(count: int) -> Work:
    @contextmanager
    def whole(folder: Path) -> Iterator[Runner]:
        yield lambda _: float(answer_of(many_label_sets, count, folder))

    return Work(
        f"{count:,} distinct label sets on one counter",
        "MB",
        [Contender("odibi-core", whole, "ours", "the sum checked to be exact")],
        [Target(100.0, label="bounded: 100 MB here")],
        loops=1,
        rounds=1,
    )


def _flat(events: int) -> list[Work]:
    run = Recording(events)

    def highest(answer: dict[str, Any]) -> float:
        return float(max(size for _, size in answer["samples"]))

    def growth(answer: dict[str, Any]) -> float:
        """Return the growth after the first tenth, when pools and caches have their size."""
        early = answer["samples"][SAMPLES // 10 - 1][1]
        return float(max(0, answer["samples"][-1][1] - early))

    name = f"{events:,} events recorded"
    ours = "log, bus and metrics, on disk"
    return [
        Work(
            f"{name}: highest resident memory over the bare process",
            "MB",
            [Contender("odibi-core", run.reading(highest), "ours", ours)],
            [Target(150.0)],
            loops=1,
            rounds=1,
        ),
        Work(
            f"{name}: growth after the first tenth",
            "MB",
            [Contender("odibi-core", run.reading(growth), "ours", ours)],
            [Target(5.0, label="flat: 5 MB at most")],
            loops=1,
            rounds=1,
        ),
        Work(
            f"{name}: time of each",
            "µs",
            [Contender("odibi-core", run.reading(lambda answer: answer["seconds"] / events), "ours", ours)],
            loops=1,
            rounds=1,
            note="the metrics of a node with every fourth event",
        ),
    ]
