"""A program that ends while a thread of odibi-core is inside native code: `native_program.py WORK PLACE END`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import duckdb

from odibi_core import Orchestrator, Step, observe
from odibi_core.errors import PipelineError
from odibi_core.observability import EventBus

ENDLESS = "select count(*) from range(1000000000000) a(n) where n % 7 = 3"
begun = threading.Event()


def query() -> None:
    """Run a DuckDB query, which needs the interpreter's lock now and then, and else runs in C++."""
    begun.set()
    duckdb.connect().execute(ENDLESS)


def sleep() -> None:
    """Block in a C function, which handles no signal."""
    begun.set()
    ctypes.CDLL(None).pause()


def tell() -> list[dict[str, int]]:
    return [{"n": 1}]


def interrupt() -> None:
    begun.wait()
    os.kill(os.getpid(), signal.SIGINT)


def in_a_step(work: Callable[..., Any], **options: Any) -> None:
    Orchestrator([Step(name="work", value=work, outputs={"out": "work"}, timeout_s=0.3)], **options).execute()


def in_a_hook(work: Callable[..., Any]) -> None:
    bus = EventBus()
    bus.register_hook("node_start", lambda _: work(), async_execution=True)
    Orchestrator([tell], event_bus=bus).execute()
    begun.wait()


def beside(work: Callable[..., Any]) -> None:
    """Run the main thread until Ctrl-C, also if the shell made the program ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    Orchestrator([work, tell], max_workers=2).execute()


def observed(work: Callable[..., Any]) -> None:
    with observe("block", store=False):
        in_a_step(work)


pipeline = [Step(name="work", value=query, outputs={"out": "work"}, timeout_s=0.3)]


def main(work: str, place: str, end: str) -> None:
    try:
        {"step": in_a_step, "hook": in_a_hook, "beside": beside, "observe": observed}[place](globals()[work])
    except PipelineError:
        if end == "raise":
            raise
    if end.isdecimal():
        sys.exit(int(end))


if __name__ == "__main__":
    main(*sys.argv[1:])
