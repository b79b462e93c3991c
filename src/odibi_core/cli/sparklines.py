"""Sparklines: a figure of many runs in one line, the newest right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_PLAIN: Final = "_.-:=+*#"
_MISSING: Final = "·"


def sparkline(values: Sequence[float | None], *, unicode: bool = True) -> str:
    """Return a character for each value, from 0 to the largest one; a dot, or a blank in ASCII, for an unknown one.

    >>> sparkline([10, 20, None, 40])
    '▃▅·█'
    """
    steps = _BLOCKS if unicode else _PLAIN
    missing = _MISSING if unicode else " "
    most = max((value for value in values if value is not None), default=0.0)
    return "".join(missing if value is None else steps[_step(value, most, len(steps))] for value in values)


def _step(value: float, most: float, steps: int) -> int:
    """Return the character of a value: the lowest one for 0 alone."""
    if value <= 0 or most <= 0:
        return 0
    return 1 + min(steps - 2, int(value / most * (steps - 1) - 1e-9))
