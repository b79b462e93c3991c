"""The last entries of a log, and a summary of all of them."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Final

from odibi_core.events import Event, kinds, to_dict
from odibi_core.events.clock import iso
from odibi_core.views.values import text

MAX_ERRORS: Final = 10
MAX_KINDS: Final = 1000
OTHER: Final = "(other)"
"""The kind under which events beyond the first thousand kinds are counted."""

_ERROR_RANK: Final = kinds.severity("error")


class LogsView:
    """The latest `limit` entries as flat dicts, and a summary of every entry."""

    def __init__(self, limit: int = 1000) -> None:
        self._entries: deque[Event] = deque(maxlen=max(0, limit))
        self._total = 0
        self._levels: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._errors: list[Event] = []

    def __call__(self, event: Event) -> None:
        kind, level = event.event_type, event.level
        self._entries.append(event)
        self._total += 1
        self._levels[level if level in kinds.SEVERITY else OTHER] += 1
        self._kinds[kind if kind in self._kinds or len(self._kinds) < MAX_KINDS else OTHER] += 1
        if len(self._errors) < MAX_ERRORS and kinds.severity(level) >= _ERROR_RANK:
            self._errors.append(event)

    def answer(self) -> dict[str, Any]:
        """Return `entries`, oldest first, and the `summary`."""
        return {"entries": [to_dict(event) for event in self._entries.copy()], "summary": self.summary()}

    def summary(self) -> dict[str, Any]:
        """Return `total_entries`, `by_level`, `by_event_type`, and `errors`: the first ten."""
        return {
            "total_entries": self._total,
            "by_level": dict(self._levels),
            "by_event_type": dict(self._kinds),
            "errors": [_error(event) for event in self._errors[:]],
        }


def _error(event: Event) -> dict[str, Any]:
    return {
        "timestamp": iso(event.timestamp),
        "node_name": text(event.node_name),
        "error": text(event.error) or text(event.message) or event.event_type,
    }
