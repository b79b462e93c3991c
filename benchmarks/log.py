"""One structured event: a JSON line that is in the kernel when the call returns.

Every peer is set up for exactly that: a real file, no buffer left behind, its quickest JSON encoder, a level,
a UTC timestamp, two bound fields of context and five of the event. odibi-core adds redaction, `seq` and
`writer_id`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

CALL = "log.info('rows_written', node_name='clean_orders', table='orders', row_count=1042, duration_ms=12.5, ok=True)"
BELOW = "log.debug('cache_probe', node_name='clean_orders', key='k1', hit=True, size=1042, age_s=12.5, tier='memory')"
EVENT: dict[str, Any] = {
    "node_name": "clean_orders",
    "table": "orders",
    "row_count": 1042,
    "duration_ms": 12.5,
    "ok": True,
}
PROBE: dict[str, Any] = {
    "node_name": "clean_orders",
    "key": "k1",
    "hit": True,
    "size": 1042,
    "age_s": 12.5,
    "tier": "memory",
}
CONTEXT: dict[str, Any] = {"run_id": "run-0001", "operation": "nightly"}


@contextmanager
def ours(folder: Path) -> Iterator[Any]:
    from odibi_core.events.context import bind
    from odibi_core.observability import StructuredLogger

    log = StructuredLogger("bench", log_dir=folder, level="info")
    with bind(operation="nightly", correlation_id="run-0001"):
        yield log


@contextmanager
def structlog_orjson(folder: Path) -> Iterator[Any]:
    import logging

    import orjson
    import structlog

    with (folder / "log.jsonl").open("ab", buffering=0) as file:
        structlog.contextvars.bind_contextvars(**CONTEXT)
        try:
            yield structlog.wrap_logger(
                structlog.BytesLogger(file),
                processors=[
                    structlog.contextvars.merge_contextvars,
                    structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.JSONRenderer(serializer=orjson.dumps),
                ],
                wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
                cache_logger_on_first_use=True,
            ).bind()
        finally:
            structlog.contextvars.clear_contextvars()


@contextmanager
def _stdlib(folder: Path, formatter: Any, name: str) -> Iterator[Any]:
    import logging

    handler = logging.FileHandler(folder / "log.jsonl", encoding="utf-8")  # flushes after each record
    handler.setFormatter(formatter)
    log = logging.Logger(name, level=logging.INFO)  # not in the registry: nothing to undo but the handler
    log.addHandler(handler)
    try:
        yield log
    finally:
        handler.close()


@contextmanager
def python_json_logger(folder: Path) -> Iterator[Any]:
    from pythonjsonlogger.orjson import OrjsonFormatter

    with _stdlib(folder, OrjsonFormatter("%(levelname)s %(message)s", timestamp=True), "pjl") as log:
        yield log


@contextmanager
def stdlib(folder: Path) -> Iterator[Any]:
    """Yield a hand-written logger: `logging` and ten lines of `json.dumps`."""
    import json
    import logging

    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            when = datetime.fromtimestamp(record.created, UTC).isoformat()
            line = {"timestamp": when, "level": record.levelname, "event_type": record.getMessage()}
            return json.dumps(line | {key: record.__dict__[key] for key in (*CONTEXT, *EVENT)})

    with _stdlib(folder, Lines(), "stdlib") as log:
        yield log


@contextmanager
def loguru_file(folder: Path) -> Iterator[Any]:
    from loguru import logger

    logger.remove()
    handler = logger.add(folder / "log.jsonl", serialize=True, level="INFO", catch=True)  # line buffered, no queue
    try:
        with logger.contextualize(**CONTEXT):
            yield logger
    finally:
        logger.remove(handler)


@contextmanager
def otel(folder: Path) -> Iterator[Any]:
    """Yield the logger of the SDK, not the slower bridge from `logging`."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor

    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        provider = LoggerProvider(shutdown_on_exit=False)
        exporter = ConsoleLogRecordExporter(out=file, formatter=lambda record: record.to_json(indent=None) + "\n")
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        try:
            yield provider.get_logger("bench")
        finally:
            provider.shutdown()


OTEL_CALL = (
    "log.emit(LogRecord(timestamp=clock(), severity_number=INFO, severity_text='INFO', body='rows_written',"
    " attributes={**context, 'node_name': 'clean_orders', 'table': 'orders', 'row_count': 1042,"
    " 'duration_ms': 12.5, 'ok': True}))"
)
STDLIB_CALL = "log.info('rows_written', extra={**context, **event})"


