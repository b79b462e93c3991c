"""The range of the values of earlier runs, which is widened because few runs have not had all usual ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BEYOND: Final = 0.75
"""The part of its width by which the range is widened."""


def is_beyond_range(value: float, known: Sequence[float], beyond: float = BEYOND, room: float = 0.0) -> bool:
    """Return whether a value is beyond those of earlier runs, whose range is widened by a part of its width.

    Args:
        value: The value.
        known: Those of earlier runs; at least one.
        beyond: The part of the width.
        room: A number by which the range is widened too.
    """
    low, high = min(known), max(known)
    reach = beyond * (high - low) + room
    return not low - reach <= value <= high + reach
