"""Circuit breakers: when they open, when they try again, and what they leave alone."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from copy import copy
from typing import Any

import pybreaker
import pytest

from odibi_core.errors import CircuitOpenError, ConfigurationError
from odibi_core.observability import CircuitBreaker, EventBus, StructuredLogger, get_logger
from odibi_core.process.state import current_bus
from odibi_core.testing import FailingSink, FakeClock, RecordingSink


def fail() -> None:
    raise OSError("no answer")


def fail_times(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="no answer"):
            breaker.call(fail)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker("payments", fail_max=3, reset_timeout_s=30, clock=clock)


def test_it_opens_after_that_many_failures_in_a_row(breaker: CircuitBreaker) -> None:
    """A success in between begins the count anew; every failure goes on as it is, the last one too."""
    fail_times(breaker, 2)
    breaker.call(int)
    assert breaker.failures == 0
    fail_times(breaker, 3)
    assert breaker.state == "open"


def test_while_it_is_open_nothing_is_called(breaker: CircuitBreaker) -> None:
    """The error names the circuit and when it will try again, and is pybreaker's error too."""
    fail_times(breaker, 3)
    called: list[int] = []
    with pytest.raises(CircuitOpenError, match=r"'payments' is open .* in 30 s") as raised:
        breaker.call(called.append, 1)
    assert called == []
    assert (raised.value.circuit, raised.value.retry_in_s) == ("payments", 30)
    with pytest.raises(pybreaker.CircuitBreakerError):
        breaker.call(int)


def test_the_error_travels_between_processes(breaker: CircuitBreaker) -> None:
    """Pools of processes pickle what a worker raises."""
    fail_times(breaker, 3)
    with pytest.raises(CircuitOpenError) as raised:
        breaker.call(int)
    sent = copy(raised.value)  # by the same protocol
    assert type(sent) is CircuitOpenError
    assert (sent.circuit, str(sent)) == ("payments", str(raised.value))


