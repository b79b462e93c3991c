"""Import time: a fresh interpreter for each import, against an interpreter that imports nothing.

And what stands behind it: short programs from the start of the interpreter to its end, each with a line of log.
"""

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

LOGGING = {
    "structlog": "import structlog\nstructlog.get_logger('shop').info('orders_loaded', rows=3)",
    "loguru": "from loguru import logger\nlogger.info('orders_loaded')",
    "stdlib logging": "import logging\nlogging.basicConfig(level='INFO')\nlogging.info('orders_loaded')",
}
OBSERVED = (
    "from odibi_core.observability import get_logger, init_observability\n"
    "init_observability()\nget_logger('shop').info('orders_loaded', rows=3)"
)


def _import(module: str | None) -> Prepare:
    return _program(f"import {module}" if module else "pass")


def _program(lines: str) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        code = f"import os\nos.chdir({str(folder)!r})\nos.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n{lines}"
        # Writes the bytecode, warms the disk's cache, and fails here if it is not installed.
        seconds_of(code, 1)
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
                *(Contender(name, _import(module), note=f"import {module}") for name, module in peers.items()),
                bare,
            ],
            [over],
            loops=1,
            rounds=1 if quick else 9,
        ),
        Work(
            "from odibi_core.observability import * (every name)",
            "ms",
            [Contender("odibi-core", _program("from odibi_core.observability import *"), "ours"), bare],
            [],
            loops=1,
            rounds=1 if quick else 9,
            note="no target of its own: every instrument is loaded, where a program loads those that it names",
        ),
        Work(
            "a program of three lines: init_observability() and one line of log",
            "ms",
            [
                Contender("odibi-core", _program(OBSERVED), "ours", "a record of the program besides"),
                *(
                    Contender(name, _program(code), note="one line of log")
                    for name, code in ({} if quick else LOGGING).items()
                ),
                bare,
            ],
            [],
            loops=1,
            rounds=1 if quick else 9,
            note="from the start of the interpreter to its end",
        ),
    ]
