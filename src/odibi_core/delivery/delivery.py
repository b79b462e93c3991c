"""`Delivery`: a bounded queue and one thread in front of a receiver."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import urandom
from typing import Final, Generic, TypeVar

from odibi_core import _fork
from odibi_core.delivery import registry
from odibi_core.delivery.base import Outcome, Receiver, refused
from odibi_core.delivery.counts import Counts
from odibi_core.delivery.exit_time import END_WITHIN_S
from odibi_core.delivery.notices import Notices
from odibi_core.delivery.spool import Spool, SpoolError
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic, sleep
from odibi_core.events.failure import typed_message_of
from odibi_core.process_end import watch

T = TypeVar("T")
LONGEST_PAUSE_S: Final = 300.0
"""The longest pause before a retry, whatever the receiver asks for."""
_LONGEST_BACKOFF_S: Final = 60.0
_LAST_TRIES: Final = 3
"""Attempts after the end began: a short program may meet the first 503 there."""
_LAST_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and times of a delivery."""

    bound: int = 10_000
    """Items that may wait in memory."""
    batch: int = 500
    """Items of one call of the receiver, at most."""
    every_s: float = 1.0
    """A batch that is not full is sent so many seconds after its first item."""
    send_within_s: float = 10.0
    """Seconds that one attempt may take."""
    give_up_s: float = 300.0
    """A batch in memory that is not taken for so many seconds is dropped; one in a spool never is."""


