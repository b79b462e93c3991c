"""One BigQuery job from its submission to its end, and the events that follow."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from odibi_core.costs.bigquery.job import (
    SCRIPT,
    Fields,
    cost_fields,
    operation_fields,
    query_fields,
    read,
    sanitized_sql,
    without_none,
)
from odibi_core.costs.bigquery.price import Prices
from odibi_core.costs.tracker import publish_cost
from odibi_core.errors import STOPS, CostLimitError, is_failure
from odibi_core.events import kinds, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.context import current
from odibi_core.events.failure import describe_failure
from odibi_core.process.state import current_bus

PATIENCE_S: Final = 10.0
"""Timeout of requests that are made only for the record."""
_MAX_CHILDREN: Final = 1_000
_MAX_UNFINISHED: Final = 1_000
_LABEL_LENGTH: Final = 63
_log = logging.getLogger("odibi_core")


class ObserveOptions(msgspec.Struct, frozen=True):
    """The options of `observe_bigquery`."""

    operation: str | None
    prices: Prices
    maximum_bytes_billed: int | None
    max_usd: float | None
    labels: bool
    tags: dict[str, Any]


class Submission:
    """Time and context in which a job was sent; its events are recorded in the run that sent it."""

    def __init__(self, options: ObserveOptions) -> None:
        self.bus, self.context, self.options = current_bus(), current(), options
        self._began = monotonic()

    def labels(self) -> dict[str, str]:
        """Return the context as labels of BigQuery."""
        here = {"run_id": self.context.run_id, "correlation_id": self.context.correlation_id}
        here["operation"] = self.options.operation or self.context.operation
        return {f"odibi_{name}": as_label(value) for name, value in here.items() if value}

    def publish(self, kind: str, fields: Fields, level: str | None = None) -> None:
        """Publish an event of a job."""
        operation = self.options.operation or self.context.operation
        fields = without_none({"operation": operation, "tags": self.options.tags or None, **fields})
        level = level or ("error" if fields.get("status") == "failed" else "info")
        self.bus.publish(kind, level=level, fields=fields, context=self.context)

    def publish_query(self, fields: Fields, ended: Any = None) -> None:
        """Publish a query and its cost."""
        self.publish(kinds.QUERY, fields)
        self.publish_cost(cost_fields(fields, self.options.prices, ended))

    def publish_cost(self, fields: Fields) -> None:
        """Publish a cost."""
        operation = self.options.operation or self.context.operation or "bigquery"
        tags = self.options.tags or None
        publish_cost({"operation": operation, "tags": tags, **fields}, self.bus, self.context)

    @contextmanager
    def recording_failure(self, sql: str | None = None, *, kind: str = "query") -> Iterator[None]:
        """Record an exception of the block, raised before there was a job or while it was waited for."""
        try:
            yield
        except BaseException as error:
            if is_failure(error):
                safely(self._failed, error, sql, kind)
            raise

    def _failed(self, error: BaseException, sql: str | None, kind: str) -> None:
        duration_ms = (monotonic() - self._began) * 1e3
        failure = {"status": "failed", "duration_ms": duration_ms, **describe_failure(error)}
        query = {"query_type": "unknown", **without_none({"sql": sanitized_sql(sql)})}
        job = read(error, "query_job")
        if isinstance(error, CostLimitError):  # an expected refusal: its traceback shows no fault
            del failure["traceback"]
            self.publish(kinds.QUERY, {**query, **failure}, "warning")
        elif kind != "query":
            self.publish(kinds.BIGQUERY_OPERATION, {"operation_type": kind, **failure})
        elif read(job, "state") == "DONE":
            self.publish_query({**query_fields(job), **failure})
        else:  # refused: there is no job, and no cost
            self.publish(kinds.QUERY, {**query, **failure})


class JobWatch:
    """Detects the end of one job in its `result`, `done` and `reload`, and records it once.

    The class of the job object is replaced by a subclass. A wrapper would not do: the client's own methods, such as
    `to_dataframe`, call `result` on the job itself, and a retried query makes a new job of the same object.
    """

    def __init__(self, job: Any, submission: Submission, client: Any, unfinished: dict[int, Any]) -> None:
        self._submission, self._client, self._unfinished = submission, client, unfinished
        self._recorded: set[Any] = set()
        self._waiting = 0
        self._lock = RLock()
        kind: Any = type(job)
        job.__class__ = _watched_class(kind)
        _watches[job] = self
        unfinished[id(job)] = job
        if len(unfinished) > _MAX_UNFINISHED:
            unfinished.pop(next(iter(unfinished)), None)
        self.record_if_done(job)

    def call(self, job: Any, method: Any, args: Any, options: Any) -> Any:
        """Call a method of the job, then record the job if it is done."""
        rows = None
        waits = method.__name__ == "result"
        self._wait(waits)
        try:
            given = method(*args, **options)
            rows = read(given, "total_rows") if waits else None
            return given
        finally:
            self._wait(-waits)
            safely(self.record_if_done, job, rows)

    def _wait(self, more: int) -> None:
        with self._lock:
            self._waiting += more

    def record_if_done(self, job: Any, rows: int | None = None) -> None:
        """Record the job if it is done; a success while `result()` runs is recorded after it, with its rows."""
        if read(job, "state") != "DONE" or (self._waiting and not read(job, "error_result")):
            return
        with self._lock:
            if job.job_id in self._recorded:
                return
            self._recorded.add(job.job_id)
        self._unfinished.pop(id(job), None)
        record_job(job, self._submission, self._client, rows)


def record_job(job: Any, submission: Submission, client: Any, rows: int | None = None) -> None:
    """Publish the events of a job that is done."""
    kind = read(job, "job_type")
    if kind != "query":
        if kind in ("load", "extract", "copy"):
            submission.publish(kinds.BIGQUERY_OPERATION, operation_fields(job, kind))
        return
    fields, ended = query_fields(job, rows), read(job, "ended")
    if fields.get("statement_type") != SCRIPT:
        submission.publish_query(fields, ended)
        return
    submission.publish(kinds.QUERY, fields)
    children = safely(_children, job, client)
    if children is None:
        note = "the sum of a script, whose statements could not be listed"
        submission.publish_cost({**cost_fields(fields, submission.options.prices, ended), "cost_note": note})
        return
    for child in children:
        submission.publish_query(query_fields(child), read(child, "ended"))


def _children(script: Any, client: Any) -> list[Any]:
    """Return the jobs of a script's statements, in order."""
    count = script.num_child_jobs
    if count > _MAX_CHILDREN:
        raise ValueError(f"a script of {count} statements")
    options = {"project": script.project, "retry": None, "timeout": PATIENCE_S}
    found = list(client.list_jobs(parent_job=script.job_id, max_results=_MAX_CHILDREN, **options))
    if len(found) < count:
        raise ValueError(f"{len(found)} of {count} statements are listed")
    return [job for job in reversed(found) if read(job, "job_type") == "query"]


