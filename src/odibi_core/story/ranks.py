"""Columns of the steps of a graph, and the way of its edges through the columns between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

FAMILIAR = ("connect", "ingest", "store", "transform", "publish")
MOST_BENDS = 20_000  # beyond this, long edges are drawn straight: leading them would cost more than it shows


def rank(layers: Sequence[str], edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return the column of each step: right of its dependencies, and of all earlier layers if layers are ordered."""
    pairs = [(s, t) for s, t in edges if s != t]
    position = {node: index for index, node in enumerate(topological(len(layers), pairs))}
    before: list[list[int]] = [[] for _ in layers]
    for source, target in pairs:
        if position[source] < position[target]:  # else: the edge that closes a cycle
            before[target].append(source)
    band = _band_order(layers, pairs)
    ranks = [0] * len(layers)
    start = highest = 0
    current = None
    for node in sorted(position, key=lambda node: (band[node], position[node])):
        if band[node] != current:
            current, start = band[node], highest + (current is not None)
        ranks[node] = max([start, *(ranks[other] + 1 for other in before[node])])
        highest = max(highest, ranks[node])
    return ranks


def topological(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return all nodes, dependencies first; a cycle is cut before its first node."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        after[source].append(target)
        waiting[target] += 1
    ready = [node for node in range(count) if not waiting[node]]
    placed = [False] * count
    order: list[int] = []
    scan = 0
    while len(order) < count:
        if len(order) == len(ready):
            while placed[scan]:
                scan += 1
            ready.append(scan)
        node = ready[len(order)]
        order.append(node)
        placed[node] = True
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target] and not placed[target]:
                ready.append(target)
    return order


def _band_order(layers: Sequence[str], edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the place of each step's layer among the layers; all 0 if edges run between layers both ways."""
    names = list(dict.fromkeys(layers))
    familiar = {name: index for index, name in enumerate(FAMILIAR)}
    names.sort(key=lambda name: familiar.get(name, len(FAMILIAR)))
    number = {name: index for index, name in enumerate(names)}
    crossings = sorted({(number[layers[s]], number[layers[t]]) for s, t in edges if layers[s] != layers[t]})
    place = {node: index for index, node in enumerate(topological(len(names), crossings))}
    if any(place[s] > place[t] for s, t in crossings):
        return [0] * len(layers)
    return [place[number[name]] for name in layers]


def columns_of(ranks: Sequence[int]) -> list[list[int]]:
    """Return the nodes of each rank, in their given order."""
    columns: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for node, column in enumerate(ranks):
        columns[column].append(node)
    return columns


class Links:
    """The edges as chains of nodes in neighbouring columns: the steps themselves, and bends in between.

    Nodes from `steps` on are bends. `before` and `after` are the neighbours of each node.
    """

    def __init__(self, ranks: Sequence[int], edges: Sequence[tuple[int, int]], *, bends: bool) -> None:
        self.steps = len(ranks)
        self.ranks = list(ranks)
        long = sum(max(0, ranks[t] - ranks[s] - 1) for s, t in edges)
        bends = bends and long <= MOST_BENDS
        self.chains = [self._chain(source, target, bends) for source, target in edges]
        self.before: list[list[int]] = [[] for _ in self.ranks]
        self.after: list[list[int]] = [[] for _ in self.ranks]
        for chain in self.chains:
            for left, right in pairwise(chain):
                if self.ranks[left] < self.ranks[right]:
                    self.after[left].append(right)
                    self.before[right].append(left)

    def _chain(self, source: int, target: int, bends: bool) -> list[int]:
        between = range(self.ranks[source] + 1, self.ranks[target]) if bends else range(0)
        first = len(self.ranks)
        self.ranks.extend(between)
        return [source, *range(first, first + len(between)), target]
