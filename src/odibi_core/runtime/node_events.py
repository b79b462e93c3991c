"""The events of one node, and the descriptions of the frames that nodes take and make."""

from __future__ import annotations

from operator import ne
from threading import current_thread
from typing import TYPE_CHECKING, Any, Final

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import Description, describe, is_frame
from odibi_core.engines.frame_diffs import MOST_INPUTS, wide_diffs
from odibi_core.engines.stats_budget import LINEAGE_SHARE, Budget
from odibi_core.errors import is_failure
from odibi_core.events import context, kinds, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import describe_failure
from odibi_core.insight.quick import FAILED
from odibi_core.runtime.overhead import Overhead
from odibi_core.views.row_changes import row_change
from odibi_core.views.row_wording import row_sentence

if TYPE_CHECKING:
    from odibi_core.engines.lineage.budgeted import ContentLineage


class NodeEvents:
    """The events of one node of a run, from its start to its end. Publishing never raises.

    Each event has the context that was in force when the object was made, so any thread may publish any of them.
    """

    __slots__ = (
        "_about",
        "_bus",
        "_explained_ms",
        "_overhead",
        "_paused",
        "_started",
        "_taken",
        "attempts",
        "cache_hit",
        "context",
        "duration_ms",
        "files",
    )

    def __init__(
        self,
        bus: EventBus,
        run_id: str,
        node_name: str,
        layer: str | None,
        engine: str | None = None,
        *,
        overhead: Overhead | None = None,
        **fields: Any,
    ) -> None:
        self._bus = bus
        self._overhead = overhead
        self.context = context.current().at_node(run_id, sanitize_text(node_name))
        """The context of events that are published inside the node."""
        self._about = fields
        if layer is not None:
            self._about["layer"] = layer
        if engine is not None:
            self._about["engine"] = engine
        self._taken: tuple[tuple[str | None, Description], ...] = ()
        self._started: float | None = None
        self._paused: float | None = None
        self._explained_ms = 0.0
        self.attempts = 1
        self.files = 0
        """The accesses to files in a worker process."""
        self.cache_hit: bool | None = None
        """The answer of the step cache; None if it was not asked."""
        self.duration_ms: float | None = None
        """The time from `start` to the end without that of explaining rows; None before the end or without a start."""

    def start(self, *, began: float | None = None, **fields: Any) -> None:
        """Publish `node_start`; `began` is the time at which the node began, if that is not now."""
        self._started = monotonic() if began is None else began
        about = {**self._about, "status": "running", "worker": current_thread().name, **fields}
        self._publish(kinds.NODE_START, fields=about)

    def ran_elsewhere(self, attempt: int, duration_s: float | None) -> None:
        """Take over a node that another process started: its attempt, and its duration if that is known."""
        self.attempts = attempt
        if duration_s is not None:
            self._started, self._paused = 0.0, duration_s

    def note(self, fields: dict[str, Any]) -> None:
        """Add fields to the events of the node from here on."""
        self._about |= fields

    def pause(self, ended: float | None = None) -> None:
        """End the time of the node here, or at the time `ended`, because its end is published later."""
        self._paused = monotonic() if ended is None else ended

    def snapshot(self, when: str, dataset: str | None, description: Description) -> None:
        """Publish the description of a frame, `"before"` the node took it or `"after"` the node made it."""
        fields = {**self._about, "when": when, "dataset": dataset, **description}
        if when == "before":
            if len(self._taken) < MOST_INPUTS:
                self._taken += ((dataset, description),)
        elif self._taken and (diffs := wide_diffs(self._taken, description)):
            fields["schema_diffs"] = diffs
        self._publish(kinds.SNAPSHOT, fields=fields)

    def retry(self, attempt: int, error: BaseException, delay_s: float, max_attempts: int | None) -> None:
        """Publish that an attempt failed, and that the next one begins in `delay_s` seconds."""
        self.attempts = attempt + 1
        numbers = {"attempt": attempt, "max_attempts": max_attempts, "delay_ms": delay_s * 1e3}
        fields = {**self._about, **numbers, **describe_failure(error)}
        self._publish(kinds.NODE_RETRY, level="warning", fields=fields)

    def check(self, result: Any, duration_ms: float) -> None:
        """Publish the result of a check, an `odibi_core.checks.base.CheckResult`."""
        status = {True: "success", False: "failed", None: "skipped"}[result.passed]
        level = "info" if result.passed is not False else "warning" if result.severity == "warn" else "error"
        fields = {**self._about, **result.facts(), "status": status, "duration_ms": duration_ms}
        self._publish(kinds.CHECK_RESULT, result.message, level=level, fields=fields)

    def joined(self, match: dict[str, Any], warning: str | None) -> None:
        """Publish the match of two inputs of the node; as a warning if there is a sentence for one."""
        level = "debug" if warning is None else "warning"
        message = f"{match['left']} and {match['right']} were joined" if warning is None else warning
        self._bus.publish(kinds.JOIN_MATCH, message, level=level, fields={**self._about, **match}, context=self.context)

    def row_change(self, fields: dict[str, Any]) -> None:
        """Publish how the rows of a frame follow from those of the inputs; as a warning if that is unusual."""
        self._explained_ms += fields.get("explain_ms") or 0.0
        level = "warning" if fields.get("unusual") else "debug"
        message = row_sentence(row_change(fields))
        self._publish(kinds.ROW_CHANGE, message, level=level, fields={**self._about, **fields})
        if (reason := str(fields.get("reason") or "")).startswith(FAILED):
            self._bus.count_failure("the rows of a step", RuntimeError(reason))

    def columns(self, dataset: str, fields: dict[str, Any]) -> None:
        """Publish the columns that those of a frame come from."""
        self._publish(kinds.COLUMN_LINEAGE, level="debug", fields={**self._about, "dataset": dataset, **fields})

    def taken_columns(self) -> dict[str, list[str]]:
        """Return the columns of the frames that the node took, by dataset key."""
        return {key: description.columns() for key, description in self._taken if key is not None}

    def file(self, message: str | None, fields: dict[str, Any]) -> None:
        """Publish a file that the node read or wrote in a worker process."""
        self.files += 1
        self._bus.publish(kinds.FILE_ACCESS, message, fields=fields, context=self.context)

    def cached(self, hit: bool, fields: dict[str, Any]) -> None:
        """Publish the answer of the step cache."""
        self.cache_hit = hit
        self._publish(kinds.CACHE_HIT if hit else kinds.CACHE_MISS, fields={**self._about, "cache_hit": hit, **fields})

    def not_cached(self, reason: str, fields: dict[str, Any]) -> None:
        """Publish why the result of the node is neither looked up nor stored."""
        self._publish(kinds.CACHE_SKIPPED, fields={**self._about, "reason": reason, **fields})

    def complete(self, rows: int | None, *, partial: bool = False) -> None:
        """Publish the success of the node; `rows` is None if unknown, `partial` if its consumer left it early."""
        fields = {**self._end("success"), "row_count": rows}
        if self.attempts > 1:
            fields["attempts"] = self.attempts
        if self.cache_hit is not None:
            fields["cache_hit"] = self.cache_hit
        if partial:
            fields["partial"] = True
        self._publish(kinds.NODE_COMPLETE, fields=fields)

    def failed(self, error: BaseException, *, cancelled: bool | None = None) -> str:
        """Publish the failure or the cancellation of the node; return the text of the error, redacted.

        `cancelled` is decided by the type of the error if it is None.
        """
        if cancelled is None:
            cancelled = not is_failure(error)
        described = describe_failure(error)
        self._fail("cancelled" if cancelled else "failed", described)
        return str(described["error"])

    def failed_elsewhere(self, error: object, rows: int | None, *, cancelled: bool | None = False) -> None:
        """Publish a failure that other code caught: `error` is what it reports, None for nothing."""
        fields = {} if error is None else {"error": error}
        if isinstance(error, BaseException):
            fields["error_type"] = type(error).__name__
        self._fail("cancelled" if cancelled else "failed", {**fields, "row_count": rows})

    def _fail(self, status: str, about: dict[str, Any]) -> None:
        fields = {**about, **self._end(status), "attempts": self.attempts}
        self._publish(kinds.NODE_FAILED, level="error", fields=fields)

    def skipped(self, reason: str, because_of: str | None, *, is_wanted: bool = False) -> None:
        """Publish that the node does not run, and the node that is the reason; `is_wanted` if the user left it out."""
        fields = {**self._about, "status": "skipped", "reason": reason, "because_of": because_of}
        self._publish(kinds.NODE_SKIPPED, level="info" if is_wanted else "warning", fields=fields)

    def repeat(self, kind: str, message: str | None, level: str, fields: dict[str, Any]) -> None:
        """Publish a fact that an earlier run recorded about the node."""
        self._publish(kind, message, level=level, fields={**fields, **self._about})

    def taken(self, rows: int | None, run_id: str) -> None:
        """Publish the success of the node in an earlier run, from which this run takes its result."""
        fields = {**self._about, "status": "success", "row_count": rows, "attempts": 0, "taken_from": run_id}
        self._publish(kinds.NODE_COMPLETE, fields=fields)

    def add_overhead(self, seconds: float) -> None:
        """Count time that was spent on recording the node, besides its events."""
        if self._overhead is not None:
            self._overhead.add(seconds)

    def _publish(self, kind: str, message: str | None = None, *, level: str = "info", fields: dict[str, Any]) -> None:
        began = monotonic()
        self._bus.publish(kind, message, level=level, fields=fields, context=self.context)
        if self._overhead is not None:
            self._overhead.add_event(monotonic() - began)

    def _end(self, status: str) -> dict[str, Any]:
        if self._started is not None:
            aside_ms = self._explained_ms if self._paused is None else 0.0
            until = monotonic() if self._paused is None else self._paused
            self.duration_ms = round(max(0.0, (until - self._started) * 1e3 - aside_ms), 3)
        return {**self._about, "status": status, "duration_ms": self.duration_ms}


