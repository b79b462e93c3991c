"""One request for each run of a batch: a server that refuses one takes the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from odibi_core.delivery import SENT, Outcome, refused
from odibi_core.delivery.http import Answer
from odibi_core.metrics_push.run_metrics import RunText


def send_each(batch: Sequence[RunText], send: Callable[[RunText], tuple[Outcome, Answer | None]]) -> Outcome:
    """Send the runs one after the other; stop at the first that may be sent again, with those before it.

    Sending a run again changes nothing: a push replaces itself, and a sample has the time of its run.
    """
    lost, last = 0, SENT
    for run in batch:
        outcome, answer = send(run)
        if outcome.is_unsent:
            return outcome
        if outcome.refused:
            reason = answer.body.decode("utf-8", "replace")[:150] if answer is not None else ""
            lost, last = lost + 1, refused(1, outcome.reason, f"{outcome.detail}: {reason}".rstrip(": "))
    return refused(lost, last.reason, last.detail) if lost else SENT
