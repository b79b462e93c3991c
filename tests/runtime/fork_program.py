"""Pipelines and observed blocks in which something forks; prints one JSON document a case.

A child does not return to this module, except from `observe()` where the code of the block is the child's own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from odibi_core import Orchestrator, Step, observe
from odibi_core.observability import EventBus
from odibi_core.store.runs import RunStore

HOWS = ("exit", "_exit", "raise", "on")
HOOKS = ("pipeline_start", "node_start", "node_complete", "pipeline_complete")
PLACES = ("step", "threads", "timeout", "retried", "observe", *HOOKS, "async_hook", "double")
CODES: list[int] = []


def fork(how: str) -> None:
    """Fork, wait for the child, and remember its exit code."""
    child = os.fork()
    if child:
        CODES.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    elif how == "exit":
        sys.exit(3)
    elif how == "_exit":
        os._exit(4)
    elif how == "raise":
        raise ValueError("raised in the child")


def daemonize(how: str) -> None:
    """Fork twice, as a daemon does: the grandchild comes back."""
    if os.fork() == 0:
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if how == "raise":
            raise ValueError("raised in the grandchild")
    else:
        CODES.append(os.waitstatus_to_exitcode(os.wait()[1]))


def pipeline(place: str, how: str) -> tuple[str, str]:
    """The status and the id of a run in which `place` forks once."""
    bus, forked = EventBus(), threading.Event()

    def once(event: Any = None) -> None:
        if not forked.is_set():
            forked.set()
            (daemonize if place == "double" else fork)(how)

    def numbers() -> list[dict[str, int]]:
        if place in ("step", "threads", "timeout", "retried", "double"):
            once()
        return [{"n": 1}]

    def doubled(numbers: list[dict[str, int]]) -> list[dict[str, int]]:
        return [{"n": 2 * row["n"]} for row in numbers]

    if place in HOOKS or place == "async_hook":
        kind = "node_start" if place == "async_hook" else place
        bus.register_hook(kind, once, async_execution=place == "async_hook")
    policy: dict[str, Any] = {"timeout": {"timeout_s": 60}, "retried": {"retries": 2, "retry_delay_s": 0}}
    first = Step(name="numbers", value=numbers, outputs={"out": "numbers"}, **policy.get(place, {}))
    workers = 2 if place == "threads" else 1
    result = Orchestrator([first, doubled], event_bus=bus, pipeline_name=place, max_workers=workers).execute()
    bus.shutdown()
    return result["status"], result["run_id"]


def block(place: str, how: str) -> tuple[str, str]:
    """An observed block that forks; the child leaves it as its parent does."""
    parent = os.getpid()
    try:
        with observe("block") as run:
            fork(how)
            run.say("in_the_block", pid=os.getpid())
    finally:
        if os.getpid() != parent:  # `run` has ended here, and recorded no end
            os._exit({"exit": 3, "raise": 1}.get(how, 0))
    return "success", run.run_id


def main() -> None:
    for place in PLACES:
        for how in HOWS if place != "double" else ("raise", "on"):
            CODES.clear()
            act: Callable[[str, str], tuple[str, str]] = block if place == "observe" else pipeline
            status, run_id = act(place, how)
            said = [event.event_type for event in RunStore().read(run_id)]
            (row,) = RunStore().rows(limit=1)
            case = {
                "place": place,
                "how": how,
                "codes": CODES,
                "status": status,
                "said": said,
                "row": row["status"],
            }
            print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
