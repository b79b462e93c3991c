"""`MetricsRecorder`: the path of measurements into series, events and forwarders."""

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
from odibi_core.bus import EventBus, name_of
from odibi_core.errors import STOPS
from odibi_core.events import Event, context, kinds, sanitize_value
from odibi_core.events.clock import epoch_ns, monotonic, new_id
from odibi_core.metrics.forwarder import Forwarder
from odibi_core.process_end import before_child_ends
from odibi_core.views.metrics.exemplars import Exemplar, LastExemplars, labels_of
from odibi_core.views.metrics.series import HistogramSeries, Sample, Series, apply, as_number
from odibi_core.views.metrics.types import Measurement
from odibi_core.views.metrics.view import HANDLED_KINDS, MetricsView, SeriesKey

_log = logging.getLogger("odibi_core")
_APPLY_EVERY_S: Final = 0.0005
_FLUSH_EVERY_S: Final = 1.0
_FLUSH_AT_ONCE: Final = 200
"""Series that one measuring call emits at most, so that it does not delay its caller."""
_FLUSH_SHARE: Final = 20
"""If series are left, the next flush follows after this many times the duration of the last one."""
_FLUSH_WAIT_S: Final = 1.0
_CHUNK: Final = 256
"""Recent samples that are kept, and discarded, together."""
_MAX_UNREAD: Final = 16_384
"""Events that may wait for a reader, because folding costs more than keeping (benchmark: an empty node of a chain).
Past it, the oldest are folded, `_CHUNK` at a time.
"""


