"""Circuit breakers: no calls for a while after repeated failures; each change of state is an event.

The states and thresholds are those of pybreaker. Unlike there, calls run side by side, outside of the lock; one call at
a time tests whether an open circuit may close; a cancelled call is no failure.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from threading import RLock
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar

from odibi_core import _fork
from odibi_core.bus.bus import EventBus
from odibi_core.errors import STOPS, CircuitOpenError, ConfigurationError, is_failure
from odibi_core.events import kinds
from odibi_core.events.arguments import require_number
from odibi_core.events.clock import SYSTEM, Clock
from odibi_core.events.failure import message_of
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import OneHere
from odibi_core.events.sanitize import sanitize_text
from odibi_core.process.state import resolve_bus, validate_logger
from odibi_core.wrapping.callables import ClassDecorator
from odibi_core.wrapping.calls import CallObserver, observe_calls

__all__ = ["CircuitBreaker"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

State = Literal["closed", "open", "half_open"]
Excluded = type[BaseException] | Callable[[BaseException], bool]


class CircuitBreaker(ClassDecorator, OneHere):
    """Make no call for `reset_timeout_s` after `fail_max` failures in a row, then one call as a test.

    While the circuit is open, a call raises `CircuitOpenError` at once. Exceptions of the function are raised
    unchanged. Threads and tasks may share a breaker. Each change of state is a `circuit_state_change` event.

    Args:
        name: Name of the circuit.
        fail_max: Failures in a row that open the circuit, at least 1.
        reset_timeout_s: Seconds for which it stays open, at least 0.
        exclude: Exception classes, and functions of an exception that return true, that are no failures.
        bus: Bus of its events; by default that of the current run.
        logger: Logger on whose bus it publishes, instead of `bus`.
        clock: Source of the time, for tests.

    Raises:
        ConfigurationError: If an argument is out of range or of another type.

    >>> payments = CircuitBreaker("payments", fail_max=3, exclude=[KeyError])
    >>> payments.call(int, "12")
    12
    >>> @payments
    ... async def charge(amount): ...
    >>> with payments.calling():
    ...     print("charged")
    charged
    """

    def __init__(
        self,
        name: str,
        fail_max: int = 5,
        reset_timeout_s: float = 30.0,
        exclude: Excluded | Iterable[Excluded] = (),
        *,
        bus: EventBus | None = None,
        logger: Any = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self.name = sanitize_text(to_text(name))
        self.fail_max = require_number("fail_max", fail_max, at_least=1)
        self.reset_timeout_s = require_number("reset_timeout_s", reset_timeout_s, at_least=0)
        self._excluded = _exclusions(exclude)
        self._made = (name, fail_max, reset_timeout_s, exclude)
        self._bus = validate_logger(bus if logger is None else logger)
        self._clock = clock
        self._state: State = "closed"
        self._failures = 0
        self._epoch = 0
        """Number of changes of state; the end of a call that started in an earlier epoch is not counted."""
        self._next_try = 0.0
        self._counts_success = False
        """False while the circuit is closed without a failure: then a success changes nothing."""
        self._changes: deque[tuple[State, State, BaseException | None]] = deque()
        self._after_fork()
        _fork.in_child(self._after_fork)

    def _made_of(self) -> tuple[Any, tuple[Any, ...]]:
        """Return what a worker process makes its breaker of, which starts closed."""
        return CircuitBreaker, self._made

    def _after_fork(self) -> None:
        """Make the lock, which another thread of a parent may have held."""
        self._lock = RLock()

    @property
    def state(self) -> State:
        """`closed`: calls are made; `open`: none is made; `half_open`: one call is made as a test."""
        return self._state

    @property
    def failures(self) -> int:
        """Number of failures in a row."""
        return self._failures

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` through the circuit.

        Raises:
            CircuitOpenError: If the circuit is open.
        """
        epoch = self._admit()  # not `with self.calling()`, which takes twice the time (benchmark: breaker)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._count_end(epoch, error)
            raise
        if self._counts_success:
            self._count_end(epoch)
        return result

    async def call_async(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Await `function` through the circuit, as `call`."""
        with self.calling():
            return await function(*args, **kwargs)

    def calling(self) -> _Calling:
        """Return a context manager whose block is the call: `with breaker.calling(): …`."""
        return _Calling(self)

    def __call__(self, function: F) -> F:
        """Return `function` with each call made through the circuit; a generator's call ends with the generator."""
        return observe_calls(function, self.calling)

    def open(self) -> None:
        """Open the circuit for `reset_timeout_s`."""
        self._change("open")

    def close(self) -> None:
        """Close the circuit and forget its failures."""
        self._change("closed")

    def _admit(self) -> int:
        """Return the epoch in which a call starts, or raise if none may be made now."""
        epoch = self._epoch  # read before the state: after a change in between, the call is not counted
        if self._state == "closed":
            return epoch
        with self._lock:
            if self.state != "closed":
                now = self._clock.monotonic()
                if now < self._next_try:
                    raise _refused()(self.name, self._next_try - now)
                # A test that never ends, such as a forgotten generator, must not keep the circuit open.
                self._next_try = now + self.reset_timeout_s
                self._set("half_open")
            epoch = self._epoch
        self._publish_changes()
        return epoch

    def _count_end(self, epoch: int, error: BaseException | None = None) -> None:
        """Count the end of a call, unless the circuit has changed its state since."""
        counted = error is not None and is_failure(error) and not self._is_excluded(error)
        with self._lock:
            if epoch != self._epoch:
                return
            if error is not None and not is_failure(error):
                # Cancelled: neither a failure nor a success, so the next call is the test.
                self._next_try = self._clock.monotonic()
            elif not counted:
                self._set("closed")
            else:
                self._failures += 1
                self._counts_success = True
                if self._state == "half_open" or self._failures >= self.fail_max:
                    self._set("open", error)
        self._publish_changes()

    def _change(self, state: State) -> None:
        with self._lock:
            self._set(state)
        self._publish_changes()

    def _set(self, new: State, error: BaseException | None = None) -> None:
        """Set the state, and note the change to publish. Called under the lock."""
        old, self._state = self._state, new
        self._counts_success = new != "closed"
        if new == "closed":
            self._failures = 0
        if old == new:
            return
        self._epoch += 1
        if new == "open":
            self._next_try = self._clock.monotonic() + self.reset_timeout_s
        self._changes.append((old, new, error))

    def _publish_changes(self) -> None:
        """Publish the changes of state. Not under the lock: a hook may itself make calls through the circuit."""
        while self._changes:
            try:
                old, new, error = self._changes.popleft()
            except IndexError:  # published by another thread
                return
            change = {"component": self.name, "circuitName": self.name, "oldState": old, "newState": new}
            if error is not None and new == "open":
                change["error"] = message_of(error)
            level = "warning" if new == "open" else "info"
            resolve_bus(self._bus).publish(kinds.CIRCUIT_STATE_CHANGE, level=level, fields=change)

    def _is_excluded(self, error: BaseException) -> bool:
        for exclusion in self._excluded:
            if isinstance(exclusion, type):
                if isinstance(error, exclusion):
                    return True
                continue
            try:
                if exclusion(error):
                    return True
            except STOPS:
                raise
            except BaseException:  # foreign code: then the exception is a failure
                continue
        return False

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self._state}, {self.failures} failures of {self.fail_max})"