class Delivery(Generic[T]):
    """A bounded queue and one thread in front of a receiver: `put(item)` in the program, `close()` at its end.

    A new item is dropped if the queue is full, so that the order stays and memory is bounded while the receiver is
    down. With a spool, each item is on disk when `put` returns, and what is not sent at the end is sent by the next
    process. `counts` has every item in one place.

    Args:
        name: Name in notices, health and metrics, such as `otlp`.
        receiver: Its contract is in `delivery.base`.
        limits: Sizes and times.
        spool: Items on disk; without one, they are lost with the process.
        notices: The lines about the receiver, if other deliveries send to it too.
    """

    def __init__(
        self,
        name: str,
        receiver: Receiver[T],
        limits: Limits = Limits(),
        *,
        spool: Spool[T] | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.name = name
        self._notices = Notices(name) if notices is None else notices
        self.receiver = receiver
        self.limits = limits
        self._spool = spool
        self._is_closed = False
        self._begin()
        registry.register(self)
        watch(self)
        _fork.in_child(self._after_fork)
        if spool is not None:
            self._adopt(spool)

    def _begin(self) -> None:
        """Create the state that belongs to one process: at construction, and in a forked child."""
        # Reentrant: a signal handler may put an item while its thread holds the lock (deadlock).
        self._changed = threading.Condition(threading.RLock())
        self._closing = threading.Event()
        self._close_by = float("inf")
        self._queue: deque[T] = deque()
        self._counts = Counts()
        self._to_disk = 0
        self._reported: Counter[tuple[str, str]] = Counter()
        self._thread: threading.Thread | None = None
        self._last: Outcome | None = None
        self._last_tries = 0
        self._not_before = 0.0
        self.problem = ""
        """Why the last attempt failed, for people; empty while the receiver takes items."""

    def _after_fork(self) -> None:
        """Fork: items and files belong to the parent, which goes on sending them."""
        self._begin()
        if self._spool is not None:
            self._spool.forget()

    def _adopt(self, spool: Spool[T]) -> None:
        with suppress(OSError), self._changed:  # a folder that cannot be read is found by `put` as well
            found = spool.adopt()
            self._counts.accepted += found
            self._counts.spooled += found
            if found:
                self._start()

    def put(self, item: T) -> bool:
        """Accept an item; return False if it was dropped. Never raises, and never waits for the receiver."""
        with self._changed:
            self._counts.accepted += 1
            reason = self._keep(item)
            if reason:
                self._counts.dropped[reason] += 1
                return False
            if self._thread is None:
                self._start()
            elif self._waiting in (1, self.limits.batch):
                self._changed.notify_all()
        return True

    def _keep(self, item: T) -> str:
        """Keep an item on disk or in memory; return the reason why it is dropped, if it is."""
        if self._is_closed:
            return "closed"
        if self._spool is not None:
            try:
                self._spool.append(item)
            except STOPS:
                raise
            except SpoolError as error:
                return str(error)
            except OSError:  # memory is the second best place: the receiver may take the item before the end
                pass
            except BaseException as error:  # the item cannot be encoded
                return type(error).__name__
            else:
                self._counts.spooled += 1
                self._to_disk += 1
                return ""
        if self._counts.queued >= self.limits.bound:
            return "queue_full"
        self._queue.append(item)
        self._counts.queued += 1
        return ""

    @property
    def _waiting(self) -> int:
        return self._counts.queued + self._counts.spooled

    @property
    def counts(self) -> Counts:
        """A copy of the counts, taken at one moment."""
        with self._changed:
            own = self._counts
            return Counts(own.accepted, own.sent, own.queued, own.spooled, Counter(own.dropped))

    @property
    def dropped(self) -> dict[str, int]:
        """The number of lost items, by reason."""
        return dict(self.counts.dropped)

    def is_alive(self) -> bool:
        """Return whether items are being sent."""
        return self._thread is not None and self._waiting > 0

    def _start(self) -> None:
        """Start the thread; at the end of the interpreter none starts, and `close` sends what it can."""
        self._thread = threading.Thread(target=self._work, name=f"odibi-{self.name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    def _work(self) -> None:
        """Send batches until the delivery is closed and nothing waits, or until nothing more can be sent."""
        while batch := self._next_batch():
            is_left = self._settle(*batch, self._deliver(*batch))
            self._report()
            if is_left and self._closing.is_set():
                break
        with self._changed:
            self._thread = None
            self._changed.notify_all()

    def _next_batch(self) -> tuple[list[T], bool] | None:
        """Wait for the next batch, and return it with whether it is in the spool; None if the thread may end."""
        with self._changed:
            while True:
                while not self._waiting and not self._closing.is_set():
                    self._changed.wait()
                if self._is_closed or not self._waiting:
                    return None
                if self._waiting < self.limits.batch and not self._closing.is_set():
                    self._changed.wait(self.limits.every_s)
                batch, is_spooled = self._take()
                if batch:
                    return batch, is_spooled

    def _take(self) -> tuple[list[T], bool]:
        spool = self._spool
        if spool is not None and self._counts.spooled:
            try:
                items, unreadable = spool.take(self.limits.batch)
            except OSError:
                items, unreadable = [], 0
            if not items:  # damaged lines alone, or a file that another program changed
                unreadable = unreadable or self._counts.spooled
                self._advance(spool)
            if unreadable:
                self._counts.spooled -= unreadable
                self._counts.dropped["unreadable"] += unreadable
            return items, True
        return [self._queue.popleft() for _ in range(min(self.limits.batch, len(self._queue)))], False

    def _deliver(self, batch: Sequence[T], is_spooled: bool) -> Outcome:
        """Send a batch until it is taken or refused, or until the delivery is closed or gives up.

        The pause doubles from one second, with up to a second more at random, so that many programs do not come back
        at once. A loop, because the import of tenacity would take a third of the time that a program may need at its
        end if its receivers are down (benchmark: a small program from its start to its exit).
        """
        outcome = self._attempt(batch)
        begun, tries = monotonic(), 0
        while outcome.is_unsent and not self._is_given_up(begun, is_spooled):
            tries += 1
            backoff_s = min(_LONGEST_BACKOFF_S, 2.0 ** (tries - 1)) + urandom(1)[0] / 256
            self._pause(max(backoff_s, self._not_before - monotonic()))
            outcome = self._attempt(batch)
        return outcome

    def _is_given_up(self, begun: float, is_spooled: bool) -> bool:
        self._last_tries += self._closing.is_set()
        is_late = not is_spooled and monotonic() - begun >= self.limits.give_up_s
        return is_late or self._last_tries >= _LAST_TRIES

    def _pause(self, seconds: float) -> None:
        self._report()  # drops of a full queue, while the receiver is down
        if self._closing.is_set():
            sleep(min(seconds, _LAST_PAUSE_S))
        self._closing.wait(seconds)

    def _attempt(self, batch: Sequence[T]) -> Outcome:
        """Send a batch once, unless the receiver asked for a pause that is not over."""
        if self._last is not None and self._not_before > monotonic():
            return self._last
        within_s = max(0.01, min(self.limits.send_within_s, self._close_by - monotonic()))
        try:
            outcome = self.receiver.send(batch, within_s)
        except BaseException as error:  # SystemExit too: it would end this thread alone
            outcome = refused(len(batch), type(error).__name__, typed_message_of(error))
        self._last = outcome
        asked_s = min(outcome.after_s or 0.0, LONGEST_PAUSE_S) if outcome.is_unsent else 0.0
        self._not_before = monotonic() + asked_s if asked_s > 0 else 0.0
        self.problem = self._notices.note(self.name, outcome, self._counts.dropped.total())
        return outcome

    def _settle(self, batch: Sequence[T], is_spooled: bool, outcome: Outcome) -> bool:
        """Count a batch by its outcome; return True if it is still to be sent."""
        with self._changed:
            if self._is_closed:  # the end of the program did not wait for it: counted there
                return True
            if outcome.is_unsent and (is_spooled or self._closing.is_set()):
                if not is_spooled:
                    self._queue.extendleft(reversed(batch))
                return True
            lost = len(batch) if outcome.is_unsent else min(len(batch), max(0, outcome.refused))
            self._counts.sent += len(batch) - lost
            if lost:
                self._counts.dropped["gave_up" if outcome.is_unsent else outcome.reason or "refused"] += lost
            if is_spooled:
                self._counts.spooled -= len(batch)
                self._advance(self._spool)
            else:
                self._counts.queued -= len(batch)
            self._changed.notify_all()
        return False

    def _advance(self, spool: Spool[T] | None) -> None:
        with suppress(OSError):  # the disk is full: the batch is sent again after a restart
            if spool is not None:
                spool.advance()

    def begin_close(self, timeout: float = END_WITHIN_S) -> None:
        """Let the thread send what waits without a pause, and end."""
        with self._changed:
            self._close_by = min(self._close_by, monotonic() + timeout)
            self._closing.set()
            self._changed.notify_all()

    def close(self, timeout: float = END_WITHIN_S) -> bool:
        """Send what waits within `timeout` seconds, and accept nothing more.

        Returns:
            True if all was sent or is in the spool; what was left in memory is dropped as `exit`.
        """
        self.begin_close(timeout)
        if self._thread is None and self._waiting and not self._is_closed:
            self._work()  # Python 3.12 starts no thread at the end of the program
        with self._changed:
            while self._thread is not None and self._waiting and (left_s := self._close_by - monotonic()) > 0:
                self._changed.wait(left_s)
            left, self._counts.queued = self._counts.queued, 0
            self._queue.clear()
            if left:
                self._counts.dropped["exit"] += left
            if self._spool is not None and not self._is_closed:
                self._spool.close()
            self._is_closed = True
            self._changed.notify_all()
        self._report()
        return not left

    def _report(self) -> None:
        """Report what the counts have gained, as counters of metrics."""
        with self._changed:
            own = self._counts
            now = Counter({("accepted", ""): own.accepted, ("sent", ""): own.sent, ("spooled", ""): self._to_disk})
            now.update({("dropped", reason): number for reason, number in own.dropped.items()})
            gained, self._reported = now - self._reported, now
        for (what, reason), number in gained.items():
            registry.report(f"export_{what}", {"exporter": self.name, "reason": reason}, number)
