"""Trying: how often, how long, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from odibi_core.errors import StepTimeoutError
from odibi_core.pipeline.attempts import attempt
from odibi_core.pipeline.step import Policy

PATIENCE = 20  # seconds that correct code never needs


class Waits:
    """Keeps the arguments of each call before a wait."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, float]] = []

    def __call__(self, number: int, error: BaseException, delay_s: float) -> None:
        self.told.append((number, str(error), delay_s))


def failing(times: int, error: type[BaseException] = ConnectionError) -> Callable[..., str]:
    """Fails so many times, then gives its number of calls."""
    calls = iter(range(1, 1000))

    def call(*_: object) -> str:
        number = next(calls)
        if number <= times:
            raise error(f"failure {number}")
        return f"call {number}"

    return call


def tried(
    call: Callable[[], Any], stopped: threading.Event | None = None, **policy: Any
) -> tuple[Any, int, Waits]:
    waits = Waits()
    result, number = attempt(lambda _: call(), Policy(**policy), waits, stopped or threading.Event())
    return result, number, waits


def test_once_is_once() -> None:
    """Without a policy a failure is raised as it is, and nothing is reported."""
    assert tried(failing(0))[:2] == ("call 1", 1)
    with pytest.raises(ConnectionError, match="failure 1"):
        tried(failing(1))


def test_again_after_a_failure() -> None:
    """Each wait is reported with the attempt that failed, its error and the seconds until the next."""
    result, number, waits = tried(failing(2), retries=3, retry_delay_s=0.001)
    assert (result, number) == ("call 3", 3)
    assert waits.told == [(1, "failure 1", 0.001), (2, "failure 2", 0.001)]


def test_the_last_failure_is_raised() -> None:
    """As it was, not wrapped; there is one wait less than attempts."""
    waits = Waits()
    with pytest.raises(ConnectionError, match="failure 3"):
        attempt(failing(9), Policy(retries=2), waits, threading.Event())
    assert [number for number, *_ in waits.told] == [1, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_never_tried_again(error: type[BaseException]) -> None:
    """Only an Exception is."""
    waits = Waits()
    with pytest.raises(error):
        attempt(failing(1, error), Policy(retries=5), waits, threading.Event())
    assert not waits.told


def test_a_stop_ends_a_wait_and_nothing_is_tried_again() -> None:
    """The failure that was waited for is raised at once."""
    stopped = threading.Event()
    calls = []

    def call() -> None:
        calls.append(1)
        threading.Timer(0.05, stopped.set).start()
        raise ConnectionError("no route")

    with pytest.raises(ConnectionError, match="no route"):
        attempt(lambda _: call(), Policy(retries=3, retry_delay_s=PATIENCE), Waits(), stopped)
    assert len(calls) == 1


def test_after_a_stop_a_failure_is_final() -> None:
    """No wait is begun either."""
    stopped, waits = threading.Event(), Waits()
    stopped.set()
    with pytest.raises(ConnectionError):
        attempt(failing(9), Policy(retries=3), waits, stopped)
    assert not waits.told


def test_a_call_that_takes_too_long_is_abandoned() -> None:
    """The caller goes on at once; the thread of the call keeps no interpreter from leaving."""
    release = threading.Event()
    threads: list[threading.Thread] = []

    def call() -> None:
        threads.append(threading.current_thread())
        release.wait(PATIENCE)

    with pytest.raises(StepTimeoutError, match=r"0\.05 s"):
        tried(call, timeout_s=0.05)
    assert threads[0].daemon
    release.set()
    threads[0].join(PATIENCE)


def test_a_timeout_is_tried_again_like_any_failure() -> None:
    """Each attempt has the whole time."""
    calls = []

    def call() -> str:
        calls.append(1)
        if len(calls) == 1:
            threading.Event().wait(PATIENCE / 20)
        return "there"

    result, number, waits = tried(call, retries=1, timeout_s=0.05)
    assert (result, number) == ("there", 2)
    assert "timeout_s" in waits.told[0][1]


def test_within_its_time_a_call_is_as_without() -> None:
    """Its result, its exception and its context are those of a plain call."""
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("outside")
    assert tried(variable.get, timeout_s=PATIENCE)[0] == "outside"
    assert tried(lambda: None, timeout_s=PATIENCE)[0] is None
    for error in (ConnectionError, SystemExit):
        with pytest.raises(error, match="failure 1"):
            tried(failing(1, error), timeout_s=PATIENCE)
