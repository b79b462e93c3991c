"""The rows that a run read and published, by the layers of its steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_USES: Final = {"ingest": "read", "connect": "taken", "publish": "published"}


def use_of(layer: str | None, is_source: bool | None) -> str:
    """Return the use of the rows of a step: `read`, `taken`, `published`, or an empty text if they pass through.

    `taken` rows are read if no step of the run ingests. `is_source` is True for a step without a dependency, None
    without a plan.
    """
    if is_source is not None and layer not in ("ingest", "publish"):
        return "taken" if is_source else ""
    return _USES.get(layer or "", "")


def row_totals(steps: Iterable[tuple[str, int | None]]) -> tuple[int | None, int | None]:
    """Return the rows read and published, of steps as (use, rows); None if there are none, or if one is unknown."""
    found: dict[str, list[int | None]] = {}
    for use, rows in steps:
        found.setdefault(use, []).append(rows)
    return _sum(found.get("read") or found.get("taken")), _sum(found.get("published"))


def _sum(rows: list[int | None] | None) -> int | None:
    known = [number for number in rows or () if number is not None]
    return sum(known) if rows and len(known) == len(rows) else None
