"""The structured log: every call is an event, and one line of JSON in a file of its own."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast

from msgspec.structs import replace

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, LogLevel, encode, kinds, to_dict
from odibi_core.events.clock import utc_now
from odibi_core.events.context import EMPTY, Context, current, merged
from odibi_core.events.failure import describe_failure, message_of
from odibi_core.events.kinds import SEVERITY, level_name, severity
from odibi_core.events.leveled import UNNAMED, Leveled, with_failure
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import OneHere
from odibi_core.store.base import Store
from odibi_core.store.journal import Journal
from odibi_core.store.memory import Memory
from odibi_core.store.segments import all_segments, read_events, safe_name
from odibi_core.views.logs import LogsView

__all__ = ["LogLevel", "StructuredLogEntry", "StructuredLogger"]

StructuredLogEntry = Event
"""The record of one line: `timestamp, level, event_type, message, node_name, layer, …`, by position or by name.

`dataclasses.asdict` makes a dict of it.
"""

Scope = Literal["own", "all"]


class _Default(str):
    """A default that can be told from the same text given by the caller."""


_log = logging.getLogger("odibi_core")
_LOGS: Final = _Default("logs")


class StructuredLogger(OneHere, Leveled):
    """Writes events to `log_dir/<name>_<YYYYmmdd_HHMMSS>.jsonl`, which is made at once, and answers about them.

    With `stream` each line also goes there, flushed; then there is a file only if `log_dir` is given too.
    With `bus` the logger speaks on that bus, and its file keeps everything that is said there.

    >>> logger = StructuredLogger("nightly", log_dir="logs")
    >>> logger.info("orders_loaded", row_count=3, source="orders.csv")
    >>> logger.query_logs(event_type="orders_loaded")[0]["row_count"]
    3
    """

    def __init__(
        self,
        name: str,
        log_dir: str | Path = _LOGS,
        max_file_size_mb: float = 100,
        user: str | None = None,
        *,
        bus: EventBus | None = None,
        stream: TextIO | None = None,
        level: str = "debug",
    ) -> None:
        if max_file_size_mb <= 0:
            raise ConfigurationError(f"max_file_size_mb must be more than 0, given was {max_file_size_mb}")
        self.name = name
        self.user = user
        self.max_file_size_mb = max_file_size_mb
        self.bus = bus if bus is not None else EventBus()
        self._made = (name, log_dir, max_file_size_mb, user, stream, level)
        self._has_own_bus = bus is None
        self.store: Store = (
            Memory()
            if stream is not None and isinstance(log_dir, _Default)
            else _file(name, Path(log_dir), max_file_size_mb)
        )
        self.bus.subscribe(self.store, name=f"log {name}")
        if stream is not None:
            self.bus.subscribe(_Stream(stream), name=f"stream of {name}")
        self._publish = self.bus.publish
        self._always = merged(
            EMPTY, {"component": name} if user is None else {"component": name, "user": user}
        )
        self._last_context = (EMPTY, self._always)
        self.set_level(level)

    def _made_of(self) -> tuple[Any, tuple[Any, ...]]:
        """In another process a logger of the same name and folder writes a file of its own."""
        stream = self._made[4]
        name = next((each for each in ("stdout", "stderr") if stream is getattr(sys, each)), None)
        if not self._has_own_bus or (stream is not None and name is None):
            raise TypeError(
                f"the StructuredLogger {self.name!r} cannot be sent to another process: its bus or its stream lives in "
                "this one; make a logger there, or use get_logger"
            )
        return _again, (*self._made[:4], name, self._made[5])

    @property
    def log_file(self) -> Path | None:
        """The file that is being written; None when the log goes to a stream alone."""
        return self.store.path if isinstance(self.store, Journal) else None

    @property
    def log_dir(self) -> Path | None:
        """The folder of the file; None if the log goes to a stream alone."""
        return self.store.directory if isinstance(self.store, Journal) else None

    def log(
        self,
        level: str | LogLevel,
        event_type: str = UNNAMED,
        message: str | None = None,
        **fields: Any,
    ) -> None:
        """Write an event of any level, if it is not below the logger's; each keyword becomes a field."""
        if severity(level) >= SEVERITY[self.level]:
            said = fields if message is None else {"message": message, **fields}
            self._emit(level_name(level), to_text(event_type), said)

    def _emit(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if "exc_info" in fields or "extra" in fields or "stack_info" in fields or "stacklevel" in fields:
            fields = with_failure(fields)
        self._publish(event, level=level, fields=fields, context=self._context())

    def _context(self) -> Context:
        """The context in force, and over it what this logger always says."""
        here = current()
        if here is EMPTY:
            return self._always
        before, both = self._last_context
        if before is not here:
            both = self._always.over(here)
            self._last_context = (here, both)
        return both

    def _log(self, kind: str, level: str, **fields: Any) -> None:
        if severity(level) >= SEVERITY[self.level]:
            given = {name: value for name, value in fields.items() if value is not None}
            self._publish(kind, level=level, fields=given, context=self._context())

    def log_node_start(
        self, node_name: str, layer: str, engine: str = "pandas", metadata: dict[str, Any] | None = None
    ) -> None:
        """A node begins."""
        self._log(
            kinds.NODE_START,
            "info",
            node_name=node_name,
            layer=layer,
            engine=engine,
            status="running",
            metadata=metadata,
        )

    def log_node_complete(
        self,
        node_name: str,
        duration_ms: float,
        rows: int | None = None,
        cache_hit: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """A node is done, having made `rows` rows in `duration_ms` milliseconds."""
        self._log(
            kinds.NODE_COMPLETE,
            "info",
            node_name=node_name,
            status="success",
            duration_ms=duration_ms,
            row_count=rows,
            cache_hit=cache_hit,
            metadata=metadata,
        )

    def log_node_failed(
        self,
        node_name: str,
        error: str | BaseException,
        duration_ms: float | None = None,
        layer: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """A node failed; of an exception the type and the traceback are kept too."""
        self._log(
            kinds.NODE_FAILED,
            "error",
            node_name=node_name,
            layer=layer,
            status="failed",
            duration_ms=duration_ms,
            metadata=metadata,
            **_error_fields(error),
        )

    def log_cache_hit(
        self, node_name: str, cache_key: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """A node's result was there already."""
        fields = {"cache_hit": True, "cache_key": cache_key, "metadata": metadata}
        self._log(kinds.CACHE_HIT, "info", node_name=node_name, **fields)

    def log_cache_miss(
        self, node_name: str, cache_key: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """A node's result has to be computed."""
        fields = {"cache_hit": False, "cache_key": cache_key, "metadata": metadata}
        self._log(kinds.CACHE_MISS, "info", node_name=node_name, **fields)

    def log_pipeline_start(self, pipeline_name: str, metadata: dict[str, Any] | None = None) -> None:
        """A pipeline begins."""
        self._log(
            kinds.PIPELINE_START, "info", pipeline_name=pipeline_name, status="running", metadata=metadata
        )

    def log_pipeline_complete(
        self,
        pipeline_name: str,
        duration_ms: float,
        success_count: int,
        failed_count: int,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """A pipeline ended; with any node failed, it failed, and the line is an error."""
        self._log(
            kinds.PIPELINE_COMPLETE,
            "error" if failed_count > 0 else "info",
            pipeline_name=pipeline_name,
            status="failed" if failed_count > 0 else "success",
            duration_ms=duration_ms,
            success_count=success_count,
            failed_count=failed_count,
            metadata=metadata,
        )

    def log_error(
        self,
        component: str,
        error: str | BaseException,
        layer: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """An error outside any node; it is found under `node_name == component`."""
        fields = {"component": component, **_error_fields(error)}
        self._log(kinds.ERROR, "error", node_name=component, layer=layer, metadata=metadata, **fields)

    def query_logs(
        self,
        event_type: str | None = None,
        node_name: str | None = None,
        level: str | LogLevel | None = None,
        limit: int | None = 100,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        run_id: str | None = None,
        newest_first: bool = False,
        scope: Scope = "own",
    ) -> list[dict[str, Any]]:
        """The entries that fit everything given, oldest first, at most `limit` (None: all) of them.

        `scope="own"`: what was written through this logger since it was made, by this process and its forked
        children. `scope="all"`: every file of this name in `log_dir`, whoever wrote it and whenever.
        """
        wanted = {
            "event_type": None if event_type is None else kinds.canonical(event_type),
            "node_name": node_name,
            "level": None if level is None else str(getattr(level, "value", level)).lower(),
            "run_id": run_id,
        }
        first, last = _moment("since", since), _moment("until", until)
        found = (
            event
            for event in self._events(scope)
            if all(value is None or getattr(event, name) == value for name, value in wanted.items())
            and (first is None or event.timestamp >= first)
            and (last is None or event.timestamp <= last)
        )
        chosen = reversed(list(found)) if newest_first else found
        return [to_dict(event) for event in islice(chosen, None if limit is None else max(0, limit))]

    def get_summary(self, scope: Scope = "own") -> dict[str, Any]:
        """`log_file, total_entries, by_level, by_event_type, errors` (the first ten), `file_size_mb` (all segments)."""
        view = LogsView(0)
        for event in self._events(scope):
            view(event)
        size = sum(path.stat().st_size for path in self._paths(scope))
        return {
            "log_file": str(self.log_file) if self.log_file else None,
            **view.summary(),
            "file_size_mb": round(size / 2**20, 6),
        }

    def sql(self, query: str, *, scope: Scope = "own", isolated: bool = False) -> list[dict[str, Any]]:
        """Return the rows that answer one SELECT over the table `logs`, as dicts.

        Args:
            query: One SELECT.
            scope: Of which files, as in `query_logs`.
            isolated: Run the query in a process of its own, for queries that come from outside of the program. Then
                the operating system limits its memory, CPU time and duration. Otherwise these limits hold only
                between two blocks of values: a single expensive value, such as a text of 2 GB or
                `levenshtein(repeat('a', 300000), …)`, takes as much memory and time of this process as it needs.

        Raises:
            QueryError: It is not one SELECT, it names what is not there, or it needs too much time or memory.
        """
        from odibi_core.store.sql import query_events, query_files

        if not isinstance(self.store, Journal):
            return query_events(query, self.store.read(), isolated=isolated).rows
        self.store.flush()
        answer = query_files(query, self._paths(scope), isolated=isolated)
        if answer.read_errors:
            _log.warning(
                "of the log %s, %d half and %d unreadable lines were passed over",
                self.name, answer.read_errors.torn, answer.read_errors.unreadable,
            )  # fmt: skip
        return answer.rows

    def flush(self) -> None:
        """Have everything said so far in the file."""
        if isinstance(self.store, Journal):
            self.store.flush()

    def close(self) -> None:
        """Finish the file; the logger hears no more."""
        self.bus.unsubscribe(self.store)
        self.store.close()

    def __enter__(self) -> StructuredLogger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _events(self, scope: Scope) -> Iterator[Event]:
        return read_events(self._paths("all")) if scope == "all" and self._paths("all") else self.store.read()

    def _paths(self, scope: Scope) -> list[Path]:
        if not isinstance(self.store, Journal):
            return []
        if scope == "own":
            return self.store.paths()
        ours = re.compile(
            re.escape(safe_name(self.name)) + r"_\d{8}_\d{6}(_\d+)?(\.p\d+(_\d+)*)?(\.\d+)?\.jsonl"
        )
        return [path for path in all_segments(self.store.directory) if ours.fullmatch(path.name)]


def _file(name: str, log_dir: Path, max_file_size_mb: float) -> Journal:
    stem = f"{safe_name(name)}_{utc_now():%Y%m%d_%H%M%S}"
    return Journal(log_dir, stem, max_segment_bytes=max(1, int(max_file_size_mb * 2**20)))


def _error_fields(error: str | BaseException) -> dict[str, Any]:
    if issubclass(type(error), BaseException):
        return describe_failure(cast(BaseException, error))
    return {"error": message_of(to_text(error))}


def _moment(name: str, given: datetime | str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise ConfigurationError(
            f"{name} is a time in ISO 8601, such as 2026-01-31T04:00:00Z; given was {given!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _again(*made: Any) -> StructuredLogger:
    name, log_dir, size, user, stream, level = made
    to = getattr(sys, stream) if stream else None
    return StructuredLogger(name, log_dir, size, user, stream=to, level=level)


class _Stream:
    """Writes each event's line to a text stream, with the event's type under `event` too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        named = replace(event, fields={"event": event.event_type, **event.fields})
        self._stream.write(encode(named).decode())
        self._stream.flush()
