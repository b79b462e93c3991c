"""Attempts of a call, by its policy: repeated after a failure, each within its timeout."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from threading import Event, Thread
from typing import Any

from odibi_core.coroutines import AwaitableRun
from odibi_core.errors import StepTimeoutError, is_stop
from odibi_core.events.clock import process_id
from odibi_core.pipeline.step import Policy
from odibi_core.process_end import leave_if_forked, watch

OnRetry = Callable[[int, BaseException, float], None]
"""Called before each wait with the number of the failed attempt (from 1), its error, and the seconds of the wait."""

Call = Callable[[AwaitableRun | None], Any]
"""One attempt. It awaits through the argument, if there is one, by which it is cancelled at its timeout."""


def attempt(call: Call, policy: Policy, on_retry: OnRetry, stopped: Event) -> tuple[Any, int]:
    """Return the result of `call` and the number of the attempt.

    Args:
        call: One attempt. Any failure of it is tried again, except a request to end the program.
        policy: Retries, delay and timeout.
        on_retry: Called before each wait.
        stopped: When set, ends a wait at once and prevents another attempt.

    Raises:
        BaseException: The failure of the last attempt.
        StepTimeoutError: The last attempt reached its timeout.
    """
    if policy.plain:
        return call(AwaitableRun()), 1
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed
    from tenacity.stop import stop_when_event_set

    failures: list[BaseException] = []

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        failures.append(error or RuntimeError("unknown"))
        on_retry(state.attempt_number, failures[-1], policy.retry_delay_s)

    def pause(seconds: float) -> None:
        if stopped.wait(seconds):
            raise failures[-1]

    tries = Retrying(
        stop=stop_after_attempt(policy.retries + 1) | stop_when_event_set(stopped),
        wait=wait_fixed(policy.retry_delay_s),
        retry=retry_if_exception(lambda error: not is_stop(error)),
        before_sleep=report,
        sleep=pause,
        reraise=True,
    )
    seconds = policy.timeout_s
    timed = partial(_within, call, seconds) if seconds is not None else lambda: call(AwaitableRun())
    return tries(timed), int(tries.statistics["attempt_number"])


def _within(call: Call, seconds: float) -> Any:
    """Call in a thread of its own. At the timeout a coroutine is cancelled; other code is abandoned, for it cannot be
    stopped.
    """
    outcome: list[Any] = []
    failure: list[BaseException] = []
    awaiting = AwaitableRun()
    owner = process_id()

    def work() -> None:
        try:
            outcome.append(call(awaiting))
        except BaseException as error:
            failure.append(error)
        leave_if_forked(owner, failure[0] if failure else None)

    thread = Thread(target=copy_context().run, args=(work,), name="odibi-timed-step", daemon=True)
    thread.start()
    watch(thread)
    thread.join(seconds)
    if not outcome and not failure:
        awaiting.cancel()
        ended = "cancelled" if awaiting.has_ended() else "abandoned"
        raise StepTimeoutError(f"took longer than its timeout_s of {seconds:g} s and was {ended}")
    if failure:
        raise failure[0]
    return outcome[0]
