"""Exceptions that are no `Exception`: failures of the code that raises them, never the end of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from polars.exceptions import PanicException

from odibi_core.bus.bus import EventBus
from odibi_core.bus.worker_queue import WorkerQueue
from odibi_core.checks import Check
from odibi_core.endpoint.app import run_in_thread
from odibi_core.engines.frame import describe
from odibi_core.errors import STOPS, is_failure, is_stop
from odibi_core.health.monitor import HealthCheck, HealthChecker
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.orchestrator import Orchestrator, Step
from odibi_core.runtime.tracker import Tracker
from odibi_core.testing import FailingSink, RecordingSink


class LibraryError(BaseException):
    """An exception that a library derives from `BaseException`."""


FOREIGN: list[BaseException] = [
    PanicException("index out of bounds"),
    asyncio.CancelledError("gone"),
    GeneratorExit("left"),
    LibraryError("own"),
    BaseExceptionGroup("several", [LibraryError("one"), ValueError("two")]),
]
EVERY_KIND = pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)
EVERY_EXECUTOR = pytest.mark.parametrize("workers", [1, 3], ids=["inline", "threads"])


def raises(error: BaseException) -> Callable[..., Any]:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fails


def run(*steps: Any, bus: EventBus | None = None, workers: int = 1, **options: Any) -> Any:
    options = {"store": False, "raise_on_error": False, **options}
    return Orchestrator(list(steps), event_bus=bus, max_workers=workers, **options).execute()


def other() -> int:
    return 1


# --- the rule ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_only_interrupts_and_exits_are_requests_to_stop(error: BaseException) -> None:
    """Interrupts and exits are requests to stop, alone and as a member of a group."""
    assert isinstance(error, STOPS)
    assert is_stop(error)
    assert is_stop(BaseExceptionGroup("several", [ValueError(), error]))
    assert not is_failure(error)


@EVERY_KIND
def test_everything_else_is_no_request_to_stop(error: BaseException) -> None:
    """Any other error is a failure, whichever class it derives from."""
    assert not is_stop(error)
    assert is_failure(error) is not isinstance(error, (asyncio.CancelledError, GeneratorExit))


# --- steps ---------------------------------------------------------------------------------------------------


@EVERY_KIND
@EVERY_EXECUTOR
def test_a_step_that_raises_it_has_failed_and_other_branches_finish(
    error: BaseException, workers: int
) -> None:
    """Steps that need the failed one are skipped; the run failed and was not interrupted."""
    broken = Step(name="broken", layer="ingest", value=raises(error))
    after = Step(name="after", value=lambda broken: broken, inputs=["broken"])
    result = run(broken, after, other, workers=workers)
    assert {name: told["status"] for name, told in result["nodes"].items()} == {
        "broken": "failed", "after": "skipped", "other": "success",
    }  # fmt: skip
    assert result["status"] == "failed"
    assert result["tracker"].export_lineage()["status"] == "failed"


@EVERY_KIND
@EVERY_EXECUTOR
@pytest.mark.parametrize("timeout_s", [None, 60])
def test_a_step_that_raises_it_is_tried_again(
    error: BaseException, workers: int, timeout_s: float | None
) -> None:
    """The step is tried as often as its retries allow, with a timeout too."""
    failures = [error]

    def flaky() -> int:
        if failures:
            raise failures.pop()
        return 7

    result = run(
        Step(name="flaky", layer="ingest", value=flaky, retries=1, timeout_s=timeout_s), workers=workers
    )
    assert result["data"] == {"flaky": 7}
    assert result["tracker"].export_lineage()["steps"][0]["attempts"] == 2


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
@EVERY_EXECUTOR
def test_a_request_to_stop_ends_the_run_as_cancelled_and_is_never_tried_again(
    stop: type[BaseException], workers: int
) -> None:
    """The request leaves `execute()` after the record was closed."""
    heard, bus, calls = RecordingSink(), EventBus(), []
    bus.subscribe(heard)

    def stops() -> None:
        calls.append(1)
        raise stop

    with pytest.raises(stop):
        run(Step(name="stops", layer="ingest", value=stops, retries=3), bus=bus, workers=workers)
    assert len(calls) == 1
    (end,) = heard.of_kind("pipeline_error")
    assert end.status == "cancelled"


# --- subscribers ---------------------------------------------------------------------------------------------


@EVERY_KIND
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_hook_that_raises_it_is_counted_and_the_next_one_is_called(
    error: BaseException, asynchronous: bool
) -> None:
    """Hooks may run in the pipeline's thread or on the bus's own; the run succeeds."""
    bus, heard = EventBus(), list[dict[str, Any]]()
    bus.register_hook("*", raises(error), name="broken", async_execution=asynchronous)
    bus.register_hook("node_complete", heard.append, name="next", async_execution=asynchronous)
    result = run(other, bus=bus)
    assert bus.shutdown(60)
    assert result["status"] == "success"
    assert len(heard) == 1
    assert bus.failures["broken"] > 0


@EVERY_KIND
def test_a_sink_or_view_that_raises_it_is_counted_and_the_others_continue(error: BaseException) -> None:
    """After a number of failures in a row the sink or view is not called any more."""
    bus, heard, failing = EventBus(), RecordingSink(), FailingSink(error)
    bus.subscribe(failing, name="broken")
    bus.subscribe(heard)
    assert run(other, bus=bus)["status"] == "success"
    assert heard.kinds[-1] == "pipeline_complete"
    assert bus.failures["broken"] == failing.calls > 0


@EVERY_KIND
def test_a_check_that_raises_it_has_failed(error: BaseException) -> None:
    """A built-in check reports the error in its result; a check of another class fails its step."""

    class Own:
        name, on, severity = "own", None, "error"
        check = staticmethod(raises(error))

    result = Check(name="broken", judge=raises(error)).check({"out": pd.DataFrame({"n": [1]})})
    assert result.passed is False
    assert type(error).__name__ in result.message
    checked = Step(name="checked", layer="ingest", value=other, checks=[Own()])
    assert run(checked, Step(name="else", layer="ingest", value=other))["nodes"]["else"]["status"] == "success"


@EVERY_KIND
def test_a_frame_that_raises_it_is_not_described(error: BaseException) -> None:
    """The result has the reason."""

    class Broken(pd.DataFrame):
        @property
        def dtypes(self) -> Any:
            raise error

    assert "gave no description" in describe(Broken({"n": [1]}))["not_described"]


@EVERY_KIND
def test_a_value_that_raises_it_is_reported_so(error: BaseException) -> None:
    """A field, a name, a label and an exception whose text fails never reach the caller."""

    class Broken:
        __str__ = __repr__ = __bool__ = __iter__ = __float__ = raises(error)

    class BrokenError(Exception):
        __str__ = raises(error)

    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.publish("values", fields={"given": Broken(), "error": BrokenError()})
    tracker = Tracker(bus=bus)
    tracker.start_step(Broken())  # type: ignore[arg-type]
    tracker.snapshot("after", Broken())
    assert heard.kinds[0] == "values"


@EVERY_KIND
def test_a_health_check_that_raises_it_is_unhealthy(error: BaseException) -> None:
    """The other checks run all the same."""
    class Broken(HealthCheck):
        check = raises(error)

    checker = HealthChecker()
    checker.register_check(Broken("broken"))
    assert checker.run_check("broken").status == "unhealthy"


@EVERY_KIND
def test_an_exporter_that_raises_it_is_one_failed_answer(error: BaseException) -> None:
    """The endpoint raises it as an `Exception`, which the server survives."""

    async def asked() -> Any:
        return await run_in_thread(raises(error))

    with pytest.raises(Exception) as caught:
        asyncio.run(asked())
    assert type(error).__name__ in f"{type(caught.value).__name__} {caught.value}"


@pytest.mark.parametrize("error", [*FOREIGN, SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_a_queued_call_that_raises_it_does_not_end_the_queues_thread(error: BaseException) -> None:
    """An exit does not end the worker either: `drain` would wait for ever."""
    jobs, done = WorkerQueue(workers=1), list[int]()
    jobs.put(raises(error))
    jobs.put(done.append, 1)
    assert jobs.close(60)
    assert (done, jobs.failed) == ([1], 1)


# --- observed programs ---------------------------------------------------------------------------------------


@EVERY_KIND
def test_an_observed_block_that_raises_it_goes_on_as_it_did(error: BaseException) -> None:
    """A panic is a failure of the program; a cancelled task or a closed generator is cancelled."""
    with pytest.raises(type(error)), Observer("nightly", store=False) as observer:
        raise error
    status = observer.tracker.export_lineage()["status"]
    assert status == ("failed" if is_failure(error) else "cancelled")
