"""The answer of `trace`: the rows of each dataset that some rows came from, or became."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, to_builtins

Level = Literal["exact", "likely", "unknown"]
"""`exact`: proved by the values of all rows. `likely`: found by values that other rows may have too. `unknown`: the
rows could not be followed, for `reason`."""
Direction = Literal["start", "back", "forward"]


class Link(Struct, frozen=True, omit_defaults=True):
    """The rows of one dataset that belong to the rows in question.

    Args:
        dataset: The dataset.
        step: The step that made it; None for an input of the run.
        direction: start, back (they came from it) or forward (they went into it).
        level: How far it is proved.
        rows: The rows; None if unknown.
        of: All rows of the dataset.
        by: The columns by which the rows were found.
        next: The dataset nearer to the start.
        reason: The reason for an unknown or likely link, or for rows that were lost.
        examples: Some of the rows, as dicts.
    """

    dataset: str
    step: str | None
    direction: Direction
    level: Level
    rows: int | None = None
    of: int | None = None
    by: tuple[str, ...] = ()
    next: str | None = None
    reason: str = ""
    examples: tuple[dict[str, Any], ...] = ()

    @property
    def is_lost(self) -> bool:
        """True if none of the rows reached the dataset."""
        return self.direction == "forward" and self.rows == 0


class Trace(Struct, frozen=True, kw_only=True):
    """The way of some rows of a dataset; `links` are in the order of the steps."""

    run_id: str
    dataset: str
    where: str
    rows: int
    """The rows of the dataset for which the condition is true."""
    links: list[Link]

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        plain: dict[str, Any] = to_builtins(self)
        return plain
