"""`PastRun`: a recorded run, as a later run takes steps from it or a replay repeats one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.runtime.resume.kept_frames import KeptFrame, kept_frames, missing
from odibi_core.store.runs import RunStore
from odibi_core.views.lineage import LineageView
from odibi_core.views.values import count, record, records, text

FACTS: Final = frozenset(
    {
        kinds.SNAPSHOT, kinds.CHECK_RESULT, kinds.JOIN_MATCH, kinds.FILE_ACCESS, kinds.TASK, kinds.COLUMN_LINEAGE,
        kinds.ROW_CHANGE,
    }
)  # fmt: skip
"""The kinds that describe the result of a step, besides its end."""
_OF_CACHE: Final = frozenset({kinds.CACHE_HIT, kinds.CACHE_MISS})


class PastRun:
    """The facts of one run.

    Args:
        store: Its store.
        run_id: The whole id.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self.run_id = run_id
        self.folder: Path = store.folder(run_id)
        events = list(store.read(run_id))
        view = LineageView(run_id)
        for event in events:
            view(event)
        lineage = view.answer()
        self.status = lineage.status
        self.pipeline_name = lineage.pipeline_name or ""
        self.states = {node.node_name: node.state for node in lineage.nodes}
        self.opening: dict[str, Any] = next(
            (event.fields for event in events if event.event_type == kinds.PIPELINE_START), {}
        )
        self.plan: dict[str, dict[str, Any]] = {
            str(row.get("name")): row for event in events for row in records(event.fields.get("steps"))
            if event.event_type == kinds.PIPELINE_PLAN
        }  # fmt: skip
        self.facts: dict[str, list[Event]] = {}
        self.ends: dict[str, Event] = {}
        for event in events:
            self._take(event)
        self.kept: dict[str, KeptFrame] = kept_frames(events)
        self.cache_keys: dict[str, str] = {
            event.node_name: key for event in events if event.event_type in _OF_CACHE and event.node_name is not None
            if (key := text(event.fields.get("cache_key"))) is not None
        }  # fmt: skip
        """The key of the entry that a step was taken from, or stored as, in the step cache."""

    def _take(self, event: Event) -> None:
        """File an event under its step; those of a failed attempt are dropped."""
        name = event.node_name
        if name is None:
            return
        if event.event_type in FACTS:
            self.facts.setdefault(name, []).append(event)
        elif event.event_type == kinds.NODE_RETRY:
            self.facts.pop(name, None)
        elif event.event_type in (kinds.NODE_COMPLETE, kinds.NODE_FAILED):
            self.ends[name] = event

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, as the record has them: without secrets, and bounded."""
        return record(self.opening.get("params"))

    @property
    def partition(self) -> str | None:
        return text(self.opening.get("partition"))

    def rows(self, step: str) -> int | None:
        """Return the rows that a step made; None if they are unknown."""
        end = self.ends.get(step)
        return None if end is None else count(end.row_count)

    def why_missing(self, dataset: str) -> str | None:
        """Return the reason why a dataset cannot be taken from this run, or None."""
        entry = self.kept.get(dataset)
        reason = missing(self.folder, entry)
        if reason is None and entry is not None and entry.is_unchanged is not True:
            return "a step may have changed it in place after it was made"
        return reason

    def files(self, step: str, access: str) -> Iterator[dict[str, Any]]:
        """Yield the recorded accesses of a step to files."""
        for event in self.facts.get(step, ()):
            if event.event_type == kinds.FILE_ACCESS and event.fields.get("access") == access:
                yield event.fields
