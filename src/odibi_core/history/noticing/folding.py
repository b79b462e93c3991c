"""Findings as they are shown: each that begins a change, with those that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""The fields of an `anomaly` event, or a row of `alerts`."""


def folded(found: Sequence[Row], muted: Collection[str]) -> list[tuple[Row, list[Row]]]:
    """Return the findings that begin a change, each with those that follow from it.

    If the cause of findings is muted, or absent, the first that is not muted stands in its place, so that a mute hides
    no more than it covers. A muted cause is listed too, without them.

    Args:
        found: The findings of one run, those upstream first.
        muted: The `alert_id` of each that is muted.
    """
    groups: dict[Any, tuple[Row, list[Row]]] = {
        each["alert_id"]: (each, []) for each in found if each.get("follows_from") is None
    }
    instead: dict[Any, tuple[Row, list[Row]]] = {}
    for each in found:
        cause = each.get("follows_from")
        if cause is None:
            continue
        group = groups.get(cause)
        if (group is None or cause in muted) and each["alert_id"] not in muted:
            if cause in instead:
                instead[cause][1].append(each)
            else:
                instead[cause] = (each, [])
        elif group is not None:
            group[1].append(each)
    return [*groups.values(), *instead.values()]
