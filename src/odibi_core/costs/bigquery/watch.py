"""One job of BigQuery from the moment it is sent until its end is seen, and what is then said of it."""

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
    ask,
    cost_fields,
    known,
    operation_fields,
    query_fields,
    shortened,
)
from odibi_core.costs.bigquery.price import Prices
from odibi_core.costs.tracker import tell_cost
from odibi_core.errors import STOPS, CostLimitError, is_failure
from odibi_core.events import kinds, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.context import current
from odibi_core.events.failure import describe_failure
from odibi_core.process.state import current_bus

PATIENCE_S: Final = 10.0
"""How long is waited for what is asked only for the record."""
_MAX_CHILDREN: Final = 1_000
_MAX_UNFINISHED: Final = 1_000
_LABEL_LENGTH: Final = 63
_log = logging.getLogger("odibi_core")


class Terms(msgspec.Struct, frozen=True):
    """How a client is observed."""

    operation: str | None
    prices: Prices
    maximum_bytes_billed: int | None
    max_usd: float | None
    labels: bool
    tags: dict[str, Any]


class Moment:
    """When and where a job was sent: its events stand in the record of the run that sent it, whoever waits for it."""

    def __init__(self, terms: Terms) -> None:
        self.bus, self.context, self.terms = current_bus(), current(), terms
        self._began = monotonic()

    def labels(self) -> dict[str, str]:
        """What is true here, as labels that BigQuery takes."""
        here = {"run_id": self.context.run_id, "correlation_id": self.context.correlation_id}
        here["operation"] = self.terms.operation or self.context.operation
        return {f"odibi_{name}": as_label(value) for name, value in here.items() if value}

    def say(self, kind: str, fields: Fields, level: str | None = None) -> None:
        """An event of a job."""
        operation = self.terms.operation or self.context.operation
        fields = known({"operation": operation, "tags": self.terms.tags or None, **fields})
        level = level or ("error" if fields.get("status") == "failed" else "info")
        self.bus.publish(kind, level=level, fields=fields, context=self.context)

    def tell_query(self, fields: Fields, ended: Any = None) -> None:
        """How a query went, and what it cost."""
        self.say(kinds.QUERY, fields)
        self.tell_cost(cost_fields(fields, self.terms.prices, ended))

    def tell_cost(self, fields: Fields) -> None:
        """What something cost."""
        operation = self.terms.operation or self.context.operation or "bigquery"
        tell_cost({"operation": operation, "tags": self.terms.tags or None, **fields}, self.bus, self.context)

    @contextmanager
    def failing(self, sql: str | None = None, *, kind: str = "query") -> Iterator[None]:
        """What was refused before there was a job, or while it was waited for, is recorded and passed on as it is."""
        try:
            yield
        except BaseException as error:
            if is_failure(error):
                safely(self._failed, error, sql, kind)
            raise

    def _failed(self, error: BaseException, sql: str | None, kind: str) -> None:
        told = {
            "status": "failed",
            "duration_ms": (monotonic() - self._began) * 1e3,
            **describe_failure(error),
        }
        asked = {"query_type": "unknown", **known({"sql": shortened(sql)})}
        job = ask(error, "query_job")
        if isinstance(error, CostLimitError):  # as it was meant to be, so where it came from says nothing
            del told["traceback"]
            self.say(kinds.QUERY, {**asked, **told}, "warning")
        elif kind != "query":
            self.say(kinds.BIGQUERY_OPERATION, {"operation_type": kind, **told})
        elif ask(job, "state") == "DONE":
            self.tell_query({**query_fields(job), **told})
        else:  # it was refused: there is no such job, and no cost
            self.say(kinds.QUERY, {**asked, **told})