def _call(open_log: Callable[[Path], Any], code: str, **names: Any) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        with open_log(folder) as log:
            extra = _otel_names() if open_log is otel else {}
            yield statement(code, log=log, context=CONTEXT, **names, **extra)

    return prepare


def _otel_names() -> dict[str, Any]:
    from opentelemetry._logs import LogRecord, SeverityNumber

    return {"LogRecord": LogRecord, "INFO": SeverityNumber.INFO, "clock": time.time_ns}


@contextmanager
def encode_and_write(folder: Path) -> Iterator[Runner]:
    """Yield the floor: the finished dict, msgspec, one `write` on an O_APPEND descriptor."""
    import msgspec

    encode, seq = msgspec.json.Encoder().encode, count()
    descriptor = os.open(folder / "log.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(**event: Any) -> None:
        line = {"timestamp": datetime.now(UTC), "level": "info", "event_type": "rows_written"}
        os.write(descriptor, encode({**line, **CONTEXT, **event, "writer_id": "w1", "seq": next(seq)}) + b"\n")

    try:
        yield statement(CALL.replace("log.info('rows_written', ", "log("), log=log)
    finally:
        os.close(descriptor)


def in_threads(prepare: Prepare, threads: int = 4) -> Prepare:
    """Spread the same work over threads that share the logger; the figure is wall time for each event."""

    @contextmanager
    def prepared(folder: Path) -> Iterator[Runner]:
        with prepare(folder) as one:

            def run(n: int) -> float:
                import contextvars

                share = max(1, n // threads)
                # each has the context bound, which a user of any of these loggers would want
                work = [
                    threading.Thread(target=contextvars.copy_context().run, args=(one, share)) for _ in range(threads)
                ]
                started = time.perf_counter()
                for thread in work:
                    thread.start()
                for thread in work:
                    thread.join()
                return (time.perf_counter() - started) * n / (share * threads)

            yield run

    return prepared


PEERS = {
    "structlog + orjson": _call(structlog_orjson, CALL),
    "stdlib logging + json": _call(stdlib, STDLIB_CALL, event=EVENT),
    "python-json-logger (orjson)": _call(python_json_logger, STDLIB_CALL, event=EVENT),
    "loguru": _call(loguru_file, CALL),
    "OpenTelemetry SDK": _call(otel, OTEL_CALL),
}


def works(quick: bool) -> list[Work]:
    floor = "encode + write"
    one = [
        Contender("odibi-core", _call(ours, CALL), "ours", "redaction, seq, writer_id besides"),
        Contender("odibi-core, with OpenTelemetry", _call(ours, CALL), note="asks for the active span besides"),
        *(Contender(name, prepare) for name, prepare in PEERS.items()),
        Contender(floor, encode_and_write, "floor", "msgspec, one write, no logger"),
    ]
    four = [Contender(who.name, in_threads(who.prepare), who.kind, who.note) for who in one]
    beats = "structlog + orjson"
    return [
        Work("one structured event", "µs", one, [Target(0.5, beats, "ratio"), Target(2.0, floor, "ratio")]),
        Work(
            "one structured event, 4 threads",
            "µs",
            four,
            [Target(0.4, beats, "ratio")],
            note="wall time per event, the four threads together",
        ),
        below_the_level(),
    ]


def below_the_level() -> Work:
    """Measure a debug call at level info, which must be nearly free."""

    def noop(event: str, **fields: Any) -> None:
        return None

    floor = "a no-op function"
    return Work(
        "a call below the level, 6 fields",
        "ns",
        [
            Contender("odibi-core", _call(ours, BELOW), "ours"),
            Contender("structlog", _call(structlog_orjson, BELOW)),
            Contender("stdlib logging", _call(stdlib, f"log.debug('cache_probe', extra={PROBE!r})")),
            Contender("loguru", _call(loguru_file, BELOW)),
            Contender(floor, _no_op(noop), "floor", "def noop(event, **fields): return None"),
        ],
        [Target(1.15, floor, "ratio")],
    )


def _no_op(noop: Callable[..., None]) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        yield statement(BELOW.replace("log.debug(", "noop("), noop=noop)

    return prepare
