"""Counters and histograms with three labels, by name each time and bound; and the scrape."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, simple, statement

LABELS = "'engine': 'pandas', 'layer': 'transform', 'status': 'ok'"
NAMES = ("engine", "layer", "status")
VALUES = ("pandas", "transform", "ok")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def ours() -> dict[str, Any]:
    from odibi_core.observability import MetricsManager

    manager = MetricsManager()
    return {"metrics": manager}


def ours_bound(kind: str) -> Callable[[], dict[str, Any]]:
    def names() -> dict[str, Any]:
        labels = dict(zip(NAMES, VALUES, strict=True))
        metric = "rows_read" if kind == "counter" else "load_seconds"  # the unit gives the buckets
        return {"handle": getattr(ours()["metrics"], kind)(metric, labels=labels)}

    return names


def prometheus(kind: str, *, bound: bool = False) -> Callable[[], dict[str, Any]]:
    def names() -> dict[str, Any]:
        import prometheus_client

        registry = prometheus_client.CollectorRegistry()
        options: dict[str, Any] = {"buckets": BUCKETS} if kind == "Histogram" else {}
        metric = getattr(prometheus_client, kind)("rows_read", "Rows.", NAMES, registry=registry, **options)
        return {"metric": metric.labels(*VALUES) if bound else metric}

    return names


def otel(kind: str) -> Callable[[], dict[str, Any]]:
    def names() -> dict[str, Any]:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        provider = MeterProvider(metric_readers=[InMemoryMetricReader()], shutdown_on_exit=False)
        return {"metric": getattr(provider.get_meter("bench"), f"create_{kind}")("rows_read"), "provider": provider}

    return names


def locked_add(_: Any = None) -> dict[str, Any]:
    """Return the floor of a counter: one dict of sums under one lock."""
    lock = threading.Lock()
    sums: dict[tuple[str, ...], float] = {("rows_read", *VALUES): 0.0}

    def add(key: tuple[str, ...], value: float) -> None:
        with lock:
            sums[key] += value

    return {"add": add, "key": ("rows_read", *VALUES)}


def locked_observe() -> dict[str, Any]:
    """Return the floor of a histogram: find the bucket, add to it and to the sum, under one lock."""
    lock, counts, sums = threading.Lock(), [0] * (len(BUCKETS) + 1), [0.0]

    def observe(value: float) -> None:
        place = bisect_left(BUCKETS, value)
        with lock:
            counts[place] += 1
            sums[0] += value

    return {"observe": observe}


def works(quick: bool) -> list[Work]:
    sizes = (50, 100) if quick else (10_000, 100_000)
    return [*_counters(), *_histograms(), _scrape(sizes[0], 10.0), _scrape(sizes[1], 100.0)]


def _counters() -> list[Work]:
    by_name, bound = f"metric.labels({_keywords()}).inc()", "metric.inc()"
    floor = Contender("a dict under a lock", simple("add(key, 1.0)", locked_add), "floor")
    return [
        Work(
            "counter with 3 labels, by name each time",
            "µs",
            [
                Contender("odibi-core", simple(f"metrics.increment('rows_read', None, 1, {{{LABELS}}})", ours), "ours"),
                Contender("prometheus_client", simple(by_name, prometheus("Counter")), note="labels by keyword"),
                Contender(
                    "prometheus_client, by position",
                    simple("metric.labels('pandas', 'transform', 'ok').inc()", prometheus("Counter")),
                ),
                Contender("OpenTelemetry SDK", simple(f"metric.add(1, {{{LABELS}}})", otel("counter"))),
                floor,
            ],
            [Target(0.7)],
        ),
        Work(
            "counter with 3 labels, a bound handle",
            "µs",
            [
                Contender("odibi-core", simple("handle.inc()", ours_bound("counter")), "ours"),
                Contender("prometheus_client", simple(bound, prometheus("Counter", bound=True))),
                floor,
            ],
            [Target(0.35)],
        ),
    ]


def _histograms() -> list[Work]:
    by_name, bound = f"metric.labels({_keywords()}).observe(0.42)", "metric.observe(0.42)"
    observe = f"metrics.observe('load_seconds', None, 0.42, {{{LABELS}}})"
    floor = Contender("a list of counts under a lock", simple("observe(0.42)", locked_observe), "floor")
    return [
        Work(
            "histogram with 3 labels, by name each time",
            "µs",
            [
                Contender("odibi-core", simple(observe, ours), "ours"),
                Contender("prometheus_client", simple(by_name, prometheus("Histogram")), note="labels by keyword"),
                Contender("OpenTelemetry SDK", simple(f"metric.record(0.42, {{{LABELS}}})", otel("histogram"))),
                floor,
            ],
            [Target(1.0)],
        ),
        Work(
            "histogram with 3 labels, a bound handle",
            "µs",
            [
                Contender("odibi-core", simple("handle.observe(0.42)", ours_bound("histogram")), "ours"),
                Contender("prometheus_client", simple(bound, prometheus("Histogram", bound=True))),
                floor,
            ],
            [Target(0.6)],
        ),
    ]


def _keywords() -> str:
    return ", ".join(f"{name}={value!r}" for name, value in zip(NAMES, VALUES, strict=True))


def _scrape(series: int, limit: float) -> Work:
    """Return the scrape of a number of counters, 3 labels each, in the 0.0.4 format."""
    return Work(
        f"scrape of {series:,} series",
        "ms",
        [
            Contender("odibi-core", _ours_scraped(series), "ours"),
            Contender("prometheus_client", _prometheus_scraped(series), note="its `_created` series switched off"),
            Contender("f-strings over a dict", _floor_scraped(series), "floor", "nothing escaped, nothing merged"),
        ],
        [Target(limit)],
        loops=1,
        rounds=5,
        note="counters with 3 labels, text format 0.0.4",
    )


def labels_of(number: int) -> dict[str, str]:
    """Three labels, of which the last makes the series distinct."""
    return {"engine": "pandas", "layer": "transform", "table": f"table_{number}"}


def _ours_scraped(series: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.observability import MetricsExporter

        manager = ours()["metrics"]
        for number in range(series):
            manager.increment("rows_read", None, number, labels_of(number))
        exporter = MetricsExporter(manager)
        if exporter.export_prometheus().count("rows_read") < series:
            raise RuntimeError(f"fewer than {series} series in our own text")
        yield statement("export()", export=exporter.export_prometheus)

    return prepare


def _prometheus_scraped(series: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("rows_read", "Rows.", list(labels_of(0)), registry=registry)
        for number in range(series):
            counter.labels(**labels_of(number)).inc(number)
        yield statement("text(registry)", text=prometheus_client.generate_latest, registry=registry)

    return prepare


def _floor_scraped(series: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        sums = {tuple(labels_of(number).values()): float(number) for number in range(series)}

        def text() -> str:
            lines = [f'rows_read_total{{engine="{a}",layer="{b}",table="{c}"}} {v}' for (a, b, c), v in sums.items()]
            return "\n".join(lines)

        yield statement("text()", text=text)

    return prepare
