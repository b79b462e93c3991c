"""`OpenStep`: a step that began, with the events that describe it until it ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.views.deciding_columns import deciding_columns
from odibi_core.views.values import count, keys_by_name, text

MAX_DATASETS: Final = 256
"""Datasets of one side of a step; its own facet counts further ones."""
MAX_CHECKS: Final = 1_000


class OpenStep:
    """The events of one step, or of one call of it."""

    def __init__(self, name: str, start: Event, plan: dict[str, Any]) -> None:
        self.name = name
        self.start = start
        self.plan = plan
        self.uuid = ""
        self.end: Event | None = None
        self.before: dict[str, Event] = {}
        self.after: dict[str, Event] = {}
        self.lineage: dict[str, Event] = {}
        self.changes: dict[str, Event] = {}
        self.joins: dict[tuple[str | None, str | None], Event] = {}
        self.files: dict[tuple[str | None, str | None, str | None], Event] = {}
        self.checks: list[Event] = []
        self.retries = 0
        self.left_out = 0
        """Datasets and checks without room."""

    def add(self, kind: str, event: Event) -> None:
        """Take an event beside the start and the end."""
        fields = event.fields
        if kind == kinds.NODE_RETRY:
            self.retries += 1
            self.after, self.lineage, self.changes, self.joins, self.checks = {}, {}, {}, {}, []
        elif kind == kinds.CHECK_RESULT:
            self._keep_check(event)
        elif kind == kinds.SNAPSHOT:
            side = self.after if fields.get("when") == "after" else self.before
            self._keep(side, text(fields.get("dataset")) or text(fields.get("when")) or "before", event)
        elif kind == kinds.COLUMN_LINEAGE:
            self._keep(self.lineage, text(fields.get("dataset")) or "", event)
        elif kind == kinds.ROW_CHANGE:
            self._keep(self.changes, text(fields.get("dataset")) or "", event)
        elif kind == kinds.JOIN_MATCH:
            self._keep(self.joins, (text(fields.get("left")), text(fields.get("right"))), event)
        elif text(fields.get("uri")) is not None:
            key = (text(fields.get("access")), text(fields.get("uri")), text(fields.get("dataset")))
            self._keep(self.files, key, event)

    def _keep(self, side: dict[Any, Event], key: Any, event: Event) -> None:
        if key in side or len(side) < MAX_DATASETS:
            side[key] = event
        else:
            self.left_out += 1

    def _keep_check(self, event: Event) -> None:
        if len(self.checks) < MAX_CHECKS:
            self.checks.append(event)
        else:
            self.left_out += 1

    @property
    def inputs(self) -> Iterable[str]:
        """The keys of the datasets that it takes."""
        return dict.fromkeys([*keys_by_name(self.plan.get("inputs")).values(), *self.before])

    @property
    def outputs(self) -> Iterable[str]:
        """The keys of the datasets that it makes."""
        return dict.fromkeys([*keys_by_name(self.plan.get("outputs")).values(), *self.after])

    def decided(self, key: str) -> list[dict[str, Any]] | None:
        """Return the columns that decide about the rows of a function's frame; None if they are not known."""
        change = self.changes.get(key)
        if change is None:
            return None
        joins = [each.fields for each in self.joins.values()]
        return deciding_columns(change.fields, joins, keys_by_name(self.plan.get("inputs")))

    @property
    def engine(self) -> str | None:
        """The engine."""
        return text(self.start.engine) or text(self.plan.get("engine"))

    @property
    def rows(self) -> int | None:
        """The rows that it made."""
        return None if self.end is None else count(self.end.row_count)

    @property
    def copies(self) -> bool:
        """True for a step that reads or writes one file and changes nothing: its value is a path."""
        is_function = self.plan.get("source_hash") is not None or self.plan.get("function") is not None
        return not is_function and self.plan.get("type") != "sql" and len(self.files) == 1
