"""The findings of column lineage, and their form in the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

MAX_CHARS: Final = 48 * 1024
"""Characters of the columns in one event, whose fields have room for 64 kB each."""
DIRECT: Final = "DIRECT"
INDIRECT: Final = "INDIRECT"


class Transformation(NamedTuple):
    """The way from a source to a column, in OpenLineage's terms."""

    type: str
    """`DIRECT` if values come from it, `INDIRECT` if it decides about them."""
    subtype: str
    """IDENTITY, TRANSFORMATION or AGGREGATION; FILTER, JOIN, GROUP_BY, SORT, WINDOW or CONDITIONAL."""
    masking: bool = False
    """True if the values cannot be seen in the column: a hash, a count."""


IDENTITY: Final = Transformation(DIRECT, "IDENTITY")
CHANGED: Final = Transformation(DIRECT, "TRANSFORMATION")


class Source(NamedTuple):
    """A column of an input, and the ways from it."""

    dataset: str
    column: str
    transformations: tuple[Transformation, ...] = (IDENTITY,)

    def record(self) -> dict[str, Any]:
        """Return the form of the record."""
        found = [
            {"type": each.type, "subtype": each.subtype, **({"masking": True} if each.masking else {})}
            for each in self.transformations
        ]
        return {"dataset": self.dataset, "column": self.column, "transformations": found}


class Origin(NamedTuple):
    """A column and its sources; they are None if they are unknown, and empty for a constant or a count of rows."""

    column: str
    sources: tuple[Source, ...] | None
    method: str | None = None
    """sql, content, declared or copy."""
    confidence: float | None = None
    unknown: str | None = None
    """The reason if the sources are unknown."""

    def record(self) -> dict[str, Any]:
        """Return the form of the record, of known sources."""
        sources = [each.record() for each in self.sources or ()]
        return {"column": self.column, "sources": sources, "method": self.method, "confidence": self.confidence}


class FrameColumns(NamedTuple):
    """The origins of the columns of one frame, and the columns that decide about its rows; None if unknown."""

    origins: Sequence[Origin]
    indirect: tuple[Source, ...] | None = None
    items: tuple[int, int] | None = None
    """Of a mapped step: the items that were looked at, and all of them."""

    def record(self) -> dict[str, Any]:
        """Return the fields of the event, bounded; `left_out` counts columns without room."""
        known = (each.record() for each in self.origins if each.sources is not None)
        columns, left_out = _fitting(known, MAX_CHARS)
        indirect, more = _fitting((each.record() for each in self.indirect or ()), MAX_CHARS)
        reasons: dict[str, list[str]] = {}
        for each in self.origins:
            if each.sources is None:
                reasons.setdefault(each.unknown or "unknown", []).append(each.column)
        unknown, others = _fitting((_unknown(*each) for each in reasons.items()), MAX_CHARS)
        fields: dict[str, Any] = {
            "columns": columns, "unknown": unknown, "indirect": None if self.indirect is None or more else indirect,
        }  # fmt: skip
        if self.items is not None:
            fields |= {"items_seen": self.items[0], "items": self.items[1]}
        return {**fields, "left_out": left_out + others} if left_out or others else fields


def unknown_columns(names: Iterable[str], reason: str) -> FrameColumns:
    """Return the columns of a frame of which nothing is known."""
    return FrameColumns([Origin(name, None, unknown=reason) for name in names])


def _unknown(reason: str, columns: list[str]) -> dict[str, Any]:
    return {"reason": reason, "columns": columns}


def _fitting(records: Iterable[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], int]:
    kept, left_out = [], 0
    for record in records:
        room -= len(str(record))
        if room < 0:
            left_out += 1
        else:
            kept.append(record)
    return kept, left_out
