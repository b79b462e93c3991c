"""Where the time went: steps of pipelines and measured operations as a tree, each with what it called."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.views.values import count, number, text

MAX_NODES: Final = 5000
"""Places in the tree; more names than that are counted under their parent's `(other)`."""
MAX_DEPTH: Final = 50
"""Levels that are shown; a recursion may be deeper."""
OTHER: Final = "(other)"

_REMEMBERED: Final = 10_000
"""Measurements that are known by their id: those that wait for their parent, and those that may yet get a child."""
_LONGEST_MS: Final = 1e15
_STEPS: Final = {kinds.NODE_COMPLETE: False, kinds.NODE_FAILED: True}
"""The ends of a step, and whether it failed."""


class _Node:
    """All measurements of one name under one parent; a step and an operation of one name are two."""

    __slots__ = (
        "calls",
        "children",
        "failures",
        "is_step",
        "longest",
        "name",
        "parent",
        "shortest",
        "stands_in",
        "total",
    )

    def __init__(self, name: str, is_step: bool = False) -> None:
        self.name = name
        self.is_step = is_step
        self.calls = self.failures = 0
        self.total = 0.0
        self.shortest: float | None = None
        self.longest: float | None = None
        self.children: dict[tuple[str, bool], _Node] = {}
        self.parent: _Node | None = None
        self.stands_in: _Node | None = None
        """The node that this one's figures went to."""

    @property
    def key(self) -> tuple[str, bool]:
        """What it is known by among its parent's children."""
        return self.name, self.is_step

    def count(self, duration: float | None, failed: bool) -> None:
        self.calls += 1
        self.failures += failed
        if duration is not None:
            self.total += duration
            self.shortest = duration if self.shortest is None else min(self.shortest, duration)
            self.longest = duration if self.longest is None else max(self.longest, duration)

    def add(self, other: _Node) -> None:
        """The figures of another one, without its children."""
        self.calls += other.calls
        self.failures += other.failures
        self.total += other.total
        if other.shortest is not None:
            self.shortest = other.shortest if self.shortest is None else min(self.shortest, other.shortest)
        if other.longest is not None:
            self.longest = other.longest if self.longest is None else max(self.longest, other.longest)

    def is_within(self, whole: _Node) -> bool:
        """Whether it is that node, or somewhere below it."""
        node: _Node | None = self
        while node is not None and node is not whole:
            node = node.parent
        return node is whole


