"""Trying a call as hard as its policy says: again after a failure, and not longer than its time."""

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
"""Told before each wait: which attempt failed (from 1), with what, and for how many seconds we wait."""


Call = Callable[[AwaitableRun], Any]
"""One attempt. What it has to await goes through the argument, by which it is cancelled when its time is over."""


def attempt(call: Call, policy: Policy, on_retry: OnRetry, stopped: Event) -> tuple[Any, int]:
    """What `call` gives, and at which attempt; raises its last failure.

    `stopped` ends a wait at once, and then nothing is tried again. Whatever fails is tried again, but not a request
    to stop.
    """
    if policy.plain:
        return call(AwaitableRun()), 1
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed
    from tenacity.stop import stop_when_event_set

    failures: list[BaseException] = []

    def told(state: RetryCallState) -> None:
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
        before_sleep=told,
        sleep=pause,
        reraise=True,
    )
    seconds = policy.timeout_s
    timed = partial(_within, call, seconds) if seconds is not None else lambda: call(AwaitableRun())
    return tries(timed), int(tries.statistics["attempt_number"])


def _within(call: Call, seconds: float) -> Any:
    """Call in a thread of its own. When the time is over a coroutine is cancelled, and other code is abandoned: Python
    cannot stop it.
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