class Watch:
    """Sees the end of one job, in whichever of its methods that comes to light, and records it once.

    The job becomes of a class of its own, derived from its class: it stays what it was to everyone, and it stays
    watched when the client, trying a failed query again, makes a new job of the same object.
    """

    def __init__(self, job: Any, moment: Moment, client: Any, unfinished: dict[int, Any]) -> None:
        self._moment, self._client, self._unfinished = moment, client, unfinished
        self._recorded: set[Any] = set()
        self._waiting = 0
        self._lock = RLock()
        kind: Any = type(job)
        job.__class__ = _watched_class(kind)
        _watches[job] = self
        unfinished[id(job)] = job
        if len(unfinished) > _MAX_UNFINISHED:
            unfinished.pop(next(iter(unfinished)), None)
        self.look(job)

    def call(self, job: Any, method: Any, args: Any, options: Any) -> Any:
        """A method of the job; afterwards, is it done?"""
        rows = None
        waits = method.__name__ == "result"
        self._wait(waits)
        try:
            given = method(*args, **options)
            rows = ask(given, "total_rows") if waits else None
            return given
        finally:
            self._wait(-waits)
            safely(self.look, job, rows)

    def _wait(self, more: int) -> None:
        with self._lock:
            self._waiting += more

    def look(self, job: Any, rows: int | None = None) -> None:
        """If the job is done, record it. A success waits for `result()` to come back, which knows how many rows."""
        if ask(job, "state") != "DONE" or (self._waiting and not ask(job, "error_result")):
            return
        with self._lock:
            if job.job_id in self._recorded:
                return
            self._recorded.add(job.job_id)
        self._unfinished.pop(id(job), None)
        record(job, self._moment, self._client, rows)


def record(job: Any, moment: Moment, client: Any, rows: int | None = None) -> None:
    """Say what a job did that is done."""
    kind = ask(job, "job_type")
    if kind != "query":
        if kind in ("load", "extract", "copy"):
            moment.say(kinds.BIGQUERY_OPERATION, operation_fields(job, kind))
        return
    fields, ended = query_fields(job, rows), ask(job, "ended")
    if fields.get("statement_type") != SCRIPT:
        moment.tell_query(fields, ended)
        return
    moment.say(kinds.QUERY, fields)
    children = safely(_children, job, client)
    if children is None:
        note = "the sum of a script, whose statements could not be asked for one by one"
        moment.tell_cost({**cost_fields(fields, moment.terms.prices, ended), "cost_note": note})
        return
    for child in children:
        moment.tell_query(query_fields(child), ask(child, "ended"))


def _children(script: Any, client: Any) -> list[Any]:
    """The jobs of a script's statements, the first first."""
    count = script.num_child_jobs
    if count > _MAX_CHILDREN:
        raise ValueError(f"a script of {count} statements")
    options = {"project": script.project, "retry": None, "timeout": PATIENCE_S}
    found = list(client.list_jobs(parent_job=script.job_id, max_results=_MAX_CHILDREN, **options))
    if len(found) < count:
        raise ValueError(f"{len(found)} of {count} statements are told of")
    return [job for job in reversed(found) if ask(job, "job_type") == "query"]


_watches: Final[WeakKeyDictionary[Any, Watch]] = WeakKeyDictionary()


@cache
def _watched_class(kind: type[Any]) -> type[Any]:
    """A class of jobs whose methods that learn of the end tell the watch."""

    def telling(name: str) -> Any:
        original = getattr(kind, name)

        def method(self: Any, *args: Any, **options: Any) -> Any:
            bound = original.__get__(self)
            watch = _watches.get(self)
            return bound(*args, **options) if watch is None else watch.call(self, bound, args, options)

        method.__name__, method.__doc__ = name, original.__doc__
        return method

    methods = {name: telling(name) for name in ("result", "done", "reload")}
    return type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})


def as_label(value: Any) -> str:
    """A text as the value of a label: at most 63 of a-z, 0-9, `_` and `-`; two long texts stay different."""
    label = re.sub(r"[^a-z0-9_-]", "_", sanitize_text(str(value)).lower())
    if len(label) <= _LABEL_LENGTH:
        return label
    return f"{label[: _LABEL_LENGTH - 9]}-{zlib.crc32(label.encode()):08x}"


def safely(function: Any, *args: Any, **options: Any) -> Any:
    """What is done for the record alone: whatever goes wrong with it is nothing to who is observed."""
    try:
        return function(*args, **options)
    except STOPS:
        raise
    except BaseException as error:
        _log.debug(
            "of a BigQuery job something is not recorded: %s", sanitize_text(f"{type(error).__name__}: {error}")
        )
        return None
