"""One batch of a stage: its records in and out, the stage's own time, and the event of its end."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, Final

from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS, is_failure
from odibi_core.events import kinds
from odibi_core.events.clock import monotonic
from odibi_core.events.context import batch_here
from odibi_core.events.failure import describe_failure
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.process.state import resolve_bus
from odibi_core.wrapping.calls import CallObserver

__all__ = ["Batch", "Counted", "size"]

_MORE: Final = ("__enter__", "__aenter__", "__len__", "__getitem__", "__bool__")
"""An iterator with one of these can do more, such as an open file, and is not replaced by a counter."""


class Batch(CallObserver):
    """The observer of one call of a stage; a batch with the number 0 is a part of another one, and is not reported."""

    def __init__(self, name: str, number: int, logger: Any) -> None:
        self.name = name
        self.number = number
        self.records_in: int | None = None
        self.records_out: int | None = None
        self.waited = 0.0
        self._logger = logger
        self._begun = self._resumed = monotonic()
        self._worked = 0.0
        self._started = False
        self._is_generator = False
        self.reported = False
        """True if the stage published `stage_completed` itself: then the batch publishes none."""
        self._outer: Any = None

    def take(self, records: Any) -> Any:
        """Count the records that the stage is given; return an iterator that counts if they are an iterator."""
        try:
            if counter := _counter(records):
                self.records_in = 0
                return counter(records, self)
        except STOPS:
            raise
        except BaseException:  # foreign code: the stage is given the records unchanged
            return records
        self.records_in = size(records)
        return records

    def resume(self) -> None:
        if self.number:
            self._outer = batch_here.get()
            batch_here.set(self)
        self._resumed = monotonic()
        if not self._started:
            self._started, self._begun = True, self._resumed

    def start_generator(self) -> None:
        self._is_generator, self.records_out = True, 0

    def suspend(self) -> None:
        self._worked += monotonic() - self._resumed
        self._leave()

    def yielded(self, record: Any) -> None:
        self.records_out = (self.records_out or 0) + 1

    def _leave(self) -> None:
        if self.number and batch_here.get() is self:
            batch_here.set(self._outer)

    def finish(self, error: BaseException | None = None, *, partial: bool = False, result: Any = None) -> None:
        """Publish `stage_completed` or `stage_failed`."""
        if not self.number:
            return
        if not self._is_generator and error is None:
            self.records_out = size(result)
        now = monotonic()
        self._leave()
        if self.reported and error is None:
            return
        own = max(0.0, self._worked + now - self._resumed - self.waited)
        records = self.records_out if self.records_in is None else self.records_in
        fields: dict[str, Any] = {
            "component": self.name,
            "status": "success",
            "duration_ms": (now - self._begun) * 1e3,
            "recordsIn": self.records_in,
            "recordsOut": self.records_out,
            "elapsedMs": own * 1e3,
            "throughputRps": records / own if records is not None and own > 0 else None,
            "batch": self.number,
        }
        if error is None or isinstance(error, GeneratorExit):
            if partial or error is not None:
                fields["partial"] = True
            _publish(self._logger, kinds.STAGE_COMPLETED, "info", fields)
        else:
            failed = is_failure(error)
            fields |= {"status": "failed" if failed else "cancelled", **describe_failure(error)}
            _publish(self._logger, kinds.STAGE_FAILED, "error" if failed else "warning", fields)


class _Counting:
    """A wrapper of the records that a batch takes; its other attributes are those of the records."""

    def __init__(self, records: Any, batch: Batch) -> None:
        self._records = records
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


class Counted(_Counting):
    """An iterator that counts the records taken from it, and the time that the stage waits for them."""

    def __iter__(self) -> Counted:
        self._records = iter(self._records)  # some iterators begin anew in `__iter__`
        return self

    def __next__(self) -> Any:
        begun = monotonic()
        try:
            record = next(self._records)
        finally:
            self._batch.waited += monotonic() - begun
        self._batch.records_in = (self._batch.records_in or 0) + 1
        return record


class _CountedAsync(_Counting):
    """An async iterator that counts, as `Counted`."""

    def __aiter__(self) -> _CountedAsync:
        self._records = aiter(self._records)
        return self

    async def __anext__(self) -> Any:
        begun = monotonic()
        try:
            record = await anext(self._records)
        finally:
            self._batch.waited += monotonic() - begun
        self._batch.records_in = (self._batch.records_in or 0) + 1
        return record


def _counter(records: object) -> type[_Counting] | None:
    """Return the counting iterator for these records; None if they can do more, since Python reads the type."""
    plain, asynchronous = isinstance(records, Iterator), isinstance(records, AsyncIterator)
    if plain is asynchronous or any(hasattr(type(records), name) for name in _MORE):
        return None
    return Counted if plain else _CountedAsync


def size(records: object) -> int | None:
    """Return the number of records if it is free to know: rows of a frame, length of a collection; else None."""
    try:
        if isinstance(records, list | tuple | set | frozenset | deque):
            return len(records)
        if records is None or isinstance(records, str | bytes | bytearray | memoryview):
            return None
        rows = row_count(records)
        if rows is None and isinstance(records, Collection) and not isinstance(records, Mapping):
            return len(records)
        return rows
    except STOPS:
        raise
    except BaseException:
        return None


def _publish(logger: Any, kind: str, level: str, fields: dict[str, Any]) -> None:
    """Publish an event of a batch: through the logger that was given, or on its bus, or on the current bus."""
    fields = {name: value for name, value in fields.items() if value is not None}
    around = batch_here.set(None)  # else a nested batch's event is taken for that of the stage around it
    try:
        if isinstance(logger, StructuredLogger):
            logger.log(level, kind, **fields)
        else:
            resolve_bus(logger).publish(kind, level=level, fields=fields)
    finally:
        batch_here.reset(around)