_watches: Final[WeakKeyDictionary[Any, JobWatch]] = WeakKeyDictionary()


@cache
def _watched_class(kind: type[Any]) -> type[Any]:
    """Return a subclass whose methods that detect the end of a job call its watch."""

    def watched(name: str) -> Any:
        original = getattr(kind, name)

        def method(self: Any, *args: Any, **options: Any) -> Any:
            bound = original.__get__(self)
            watch = _watches.get(self)
            return bound(*args, **options) if watch is None else watch.call(self, bound, args, options)

        method.__name__, method.__doc__ = name, original.__doc__
        return method

    methods = {name: watched(name) for name in ("result", "done", "reload")}
    return type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})


def as_label(value: Any) -> str:
    """Return a label value: at most 63 of a-z, 0-9, `_` and `-`; two long texts stay different."""
    label = re.sub(r"[^a-z0-9_-]", "_", sanitize_text(str(value)).lower())
    if len(label) <= _LABEL_LENGTH:
        return label
    return f"{label[: _LABEL_LENGTH - 9]}-{zlib.crc32(label.encode()):08x}"


def safely(function: Any, *args: Any, **options: Any) -> Any:
    """Call a function that only records; return None, and log the exception, if it raises."""
    try:
        return function(*args, **options)
    except STOPS:
        raise
    except BaseException as error:
        _log.debug("of a BigQuery job something is not recorded: %s", sanitize_text(f"{type(error).__name__}: {error}"))
        return None
