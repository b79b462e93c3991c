"""`Notes`: the findings on a step in a worker, for its report."""

from __future__ import annotations

from typing import Any

from odibi_core.engines.frame import Description


class Notes:
    """Findings that are kept for a report, and published by no event here."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, tuple[Any, ...]]] = []

    def snapshot(self, when: str, dataset: str | None, description: Description) -> None:
        self.notes.append(("snapshot", (when, dataset, description)))

    def columns(self, dataset: str, fields: dict[str, Any]) -> None:
        self.notes.append(("columns", (dataset, fields)))

    def row_change(self, fields: dict[str, Any]) -> None:
        self.notes.append(("row_change", (fields,)))

    def joined(self, match: dict[str, Any], warning: str | None) -> None:
        self.notes.append(("joined", (match, warning)))

    def check(self, result: Any, duration_ms: float) -> None:
        self.notes.append(("check", (result, duration_ms)))

    def file(self, message: str | None, fields: dict[str, Any]) -> None:
        self.notes.append(("file", (message, fields)))

    def add_overhead(self, seconds: float) -> None:
        self.notes.append(("add_overhead", (seconds,)))
