"""A program that sends objects to a worker process and back, by every start method; it prints JSON per method."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from odibi_core import Orchestrator, node
from odibi_core.errors import PipelineError
from odibi_core.observability import (
    CircuitBreaker,
    EventBus,
    MetricsManager,
    StructuredLogger,
    get_logger,
    get_metrics,
    performance_monitor,
)


@node
@performance_monitor("doubled")
def doubled(number: int) -> int:
    return 2 * number


def numbers() -> list[dict[str, int]]:
    return [{"n": 1}]


def broken() -> None:
    raise ValueError("broken")


def failed() -> PipelineError:
    try:
        Orchestrator([broken], store=False).execute()
    except PipelineError as error:
        return error
    raise AssertionError


def counted(handle: Any) -> float:
    handle.inc()
    total: float = handle._recorder.counters["sent"]
    return total


def logged(logger: Any) -> Any:
    logger.info("in_the_worker")
    return logger.name


def taken(name: str, thing: Any) -> tuple[Any, Any]:
    """Use the object in the worker, and return it."""
    uses: dict[str, Any] = {
        "get_logger": logged,
        "StructuredLogger": logged,
        "MetricsManager": lambda metrics: counted(metrics.counter("sent")),
        "get_metrics": lambda metrics: metrics is get_metrics(),
        "counter": counted,
        "Result": lambda result: [result["status"], result["data"], result["tracker"].get_stats()["success_count"]],
        "PipelineError": lambda error: [str(error), error.result["status"]],
        "CircuitBreaker": lambda breaker: breaker.call(int, "12"),
        "function": lambda function: function(21),
    }
    return uses[name](thing), thing


def things() -> dict[str, Any]:
    metrics = MetricsManager()
    metrics.increment("sent", value=2)
    return {
        "get_logger": get_logger("shop.import"),
        "StructuredLogger": StructuredLogger("nightly"),
        "MetricsManager": metrics,
        "get_metrics": get_metrics(),
        "counter": metrics.counter("sent"),
        "Result": Orchestrator([numbers], store=False).execute(),
        "PipelineError": failed(),
        "CircuitBreaker": CircuitBreaker("payments", fail_max=3),
        "function": doubled,
    }


def refusal(thing: Any) -> str:
    try:
        pickle.dumps(thing)
    except TypeError as error:
        return str(error)
    return ""


def main() -> None:
    for method in ("fork", "spawn", "forkserver"):
        given, told = things(), {}
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            for name, thing in given.items():
                answer, back = pool.submit(taken, name, thing).result()
                copies = [copy.copy(thing), copy.deepcopy(thing), back]
                told[name] = [answer, [type(each) is type(thing) for each in copies], back is thing]
        refused = [refusal(EventBus()), refusal(StructuredLogger("own", bus=EventBus()))]
        print(json.dumps({"method": method, "told": told, "refused": refused}))


if __name__ == "__main__":
    main()