class Descriptions:
    """Descriptions of datasets by key, and the time that recording them takes.

    A frame is described when it is made. It is described again for a node that takes it if it may have been changed in
    place since: it was lent to a node, or code between the nodes holds it too (`shared`).

    At level `auto` the statistics of a frame are recorded once, with the node that made it, and computed again only if
    its rows, columns or first rows have changed since.
    """

    def __init__(
        self, level: str, rows: int, overhead: Overhead | None = None, *, shared: bool = False,
        budget: Budget | None = None,
    ) -> None:  # fmt: skip
        self.level = level
        self.rows = rows
        self.lineage = True
        """False if no column lineage is recorded."""
        self._content: ContentLineage | None = None
        self._shared = shared
        self._lent: set[int] = set()
        self._known: dict[str, Description] = {}
        self.overhead = Overhead() if overhead is None else overhead
        self.budget = Budget() if budget is None else budget
        """The time for statistics, by default counted from here."""
        self.lineage_budget = Budget(share=LINEAGE_SHARE)
        """The time for column lineage by content."""

    @property
    def content(self) -> ContentLineage | None:
        """The column lineage by content; None at a level without statistics, or if none is recorded."""
        if self._content is None and self.lineage and self.level in ("auto", "stats"):
            from odibi_core.engines.lineage.budgeted import ContentLineage

            self._content = ContentLineage(self.lineage_budget if self.level == "auto" else None)
        return self._content

    @property
    def examines_rows(self) -> bool:
        """True if the level allows a look at more than the schema of a frame."""
        return self.level not in ("off", "schema")

    def before(self, key: str, frame: Any) -> Description | None:
        """Return the description of a frame that a node takes; None for other values, and at level `off`.

        Its metadata has `changed_in_place` if it differs from the description of the frame that was made.
        """
        known = self._known.get(key)
        if known is None:
            return self.after(key, frame)
        if not (self._shared or id(frame) in self._lent):
            return known.recorded_before() if self.level == "auto" else known
        described = self.again(known, frame)
        if described is not None:
            self._known[key] = described
        return described

    def before_elsewhere(self, key: str) -> Description | None:
        """Return the description of a frame that stays in another process, where no node can change it for others."""
        known = self._known.get(key)
        return known.recorded_before() if known is not None and self.level == "auto" else known

    def again(self, known: Description | None, frame: Any) -> Description | None:
        """Return the later description of a frame, marked `changed_in_place` if it differs from the earlier one."""
        if known is None or self.level != "auto":
            later = self.described(frame)
            return later if known is None else compared(known, later)
        first = self._describe(frame, "sample")
        if first is None or not is_changed(compared(known, first) or first):
            return first
        return compared(known, self.described(frame))

    def is_unchanged(self, key: str, frame: Any) -> bool | None:
        """Return whether a dataset is as it was made, as far as its description shows; None without one."""
        known = self._known.get(key)
        if known is None or not self.examines_rows:
            return None
        described = self.again(known, frame)
        return None if described is None else not (is_changed(known) or is_changed(described))

    def described(self, frame: Any) -> Description | None:
        """Return the description of a frame without a key; None for other values, and at level `off`."""
        return self._describe(frame, self.level)

    def _describe(self, frame: Any, level: str) -> Description | None:
        if level == "off" or not is_frame(frame):
            return None
        began = monotonic()
        described = describe(frame, level, self.rows, self.budget)
        self.overhead.add(monotonic() - began)
        return described

    def after(self, key: str, frame: Any) -> Description | None:
        """Return and keep the description of a frame that was just made."""
        described = self.described(frame)
        if described is not None:
            self._known[key] = described
        return described

    def columns_of(self, key: str) -> list[str] | None:
        """Return the columns of a dataset; None if it is not described."""
        known = self._known.get(key)
        return None if known is None else known.columns()

    def rows_of(self, key: str) -> int | None:
        """Return the rows of a dataset, also of a plan whose execution counted them; None if unknown."""
        known = self._known.get(key)
        return None if known is None else known["row_count"]

    def keep(self, key: str, described: Description) -> None:
        """Keep the description of a frame that was made in a worker."""
        self._known[key] = described

    def lend(self, frame: Any) -> None:
        """Note that code which may change the frame in place holds it from now on."""
        self._lent.add(id(frame))

    def forget(self, key: str) -> None:
        """Discard the description of a dataset."""
        self._known.pop(key, None)


_CHANGED: Final = "changed_in_place"
_LOOKS: Final = ("row_count", "column_count", "schema", "sample_data")


def _differ(known: Description, described: Description) -> bool:
    if known.whole_schema != described.whole_schema or any(known.get(of) != described.get(of) for of in _LOOKS):
        return True
    # Statistics of another sample, or of fewer columns, differ without a change.
    rows = _stats_rows(known)
    stats, others = known.get("stats", []), described.get("stats", [])
    return rows is not None and rows == _stats_rows(described) and any(map(ne, stats, others))


def _stats_rows(description: Description) -> Any:
    return description["metadata"].get("stats_rows")


def compared(known: Description, described: Description | None) -> Description | None:
    """Return the later description of a frame, marked `changed_in_place` if it differs from the earlier one."""
    if described is not None and (is_changed(known) or _differ(known, described)):
        described["metadata"] = {**described["metadata"], _CHANGED: True}
    return described


def is_changed(described: Description) -> bool:
    return bool(described["metadata"].get(_CHANGED))
