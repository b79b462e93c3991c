"""How measurements come into series and events, at almost no cost to the code that measures."""

from __future__ import annotations

import functools
import logging
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from odibi_core import _fork
from odibi_core.bus.bus import EventBus, name_of
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds, sanitize_value
from odibi_core.events.clock import epoch_ns, monotonic, new_id
from odibi_core.metrics.forwarder import Forwarder, Measurement
from odibi_core.process_end import before_child_ends
from odibi_core.views.metrics.series import Sample, Series, measured, settle
from odibi_core.views.metrics.view import HEARD, MetricsView, SeriesKey

_log = logging.getLogger("odibi_core")
_SETTLE_EVERY_S: Final = 0.0005
_FLUSH_EVERY_S: Final = 1.0
_FLUSH_AT_ONCE: Final = 200
"""How many series one call may say, so that it does not hold up its caller; the next ones come soon after:"""
_FLUSH_SHARE: Final = 20
"""after this many times as long as the last ones took."""
_FLUSH_WAIT_S: Final = 1.0


_CHUNK: Final = 256
"""Samples that are kept, and forgotten, together."""


class MetricsRecorder:
    """The part of a `MetricsManager` that takes notes, settles them into a view, and says what changed.

    A note is one append, which is safe under threads without a lock; so is hearing an event. Whoever finds that it is
    time settles all of both, unless another thread is at it. No code of anybody else runs while the lock is held: not
    the bus, not `logging`, not a label's `__str__`; so no order of locks can ever close a circle.
    """

    def __init__(self, bus: EventBus | None, max_samples: int, max_series: int) -> None:
        self._bus = bus
        self._view = MetricsView(max_series=max_series)
        self._recent: deque[tuple[float, list[Sample]]] = deque()
        self._recent_count = 0
        self._max_samples = max(0, max_samples)
        self._refused: Counter[str] = Counter()
        self._forwards: tuple[Forwarder, ...] = ()
        self._inherited: dict[Series, dict[str, Any]] = {}
        self._pending: list[Sample] = []
        self._note: Callable[[Sample], None] = self._pending.append
        self._unread: list[Event] = []
        self._due = 0.0
        self._flush_due = monotonic() + _FLUSH_EVERY_S
        self._begin()
        _recorders.add(self)
        _fork.in_child(self._after_fork)

    def _begin(self) -> None:
        """What a process has for itself: at the start, and in the child of every fork."""
        self._source = new_id()
        self._lock = threading.RLock()
        self._busy = False
        self._outbox: deque[dict[str, Any]] = deque()
        self._changed: deque[Series] = deque()
        self._speaking = threading.Lock()
        self._speaker = 0
        self._heard: Event | None = None
        self._trouble: BaseException | None = None

    def __call__(self, event: Event, /) -> None:
        """As a sink: measure the nodes of a run, and take in what other managers said."""
        if event.event_type not in HEARD:
            return
        if event is self._heard:
            return  # of two runs that share this manager and a bus, or of a bus that it was put on twice
        self._heard = event
        if event.event_type == kinds.METRIC and event.fields.get("source") == self._source:
            return
        self._unread.append(event)
        if monotonic() > self._due:
            self._settle_free()
        if self._trouble is not None:
            error, self._trouble = self._trouble, None
            raise error

    def _found(self, kind: str, metric: Any, name: Any, labels: Any) -> Series:
        wanted = SeriesKey(kind, metric, name, labels)
        with self._lock:
            return self._view.take(wanted)

    def _settle(self) -> None:
        """Settle, unless someone is at it: then the notes wait for them or the next call. Say, if due."""
        self._settle_free()
        if self._bus is not None and monotonic() > self._flush_due:
            self._flush(_FLUSH_AT_ONCE)

    def _settle_free(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                strange = self._settle_held()
            finally:
                self._lock.release()
            if strange:
                self._convert(strange)

    def _settle_held(self) -> list[Sample]:
        """Bring the notes into their series; gives back those whose values are no plain numbers in range."""
        if not self._pending and not self._unread:
            return []
        if self._busy:
            return []  # a signal handler, while its own thread is at it further out
        self._busy = True
        try:
            now = monotonic()
            self._read()
            pending = self._pending
            notes = pending[:]
            del pending[: len(notes)]
            strange = settle(notes)
            if strange:
                gone = {id(note) for note in strange}
                notes = [note for note in notes if id(note) not in gone]
            self._keep(epoch_ns() / 1e9 - now, notes)
            self._due = now + _SETTLE_EVERY_S
            return strange
        finally:
            self._busy = False

    def _read(self) -> None:
        """Bring what was heard into the view; of events that it cannot take, the bus is told when it calls again."""
        events = self._unread[:]
        del self._unread[: len(events)]
        notes: list[Sample] = []
        for event in events:
            try:
                told = self._view.fold(event)
            except STOPS:
                raise
            except BaseException as error:
                self._trouble = error
                continue
            if told:
                when = event.timestamp.timestamp()
                notes += [(series, value, when) for series, value in told]
        self._keep(0.0, notes)

    def _convert(self, strange: list[Sample]) -> None:
        """Note again what is some other kind of number, and refuse the rest.

        Outside of the lock: both asking a strange value for its number and warning run other people's code.
        """
        for series, value, when in strange:
            number = None if type(value) in (int, float) else measured(value)
            if number is not None:
                self._note((series, number, when))
                continue
            metric = series.family.metric
            self._refused[metric] += 1
            if self._refused[metric] == 1:
                _log.warning(
                    "metric %r cannot take %.100s; such values are counted and left out", metric, sanitize_value(value)
                )

    def _keep(self, offset: float, notes: list[Sample]) -> None:
        """Remember the raw samples; `offset` makes wall-clock seconds of their times.

        A few at a time join those before them: one list of many costs the garbage collector less than many of few.
        """
        if notes:
            for forward in self._forwards:
                forward.put(notes)
            recent = self._recent
            if recent and recent[-1][0] == offset and len(recent[-1][1]) < _CHUNK:
                recent[-1][1].extend(notes)
            else:
                recent.append((offset, notes))
            self._recent_count += len(notes)
            while self._recent_count - len(recent[0][1]) > self._max_samples:
                self._recent_count -= len(recent.popleft()[1])

    @property
    def dropped(self) -> int:
        """Measurements for which there was no room on their way to a receiver that is still there."""
        return sum(forward.dropped for forward in self._forwards)

    def forward(self, to: Callable[[list[Measurement]], object]) -> Callable[..., bool]:
        """Hand every measurement from now on to `to`, many at a time; gives what ends it.

        A measurement is `(kind, metric, name, labels, value)`. It is handed on by a thread of its own, a little after
        it was settled, and within a second at the latest; `to` costs nobody who measures anything, however slow it is:
        past 100,000 measurements that wait, further ones are dropped, and counted. What another manager said in a
        `metric` event is not handed on: its own process does that. The end, when called, waits up to `timeout` seconds
        (1) until all was handed on, and says whether it was; a second time does nothing.
        """
        forward = Forwarder(to, self._settle, functools.partial(self._receiver_failed, to))
        with self._lock:
            self._forwards += (forward,)

        def end(timeout: float = 1.0) -> bool:
            with self._held():
                self._forwards = tuple(each for each in self._forwards if each is not forward)
            return forward.close(timeout)

        return end

    def _receiver_failed(self, to: object, error: Exception) -> None:
        """Counted and reported as a sink that fails is."""
        if self._bus is not None:
            self._bus.count_failure(name_of(to), error)

    @contextmanager
    def _held(self) -> Iterator[bool]:
        """Everything settled and held still; False when this thread does so already, further out.

        That is the case in a signal handler, which may read but not bring in what the outer frame is at.
        """
        while True:
            with self._lock:
                nested = self._busy
                strange = [] if nested else self._settle_held()
                if not strange:
                    self._busy = True
                    try:
                        yield not nested
                    finally:
                        self._busy = nested
                    return
            self._convert(strange)

    @contextmanager
    def _reading(self) -> Iterator[MetricsView]:
        """The view with everything in it, held still; calls meanwhile are noted and do not wait."""
        with self._held():
            yield self._view

    @property
    def bus(self) -> EventBus:
        """Where `metric` events are said; made when first asked for, since nobody can listen before."""
        if self._bus is None:
            self._bus = EventBus()
        return self._bus

    def lend(self, bus: EventBus | None) -> bool:
        """For a manager that has no bus, one to speak on until None is given back; False when it has its own."""
        if bus is not None and self._bus is not None:
            return False
        self._bus = bus
        return True

    def flush(self) -> None:
        """Say every change since the last time, one event a series; back when all of it is said."""
        self._flush(wait_s=_FLUSH_WAIT_S)

    def hand_on(self, timeout: float) -> None:
        """Flush, and wait until receivers have what waits for them, for at most `timeout` seconds each."""
        if self._bus is not None:
            self.flush()
        with self._held():
            forwards = self._forwards
        for forward in forwards:
            forward.close(timeout)

    def close(self) -> None:
        """Say what is left. Recording goes on working."""
        self.flush()

    def _flush(self, most: int | None = None, wait_s: float = 0.0) -> None:
        """Say up to `most` changes, those of an earlier look first; a look is taken when none is left."""
        bus = self._bus
        if bus is None:
            return
        began = monotonic()
        with self._held() as outermost:
            if not outermost:
                return
            if most is None or not self._changed:
                self._changed = deque(series for series in self._view.every_series() if series.d_count)
            for _ in range(len(self._changed) if most is None else min(most, len(self._changed))):
                self._outbox.append(self._said(self._changed.popleft()))
        self._speak(bus, wait_s)
        now = monotonic()
        self._flush_due = now + (_FLUSH_SHARE * (now - began) if self._changed else _FLUSH_EVERY_S)

    def _said(self, series: Series) -> dict[str, Any]:
        """The change of a series as the fields of an event, which is not of the node that runs just now."""
        return {
            "metric": series.family.metric,
            "kind": series.kind,
            "name": series.name,
            "labels": series.labels(),
            **series.take(),
            "source": self._source,
            "node_name": None,
            "operation": None,
            "component": None,
        }

    def _speak(self, bus: EventBus, wait_s: float) -> None:
        """One thread says everything, in order. Another waits, but not for ever: it may hold the bus."""
        me = threading.get_ident()
        while self._outbox and self._speaker != me:
            if not self._speaking.acquire(timeout=wait_s):
                return
            self._speaker = me
            try:
                while self._outbox:
                    bus.publish(kinds.METRIC, fields=self._outbox.popleft())
            finally:
                self._speaker = 0
                self._speaking.release()

    def _after_fork(self) -> None:
        """The parent says what it measured; the child counts on, and says only its own part."""
        self._begin()
        self._pending.clear()
        self._unread.clear()
        for series in self._view.every_series():
            if series.d_count:
                series.take()
        self._inherited = {series: series.answer() for series in self._view.every_series() if series.samples}
        for forward in self._forwards:
            forward.begin()


_recorders: weakref.WeakSet[MetricsRecorder] = weakref.WeakSet()


def _end_of_child() -> None:
    """What a child measured is kept and handed on: its threads are gone in a moment."""
    for recorder in list(_recorders):
        recorder.hand_on(_FLUSH_WAIT_S)


before_child_ends(_end_of_child)
