"""The handle of one running node: what is said of it from its start to its end."""

from __future__ import annotations

from threading import current_thread
from typing import Any, Final

from msgspec.structs import replace

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import Description, describe, is_frame
from odibi_core.engines.frame_diffs import wide_diffs
from odibi_core.errors import is_failure
from odibi_core.events import context, kinds, sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.events.failure import describe_failure


class NodeEvents:
    """Says that a node started, when it is made; then whatever it is told. Never raises."""

    __slots__ = ("_begun", "_bus", "_context", "_taken", "attempts", "context", "duration_ms")

    def __init__(
        self,
        bus: EventBus,
        run_id: str,
        node_name: str,
        layer: str,
        engine: str | None = None,
        *,
        call: int | None = None,
    ) -> None:
        self._bus = bus
        self.context = context.current().at_node(run_id, sanitize_text(node_name))
        """For what others say inside the node."""
        about = {**self.context.standard, "layer": sanitize_text(layer)}
        if engine is not None:
            about["engine"] = sanitize_text(engine)
        self._context = replace(self.context, unusual=True, standard=about)
        self._taken: tuple[tuple[str, Description], ...] = ()
        if call is not None:  # of a node that may be called any number of times
            self._context = self._context.saying({"call": call})
        self.attempts = 1
        self.duration_ms = 0.0
        self._begun = monotonic()
        fields = {"status": "running", "worker": current_thread().name}
        bus.publish(kinds.NODE_START, fields=fields, context=self._context)

    def snapshot(self, when: str, dataset: str, description: Description) -> None:
        """What a frame looked like, `"before"` the node had it or `"after"` it made it."""
        fields = {"when": when, "dataset": dataset, **description}
        if when == "before":
            self._taken += ((dataset, description),)
        elif self._taken and (diffs := wide_diffs(self._taken, description)):
            fields["schema_diffs"] = diffs
        self._bus.publish(kinds.SNAPSHOT, fields=fields, context=self._context)

    def retry(self, attempt: int, error: BaseException, delay_s: float, max_attempts: int) -> None:
        """An attempt failed, and the next one begins in `delay_s` seconds."""
        self.attempts = attempt + 1
        told = {"attempt": attempt, "max_attempts": max_attempts, "delay_ms": delay_s * 1e3}
        fields = {**told, **describe_failure(error)}
        self._bus.publish(kinds.NODE_RETRY, level="warning", fields=fields, context=self._context)

    def check(self, result: Any, duration_ms: float) -> None:
        """A check of the node's data was asked; `result` is an `odibi_core.checks.base.CheckResult`."""
        told = {name: getattr(result, name) for name in result.__struct_fields__ if name != "message"}
        status = {True: "success", False: "failed", None: "skipped"}[result.passed]
        level = "info" if result.passed is not False else "warning" if result.severity == "warn" else "error"
        fields = {**told, "status": status, "duration_ms": duration_ms}
        self._bus.publish(kinds.CHECK_RESULT, result.message, level=level, fields=fields, context=self._context)

    def complete(self, rows: int | None, *, partial: bool = False) -> None:
        """The node is done, with so many rows where that is known; `partial` if its consumer left it early."""
        self.duration_ms = (monotonic() - self._begun) * 1e3
        fields = {"status": "success", "duration_ms": self.duration_ms, "row_count": rows}
        if self.attempts > 1:
            fields["attempts"] = self.attempts
        if partial:
            fields["partial"] = True
        self._bus.publish(kinds.NODE_COMPLETE, fields=fields, context=self._context)

    def failed(self, error: BaseException, *, cancelled: bool | None = None) -> str:
        """The node failed, or was interrupted; gives what the error says, redacted.

        By default the error tells which; the step of a run can be cancelled by the run alone.
        """
        if cancelled is None:
            cancelled = not is_failure(error)
        self.duration_ms = (monotonic() - self._begun) * 1e3
        told = describe_failure(error)
        status = "cancelled" if cancelled else "failed"
        end = {"status": status, "duration_ms": self.duration_ms, "attempts": self.attempts}
        self._bus.publish(kinds.NODE_FAILED, level="error", fields={**told, **end}, context=self._context)
        return str(told["error"])


class Descriptions:
    """Descriptions of datasets by key. A frame is looked at when it is made, and again for a node that takes it if it
    may have been changed in place since: it was lent to a node, or code between the nodes has it too (`shared`).
    """

    def __init__(self, level: str, rows: int, *, shared: bool = False) -> None:
        self._level = level
        self._rows = rows
        self._shared = shared
        self._lent: set[int] = set()
        self._known: dict[str, Description] = {}

    def before(self, key: str, frame: Any) -> Description | None:
        """The description of a frame that a node takes; None for what is no frame, or when none are wanted.

        If it is not the one that was made, its metadata says `changed_in_place`.
        """
        known = self._known.get(key)
        if known is None or not (self._shared or id(frame) in self._lent):
            return known or self.after(key, frame)
        return compared(known, self.after(key, frame))

    def described(self, frame: Any) -> Description | None:
        """The description of a frame, without a key; None for what is no frame, or when none are wanted."""
        if self._level == "off" or not is_frame(frame):
            return None
        return describe(frame, self._level, self._rows)

    def after(self, key: str, frame: Any) -> Description | None:
        """The description of a frame that was just made."""
        described = self.described(frame)
        if described is not None:
            self._known[key] = described
        return described

    def lend(self, frame: Any) -> None:
        """Code that may change the frame in place has it from here on."""
        self._lent.add(id(frame))

    def forget(self, key: str) -> None:
        """The dataset is no longer there."""
        self._known.pop(key, None)


_CHANGED: Final = "changed_in_place"
_LOOKS: Final = ("row_count", "column_count", "schema", "sample_data", "stats")


def _differ(known: Description, described: Description) -> bool:
    return known.whole_schema != described.whole_schema or any(
        known.get(of) != described.get(of) for of in _LOOKS
    )


def compared(known: Description, described: Description | None) -> Description | None:
    """Return the later description of a frame, with a remark if the frame was changed since the earlier one."""
    if described is not None and (_is_changed(known) or _differ(known, described)):
        described["metadata"] = {**described["metadata"], _CHANGED: True}
    return described


def _is_changed(described: Description) -> bool:
    return bool(described["metadata"].get(_CHANGED))
