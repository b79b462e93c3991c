"""The sentence about a join that found few partners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FEW: Final = 0.5
"""The match rate below which a join is worth a warning."""
_SEVERAL: Final = 1.5


def join_warning(match: Mapping[str, Any]) -> str | None:
    """Return a sentence if most rows of a join have no partner; None if that is usual or was not measured.

    A table with one row for each key is usually larger than what refers to it. Therefore the rate of the other side
    counts; of two such tables the higher one.

    Args:
        match: The fields of a `join_match` event.
    """
    sides = [side for side in ("left", "right") if match.get(f"{side}_match_rate") is not None]
    referring = [side for side in sides if (match.get(f"fan_out_{side}") or 0) <= _SEVERAL]
    if not referring:
        return None
    side = max(referring, key=lambda each: float(match[f"{each}_match_rate"]))
    rate = float(match[f"{side}_match_rate"])
    if rate >= FEW:
        return None
    other = "right" if side == "left" else "left"
    keys = ", ".join(map(str, match.get("keys") or ()))
    return (
        f"only {rate:.0%} of the {match.get(f'{side}_rows'):,} rows of {match.get(side)} have a match in "
        f"{match.get(other)} by {keys}{_lost(match, side)}"
    )


def _lost(match: Mapping[str, Any], side: str) -> str:
    rows, out = match.get(f"{side}_rows"), match.get("rows_out")
    if not isinstance(rows, int) or not isinstance(out, int) or not 0 <= out < rows:
        return ""
    return f"; {(rows - out) / rows:.0%} of the rows were lost"
