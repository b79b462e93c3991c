"""A call through a closed circuit breaker: pybreaker's, and odibi-core's, which publishes each change of state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement


def work(value: int) -> int:
    return value


async def async_work(value: int) -> int:
    return value


def _our_call(_: Path) -> Any:
    from odibi_core.observability import CircuitBreaker

    return CircuitBreaker("bench").call


def _our_decorator(_: Path) -> Any:
    from odibi_core.observability import CircuitBreaker

    guarded = CircuitBreaker("bench")(work)
    return lambda function, value: guarded(value)


def _pybreaker_call(_: Path) -> Any:
    import pybreaker

    return pybreaker.CircuitBreaker().call


def _bare(_: Path) -> Any:
    return lambda function, value: function(value)


def _calls(open_breaker: Callable[[Path], Any]) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        yield statement("call(work, 1)", call=open_breaker(folder), work=work)

    return prepare


@contextmanager
def _our_coroutine(_: Path) -> Iterator[Runner]:
    from odibi_core.observability import CircuitBreaker

    yield _in_a_loop(CircuitBreaker("bench")(async_work))


@contextmanager
def _bare_coroutine(_: Path) -> Iterator[Runner]:
    yield _in_a_loop(async_work)


def _in_a_loop(function: Any) -> Runner:
    import asyncio
    import time

    async def repeat(n: int) -> float:
        started = time.perf_counter()
        for _ in range(n):
            await function(1)
        return time.perf_counter() - started

    return lambda n: asyncio.run(repeat(n))


def works(quick: bool) -> list[Work]:
    peer = "pybreaker"
    return [
        Work(
            "a call through a closed breaker",
            "µs",
            [
                Contender("odibi-core", _calls(_our_call), "ours", "circuit_state_change on every change"),
                Contender("odibi-core, decorated", _calls(_our_decorator)),
                Contender(peer, _calls(_pybreaker_call)),
                Contender("the function", _calls(_bare), "floor"),
            ],
            [Target(1.0, peer, "difference", "more than pybreaker's own")],
        ),
        Work(
            "a coroutine through a closed breaker",
            "µs",
            [Contender("odibi-core", _our_coroutine, "ours"), Contender("the coroutine", _bare_coroutine, "floor")],
            note="pybreaker's own coroutines need tornado",
        ),
    ]
