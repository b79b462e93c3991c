"""Durations of steps and measured operations, as a tree: each with the operations that it called."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from odibi_core.events import Event, kinds
from odibi_core.views.answers import Operation
from odibi_core.views.values import count, number, rounded, text

MAX_NODES: Final = 5000
"""Places in the tree; further names are counted under their parent's `(other)`."""
MAX_DEPTH: Final = 50
"""Levels of the answer; a recursion may be deeper."""
OTHER: Final = "(other)"

_REMEMBERED: Final = 10_000
"""Measurements known by their id: those that wait for their parent, and those that may still get a child."""
_LONGEST_MS: Final = 1e15
_STEPS: Final = {kinds.NODE_COMPLETE: False, kinds.NODE_FAILED: True}
"""The end events of a step: True for a failure."""


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
        """The node to which the figures of this one were added."""

    @property
    def key(self) -> tuple[str, bool]:
        """The name and sort: unique among the children of one parent."""
        return self.name, self.is_step

    def measure(self, duration: float | None, failed: bool) -> None:
        """Set the figures of one measurement."""
        self.calls, self.failures, self.total = 1, int(failed), duration or 0.0
        self.shortest = self.longest = duration

    def add(self, other: _Node) -> None:
        """Add the figures of another node, without its children."""
        self.calls += other.calls
        self.failures += other.failures
        self.total += other.total
        if other.shortest is not None:
            self.shortest = other.shortest if self.shortest is None else min(self.shortest, other.shortest)
        if other.longest is not None:
            self.longest = other.longest if self.longest is None else max(self.longest, other.longest)

    def is_within(self, whole: _Node) -> bool:
        """Return whether it is that node, or below it."""
        node: _Node | None = self
        while node is not None and node is not whole:
            node = node.parent
        return node is whole


class OperationsView:
    """A fold of the ends of steps and operations into a tree; a part ends before its whole.

    Steps stand at the top, each above the operations that were measured while it ran. Equal names under one parent are
    one node. A part without a known whole stands at the top. Memory is bounded: by `MAX_NODES`, and by 10,000 parts
    that wait for their whole, of which the oldest goes to the top.
    """

    def __init__(self) -> None:
        self._top = _Node("")
        # By the id of an operation, or the name of a step.
        self._waiting: OrderedDict[int | str, _Node] = OrderedDict()
        self._known: OrderedDict[int | str, _Node] = OrderedDict()
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
        """Place one measurement, with those of its parts that came before."""
        self._nodes += 1
        node.measure(_duration(event), _STEPS.get(event.event_type, event.event_type == kinds.OPERATION_FAILED))
        if own_id is not None:
            parts = self._waiting.pop(own_id, None)
            if parts is not None:
                node.children = parts.children
                for part in node.children.values():
                    part.parent = node
            self._known[own_id] = node
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        whole = self._whole(parent_id)
        self._place(self._top if whole.is_within(node) else whole, node)

    def _whole(self, parent_id: int | str | None) -> _Node:
        """Return the place for a part of `parent_id`: its parent, or the node of those that wait for it."""
        if parent_id is None:
            return self._top
        parent = self._known.get(parent_id)
        if parent is not None:
            while parent.stands_in is not None:
                parent = parent.stands_in
            return parent
        waiting = self._waiting.get(parent_id)
        if waiting is None:
            waiting = self._waiting[parent_id] = _Node("")
            if len(self._waiting) > _REMEMBERED:
                _, given_up = self._waiting.popitem(last=False)
                for orphan in given_up.children.values():
                    self._place(self._top, orphan)
        return waiting

    def _place(self, parent: _Node, node: _Node) -> None:
        """Put a node and its children under `parent`, and add up nodes of equal names."""
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
        """Count a name for which there is no room among the others, without its children."""
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

    def answer(self) -> list[Operation]:
        """Return the tree, the longest first.

        `self_ms` is `total_ms` without that of the children; 0 if these ran side by side. The time of a generator is
        its own, without that of its consumer.
        """
        forest = [self._top, *self._waiting.copy().values()]
        return _operations(_children(forest), MAX_DEPTH)


def _children(nodes: Iterable[_Node]) -> list[_Node]:
    return [child for node in nodes for child in node.children.copy().values()]


def _operations(nodes: Iterable[_Node], depth: int) -> list[Operation]:
    named: dict[tuple[str, bool], list[_Node]] = {}
    for node in nodes:
        named.setdefault(node.key, []).append(node)
    rows = [_operation(same, depth) for same in named.values()]
    return sorted(rows, key=lambda row: (-(row.total_ms or 0.0), row.name))


def _operation(same: list[_Node], depth: int) -> Operation:
    below = _children(same)
    figures = _Node(*same[0].key)
    for node in same:
        figures.add(node)
    return Operation(
        name=figures.name,
        calls=figures.calls,
        failures=figures.failures,
        total_ms=round(figures.total, 3),
        self_ms=round(max(0.0, figures.total - sum(node.total for node in below)), 3),
        min_ms=rounded(figures.shortest),
        max_ms=rounded(figures.longest),
        children=_operations(below, depth - 1) if depth > 1 else [],
        kind="step" if figures.is_step else None,
    )


def _duration(event: Event) -> float | None:
    active = number(event.fields.get("active_ms"))
    known = number(event.duration_ms) if active is None else active
    return None if known is None else min(max(0.0, known), _LONGEST_MS)
