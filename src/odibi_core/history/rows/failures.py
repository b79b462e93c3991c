"""The rows of the table `errors`: each failure of a run once, by the rules of `ErrorsView`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from odibi_core.events import Event, kinds
from odibi_core.history.rows.cells import Row, row_of
from odibi_core.views.errors import ErrorsView, detail_of, fingerprint_of
from odibi_core.views.values import flag, message, text


class Failures(ErrorsView):
    """The failures of one run; an exception with several events has the details of all."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, tuple[Event, str]] = {}
        """By the id of the occurrence, or a number: the event and its fingerprint."""

    def _add(self, event: Event, mark: str | None = None, failed_run: str | None = None) -> None:
        before = self._total
        super()._add(event, mark, failed_run)
        identity = text(event.fields.get("error_id"))
        key = identity or f"#{len(self._kept)}"
        if self._total > before:
            self._kept[key] = event, fingerprint_of(event)
        elif failed_run is None and key in self._kept:
            known, fingerprint = self._kept[key]
            self._kept[key] = _merged(known, event), fingerprint

    def _copy(self) -> ErrorsView:
        made = super()._copy()
        if isinstance(made, Failures):
            made._kept = self._kept.copy()
        return made

    def rows(self, about: dict[str, Any]) -> list[Row]:
        """Return the rows; `about` has the columns that they share."""
        return [_row(event, fingerprint, about) for event, fingerprint in self.settled()._kept.values()]

    def settled(self) -> Failures:
        """Return this view with every waiting report counted."""
        view = self._copy() if self._waiting else self
        if view is not self:
            view._count_waiting()
        return view if isinstance(view, Failures) else self


def _merged(known: Event, event: Event) -> Event:
    """Return one event of two about one exception: the one with more details, at the time and the place of both."""
    most, other = (event, known) if detail_of(event) > detail_of(known) else (known, event)
    return replace(
        most,
        timestamp=min(known.timestamp, event.timestamp),
        node_name=text(most.node_name) or text(other.node_name),
        operation=text(most.operation) or text(other.operation),
        component=text(most.component) or text(other.component),
    )


def _row(event: Event, fingerprint: str, about: dict[str, Any]) -> Row:
    fields = event.fields
    failed_run = text(fields.get("failed_run_id"))
    return row_of(
        "errors",
        {
            **about,
            "timestamp": event.timestamp,
            "event_type": text(event.event_type),
            "level": kinds.level_name(event.level),
            "node_name": text(event.node_name),
            "component": text(event.component),
            "operation": text(event.operation),
            "error_type": text(fields.get("error_type")),
            "message": text(event.error) or message(event),
            "fingerprint": fingerprint,
            "handled": flag(fields.get("handled")),
            "traceback": text(fields.get("traceback")),
            "failed_run_id": failed_run if failed_run != about["run_id"] else None,
        },
    )