def test_after_the_timeout_one_call_decides(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """A failure opens it for as long again, a success closes it."""
    fail_times(breaker, 3)
    clock.advance(30)
    fail_times(breaker, 1)
    assert breaker.state == "open"
    clock.advance(29)
    with pytest.raises(CircuitOpenError):
        breaker.call(int)
    clock.advance(1)
    assert breaker.call(int, "7") == 7
    assert (breaker.state, breaker.failures) == ("closed", 0)


def test_the_wall_clock_does_not_matter(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """Set back by an hour, the circuit still tries again in time."""
    fail_times(breaker, 3)
    clock.set_back(3600)
    clock.advance(30)
    assert breaker.call(int) == 0


def test_only_one_call_at_a_time_tries(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """While it is under way the others are refused."""
    fail_times(breaker, 3)
    clock.advance(30)
    with breaker.calling():
        assert breaker.state == "half_open"
        with pytest.raises(CircuitOpenError):
            breaker.call(int)
    assert str(breaker.state) == "closed"


def test_a_try_that_never_ends_is_given_up(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """A forgotten generator cannot keep a circuit from closing: after another timeout another call may try."""

    @breaker
    def rows() -> Iterator[int]:
        yield 1
        yield 2

    fail_times(breaker, 3)
    clock.advance(30)
    forgotten = rows()
    next(forgotten)
    with pytest.raises(CircuitOpenError):
        breaker.call(int)
    clock.advance(30)
    assert breaker.call(int) == 0
    assert breaker.state == "closed"


def test_a_cancelled_call_is_no_failure(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """Neither in a closed circuit nor in the call that tries: then the next one may try at once."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            breaker.call(interrupted)
    assert breaker.failures == 0
    fail_times(breaker, 3)
    clock.advance(30)
    with pytest.raises(KeyboardInterrupt):
        breaker.call(interrupted)
    assert breaker.state == "half_open"
    assert breaker.call(int) == 0


def test_what_is_excluded_is_no_failure(clock: FakeClock) -> None:
    """By class, by a function, and by one that raises: then it is a failure. One alone needs no list."""

    def unsure(error: BaseException) -> bool:
        raise RuntimeError("cannot say")

    def is_quiet(error: BaseException) -> bool:
        return str(error) == "no answer"

    assert _failures(CircuitBreaker("a", exclude=OSError)) == 0
    assert _failures(CircuitBreaker("a", exclude=[KeyError, is_quiet])) == 0
    assert _failures(CircuitBreaker("a", exclude=[KeyError, unsure])) == 1


def _failures(breaker: CircuitBreaker) -> int:
    fail_times(breaker, 1)
    return breaker.failures


def test_a_call_from_before_has_no_say(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """One that began while the circuit was closed, and succeeds while another tries, does not close it."""
    early = breaker.calling()
    early.__enter__()
    fail_times(breaker, 3)
    clock.advance(30)
    with breaker.calling():
        early.__exit__(None, None, None)
        assert breaker.state == "half_open"


def test_calls_run_side_by_side() -> None:
    """No lock is held during a call: two that wait for each other both end."""
    breaker, together = CircuitBreaker("slow"), threading.Barrier(2)
    threads = [threading.Thread(target=breaker.call, args=(together.wait, 30)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not together.broken


def test_many_threads_open_it_once(heard: RecordingSink) -> None:
    """Many failures at the same time are one change of state."""
    breaker, together = CircuitBreaker("busy", fail_max=4), threading.Barrier(8)

    def work() -> None:
        try:
            with breaker.calling():
                together.wait(30)
                fail()
        except OSError:
            pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [event.fields["newState"] for event in heard.of_kind("circuit_state_change")] == ["open"]


def test_async_functions_without_tornado(breaker: CircuitBreaker) -> None:
    """By `call_async`, and decorated, when they stay coroutine functions."""

    @breaker
    async def charge(ok: bool) -> str:
        await asyncio.sleep(0)
        if not ok:
            raise OSError("no answer")
        return "charged"

    async def main() -> None:
        assert await charge(True) == "charged"
        assert await breaker.call_async(charge, True) == "charged"
        for _ in range(3):
            with pytest.raises(OSError, match="no answer"):
                await charge(False)
        with pytest.raises(CircuitOpenError):
            await charge(True)

    assert inspect.iscoroutinefunction(charge)
    asyncio.run(main())


def test_generators_are_called_by_being_consumed(breaker: CircuitBreaker) -> None:
    """A failure in their middle counts; one that is left early is neither failure nor success."""

    @breaker
    def rows(stop: int) -> Iterator[int]:
        for number in range(3):
            if number == stop:
                fail()
            yield number

    @breaker
    async def rows_async(stop: int) -> AsyncIterator[int]:
        for number in rows.__wrapped__(stop):  # type: ignore[attr-defined]
            yield number

    async def consume(stop: int) -> list[int]:
        return [number async for number in rows_async(stop)]

    assert list(rows(9)) == asyncio.run(consume(9)) == [0, 1, 2]
    with pytest.raises(OSError, match="no answer"):
        list(rows(1))
    assert breaker.failures == 1
    next(rows(9))
    assert breaker.failures == 1
    with pytest.raises(OSError, match="no answer"):
        asyncio.run(consume(1))
    assert breaker.failures == 2


def test_an_exception_comes_out_as_it_went_in(breaker: CircuitBreaker) -> None:
    """No frame of pybreaker in its traceback, no other exception as its context."""
    with pytest.raises(OSError, match="no answer") as raised:
        breaker.call(fail)
    assert raised.value.__context__ is None
    assert not [entry for entry in raised.traceback if "pybreaker" in str(entry.path)]


def test_every_kind_of_method_can_be_decorated(breaker: CircuitBreaker) -> None:
    """Also above @classmethod and @staticmethod."""

    class Client:
        @breaker
        def plain(self) -> str:
            return "plain"

        @breaker
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

        @breaker
        @staticmethod
        def static() -> str:
            return "static"

    assert (Client().plain(), Client.of_class(), Client().static()) == ("plain", "Client", "static")


def test_a_guarded_generator_is_still_one(breaker: CircuitBreaker) -> None:
    """A sent value arrives, also in an async generator; a refusal comes with the first value requested."""

    @breaker
    def doubling() -> Generator[int, int, None]:
        given = 0
        while True:
            given = yield given * 2

    @breaker
    async def doubling_async() -> AsyncGenerator[int, int]:
        given = 0
        while True:
            given = yield given * 2

    async def main() -> list[int]:
        numbers = doubling_async()
        return [await anext(numbers), await numbers.asend(4)]

    numbers = doubling()
    assert [next(numbers), numbers.send(4)] == [0, 8]
    assert asyncio.run(main()) == [0, 8]
    breaker.open()
    refused = doubling()
    with pytest.raises(CircuitOpenError):
        next(refused)


def test_an_object_with_an_asynchronous_call_is_a_coroutine_function(breaker: CircuitBreaker) -> None:
    """A failure while it is awaited is a failure."""

    class Client:
        async def __call__(self) -> None:
            fail()

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(OSError, match="no answer"):
                await breaker(Client())()

    asyncio.run(main())
    assert breaker.state == "open"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_call_though_the_lock_was_held(breaker: CircuitBreaker) -> None:
    """In the child the lock is new, and earlier failures still count."""
    fail_times(breaker, 2)
    with breaker._lock:
        child = os.fork()
        if child == 0:
            done = threading.Thread(target=fail_times, args=(breaker, 1), daemon=True)
            done.start()
            done.join(20)
            os._exit(0 if breaker.state == "open" and not done.is_alive() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert breaker.state == "closed"


def test_by_hand(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """`open()` and `close()`, as before and after maintenance."""
    breaker.open()
    with pytest.raises(CircuitOpenError):
        breaker.call(int)
    breaker.close()
    assert breaker.call(int) == 0


def test_the_event_says_why_it_opened(breaker: CircuitBreaker, heard: RecordingSink) -> None:
    """A warning with the last failure; that it closes again is only information."""
    fail_times(breaker, 3)
    breaker.close()
    opened, closed = heard.events
    assert (opened.level, opened.component, opened.error) == ("warning", "payments", "no answer")
    assert (closed.level, closed.error, closed.fields["newState"]) == ("info", None, "closed")


def test_it_speaks_where_it_was_told_to(heard: RecordingSink) -> None:
    """On a bus of one's own, or through a logger; else where it is called from."""
    bus, own = EventBus(), RecordingSink()
    bus.subscribe(own)
    with StructuredLogger("log", bus=bus) as logger:
        for breaker in (CircuitBreaker("a", bus=bus), CircuitBreaker("b", logger=logger)):
            breaker.open()
    CircuitBreaker("c", logger=get_logger("app")).open()
    assert [event.component for event in own.events] == ["a", "b"]
    assert [event.component for event in heard.of_kind("circuit_state_change")] == ["c"]


def test_listeners_do_not_break_a_call(breaker: CircuitBreaker) -> None:
    """A sink that raises, and a hook that uses the circuit itself, in another thread and to its end."""
    bus = current_bus()
    bus.subscribe(FailingSink())

    def refused() -> None:
        with pytest.raises(CircuitOpenError):
            breaker.call(int)

    def use_it(event: dict[str, Any]) -> None:
        thread = threading.Thread(target=refused)
        thread.start()
        thread.join(timeout=30)
        assert not thread.is_alive()

    bus.register_hook("circuit_state_change", use_it)
    fail_times(breaker, 3)
    assert bus.failures.keys() == {"FailingSink"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fail_max": 0}, "fail_max must be a number of at least 1, got 0"),
        ({"reset_timeout_s": -1}, "reset_timeout_s must be a number of at least 0, got -1"),
        ({"reset_timeout_s": "soon"}, "got 'soon' (str)"),
        ({"exclude": [3]}, "got 3"),
        ({"exclude": [int]}, "got <class 'int'>"),
        ({"exclude": 3}, "got 3"),
        ({"logger": "app"}, "got a str"),
    ],
)
def test_what_cannot_be_right_is_refused(wrong: dict[str, Any], said: str) -> None:
    """At construction, with what was given."""
    with pytest.raises(ConfigurationError) as raised:
        CircuitBreaker("a", **wrong)
    assert said in str(raised.value)


def test_any_name_will_do(heard: RecordingSink) -> None:
    """It is data."""
    CircuitBreaker("../\n\ud800" * 500).open()
    CircuitBreaker(3).open()  # type: ignore[arg-type]
    assert heard.events[1].fields["circuitName"] == "3"
