"""Import time: a fresh interpreter for each import, against an interpreter that imports nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.child import seconds_of
from benchmarks.harness import Contender, Prepare, Runner, Target, Work

BARE = "bare interpreter"
PEERS = {
    "structlog": "structlog",
    "python-json-logger": "pythonjsonlogger.json",
    "loguru": "loguru",
    "OpenTelemetry SDK, logs": "opentelemetry.sdk._logs.export",
    "prometheus_client": "prometheus_client",
    "blinker": "blinker",
    "pluggy": "pluggy",
    "pyee": "pyee",
    "stdlib logging": "logging",
    "msgspec": "msgspec",
}


def _import(module: str | None) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        code = f"import {module}" if module else "pass"
        seconds_of(
            code, 1
        )  # writes the bytecode, warms the disk's cache, and fails here if it is not installed
        yield lambda n: seconds_of(code, n)

    return prepare


def works(quick: bool) -> list[Work]:
    bare = Contender(BARE, _import(None), "floor")
    over = Target(40.0, BARE, "difference", "over the bare interpreter")
    peers = {} if quick else PEERS
    return [
        Work(
            "import odibi_core",
            "ms",
            [
                Contender("odibi-core", _import("odibi_core"), "ours"),
                *(
                    Contender(name, _import(module), note=f"import {module}")
                    for name, module in peers.items()
                ),
                bare,
            ],
            [over],
            loops=1,
            rounds=1 if quick else 9,
        ),
        Work(
            "import odibi_core.observability (the whole door)",
            "ms",
            [
                Contender("odibi-core", _import("odibi_core.observability"), "ours"),
                bare,
            ],
            [],
            loops=1,
            rounds=1 if quick else 9,
            note="no target of its own: the door opens every instrument",
        ),
    ]
