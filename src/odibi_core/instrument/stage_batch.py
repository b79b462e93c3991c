"""One batch of a stage: the records that go in and out, the time that is the stage's own, and the line that says so."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, Final

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS, is_failure
from odibi_core.events import kinds
from odibi_core.events.clock import monotonic
from odibi_core.events.context import batch_here
from odibi_core.events.failure import describe_failure
from odibi_core.logs.structured_logger import StructuredLogger
from odibi_core.process.state import current_bus
from odibi_core.wrapping.calls import CallObserver

__all__ = ["Batch", "Counted", "size"]

_MORE: Final = ("__enter__", "__aenter__", "__len__", "__getitem__", "__bool__")
"""With one of these, an iterator is more than one: an open file, a reader that can be asked how much is left."""


class Batch(CallObserver):
    """One call of a stage under way: what went in and out, and the time that was the stage's own."""

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
        self._flowing = False
        self.told = False
        """Whether the stage said `stage_completed` itself: then its line is the batch's."""
        self._outer: Any = None

    def take(self, records: Any) -> Any:
        """What the stage is given: an iterator is put into one that counts, everything else is counted as it is."""
        try:
            if counter := _counter(records):
                self.records_in = 0
                return counter(records, self)
        except STOPS:
            raise
        except BaseException:  # what it is cannot even be asked: it goes on as it came
            return records
        self.records_in = size(records)
        return records

    def resume(self) -> None:
        """The stage works from here on; the first time, the batch begins."""
        if self.number:
            self._outer = batch_here.get()
            batch_here.set(self)
        self._resumed = monotonic()
        if not self._started:
            self._started, self._begun = True, self._resumed

    def start_generator(self) -> None:
        """What comes out comes one by one."""
        self._flowing, self.records_out = True, 0

    def suspend(self) -> None:
        """The stage waits for its consumer."""
        self._worked += monotonic() - self._resumed
        self._leave()

    def yielded(self, record: Any) -> None:
        """One record came out, and the consumer has it."""
        self.records_out = (self.records_out or 0) + 1

    def _leave(self) -> None:
        """The stage works no longer: what is said from here on is not its own."""
        if self.number and batch_here.get() is self:
            batch_here.set(self._outer)

    def finish(
        self, error: BaseException | None = None, *, partial: bool = False, result: Any = None
    ) -> None:
        """Say how it went; a batch without a number is part of another one, and says nothing."""
        if not self.number:
            return
        if not self._flowing and error is None:
            self.records_out = size(result)
        now = monotonic()
        self._leave()
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
        if self.told and error is None:
            return
        if error is None or isinstance(error, GeneratorExit):
            if partial or error is not None:
                fields["partial"] = True
            _speak(self._logger, kinds.STAGE_COMPLETED, "info", fields)
        else:
            failed = is_failure(error)
            fields |= {"status": "failed" if failed else "cancelled", **describe_failure(error)}
            _speak(self._logger, kinds.STAGE_FAILED, "error" if failed else "warning", fields)


class _Counting:
    """Around the records that a batch takes; in all but the counting it is they."""

    def __init__(self, records: Any, batch: Batch) -> None:
        self._records = records
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


class Counted(_Counting):
    """An iterator that counts what is taken from it, and how long that is waited for."""

    def __iter__(self) -> Counted:
        self._records = iter(self._records)  # as the stage would: there are iterators that begin with it
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
    """The same of an asynchronous one."""

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
    """What counts these records as they are taken; none for what can more than that, since Python asks its type."""
    plain, asynchronous = isinstance(records, Iterator), isinstance(records, AsyncIterator)
    if plain is asynchronous or any(hasattr(type(records), name) for name in _MORE):
        return None
    return Counted if plain else _CountedAsync


def size(records: object) -> int | None:
    """How many records these are, where that is free to know: the rows of a frame, the length of a collection."""
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


def _speak(logger: Any, kind: str, level: str, fields: dict[str, Any]) -> None:
    """Through the logger that was given, as its own line; else where everyone here speaks."""
    around = batch_here.set(None)  # a batch's line is not one of the stage around it
    try:
        if isinstance(logger, StructuredLogger):
            logger._log(kind, level, **fields)
            return
        bus: EventBus = current_bus() if logger is None else getattr(logger, "bus", logger)
        bus.publish(kind, level=level, fields={name: value for name, value in fields.items() if value is not None})
    finally:
        batch_here.reset(around)
