"""The column lineage of observed functions, by the content of the frames of their calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from odibi_core.engines.lineage.base import FrameColumns, unknown_columns
from odibi_core.events.clock import monotonic
from odibi_core.events.recent import remember
from odibi_core.runtime.column_events import NO_LOOK
from odibi_core.runtime.node_events import Descriptions, NodeEvents

if TYPE_CHECKING:
    from odibi_core.engines.lineage.budgeted import ContentLineage
    from odibi_core.engines.lineage.looks import Look

Taken = Mapping[str, tuple[str, Any]]
"""The frames that a call takes, by their path: the key of the dataset, and the frame."""
_NODES_KEPT: Final = 10_000


class _Seen(NamedTuple):
    shape: object
    """The datasets that a call took, and their columns."""
    is_known: bool
    """False if there was a reason not to look."""


class ObservedColumns:
    """Looks at the first call of each node, and at a later one if it takes other datasets or other columns.

    Each call would repeat the finding of the first one, and a program may call a function a million times.
    """

    def __init__(self, descriptions: Descriptions) -> None:
        self._descriptions = descriptions
        self._seen: dict[str, _Seen] = {}
        self._found: dict[str, FrameColumns] = {}

    def before(self, events: NodeEvents, node: str, taken: Taken) -> CallColumns | None:
        """Return the looks at the frames that a call takes; None if there is nothing to find."""
        if not taken or not self._descriptions.lineage:
            return None
        began = monotonic()
        columns = events.taken_columns()
        shape = [(path, key, columns.get(key)) for path, (key, _) in taken.items()]
        seen = self._seen.get(node)
        is_same = seen is not None and seen.shape == shape
        if seen is not None and is_same and seen.is_known:
            return None
        content = self._descriptions.content
        looks = NO_LOOK if content is None else content.looks({path: frame for path, (_, frame) in taken.items()})
        is_known = not isinstance(looks, str)
        events.add_overhead(monotonic() - began)
        if is_same and not is_known:
            return None
        remember(self._seen, node, _Seen(shape, is_known), _NODES_KEPT)
        return CallColumns(self, events, content, looks, {path: key for path, (key, _) in taken.items()})

    def added(self, dataset: str, found: FrameColumns) -> FrameColumns:
        """Return the origins of the columns of a dataset over all calls: what one call shows stays known."""
        before = self._found.get(dataset)
        merged = found if before is None else _merged(before, found)
        remember(self._found, dataset, merged, _NODES_KEPT)
        return merged


def _merged(before: FrameColumns, found: FrameColumns) -> FrameColumns:
    origins = {origin.column: origin for origin in before.origins}
    for origin in found.origins:
        known = origins.get(origin.column)
        if known is None or known.sources is None:
            origins[origin.column] = origin
        elif origin.sources is not None:
            confidence = min(each for each in (known.confidence, origin.confidence, 1.0) if each is not None)
            sources = tuple(dict.fromkeys([*known.sources, *origin.sources]))
            origins[origin.column] = known._replace(sources=sources, confidence=confidence)
    return FrameColumns(list(origins.values()))


class CallColumns:
    """The looks at the frames of one call, until the frames that it makes are compared with them."""

    def __init__(
        self, whole: ObservedColumns, events: NodeEvents, content: ContentLineage | None,
        looks: dict[str, Look] | str, keys: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._whole, self._events, self._content, self._looks, self._keys = whole, events, content, looks, keys

    def of(self, frame: Any, names: Sequence[str]) -> FrameColumns:
        """Return the origins of the columns of a frame that the call made."""
        if self._content is None:
            return unknown_columns(names, NO_LOOK)
        began = monotonic()
        found = self._content.columns(self._looks, frame, self._keys, names)
        self._events.add_overhead(monotonic() - began)
        return found

    def report(self, dataset: str, found: FrameColumns) -> None:
        """Publish the origins of the columns of a frame."""
        if found.origins:
            self._events.columns(dataset, self._whole.added(dataset, found).record())
