"""The column lineage of a mapped step, from the items that were looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from odibi_core.engines.lineage.base import FrameColumns, Origin, Source

LOOKED_AT: Final = 3
"""Items of a mapped step that are looked at, in each process."""
_OF_SOME: Final = 0.9
"""The highest confidence if there are items that were not looked at."""
Found = FrameColumns | str
"""The finding on one item, or the reason why there is none."""


def of_items(found: Sequence[Found], total: int, names: Iterable[str], otherwise: str) -> FrameColumns:
    """Return the origins of the columns of the frame that a step combines from those of its items.

    A column comes from all sources that it has in any item. It is unknown if it is unknown in one of them.

    Args:
        found: The findings on the items that were looked at.
        total: The number of items.
        names: The columns of the frame.
        otherwise: The reason if there is no finding.
    """
    seen = [each for each in found if not isinstance(each, str)]
    reason = next((each for each in found if isinstance(each, str)), otherwise)
    if not seen:
        return FrameColumns([Origin(name, None, unknown=reason) for name in names])
    most = 1.0 if len(seen) == total else _OF_SOME
    by_item = [{origin.column: origin for origin in each.origins} for each in seen]
    origins = [_merged(name, [each[name] for each in by_item if name in each], most) for name in names]
    return FrameColumns(origins, items=(len(seen), total))


def _merged(name: str, origins: Sequence[Origin], most: float) -> Origin:
    if not origins:
        return Origin(name, None, unknown="no item with it was looked at")
    sources: dict[Source, None] = {}
    for each in origins:
        if each.sources is None:
            return each
        sources |= dict.fromkeys(each.sources)
    confidence = min([most, *(each.confidence for each in origins if each.confidence is not None)])
    return Origin(name, tuple(sources), origins[0].method, confidence)
