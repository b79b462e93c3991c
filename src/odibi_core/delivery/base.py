"""`Receiver`, the contract of what a `Delivery` sends to, and `Outcome`, its answer.

- The program calls `Delivery.put(item)` in any thread, in signal handlers and in forked children too. `put` never
  raises and never waits for a receiver. An item is frozen and sanitized: events are, and payloads made of events.
- `Receiver.send` is called in the delivery's one thread, a batch at a time and in order. Encoding belongs there, so
  that the run's thread pays for none of it. It returns within `within_s` seconds, about: at the end of the program
  a later return is ignored.
- `send` returns an `Outcome`. `try_again` is for what the protocol allows to be sent again, and means that nothing of
  the batch was taken. If `send` raises, the batch is dropped under the name of the exception.
- An item is sent at least once: after `kill -9` between sending and saving the position, a spool sends it again.
- In a forked child the queue is empty and `send` is called in a new thread. A receiver with a socket or a lock renews
  it by `_fork.in_child`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt to send a batch: all of it was taken, some or all was refused, or none yet."""

    refused: int = 0
    """Items that the receiver refused for good, such as in a partial success."""
    reason: str = ""
    """One of a few words, which becomes a label: `http_400`, `connection_refused`."""
    detail: str = ""
    """One line for people, without secrets: what happened, the setting and the fix."""
    is_unsent: bool = False
    """True if nothing was taken, and the same batch may be sent again."""
    after_s: float | None = None
    """The pause that the receiver asks for before it is sent again."""


SENT: Final = Outcome()
"""The whole batch was taken."""


def refused(count: int, reason: str, detail: str = "") -> Outcome:
    """Return the outcome of a batch of which `count` items are refused for good; the others were taken."""
    return Outcome(refused=count, reason=reason, detail=detail)


def try_again(reason: str, detail: str = "", after_s: float | None = None) -> Outcome:
    """Return the outcome of a batch of which nothing was taken, and which may be sent again."""
    return Outcome(reason=reason, detail=detail, is_unsent=True, after_s=after_s)


class Receiver(Protocol[T_contra]):
    """A system that takes batches of items; the docstring of the module has the whole contract."""

    def send(self, batch: Sequence[T_contra], within_s: float, /) -> Outcome:
        """Send a batch, within so many seconds."""
        ...
