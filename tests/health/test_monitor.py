"""Health checks: side by side, each within its time, whatever they do."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC
from functools import partial
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError
from odibi_core.events import encode
from odibi_core.health import program as program_health
from odibi_core.health.monitor import HealthCheck, HealthChecker, HealthCheckResult, HealthStatus, overall_status
from odibi_core.health.program import register_health_check, run_health_checks, start_background_checks
from odibi_core.testing import RecordingSink


@pytest.fixture
def heard() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def checker(heard: RecordingSink) -> HealthChecker:
    bus = EventBus()
    bus.subscribe(heard)
    return HealthChecker(bus=bus)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end, so that no thread hangs for ever."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_the_runner_keeps_the_time(checker: HealthChecker) -> None:
    """In place of the duration, the time and the name that a check returned."""

    def check() -> HealthCheckResult:
        return HealthCheckResult("another", HealthStatus.HEALTHY, duration_seconds=99)

    checker.register_check(HealthCheck("mine", function=check))
    result = checker.run_check("mine")
    assert result.name == "mine"
    assert 0 <= result.duration_seconds < 99
    assert result.timestamp.tzinfo is UTC


def test_a_hung_check_is_unhealthy_and_holds_up_nobody(
    checker: HealthChecker, gate: threading.Event, heard: RecordingSink
) -> None:
    """The rest is answered; and as long as it hangs it is not asked again."""
    asked = []

    def hang() -> bool:
        asked.append(1)
        return gate.wait(60)

    checker.register_check(HealthCheck("hung", 0.05, function=hang))
    checker.register_check(HealthCheck("well", function=lambda: True))
    for _ in range(3):
        results = checker.run_all_checks()
        assert results["hung"].status is HealthStatus.UNHEALTHY
        assert results["hung"].message == "no answer within 0.05 s"
        assert results["well"].status is HealthStatus.HEALTHY
    assert len(asked) == 1
    assert checker.get_overall_status() is HealthStatus.UNHEALTHY
    assert heard.kinds == ["health_check"] * 6


def test_a_check_that_hung_is_asked_again_once_it_came_back(
    checker: HealthChecker, gate: threading.Event
) -> None:
    """So that it is healthy again when it is."""
    checker.register_check(HealthCheck("slow", 0.05, function=lambda: gate.wait(60)))
    assert checker.run_check("slow").status is HealthStatus.UNHEALTHY
    hanging = checker._running["slow"]
    gate.set()
    hanging.done.wait(60)
    checker._checks["slow"].timeout_seconds = 60
    assert checker.run_check("slow").status is HealthStatus.HEALTHY


def test_checks_run_side_by_side(checker: HealthChecker) -> None:
    """Each of these comes back only when both are running."""
    both = threading.Barrier(2, timeout=60)

    def meet() -> bool:
        return both.wait() >= 0

    checker.register_check(HealthCheck("a", function=meet))
    checker.register_check(HealthCheck("b", function=meet))
    assert {result.status for result in checker.run_all_checks().values()} == {HealthStatus.HEALTHY}


def _raising() -> bool:
    raise ConnectionError("postgresql://ada:hunter2@db/shop refused")


def _leaving() -> bool:
    raise SystemExit(3)


async def _coroutine() -> bool:
    await asyncio.sleep(0)
    return True


@pytest.mark.parametrize(
    ("function", "status", "said"),
    [
        (_raising, "unhealthy", "ConnectionError: postgresql://[REDACTED]@db/shop refused"),
        (_leaving, "unhealthy", "SystemExit"),
        (_coroutine, "healthy", ""),
        (lambda: False, "unhealthy", ""),
        (lambda: "degraded", "degraded", ""),
        (lambda: None, "unknown", "got a NoneType"),
        (lambda: "splendid", "unknown", "got a str"),
        (lambda: HealthCheckResult("x", "wonderful"), "unhealthy", "wonderful"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_whatever_a_check_gives_is_a_result(
    checker: HealthChecker, function: Any, status: str, said: str
) -> None:
    """An error is unhealthy with its reason and without its secrets; what cannot be read is unknown."""
    checker.register_check(HealthCheck("mine", function=function))
    result = checker.run_check("mine")
    assert result.status == status
    assert said in result.message


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        (["healthy", "skipped"], "healthy"),
        (["healthy", "unknown"], "unknown"),
        (["unknown", "degraded", "healthy"], "degraded"),
        (["degraded", "unhealthy"], "unhealthy"),
        (["skipped"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_worst_decides_and_what_is_skipped_does_not_count(statuses: list[str], overall: str) -> None:
    """Nothing at all is unknown."""
    assert overall_status(statuses) == overall


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_timeout_that_cannot_be_is_refused(timeout: Any) -> None:
    """At construction, with what was given."""
    with pytest.raises(ConfigurationError, match="timeout_seconds"):
        HealthCheck("x", timeout, function=lambda: True)


def test_what_is_no_check_is_refused(checker: HealthChecker) -> None:
    """A check with nothing to call, an object that is no check, a name that is not there: each in one sentence."""
    with pytest.raises(ConfigurationError, match="nothing to call"):
        HealthCheck("x")
    with pytest.raises(ConfigurationError, match="got a str"):
        checker.register_check("disk")  # type: ignore[arg-type]  # on purpose
    checker.register_check(HealthCheck("database", function=lambda: True))
    with pytest.raises(ConfigurationError, match="did you mean 'database'"):
        checker.run_check("databse")


def test_each_result_is_an_event(checker: HealthChecker, heard: RecordingSink) -> None:
    """The level follows the status, so that the log of a healthy program stays quiet."""
    for status in HealthStatus:
        result = HealthCheckResult("", status, "said", details={"n": 1})
        checker.register_check(HealthCheck(status.value, function=partial(copy, result)))
    checker.run_all_checks()
    said = {event.fields["check"]: event for event in heard.events}
    assert {name: event.level for name, event in said.items()} == {
        "healthy": "debug", "skipped": "debug", "degraded": "warning", "unknown": "warning", "unhealthy": "error",
    }  # fmt: skip
    event = said["degraded"]
    assert (event.status, event.message, event.fields["details"]) == ("degraded", "said", {"n": 1})


def test_details_may_be_anything(checker: HealthChecker, heard: RecordingSink) -> None:
    """The report is JSON, without secrets."""
    cyclic: dict[str, Any] = {"password": "hunter2", "bytes": b"\xff", "nan": float("nan")}
    cyclic["self"] = cyclic
    checker.register_check(
        HealthCheck("x", function=lambda: HealthCheckResult("x", HealthStatus.HEALTHY, details=cyclic))
    )
    written = json.dumps(checker.report(), allow_nan=False)
    assert "hunter2" not in written + encode(heard.events[0]).decode()


def test_a_report_may_be_so_old(checker: HealthChecker) -> None:
    """Then the checks do not run again: frequent requests do not make them run often."""
    asked = []
    checker.register_check(HealthCheck("x", function=lambda: not asked.append(1)))  # type: ignore[func-returns-value]  # counts
    checker.report(fresh_for_s=60)
    checker.report(fresh_for_s=60)
    assert len(asked) == 1
    checker.report()
    assert len(asked) == 2


def test_in_the_background_they_repeat_until_stopped(
    checker: HealthChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after one that raised."""
    twice = threading.Event()
    asked: list[int] = []

    def count() -> bool:
        asked.append(1)
        if len(asked) >= 2:
            twice.set()
        raise ValueError("each time")

    checker.register_check(HealthCheck("x", function=count))
    monkeypatch.setattr(program_health, "program_checker", lambda: checker)
    background = start_background_checks(0.01)
    assert twice.wait(60)
    background.stop()
    background._thread.join(60)
    assert not background._thread.is_alive()
    with pytest.raises(ConfigurationError, match="got 0"):
        start_background_checks(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_does_not_wait_for_its_parents_threads(checker: HealthChecker, gate: threading.Event) -> None:
    """A check that hangs in the parent can be asked in the child."""
    checker.register_check(HealthCheck("hung", 0.05, function=lambda: gate.wait(60)))
    checker.run_check("hung")
    gate_of_child = os.getpid()
    if (pid := os.fork()) == 0:
        try:
            checker._checks["hung"] = HealthCheck("hung", 30, function=lambda: os.getpid() != gate_of_child)
            os._exit(0 if checker.run_check("hung").status is HealthStatus.HEALTHY else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_where_no_thread_can_be_started_nothing_is_known(
    checker: HealthChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the interpreter ends; afterwards it is asked as ever."""

    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    checker.register_check(HealthCheck("mine", function=lambda: True))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        result = checker.run_check("mine")
    assert (result.status, result.message) == ("unknown", "not run: can't start new thread")
    assert checker.run_check("mine").status == "healthy"


def test_what_cannot_be_a_check_or_an_answer_is_refused_clearly() -> None:
    """A class in place of a check, and a status that is none: with what to do."""
    with pytest.raises(ConfigurationError, match=r"give Hanging\(\)"):
        register_health_check(type("Hanging", (HealthCheck,), {"check": lambda self: True}))
    with pytest.raises(ConfigurationError, match="did you mean 'unhealthy'"):
        HealthCheckResult("mine", "unhealty")  # type: ignore[arg-type]  # on purpose


def test_functions_of_one_name_are_all_asked() -> None:
    """A lambda, partial, object or closure gets a number if its name is taken; none replaces another in silence."""

    def closure(answer: bool) -> Callable[[], bool]:
        def inner() -> bool:
            return answer

        return inner

    class Answer:
        def __call__(self) -> bool:
            return True

    given: list[Callable[[], Any]] = [
        lambda: True, lambda: False, partial(bool, 1), partial(bool, 0), Answer(), Answer(),
        closure(True), closure(False),
    ]  # fmt: skip
    names = [register_health_check(function).name for function in given]
    assert names == ["<lambda>", "<lambda>_2", "bool", "bool_2", "Answer", "Answer_2", "inner", "inner_2"]
    checks = run_health_checks()["checks"]
    assert [checks[name]["status"] for name in names] == [
        "healthy", "unhealthy", "healthy", "unhealthy", "healthy", "healthy", "healthy", "unhealthy",
    ]  # fmt: skip


def test_a_definition_that_runs_again_takes_its_own_place() -> None:
    """The same function, as a notebook's cell registers it each time it is run; an explicit name replaces too."""
    scope: dict[str, Any] = {"__name__": "cell"}
    for answer in ("True", "False"):
        exec(f"def fresh(): return {answer}", scope)  # noqa: S102  # a cell, run twice
        register_health_check(scope["fresh"])
    report = run_health_checks()["checks"]
    assert report["fresh"]["status"] == "unhealthy"
    assert "fresh_2" not in report
    register_health_check(lambda: True, name="fresh")
    assert run_health_checks()["checks"]["fresh"]["status"] == "healthy"
