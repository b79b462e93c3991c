"""`Run` and `OpenNode`: the state that a fold to spans keeps of a run, and the attributes that follow from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.trace_context import span_in
from odibi_core.otlp.ids import span_id, trace_id
from odibi_core.otlp.model import SAMPLED, Link
from odibi_core.views.source_texts import SourceOf, no_source
from odibi_core.views.values import count, flag, record, records, text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
NODE_ENDS: Final = frozenset({kinds.NODE_COMPLETE, kinds.NODE_FAILED, kinds.NODE_SKIPPED, "node_error"})
_MAX_TAGS: Final = 32
_MAX_QUERY: Final = 16 * 1024
"""Characters of a SQL text in a span."""


def nanoseconds(event: Event) -> int:
    """Return the time of an event in nanoseconds since 1970."""
    return (event.timestamp - _EPOCH) // _MICROSECOND * 1000


class Run:
    """One run: the ids of its trace, its plan, and its open nodes.

    Its trace is that of the span in which it began, else one of its own, computed from the id of the run.
    """

    def __init__(self, event: Event, source_of: SourceOf = no_source) -> None:
        self._source_of = source_of
        self.run_id = str(event.run_id)
        parent = span_in(event.fields)
        self.trace_id = parent.get("trace_id") or trace_id("run", self.run_id)
        is_first = event.event_type == kinds.PIPELINE_START  # any other has the span of its node
        self.parent_span_id = parent.get("span_id", "") if is_first else ""
        self.parent_is_sampled = bool(int(parent["trace_flags"], 16) & SAMPLED) if parent else None
        """The decision of the parent span; None if there is none."""
        self.span_id = span_id("run", self.run_id)
        self.pipeline = text(event.fields.get("pipeline_name")) or "pipeline"
        self.start_ns = self.last_ns = nanoseconds(event)
        self.nodes: dict[tuple[Any, ...], OpenNode] = {}
        self.links: list[Link] = []
        self.is_over = False
        self.was_failing = False
        self._plan: dict[str, dict[str, Any]] = {}
        self._opening: Event | None = None

    def begin(self, event: Event) -> None:
        """Take the first event of a run, which has its name, its tags and its host."""
        self._opening = event
        self.pipeline = text(event.fields.get("pipeline_name")) or self.pipeline
        self.start_ns = min(self.start_ns, nanoseconds(event))

    def plan_steps(self, event: Event) -> None:
        """Take the steps that the run announces."""
        self._plan.update({str(step.get("name")): step for step in records(event.fields.get("steps"))})

    def step(self, name: str) -> dict[str, Any]:
        """Return the announced step of a name; empty if there is none."""
        return self._plan.get(name, {})

    def query_of(self, step: dict[str, Any]) -> str | None:
        """Return the SQL of an announced step, redacted and bounded; None if it is not stored, or not SQL."""
        stored_as = text(step.get("source_hash")) if step.get("type") == "sql" else None
        query = None if stored_as is None else self._source_of(stored_as)
        return query if query is None or len(query) <= _MAX_QUERY else f"{query[:_MAX_QUERY]}…"

    def node(self, event: Event) -> OpenNode | None:
        """Return the open node of an event."""
        name = text(event.node_name)
        if name is None:
            return None
        if (node := self.nodes.get((name,))) is not None:
            return node
        return next((node for key, node in reversed(self.nodes.items()) if key[0] == name), None)

    def take_rows(self, event: Event) -> None:
        """Add the rows of a frame that a node takes."""
        if event.fields.get("when") == "before" and (node := self.node(event)) is not None:
            rows = count(event.row_count)
            node.is_input_known = node.is_input_known and rows is not None
            node.rows_in = (node.rows_in or 0) + (rows or 0)

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the root span that are known at the start of the run."""
        found: dict[str, Any] = {"odibi.run.id": self.run_id, "odibi.pipeline.name": self.pipeline}
        opening = self._opening
        if opening is None:
            return found
        fields = opening.fields
        names = {
            "odibi.engine": text(opening.engine), "odibi.run.partition": text(fields.get("partition")),
            "odibi.run.resumed_from": text(fields.get("resumed_from")), "odibi.run.steps": count(fields.get("steps")),
            "host.name": text(fields.get("host")), "process.pid": count(fields.get("pid")),
            "vcs.ref.head.revision": text(record(fields.get("git")).get("commit")),
        }  # fmt: skip
        found |= {name: value for name, value in names.items() if value is not None}
        tags = list(record(fields.get("tags")).items())[:_MAX_TAGS]
        return found | {f"odibi.run.tag.{name}": value for name, value in tags if value is not None}

    def fail(self, event: Event) -> None:
        """Keep the spans of a run in which an error was captured, whatever its sampling decided."""
        self.was_failing = True

    def forget(self) -> None:
        """Free what the spans of an ended run no longer need."""
        self._plan, self._opening, self.links = {}, None, []
        self.nodes.clear()


class OpenNode:
    """A node that has begun."""

    __slots__ = (
        "_run_id", "attempt", "attempt_start_ns", "engine", "is_input_known", "is_retried", "layer", "links", "name",
        "rows_in", "span_id", "start_ns",
    )  # fmt: skip

    def __init__(self, run: Run, event: Event, name: str, key: tuple[Any, ...], start_ns: int | None = None) -> None:
        self.name = name
        self.span_id = span_id("node", run.run_id, *key)
        self.start_ns = self.attempt_start_ns = nanoseconds(event) if start_ns is None else start_ns
        self.attempt = 1
        self.is_retried = False
        self.rows_in: int | None = None
        self.is_input_known = True
        self.layer, self.engine = text(event.layer), text(event.engine)
        self.links: list[Link] = []
        self._run_id = run.run_id

    @property
    def current_span_id(self) -> str:
        """The span of the attempt that is running; of a node that was never retried, its own."""
        return self._attempt_span(self.attempt) if self.is_retried else self.span_id

    def span_of(self, event: Event) -> str:
        """Return the span to which a log record of an event belongs: of a retry, the attempt that failed."""
        if event.event_type in NODE_ENDS:
            return self.span_id
        if event.event_type == kinds.NODE_RETRY and self.is_retried:
            return self._attempt_span(self.attempt - 1)
        return self.current_span_id

    def _attempt_span(self, attempt: int) -> str:
        return span_id("attempt", self._run_id, self.span_id, attempt)

    def attributes(self, run: Run, end: Event | None) -> dict[str, Any]:
        """Return the attributes of the span; an unknown number of rows is no attribute."""
        step = run.step(self.name)
        found = {
            "odibi.run.id": run.run_id, "odibi.pipeline.name": run.pipeline, "odibi.node.name": self.name,
            "odibi.node.layer": self.layer, "odibi.engine": self.engine,
            "odibi.rows.in": self.rows_in if self.is_input_known else None,
            "code.function.name": text(step.get("function")), "code.file.path": text(step.get("source_file")),
            "code.line.number": count(step.get("source_line")),
            "db.system.name": _system(self.engine) if step.get("type") == "sql" else None,
            "db.query.text": run.query_of(step),
        }  # fmt: skip
        if end is not None:
            found["odibi.rows.out"] = count(end.row_count)
            found["odibi.cache.hit"] = flag(end.cache_hit)
            found["odibi.node.attempts"] = count(end.fields.get("attempts"))
        return {name: value for name, value in found.items() if value is not None}


def _system(engine: str | None) -> str:
    """Return the engine that runs the SQL of a step: DuckDB for the frames of pandas, polars and pyarrow."""
    return "spark" if engine == "spark" else "duckdb"
