"""The statistics of columns beside those of the earlier runs: the last good one, and the range that they make usual."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.story.background import Background, Row
from odibi_core.story.steps import QUANTILES, compact
from odibi_core.views.values import count, number, records

Key = tuple[Any, Any, Any]
METRICS: Final = ("nulls", "mean", "distinct", "length")
MOST_VALUES: Final = 30


def add_history(steps: list[dict[str, Any]], known: Background) -> None:
    """Add what earlier runs had to the statistics of the outputs of steps, where it is known.

    Each column gets the statistics of the last good run, and its usual ranges; a frame whose ranges are not learned yet
    the number of the comparable runs, and the number of those that are needed.
    """
    good = {(row.get("node_name"), row.get("dataset"), row.get("column_name")): row for row in known.good_columns}
    bands: dict[Key, list[Row]] = {}
    for band in records(known.usual.get("bands")):
        bands.setdefault((band.get("node_name"), band.get("dataset"), band.get("column_name")), []).append(band)
    learning = count(known.usual.get("compared_runs")) if not bands else None
    left_out = count(known.usual.get("left_out")) or None
    for step in steps:
        frame = step.get("after", {})
        for column in frame.get("stats", ()):
            key = (step["name"], frame.get("name"), column["column"])
            column |= compact({"good": _statistics(good.get(key, {})), "usual": _usual(bands.get(key, []))})
        if frame.get("stats"):
            frame |= compact({"comparedRuns": learning, "bandsLeftOut": left_out})


def _statistics(row: Row) -> dict[str, Any]:
    box = [number(row.get(name)) for name in QUANTILES]
    return compact(
        {
            "nullShare": number(row.get("null_share")),
            "mean": number(row.get("mean")),
            "box": box if None not in box else None,
        }
    )


def _usual(bands: list[Row]) -> dict[str, Any]:
    """Return the bands of a column by the name of their statistic; one of wrong values is left out."""
    found = {}
    for band in bands:
        values = band.get("values")
        read = [number(value) for value in values[-MOST_VALUES:]] if isinstance(values, list) else []
        known = [value for value in read if value is not None]
        if band.get("metric") in METRICS and known and len(known) == len(read):
            low, high = number(band.get("low")), number(band.get("high"))
            found[band["metric"]] = compact(
                {"values": known, "low": low, "high": high, "share": band.get("is_share") or None}
            )
    return found
