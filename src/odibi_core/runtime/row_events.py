"""`RowEvents`: the rows that steps lose, gain or leave without a match, as events of their nodes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from msgspec import to_builtins

from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic
from odibi_core.insight.base import RowChange
from odibi_core.insight.quick import quick
from odibi_core.insight.usual import Usual, is_unusual

_log: Final = logging.getLogger("odibi_core")

UsualRows = Mapping[str, Usual]
"""The last good run's row changes of a step, by dataset key."""


class RowFindings(Protocol):
    """Where the findings on rows go; the events of a node have these methods."""

    def row_change(self, fields: dict[str, Any]) -> None: ...
    def add_overhead(self, seconds: float) -> None: ...


class Frames(NamedTuple):
    """The frames of one step: those that it took, with their dataset keys and their rows before it ran, and its own."""

    inputs: Mapping[str, Any]
    """By logical name."""
    keys: Mapping[str, str]
    heights: Mapping[str, int]
    made: Mapping[str, Any]
    """By dataset key."""
    source: Any = None
    """The function of the step, or its SQL text."""


def heights_of(frames: Mapping[str, Any]) -> dict[str, int]:
    """Return the rows of frames by logical name, as far as they are known."""
    return {name: rows for name, frame in frames.items() if (rows := row_count(frame)) is not None}


class RowEvents:
    """Publishes a `row_change` event for each frame that a step made of others. Never raises."""

    def __init__(self) -> None:
        self.failures = 0
        """The comparisons that an error ended."""

    def of_step(self, findings: RowFindings, frames: Frames, usual: UsualRows) -> None:
        """Compare each frame that a step made with those that it took.

        Args:
            findings: The events of its node.
            frames: Its frames.
            usual: The changes in the last good run.
        """
        started = monotonic()
        try:
            for dataset, frame in frames.made.items():
                findings.row_change(self._fields(dataset, frame, frames, usual.get(dataset)))
        except STOPS:
            raise
        except BaseException:
            self.failures += 1
            _log.debug("the rows of a step could not be compared", exc_info=True)
        finally:
            findings.add_overhead(monotonic() - started)

    def _fields(self, dataset: str, frame: Any, frames: Frames, usual: Usual | None) -> dict[str, Any]:
        change = quick(frames.inputs, frame, frames.heights)
        unusual = is_unusual(change, usual) if usual is not None else None
        return event_fields(dataset, frames.keys.get(change.main), change, usual, unusual)


def event_fields(
    dataset: str, main_dataset: str | None, change: RowChange, usual: Usual | None, unusual: bool | None
) -> dict[str, Any]:
    """Return the fields of the event of a row change."""
    fields = {
        "dataset": dataset,
        "main_dataset": main_dataset,
        "rows_in": change.rows_in,
        "rows_out": change.rows_out,
        "lost": change.lost,
        "gained": change.gained,
        "asked": "off",
        "unusual": unusual,
        **to_builtins(change),
    }
    if usual is not None:
        fields["usual"] = usual.facts()
    return fields
