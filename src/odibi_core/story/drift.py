"""The statistics of columns in the last good run, beside those of this one."""

from __future__ import annotations

from typing import Any

from odibi_core.story.background import Background, Row
from odibi_core.story.steps import QUANTILES, compact
from odibi_core.views.values import number

Key = tuple[Any, Any, Any]


def good_statistics(known: Background) -> dict[Key, Row]:
    """Return the rows of the last good run by step, dataset and column."""
    return {(row.get("node_name"), row.get("dataset"), row.get("column_name")): row for row in known.good_columns}


def add_good(step: dict[str, Any], good: dict[Key, Row]) -> None:
    """Add the statistics of the last good run to those of the output of a step, where they are known."""
    frame = step.get("after", {})
    for column in frame.get("stats", ()):
        row = good.get((step["name"], frame.get("name"), column["column"]))
        if row is not None and (found := _statistics(row)):
            column["good"] = found


def _statistics(row: Row) -> dict[str, Any]:
    box = [number(row.get(name)) for name in QUANTILES]
    return compact(
        {
            "nullShare": number(row.get("null_share")),
            "mean": number(row.get("mean")),
            "box": box if None not in box else None,
        }
    )
