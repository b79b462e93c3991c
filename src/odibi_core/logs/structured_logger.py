"""The structured logger: each call is an event, and one line of JSON in a log file of its own."""

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
from odibi_core.events.leveled import LOGGING_KEYWORDS, UNNAMED, Leveled, event_type, with_failure
from odibi_core.events.normalize import to_text
from odibi_core.events.pickling import OneHere
from odibi_core.store.base import Store
from odibi_core.store.journal import Journal
from odibi_core.store.memory import Memory
from odibi_core.store.search import Filter, search
from odibi_core.store.segments import all_segments, read_events, safe_name
from odibi_core.views.logs import LogsView

__all__ = ["LogLevel", "StructuredLogEntry", "StructuredLogger"]

StructuredLogEntry = Event
"""The record of a line: `timestamp, level, event_type, message, node_name, layer, …`, by position or by name.

`dataclasses.asdict` converts it to a dict.
"""

Scope = Literal["own", "all"]


class _Default(str):
    """A default that can be distinguished from the same text given by the caller."""


_log = logging.getLogger("odibi_core")
_LOGS: Final = _Default("logs")


class StructuredLogger(OneHere, Leveled):
    """Writes events to `log_dir/<name>_<YYYYmmdd_HHMMSS>.jsonl`, created at once, and queries them.

    With `stream`, each line is also written there and flushed; a file is then created only if `log_dir` is given.
    With `bus`, the logger publishes on that bus, and its file holds all events of the bus.

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
            raise ConfigurationError(f"max_file_size_mb must be more than 0, got {max_file_size_mb}")
        self.name = name
        self.user = user
        self.max_file_size_mb = max_file_size_mb
        self.bus = bus if bus is not None else EventBus()
        self._arguments = (name, log_dir, max_file_size_mb, user, stream, level)
        self._has_own_bus = bus is None
        self.store: Store = (
            Memory()
            if stream is not None and isinstance(log_dir, _Default)
            else _file(name, Path(log_dir), max_file_size_mb)
        )
        self.bus.subscribe(self.store, name=f"log {name}")
        if stream is not None:
            self.bus.subscribe(_Stream(stream), name=f"stream of {name}")
        self._own_context = merged(EMPTY, {"component": name} if user is None else {"component": name, "user": user})
        self._last_context = (EMPTY, self._own_context)
        self.set_level(level)

    def _made_of(self) -> tuple[Any, tuple[Any, ...]]:
        """Return how another process makes a logger of the same name and folder, with a file of its own."""
        stream = self._arguments[4]
        name = next((each for each in ("stdout", "stderr") if stream is getattr(sys, each)), None)
        if not self._has_own_bus or (stream is not None and name is None):
            raise TypeError(
                f"the StructuredLogger {self.name!r} cannot be sent to another process: its bus or its stream lives in "
                "this one; make a logger there, or use get_logger"
            )
        return _from_arguments, (*self._arguments[:4], name, self._arguments[5])

    @property
    def log_file(self) -> Path | None:
        """The current file; None if the log goes to a stream alone."""
        return self.store.path if isinstance(self.store, Journal) else None

    @property
    def log_dir(self) -> Path | None:
        """The folder of the file; None if the log goes to a stream alone."""
        return self.store.directory if isinstance(self.store, Journal) else None

    def log(self, level: str | LogLevel, event_type: str = UNNAMED, message: str | None = None, **fields: Any) -> None:
        """Log an event of any level, unless it is below the logger's; each keyword becomes a field."""
        if severity(level) >= SEVERITY[self.level]:
            if message is not None:
                fields = {"message": message, **fields}
            self._emit(level_name(level), to_text(event_type), (), fields)

    def _emit(self, level: str, event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        if args or type(event) is not str or not event:
            event = event_type(event, args, fields)
        if not LOGGING_KEYWORDS.isdisjoint(fields):
            fields = with_failure(fields)
        self.bus.publish(event, level=level, fields=fields, context=self._context())

    def _context(self) -> Context:
        """Return the current context with the fields of this logger."""
        here = current()
        before, both = self._last_context
        if before is not here:
            both = self._own_context.over(here)
            self._last_context = (here, both)
        return both

    def _log(self, kind: str, level: str, **fields: Any) -> None:
        if severity(level) >= SEVERITY[self.level]:
            given = {name: value for name, value in fields.items() if value is not None}
            self.bus.publish(kind, level=level, fields=given, context=self._context())

    def log_node_start(
        self, node_name: str, layer: str, engine: str = "pandas", metadata: dict[str, Any] | None = None
    ) -> None:
        """Log the start of a node."""
        fields = {"layer": layer, "engine": engine, "status": "running", "metadata": metadata}
        self._log(kinds.NODE_START, "info", node_name=node_name, **fields)

    def log_node_complete(
        self,
        node_name: str,
        duration_ms: float,
        rows: int | None = None,
        cache_hit: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Log the success of a node: its rows, and its duration in milliseconds."""
        fields = {"duration_ms": duration_ms, "row_count": rows, "cache_hit": cache_hit, "metadata": metadata}
        self._log(kinds.NODE_COMPLETE, "info", node_name=node_name, status="success", **fields)

    def log_node_failed(
        self,
        node_name: str,
        error: str | BaseException,
        duration_ms: float | None = None,
        layer: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Log the failure of a node, with the type and the traceback of an exception."""
        fields = {"layer": layer, "duration_ms": duration_ms, "metadata": metadata, **_error_fields(error)}
        self._log(kinds.NODE_FAILED, "error", node_name=node_name, status="failed", **fields)

    def log_cache_hit(
        self, node_name: str, cache_key: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """Log that the result of a node was in the cache."""
        fields = {"cache_hit": True, "cache_key": cache_key, "metadata": metadata}
        self._log(kinds.CACHE_HIT, "info", node_name=node_name, **fields)

    def log_cache_miss(
        self, node_name: str, cache_key: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """Log that the result of a node was not in the cache."""
        fields = {"cache_hit": False, "cache_key": cache_key, "metadata": metadata}
        self._log(kinds.CACHE_MISS, "info", node_name=node_name, **fields)

    def log_pipeline_start(self, pipeline_name: str, metadata: dict[str, Any] | None = None) -> None:
        """Log the start of a pipeline."""
        fields = {"pipeline_name": pipeline_name, "status": "running", "metadata": metadata}
        self._log(kinds.PIPELINE_START, "info", **fields)

    def log_pipeline_complete(
        self,
        pipeline_name: str,
        duration_ms: float,
        success_count: int,
        failed_count: int,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Log the end of a pipeline; if a node failed, as a failure and an error."""
        level, status = ("error", "failed") if failed_count > 0 else ("info", "success")
        fields = {"pipeline_name": pipeline_name, "status": status, "duration_ms": duration_ms}
        counts = {"success_count": success_count, "failed_count": failed_count}
        self._log(kinds.PIPELINE_COMPLETE, level, **fields, **counts, metadata=metadata)

    def log_error(
        self,
        component: str,
        error: str | BaseException,
        layer: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Log an error outside of nodes, which queries find by `node_name == component`."""
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
        """Return the entries that match every given filter, oldest first, as dicts.

        Args:
            event_type: Kind of event.
            node_name: Name of the node.
            level: Level, by any usual spelling.
            limit: Greatest number of entries; None for all.
            since: Earliest time; text in ISO 8601 or a datetime, in UTC if it has no zone.
            until: Latest time.
            run_id: Id of the run.
            newest_first: Return the newest entries, and them first.
            scope: `own`: the lines of this logger since it was made, also by forked children. `all`: every file of
                this name in `log_dir`.
        """
        values = {
            "event_type": None if event_type is None else kinds.canonical(event_type),
            "node_name": node_name,
            "level": None if level is None else kinds.spelled_level(level),
            "run_id": run_id,
        }
        given = {name: value for name, value in values.items() if value is not None}
        wanted = Filter(given, _moment("since", since), _moment("until", until))
        found = self._search(wanted, scope, newest_first=newest_first)
        return [to_dict(event) for event in islice(found, None if limit is None else max(0, limit))]

    def _search(self, wanted: Filter, scope: Scope, *, newest_first: bool) -> Iterator[Event]:
        if isinstance(self.store, Journal):
            self.store.flush()
            return search(self._paths(scope), wanted, newest_first=newest_first)
        kept = list(self.store.read())
        return filter(wanted.matches, reversed(kept) if newest_first else kept)

    def get_summary(self, scope: Scope = "own") -> dict[str, Any]:
        """Return `log_file, total_entries, by_level, by_event_type, errors` (the first ten), `file_size_mb`."""
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
            scope: The files, as in `query_logs`.
            isolated: Run the query in a process of its own, for queries from outside of the program. The operating
                system then limits its memory, CPU time and duration. Otherwise these limits apply only between two
                blocks of values. One expensive value, such as a text of 2 GB or
                `levenshtein(repeat('a', 300000), …)`, may take any amount of memory and time of this process.

        Raises:
            QueryError: If it is not one SELECT, names an unknown column, or needs too much time or memory.
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
        """Write the buffered lines to the file."""
        if isinstance(self.store, Journal):
            self.store.flush()

    def close(self) -> None:
        """Close the file; later lines are not kept."""
        self.bus.unsubscribe(self.store)
        self.store.close()

    def __enter__(self) -> StructuredLogger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _events(self, scope: Scope) -> Iterator[Event]:
        paths = self._paths("all") if scope == "all" else []
        return read_events(paths) if paths else self.store.read()

    def _paths(self, scope: Scope) -> list[Path]:
        if not isinstance(self.store, Journal):
            return []
        if scope == "own":
            return self.store.paths()
        pattern = re.compile(re.escape(safe_name(self.name)) + r"_\d{8}_\d{6}(_\d+)?(\.p\d+(_\d+)*)?(\.\d+)?\.jsonl")
        return [path for path in all_segments(self.store.directory) if pattern.fullmatch(path.name)]


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
            f"{name} must be a time in ISO 8601, such as 2026-01-31T04:00:00Z, got {given!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _from_arguments(*arguments: Any) -> StructuredLogger:
    name, log_dir, size, user, stream, level = arguments
    to = getattr(sys, stream) if stream else None
    return StructuredLogger(name, log_dir, size, user, stream=to, level=level)


class _Stream:
    """Writes the line of each event to a text stream, with its type under `event` too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        named = replace(event, fields={"event": event.event_type, **event.fields})
        self._stream.write(encode(named).decode())
        self._stream.flush()