class _Calling(CallObserver):
    """One call: a block, a function, or a generator until it ends."""

    __slots__ = ("_breaker", "_epoch")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self._epoch: int | None = None

    def __enter__(self) -> CircuitBreaker:
        self._epoch = self._breaker._admit()
        return self._breaker

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._epoch is not None and (error is not None or self._breaker._counts_success):
            self._breaker._count_end(self._epoch, error)

    def resume(self) -> None:
        if self._epoch is None:
            self._epoch = self._breaker._admit()

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        """Count the end; a generator that was left early has neither failed nor succeeded."""
        self.__exit__(None, GeneratorExit() if partial else error, None)


@functools.cache
def _refused() -> type[CircuitOpenError]:
    """Return the class of `CircuitOpenError` that is pybreaker's error too, for programs that catch that one."""
    from pybreaker import CircuitBreakerError

    class Refused(CircuitOpenError, CircuitBreakerError):
        pass

    Refused.__name__ = Refused.__qualname__ = CircuitOpenError.__name__
    Refused.__module__ = CircuitOpenError.__module__
    return Refused


def _exclusions(given: Any) -> tuple[Excluded, ...]:
    listed = tuple(given) if isinstance(given, Iterable) and not isinstance(given, type | str) else (given,)
    wrong = [each for each in listed if not callable(each)]
    wrong += [each for each in listed if isinstance(each, type) and not issubclass(each, BaseException)]
    if wrong:
        raise ConfigurationError(
            f"exclude must hold exception classes, or functions of an exception, got {to_text(wrong[0], 100)}"
        )
    return listed
