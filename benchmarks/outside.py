"""The cost of receivers for a program: a counter, a line of its log and its exit while they are down; payloads.

Datadog's agent and OpenTelemetry's collector are ports without a listener, Sentry a socket that accepts and never
answers. Exits are those of fresh processes, so they are in seconds.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import outside_all, outside_otlp
from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

SOURCE = str(Path(__file__).resolve().parent.parent / "src")
PROGRAM = """
from odibi_core.observability import capture_exception, get_logger, get_metrics, init_observability

init_observability()
for number in range(20):
    get_logger("shop").info("order_loaded", number=number)
    get_metrics().increment("orders")
    if number % 10 == 0:
        capture_exception(LookupError(f"there is no order {number}"))
"""


@contextmanager
def _silent() -> Iterator[socket.socket]:
    """Run a server that accepts connections and data, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _outside(down: bool) -> Iterator[tuple[dict[str, Any], socket.socket | None]]:
    """Yield the settings of a program with every receiver down or off, and the silent Sentry."""
    if not down:
        yield {"metrics_enabled": False, "health_check_enabled": False}, None
        return
    with _silent() as sentry:
        options = {
            "metrics_enabled": True,
            "prometheus_port": _closed_port(),
            "datadog_enabled": True,
            "datadog_port": _closed_port(),
            "tracing_enabled": True,
            "tracing_sample_rate": 1.0,
            "otel_endpoint": f"http://127.0.0.1:{_closed_port()}",
            "sentry_enabled": True,
            "sentry_dsn": f"http://key@127.0.0.1:{sentry.getsockname()[1]}/1",
        }
        yield options, sentry


def _counter(forwarding: bool) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.observability import MetricsManager
        from odibi_core.sinks.datadog_sink import DatadogSink

        metrics = MetricsManager()
        end = metrics.forward(DatadogSink(port=_closed_port())) if forwarding else None
        yield statement("increment('orders', 'load')", increment=metrics.increment)
        if end is not None:
            end(0.1)

    return prepare


def _line(down: bool) -> Prepare:
    """Return a preparation that starts and ends the program around each turn, because a process has one program."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import ObservabilityConfig, capture_exception, get_logger, init_observability
        from odibi_core.testing import fresh_program

        with _outside(down) as (options, sentry), ExitStack() as hanging:

            def run(n: int) -> float:
                with fresh_program(), open(os.devnull, "w", encoding="utf-8") as nowhere:
                    shown, sys.stderr = sys.stderr, nowhere
                    try:
                        observer = init_observability(ObservabilityConfig(store_dir=str(folder), **options))
                        capture_exception(LookupError("there is no such order"))
                        if sentry is not None:  # what follows is timed when the error is on its way, for ever
                            hanging.enter_context(sentry.accept()[0])
                        took = statement("info('order_loaded', number=7)", info=get_logger("shop").info)(n)
                        observer.finish()
                        return took
                    finally:
                        sys.stderr = shown

            yield run

    return prepare


def _variable(name: str) -> str:
    from odibi_core.settings import OPTIONS

    return OPTIONS[name].own_variable


def _exit(down: bool) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        with _outside(down) as (options, _):
            variables = {_variable(name): str(value).lower() for name, value in options.items()}
            others = outside_all.everything(outside_all.DEAD) if down else {}
            environment = {**os.environ, "PYTHONPATH": SOURCE, **variables, **others}

            def run(n: int) -> float:
                begun = time.perf_counter()
                for _ in range(n):
                    subprocess.run(
                        [sys.executable, "-c", PROGRAM],
                        env=environment, cwd=folder, check=True, capture_output=True,
                    )  # fmt: skip
                return time.perf_counter() - begun

            yield run

    return prepare


def _openlineage(nodes: int) -> Prepare:
    """Make and encode the events of OpenLineage of a run, as the thread of the exporter does."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        import msgspec

        from odibi_core.observability import Orchestrator, Step
        from odibi_core.openlineage import openlineage_events
        from odibi_core.store.runs import RunStore

        steps = [Step(name=f"step {number}", value=lambda: None) for number in range(nodes)]
        result = Orchestrator(steps, pipeline_name="wide", store=folder / "store").execute()
        events = list(RunStore(folder / "store").read(str(result["run_id"])))

        def run(n: int) -> float:
            begun = time.process_time()
            for _ in range(n):
                for event in openlineage_events(events):
                    msgspec.json.encode(event)
            return time.process_time() - begun

        yield run

    return prepare


def works(quick: bool) -> list[Work]:
    off = "odibi-core, everything outside off"
    return [
        Work(
            "a counter, forwarded to Datadog",
            "µs",
            [
                Contender("odibi-core", _counter(True), "ours", "to a port without a listener"),
                Contender("odibi-core, not forwarded", _counter(False), "floor"),
            ],
            note="The difference is the thread that sends, which takes turns with the one that counts",
        ),
        Work(
            "a line of the log with everything outside down",
            "µs",
            [Contender("odibi-core", _line(True), "ours"), Contender(off, _line(False), "floor")],
            [Target(1.05, off, "ratio", "down against off")],
        ),
        Work(
            "a small program from its start to its exit",
            "s",
            [Contender("odibi-core", _exit(True), "ours"), Contender(off, _exit(False), "floor")],
            [Target(2.0, off, "difference", "what waits at the exit")],
            loops=1,
            rounds=5,
        ),
        Work(
            "the events of OpenLineage of a run of 10,000 nodes",
            "s",
            [Contender("odibi-core", _openlineage(100 if quick else 10_000), "ours", "processor time")],
            [Target(2.0, label="off the thread of the run")],
            loops=1,
            rounds=3,
        ),
        *outside_otlp.works(quick),
        *outside_all.works(quick),
    ]
