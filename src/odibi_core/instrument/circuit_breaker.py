"""Circuit breakers: what keeps failing is left alone for a while, and each change of state is an event.

The states, the counting and the thresholds are pybreaker's. Ours is what is around it: calls run outside of its lock,
side by side; only one at a time tries whether an open circuit may close; a call that was cancelled is no failure.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from math import inf
from threading import RLock
from types import TracebackType
from typing import Any, Final, Literal, ParamSpec, TypeVar

from odibi_core import _fork
from odibi_core.bus.bus import EventBus
from odibi_core.errors import STOPS, CircuitOpenError, ConfigurationError, is_failure
from odibi_core.events import kinds
from odibi_core.events.clock import SYSTEM, Clock
from odibi_core.events.failure import message_of
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import OneHere
from odibi_core.events.sanitize import sanitize_text
from odibi_core.process.state import current_bus, resolve_bus
from odibi_core.wrapping.callables import ClassDecorator
from odibi_core.wrapping.calls import CallObserver, observe_calls

__all__ = ["CircuitBreaker"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

State = Literal["closed", "open", "half_open"]
Excluded = type[BaseException] | Callable[[BaseException], bool]

_STATES: Final[dict[str, State]] = {"closed": "closed", "open": "open", "half-open": "half_open"}


class _ReportedError(Exception):
    """What pybreaker is told of a failure: that there was one."""


class CircuitBreaker(ClassDecorator, OneHere):
    """After `fail_max` failures in a row it makes no call for `reset_timeout_s`, then lets one through to try.

    While it is open a call raises `CircuitOpenError` at once. Exceptions go on unchanged; those that are instances of a
    class in `exclude`, or for which a function in it gives true, are no failures. Any number of threads and tasks may
    share one. Says `circuit_state_change` where it is called from, or on `bus`, or through `logger`.

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
        self.fail_max = _at_least(1, "fail_max", fail_max)
        self.reset_timeout_s = _at_least(0, "reset_timeout_s", reset_timeout_s)
        self._excluded = _exclusions(exclude)
        self._made = (name, fail_max, reset_timeout_s, exclude)
        self._bus = resolve_bus(bus if logger is None else logger)
        self._now = clock.monotonic
        self._begin()
        self._state: State = "closed"
        self._turn = 0
        """How often the state changed: a call that began in an earlier one has no say in this one."""
        self._next_try = 0.0
        self._troubled = False
        """Whether a success matters: it is not when the circuit is closed and nothing failed since."""
        self._changes: deque[tuple[State, State, BaseException | None]] = deque()
        _fork.in_child(self._after_fork)

    def _made_of(self) -> tuple[Any, tuple[Any, ...]]:
        """In another process it begins closed, and says its changes to that program."""
        return CircuitBreaker, self._made

    def _after_fork(self) -> None:
        self._begin(self._storage)

    def _begin(self, storage: Any = None) -> None:
        """Locks, and what stands behind them: at the start, and with what is stored in the child of every fork."""
        import pybreaker

        self._storage = storage or pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._breaker = pybreaker.CircuitBreaker(
            self.fail_max, self.reset_timeout_s, state_storage=self._storage
        )
        self._lock = RLock()

    @property
    def state(self) -> State:
        """`closed`: calls are made. `open`: they are not. `half_open`: one is made, to see."""
        return self._state

    @property
    def failures(self) -> int:
        """Failures in a row, as far as they still count."""
        return int(self._breaker.fail_counter)

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns, or `CircuitOpenError`."""
        turn = self._admit()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._ended(turn, error)
            raise
        if self._troubled:
            self._ended(turn)
        return result

    async def call_async(
        self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What `function` returns once awaited, or `CircuitOpenError`."""
        with self.calling():
            return await function(*args, **kwargs)

    def calling(self) -> _Calling:
        """`with breaker.calling(): …`, where the block is the call."""
        return _Calling(self)

    def __call__(self, function: F) -> F:
        """Each call of `function` goes through the circuit; of a generator, the whole of its course is the call."""
        return observe_calls(function, self.calling)

    def open(self) -> None:
        """Make no more calls, from now on for `reset_timeout_s`."""
        self._change(self._breaker.open)

    def close(self) -> None:
        """Make calls again, as if nothing had failed."""
        self._change(self._breaker.close)

    def _admit(self) -> int:
        """The turn in which a call begins, if one may be made now."""
        turn = self._turn  # read before the state: what is of an older one does not count
        if self._state == "closed":
            return turn
        with self._lock:
            if self.state != "closed":  # by now
                now = self._now()
                if now < self._next_try:
                    raise _refusal(self.name, self._next_try - now)
                # Should this try never end, as that of a forgotten generator, another one may be made by then.
                self._next_try = now + self.reset_timeout_s
                self._step(self._breaker.half_open)
            turn = self._turn
        self._tell()
        return turn

    def _ended(self, turn: int, error: BaseException | None = None) -> None:
        """Count how a call ended, unless the circuit has changed its state since."""
        counted = error is not None and is_failure(error) and not self._is_excluded(error)
        with self._lock:
            if turn != self._turn:
                return
            if error is not None and not is_failure(error):
                # Cancelled: neither a failure nor a success, so the next may try.
                self._next_try = self._now()
            else:
                self._step(functools.partial(self._breaker.call, _fail if counted else _succeed), error)
        self._tell()

    def _change(self, step: Callable[[], object]) -> None:
        with self._lock:
            self._step(step)
        self._tell()

    def _step(self, step: Callable[[], object], error: BaseException | None = None) -> None:
        """Have pybreaker take a step, and see what it made of it. Under the lock."""
        try:
            step()
        except Exception:  # what we told it of, or its word for having opened
            pass
        old, new = self._state, _STATES[self._breaker.current_state]
        self._troubled = new != "closed" or self.failures > 0
        if old == new:
            return
        self._state = new
        self._turn += 1
        if new == "open":
            self._next_try = self._now() + self.reset_timeout_s
        self._changes.append((old, new, error))

    def _tell(self) -> None:
        """Say what changed. Not under the lock: a hook that hears of it may itself make calls, in other threads too."""
        while self._changes:
            try:
                old, new, error = self._changes.popleft()
            except IndexError:  # another thread was quicker
                return
            bus = current_bus() if self._bus is None else getattr(self._bus, "bus", self._bus)
            change = {"component": self.name, "circuitName": self.name, "oldState": old, "newState": new}
            if error is not None and new == "open":
                change["error"] = message_of(error)
            level = "warning" if new == "open" else "info"
            bus.publish(kinds.CIRCUIT_STATE_CHANGE, level=level, fields=change)

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
            except BaseException:  # it cannot say: then the failure is one
                continue
        return False

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self._state}, {self.failures} failures of {self.fail_max})"


