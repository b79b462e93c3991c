"""`send_now`: a batch sent in the thread that asks for it, with the retries of a `Delivery`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from odibi_core.delivery.base import Outcome, Receiver
from odibi_core.delivery.delivery import LONGEST_PAUSE_S
from odibi_core.events.clock import sleep

T = TypeVar("T")
_LONGEST_BACKOFF_S: Final = 30.0


def send_now(
    receiver: Receiver[T],
    batch: Sequence[T],
    *,
    within_s: float = 10.0,
    give_up_s: float = 60.0,
    pause: Callable[[float], None] = sleep,
) -> Outcome:
    """Send a batch until it is taken or refused, or until the time is over; return the last outcome.

    Args:
        receiver: The receiver.
        batch: The items.
        within_s: Seconds for one attempt.
        give_up_s: Seconds after which no further attempt begins.
        pause: Waits between two attempts.
    """
    from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_exponential, wait_random

    backoff = wait_exponential(multiplier=0.5, max=_LONGEST_BACKOFF_S) + wait_random(0, 0.5)

    def wait(state: RetryCallState) -> float:
        last: Outcome = state.outcome.result()  # type: ignore[union-attr]
        return max(backoff(state), min(last.after_s or 0.0, LONGEST_PAUSE_S))

    tries = Retrying(
        retry=retry_if_result(lambda outcome: outcome.is_unsent),
        wait=wait,
        stop=stop_after_delay(give_up_s),
        sleep=pause,
        retry_error_callback=lambda state: state.outcome.result(),  # type: ignore[union-attr]
    )
    result: Outcome = tries(receiver.send, batch, within_s)
    return result
