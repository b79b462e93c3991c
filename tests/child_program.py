"""An observed program whose forked children capture, measure and end, each in its own way: argument `HOW`."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

from odibi_core import Orchestrator
from odibi_core.observability import capture_exception, get_metrics, init_observability
from odibi_core.sinks import sentry_sink

sentry_sink._IN_CHILD_S = 30.0  # type: ignore[misc]  # a busy machine may need more than the two seconds of an ordinary child


def work(how: str) -> None:
    capture_exception(ValueError(f"in the child: {how}"))
    get_metrics().increment("of_child")


def in_a_step(how: str) -> None:
    def step() -> list[dict[str, int]]:
        child(how)
        return [{"n": 1}]

    Orchestrator([step], store=False).execute()


def child(how: str) -> None:
    process = os.fork()
    if process:
        os.waitpid(process, 0)
        return
    work(how)
    if how == "_exit":
        os._exit(0)
    if how == "exit":
        sys.exit(0)


def main(how: str) -> None:
    init_observability()
    capture_exception(ValueError("before"))
    if how in ("fork", "spawn", "forkserver"):
        started: Any = multiprocessing.get_context(how)
        process = started.Process(target=work, args=(how,))
        process.start()
        process.join()
    elif how == "step":
        in_a_step(how)
    else:
        child(how)


if __name__ == "__main__":
    main(sys.argv[1])