class _Calling(CallObserver):
    """One call: of a block or a function, or the course of a generator."""

    __slots__ = ("_breaker", "_turn")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self._turn: int | None = None

    def __enter__(self) -> CircuitBreaker:
        self._turn = self._breaker._admit()
        return self._breaker

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._turn is not None and (error is not None or self._breaker._troubled):
            self._breaker._ended(self._turn, error)

    def resume(self) -> None:
        """The call begins; that of a generator with the first value that is asked for."""
        if self._turn is None:
            self._turn = self._breaker._admit()

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> None:
        """It is at its end; one that is left early has neither failed nor succeeded."""
        self.__exit__(None, GeneratorExit() if partial else error, None)


def _succeed() -> None:
    """What pybreaker calls to count a success."""


def _fail() -> None:
    raise _ReportedError


@functools.cache
def _refused() -> type[CircuitOpenError]:
    """Our error, which is pybreaker's too: programs that catch that one go on working."""
    from pybreaker import CircuitBreakerError

    class Refused(CircuitOpenError, CircuitBreakerError):
        pass

    Refused.__name__ = Refused.__qualname__ = CircuitOpenError.__name__
    Refused.__module__ = CircuitOpenError.__module__
    return Refused


def _refusal(name: str, retry_in_s: float) -> CircuitOpenError:
    return _refused()(name, retry_in_s)


def _at_least(least: int, name: str, given: Any) -> Any:
    number = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < inf
    if not number or given < least:
        what = to_text(given, 100) if number else f"{to_text(given, 100)} ({type(given).__name__})"
        raise ConfigurationError(f"{name} is a number of at least {least}; given was {what}")
    return given


def _exclusions(given: Any) -> tuple[Excluded, ...]:
    listed = tuple(given) if isinstance(given, Iterable) and not isinstance(given, type | str) else (given,)
    wrong = [each for each in listed if not callable(each)]
    wrong += [each for each in listed if isinstance(each, type) and not issubclass(each, BaseException)]
    if wrong:
        raise ConfigurationError(
            "exclude has classes of exceptions, or functions that say whether one is; "
            f"given was {to_text(wrong[0], 100)}"
        )
    return listed