class OperationsView:
    """Folds the ends of steps and operations, in which a part is told before the whole, into a forest.

    A step stands at the top, and in it the operations that were measured while it ran and are part of no other.
    Equal names under one parent are one node. A part whose whole is not told stands at the top. Bounded: beyond
    `MAX_NODES` see `OTHER`; and of ten thousand wholes that are waited for, the longest awaited one is given up.
    """

    def __init__(self) -> None:
        self._top = _Node("")
        # By the id of an operation, or the name of a step.
        self._waiting: OrderedDict[int | str, _Node] = OrderedDict()
        self._told: OrderedDict[int | str, _Node] = OrderedDict()
        self._nodes = 0

    def __call__(self, event: Event) -> None:
        if event.event_type in _STEPS:
            name = text(event.node_name) or "?"
            self._add(_Node(name, is_step=True), event, name, None)
        elif event.event_type in (kinds.OPERATION_COMPLETE, kinds.OPERATION_FAILED):
            parent_id = count(event.fields.get("parent_id"))
            self._add(
                _Node(text(event.operation) or "?"),
                event,
                count(event.fields.get("operation_id")),
                text(event.node_name) if parent_id is None else parent_id,
            )

    def _add(self, node: _Node, event: Event, own_id: int | str | None, parent_id: int | str | None) -> None:
        """Put one measurement where it belongs, with the parts of it that were told before."""
        self._nodes += 1
        node.count(_duration(event), _STEPS.get(event.event_type, event.event_type == kinds.OPERATION_FAILED))
        if own_id is not None:
            parts = self._waiting.pop(own_id, None)
            if parts is not None:
                node.children = parts.children
                for part in node.children.values():
                    part.parent = node
            self._told[own_id] = node
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
        whole = self._whole(parent_id)
        self._place(self._top if whole.is_within(node) else whole, node)

    def _whole(self, parent_id: int | str | None) -> _Node:
        """Where a part of `parent_id` belongs: under the parent if it was told already, else among those that wait."""
        if parent_id is None:
            return self._top
        told = self._told.get(parent_id)
        if told is not None:
            while told.stands_in is not None:
                told = told.stands_in
            return told
        waiting = self._waiting.get(parent_id)
        if waiting is None:
            waiting = self._waiting[parent_id] = _Node("")
            if len(self._waiting) > _REMEMBERED:
                _, given_up = self._waiting.popitem(last=False)
                for orphan in given_up.children.values():
                    self._place(self._top, orphan)
        return waiting

    def _place(self, parent: _Node, node: _Node) -> None:
        """Put a node, with all below it, under `parent`; what has equal names there is added up."""
        todo = [(parent, node)]
        while todo:
            whole, part = todo.pop()
            known = whole.children.get(part.key)
            if known is None and self._nodes > MAX_NODES:
                self._absorb(whole, part)
            elif known is None:
                whole.children[part.key] = part
                part.parent = whole
            else:
                known.add(part)
                self._nodes -= 1
                todo += [(known, below) for below in part.children.values()]
                part.children, part.stands_in = {}, known

    def _absorb(self, whole: _Node, part: _Node) -> None:
        """There is no room for one more name: count it among the others, and what is below it not at all."""
        other = whole if whole.name == OTHER else whole.children.get((OTHER, False))
        if other is None:
            other = whole.children[OTHER, False] = _Node(OTHER)
            other.parent = whole
            self._nodes += 1
        if other is not whole:
            other.add(part)
        todo = [part]
        while todo:
            gone = todo.pop()
            self._nodes -= 1
            todo += gone.children.values()
            gone.children, gone.stands_in = {}, other

    def answer(self) -> dict[str, Any]:
        """`operations`, the longest first: `name, calls, failures, total_ms, self_ms, min_ms, max_ms, children`, and
        `kind: step` for a step.

        `self_ms` is what `total_ms` leaves when that of the children is taken off: nothing, where these ran side by
        side. Of a generator it is the time in which it worked, and not its consumer's.
        """
        forest = [self._top, *self._waiting.copy().values()]
        return {"operations": _rows(_children(forest), MAX_DEPTH)}


def _children(nodes: Iterable[_Node]) -> list[_Node]:
    return [child for node in nodes for child in node.children.copy().values()]


def _rows(nodes: Iterable[_Node], depth: int) -> list[dict[str, Any]]:
    named: dict[tuple[str, bool], list[_Node]] = {}
    for node in nodes:
        named.setdefault(node.key, []).append(node)
    rows = [_row(same, depth) for same in named.values()]
    return sorted(rows, key=lambda row: (-row["total_ms"], row["name"]))


def _row(same: list[_Node], depth: int) -> dict[str, Any]:
    below = _children(same)
    figures = _Node(*same[0].key)
    for node in same:
        figures.add(node)
    return {
        "name": figures.name,
        **({"kind": "step"} if figures.is_step else {}),
        "calls": figures.calls,
        "failures": figures.failures,
        "total_ms": round(figures.total, 3),
        "self_ms": round(max(0.0, figures.total - sum(node.total for node in below)), 3),
        "min_ms": _rounded(figures.shortest),
        "max_ms": _rounded(figures.longest),
        "children": _rows(below, depth - 1) if depth > 1 else [],
    }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


def _duration(event: Event) -> float | None:
    worked = number(event.fields.get("active_ms"))
    told = number(event.duration_ms) if worked is None else worked
    return None if told is None else min(max(0.0, told), _LONGEST_MS)