class MetricsRecorder:
    """The part of a `MetricsManager` that collects samples, applies them to a view, and emits the changes.

    Recording a sample, or receiving an event, is one `list.append`, which is thread-safe without a lock. The call that
    finds them due applies all of them, unless another thread is doing so.

    Lock order: no foreign code (the bus, `logging`, a label's `__str__`) runs while `_lock` is held, so that no cycle
    of locks is possible.
    """

    def __init__(
        self, bus: EventBus | None, max_samples: int, view: MetricsView, exemplars: LastExemplars | None
    ) -> None:
        self._bus = bus
        self._view = view
        self._exemplars = exemplars
        self._recent: deque[tuple[float, list[Sample]]] = deque()
        self._recent_count = 0
        self._max_samples = max(0, max_samples)
        self._refused: Counter[str] = Counter()
        self._forwarders: tuple[Forwarder, ...] = ()
        self._inherited: dict[Series, dict[str, Any]] = {}
        self._pending: list[Sample] = []
        self._unread: list[Event] = []
        self._unpublished = False
        """True if samples were applied since the last flush; what events measured is not published again."""
        self._due = 0.0
        self._flush_due = monotonic() + _FLUSH_EVERY_S
        self._begin()
        _recorders.add(self)
        _fork.in_child(self._after_fork)

    def _begin(self) -> None:
        """Create the state that belongs to one process: at construction, and in a forked child."""
        self._source = new_id()
        self._lock = threading.RLock()
        self._busy = False
        self._outbox: deque[dict[str, Any]] = deque()
        self._changed: deque[Series] = deque()
        self._emit_lock = threading.Lock()
        self._emitting_thread = 0
        self._last_event: Event | None = None
        self._fold_error: BaseException | None = None

    def __call__(self, event: Event, /) -> None:
        """Measure the nodes of a run, and take over the metrics of other managers (called as a sink)."""
        if event.event_type not in HANDLED_KINDS:
            return
        if event is self._last_event:
            return  # two runs share this manager and a bus, or it was subscribed to a bus twice
        self._last_event = event
        if event.event_type == kinds.METRIC and event.fields.get("source") == self._source:
            return
        self._unread.append(event)
        if len(self._unread) >= _MAX_UNREAD:
            self._apply_if_free(_CHUNK)
        if self._fold_error is not None:
            error, self._fold_error = self._fold_error, None
            raise error

    def _record(self, kind: str, metric: Any, name: Any, labels: Any, value: Any) -> None:
        try:
            # `keys()`, not the labels themselves: an iterator passed by mistake has no keys, and is not consumed.
            series = self._view.routes[kind][metric][(name, *labels.keys(), *labels.values()) if labels else (name,)]
        except Exception:
            series = self._find(kind, metric, name, labels)
        if self._exemplars is not None:
            self._note(series, value)
        now = monotonic()
        self._pending.append((series, value, now))
        if now > self._due:
            self._apply_due()

    def _note(self, series: Series, value: Any) -> None:
        """Keep a measurement as an exemplar if it is made within a sampled trace."""
        here = context.in_span(context.current())
        labels = labels_of(here.fields, here.run_id)
        if labels is not None and self._exemplars is not None:
            self._exemplars.put(series, Exemplar(labels, value, epoch_ns() / 1e9))

    def _find(self, kind: str, metric: Any, name: Any, labels: Any) -> Series:
        key = SeriesKey(kind, metric, name, labels)
        with self._lock:
            return self._view.take(key)

    def _apply_due(self) -> None:
        """Apply the pending samples, unless another thread is doing so, and flush if that is due."""
        self._apply_if_free()
        if self._bus is not None and monotonic() > self._flush_due:
            self._flush(_FLUSH_AT_ONCE)

    def _apply_if_free(self, most_events: int | None = None) -> None:
        if self._lock.acquire(blocking=False):
            try:
                rejected = self._apply_locked(most_events)
            finally:
                self._lock.release()
            if rejected:
                self._convert(rejected)

    def _apply_locked(self, most_events: int | None = None) -> list[Sample]:
        """Apply the pending samples to their series; return those whose values are not plain numbers in range."""
        if not self._pending and not self._unread:
            return []
        if self._busy:
            return []  # a signal handler interrupted this thread while it applies samples
        self._busy = True
        try:
            now = monotonic()
            pending = self._pending
            self._fold_events(None if pending else most_events)  # in the order of a replay: events before samples
            samples = pending[:]
            self._unpublished = self._unpublished or bool(samples)
            del pending[: len(samples)]
            rejected = apply(samples)
            if rejected:
                ids = {id(sample) for sample in rejected}
                samples = [sample for sample in samples if id(sample) not in ids]
            self._keep(epoch_ns() / 1e9 - now, samples)
            self._due = now + _APPLY_EVERY_S
            return rejected
        finally:
            self._busy = False

    def _fold_events(self, most: int | None = None) -> None:
        """Fold the received events into the view; the next call by the bus raises the error of one that fails."""
        events = self._unread[:most]
        del self._unread[: len(events)]
        samples: list[Sample] = []
        for event in events:
            try:
                measured = self._view.fold(event)
            except STOPS:
                raise
            except BaseException as error:
                self._fold_error = error
                continue
            if measured:
                when = event.timestamp.timestamp()
                samples += [(series, value, when) for series, value in measured]
                if self._exemplars is not None and (labels := labels_of(event.fields, event.run_id)) is not None:
                    for series, value in measured:
                        self._exemplars.put(series, Exemplar(labels, value, when))
        self._keep(0.0, samples)

    def _convert(self, rejected: list[Sample]) -> None:
        """Record values of other numeric types again as int or float, and refuse the rest.

        Called without the lock: the conversion of a foreign value, and the warning, run foreign code.
        """
        for series, value, when in rejected:
            number = None if type(value) in (int, float) else as_number(value)
            if number is not None:
                self._pending.append((series, number, when))
                continue
            metric = series.family.metric
            self._refused[metric] += 1
            if self._refused[metric] == 1:
                _log.warning(
                    "metric %r must be a number in its range, got %.100s; such values are counted and left out",
                    metric, sanitize_value(value),
                )  # fmt: skip

    def _keep(self, offset: float, samples: list[Sample]) -> None:
        """Keep the recent samples and pass them to the forwarders; `offset` turns their times into wall-clock seconds.

        Small batches are joined: one long list costs the garbage collector less than many short ones.
        """
        if samples:
            for forwarder in self._forwarders:
                forwarder.put(samples)
            recent = self._recent
            if recent and recent[-1][0] == offset and len(recent[-1][1]) < _CHUNK:
                recent[-1][1].extend(samples)
            else:
                recent.append((offset, samples))
            self._recent_count += len(samples)
            while self._recent_count - len(recent[0][1]) > self._max_samples:
                self._recent_count -= len(recent.popleft()[1])

    @property
    def dropped(self) -> int:
        """Measurements that current receivers did not get because their queue was full."""
        return sum(forwarder.dropped for forwarder in self._forwarders)

    def forward(self, to: Callable[[list[Measurement]], object]) -> Callable[..., bool]:
        """Pass every measurement from now on to a receiver, in batches, on a separate thread.

        A batch follows its measurements within a second. A slow receiver does not delay measuring code: if 100,000
        measurements wait, further ones are dropped and counted in `dropped`. The `metric` events of other managers are
        not passed on, because their own process does that.

        Args:
            to: The receiver, called with a list of `(kind, metric, name, labels, value)`.

        Returns:
            The function that ends it: it waits up to `timeout` seconds (1) for the queue, and returns True if the queue
            is empty. A second call does nothing.
        """
        forwarder = Forwarder(to, self._apply_due, functools.partial(self._report_failure, to))
        with self._lock:
            self._forwarders += (forwarder,)

        def end(timeout: float = 1.0) -> bool:
            with self._applied():
                self._forwarders = tuple(each for each in self._forwarders if each is not forwarder)
            return forwarder.close(timeout)

        return end

    def _report_failure(self, receiver: object, error: Exception) -> None:
        if self._bus is not None:
            self._bus.count_failure(name_of(receiver), error)

    @contextmanager
    def _applied(self) -> Iterator[bool]:
        """Hold the lock with every sample applied; yield False if this thread holds it already.

        That is so in a signal handler, which may read, but must not apply the samples that the interrupted frame is
        applying.
        """
        while True:
            with self._lock:
                nested = self._busy
                rejected = [] if nested else self._apply_locked()
                if not rejected:
                    self._busy = True
                    try:
                        yield not nested
                    finally:
                        self._busy = nested
                    return
            self._convert(rejected)

    @contextmanager
    def _reading(self) -> Iterator[MetricsView]:
        """Yield the view with every sample applied, and hold it unchanged; measuring calls do not wait meanwhile."""
        with self._applied():
            yield self._view

    @property
    def bus(self) -> EventBus:
        """The bus on which `metric` events are emitted; created on first access, when a subscriber can exist."""
        if self._bus is None:
            self._bus = EventBus()
        return self._bus

    def lend(self, bus: EventBus | None) -> bool:
        """Give a manager without a bus one to emit on, until None is given; return False if it has a bus of its own."""
        if bus is not None and self._bus is not None:
            return False
        self._bus = bus
        return True

    def flush(self) -> None:
        """Emit every change since the last flush, one event for each series; return when all are emitted."""
        self._flush(wait_s=_FLUSH_WAIT_S)

    def drain(self, timeout: float) -> None:
        """Flush, and wait up to `timeout` seconds for the queue of each receiver."""
        if self._bus is not None:
            self.flush()
        with self._applied():
            forwarders = self._forwarders
        for forwarder in forwarders:
            forwarder.close(timeout)

    def close(self) -> None:
        """Emit the last changes. Recording remains possible."""
        self.flush()

    def _flush(self, most: int | None = None, wait_s: float = 0.0) -> None:
        """Emit up to `most` changes, those left by the last flush first; look for new ones if none is left."""
        bus = self._bus
        if bus is None or not (self._pending or self._unpublished or self._changed or self._outbox):
            return
        began = monotonic()
        with self._applied() as outermost:
            if not outermost:
                return
            if most is None or not self._changed:
                self._unpublished = False
                self._changed = deque(series for series in self._view.every_series() if series.d_count)
            for _ in range(len(self._changed) if most is None else min(most, len(self._changed))):
                self._outbox.append(self._event_fields(self._changed.popleft()))
        self._emit(bus, wait_s)
        now = monotonic()
        self._flush_due = now + (_FLUSH_SHARE * (now - began) if self._changed else _FLUSH_EVERY_S)

    def _event_fields(self, series: Series) -> dict[str, Any]:
        """Take the change of a series as the fields of an event that belongs to no node or operation."""
        return {
            "metric": series.family.metric,
            "kind": series.kind,
            "name": series.name,
            "labels": series.labels(),
            **series.publish(),
            "source": self._source,
            "node_name": None,
            "operation": None,
            "component": None,
        }

    def _emit(self, bus: EventBus, wait_s: float) -> None:
        """Emit the outbox in order, by one thread at a time.

        Lock order: another thread waits at most `wait_s` seconds, because it may hold the bus, which this one needs.
        """
        me = threading.get_ident()
        while self._outbox and self._emitting_thread != me:
            if not self._emit_lock.acquire(timeout=wait_s):
                return
            self._emitting_thread = me
            try:
                while self._outbox:
                    bus.publish(kinds.METRIC, fields=self._outbox.popleft())
            finally:
                self._emitting_thread = 0
                self._emit_lock.release()

    def _after_fork(self) -> None:
        """Keep the totals and discard what is unpublished, because the parent publishes it."""
        self._begin()
        self._pending.clear()
        self._unread.clear()
        for series in self._view.every_series():
            if series.d_count:
                series.publish()
            if isinstance(series, HistogramSeries):
                series.native = None
        if self._exemplars is not None:
            self._exemplars = LastExemplars()
        self._inherited = {series: series.answer() for series in self._view.every_series() if series.samples}
        for forwarder in self._forwarders:
            forwarder.begin()


_recorders: weakref.WeakSet[MetricsRecorder] = weakref.WeakSet()


def _end_of_child() -> None:
    """Publish the measurements of a forked child before its threads end with it."""
    for recorder in list(_recorders):
        recorder.drain(_FLUSH_WAIT_S)


before_child_ends(_end_of_child)
