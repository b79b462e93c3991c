"""Statistics that a query engine computed over all rows, in the form of `stats_values`."""

from __future__ import annotations

import math
from typing import Any, Final

from odibi_core.engines.stats_values import QUANTILES, is_worth_counting, rounded

MOST_COUNTED: Final = 100_000
"""Distinct values of a column up to which the most frequent ones are counted: a query of its own."""
_COUNTS: Final = ("nan", "infinite", "whole", "quantiles")
_NUMBERS: Final = ("mean", "deviation", *QUANTILES)


def finished(asked: dict[str, Any], *, distinct_has_null: bool = False) -> dict[str, Any]:
    """Return the record of a column; `countable` is set in it if its most frequent values are worth a query.

    Args:
        asked: The answers of the engine by name: `nulls`, `there` (values that are not null), `distinct` and others.
        distinct_has_null: The engine counts null as a distinct value.
    """
    found = {name: value for name, value in asked.items() if name not in _COUNTS and value is not None}
    nulls, there, nan = found["nulls"], found.pop("there"), asked.get("nan") or 0
    if nan:
        found["nan"] = nan
    if "distinct" in found and nulls and distinct_has_null:
        found["distinct"] -= 1
    quantiles = zip(QUANTILES, asked.get("quantiles") or (), strict=False)
    found |= {name: value for name, value in quantiles if value is not None}
    if asked.get("infinite"):
        found = {name: value for name, value in found.items() if name not in ("mean", "deviation")}
    for name in (*_NUMBERS, "length_mean"):
        if name in found:
            found[name] = rounded(float(found[name]))
            if not math.isfinite(found[name]):
                del found[name]
    if "min" in found and (distinct := found.get("distinct", 0)) <= MOST_COUNTED:
        whole = asked.get("whole") is not False and not asked.get("infinite")
        numbers = asked.get("quantiles") is not None
        found["countable"] = is_worth_counting(distinct, there - nan, numbers=numbers, whole=whole)
    return found
