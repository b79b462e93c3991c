"""The cost of context for a line, and of timing an operation, from its start to its written line.

A logger's line with a correlation id and an operation bound around it, against the same line with nothing bound: the
difference is the look-up, and the two more fields that have to be written. Peers are timed the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement
from benchmarks.log import loguru_file, structlog_orjson

LINE = "log.info('rows_written', table='orders', row_count=1042)"
BOUND = {"operation": "nightly", "correlation_id": "run-0001"}


@contextmanager
def _ours(folder: Path) -> Iterator[Any]:
    from odibi_core.observability import StructuredLogger

    yield StructuredLogger("bench", log_dir=folder, level="info")


def _our_context() -> AbstractContextManager[Any]:
    from odibi_core.observability import LogContext

    return LogContext(**BOUND)


def _structlog_context() -> Any:
    import structlog

    return structlog.contextvars.bound_contextvars(**BOUND)


def _loguru_context() -> Any:
    from loguru import logger

    return logger.contextualize(**BOUND)


def _line(open_log: Callable[[Path], Any], bound: Callable[[], AbstractContextManager[Any]]) -> Prepare:
    """Return a preparation whose runner enters the context, because the contenders take turns in one thread."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        with open_log(folder) as log:
            timed = statement(LINE, log=log)

            def run(n: int) -> float:
                with bound():
                    return timed(n)

            yield run

    return prepare


@contextmanager
def _structlog(folder: Path) -> Iterator[Any]:
    """Yield the logger of the area `log`, without its bound context."""
    import structlog

    with structlog_orjson(folder) as log:
        structlog.contextvars.clear_contextvars()
        yield log


def _loguru(folder: Path) -> Any:
    return loguru_file(folder)


@contextmanager
def _lookup(_: Path) -> Iterator[Runner]:
    from odibi_core.events.context import current

    with _our_context():
        yield statement("current()", current=current)


@contextmanager
def _variable(_: Path) -> Iterator[Runner]:
    from contextvars import ContextVar

    variable: ContextVar[dict[str, str]] = ContextVar("bench", default=BOUND)
    yield statement("get()", get=variable.get)


@contextmanager
def _operation(folder: Path) -> Iterator[Runner]:
    """Yield a runner inside a run with its record on disk, its metrics and its tracker."""
    from odibi_core.observability import observe, track_performance

    timed = statement(
        "with track_performance('load', tags=tags): pass", track_performance=track_performance, tags={"table": "orders"}
    )

    def run(n: int) -> float:
        with observe("bench", store=folder):
            return timed(n)

    yield run


@contextmanager
def _opentelemetry_span(folder: Path) -> Iterator[Runner]:
    """Yield a runner of the nearest operation of a peer: a span, exported as a line when it ends."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    with (folder / "spans.jsonl").open("a", encoding="utf-8") as file:
        provider = TracerProvider(shutdown_on_exit=False)
        exporter = ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield statement(
            "with start('load', attributes=tags): pass",
            start=provider.get_tracer("bench").start_as_current_span,
            tags={"table": "orders"},
        )
        provider.shutdown()


@contextmanager
def _prometheus_timer(_: Path) -> Iterator[Runner]:
    from prometheus_client import CollectorRegistry, Summary

    summary = Summary("load_seconds", "bench", ["table"], registry=CollectorRegistry())
    yield statement("with labels('orders').time(): pass", labels=summary.labels)


def works(quick: bool) -> list[Work]:
    bare = "odibi-core, nothing bound"
    return [
        Work(
            "a line in a context of two fields",
            "µs",
            [
                Contender("odibi-core", _line(_ours, _our_context), "ours"),
                Contender(bare, _line(_ours, nullcontext), "floor"),
                Contender("structlog + orjson", _line(_structlog, _structlog_context)),
                Contender("structlog + orjson, nothing bound", _line(_structlog, nullcontext)),
                Contender("loguru", _line(_loguru, _loguru_context)),
            ],
            [Target(0.3, bare, "difference", "what the context adds")],
        ),
        Work(
            "the look-up alone",
            "ns",
            [Contender("odibi-core", _lookup, "ours"), Contender("ContextVar.get", _variable, "floor")],
        ),
        Work(
            "track_performance around nothing",
            "µs",
            [
                Contender("odibi-core", _operation, "ours", "a line in the kernel, two sets of metrics, nesting"),
                Contender("OpenTelemetry span", _opentelemetry_span, note="a line a span, no metrics"),
                Contender("prometheus_client Summary.time", _prometheus_timer, note="one metric, no event"),
            ],
            [Target(8.0)],
        ),
    ]
