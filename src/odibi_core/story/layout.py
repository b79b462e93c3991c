"""Positions of the steps of a graph: a layered layout, left to right, in nearly linear time.

Columns follow from the longest path; if the layers of the pipeline form an order, each has its own columns. The order
within a column follows from barycentres, the heights from isotonic regression, so that a step is near its neighbours.
Long edges pass through empty places of the columns between. Graphs too tall or too long for a page are folded. A
cycle, which only foreign data can hold, is cut at one edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from odibi_core.story.ranks import Links, columns_of, rank

NODE_WIDTH, NODE_HEIGHT = 192, 60
COLUMN = NODE_WIDTH + 62
ROW = NODE_HEIGHT + 26
BEND = 26  # what a bent edge needs instead of a whole row
MARGIN = 44
TALLEST = 40  # a column of more steps than this turns the whole graph into a grid
SWEEPS = 6


@dataclass
class Layout:
    """Top-left corners of the steps by index, an SVG path and a place for the label of each edge, and the bands."""

    width: float
    height: float
    x: list[float]
    y: list[float]
    paths: list[str]
    labels: list[tuple[float, float]]
    bands: list[dict[str, float | str]] = field(default_factory=list)


def layout(layers: Sequence[str], edges: Sequence[tuple[int, int]]) -> Layout:
    """Place `len(layers)` steps, joined by index pairs; `layers[i]` names the band that step i belongs to."""
    if not layers:
        return Layout(0.0, 0.0, [], [], [], [])
    ranks = rank(layers, edges)
    folded = max(len(column) for column in columns_of(ranks)) > TALLEST
    links = Links(ranks, edges, bends=not folded)
    columns = _ordered(columns_of(links.ranks), links)
    if folded:
        columns = [part for column in columns for part in _pieces(column, _grid_height(len(layers)))]
        heights = _stacked(columns, len(links.ranks))
    else:
        heights = _settled(columns, links)
    return _drawn(layers, columns, heights, links)


def _grid_height(count: int) -> int:
    return max(TALLEST // 2, math.ceil(math.sqrt(count * COLUMN / ROW / 1.8)))


def _pieces(column: list[int], size: int) -> list[list[int]]:
    return [column[start : start + size] for start in range(0, len(column), size)]


def _ordered(columns: list[list[int]], links: Links) -> list[list[int]]:
    """Reorder each column by the mean place of its neighbours, sweeping to the right and back."""
    place = [0.0] * len(links.ranks)
    for column in columns:
        _number(column, place)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            neighbours = links.before if forward else links.after
            wish = {node: _mean((place[n] for n in neighbours[node]), place[node]) for node in column}
            column.sort(key=lambda node: (wish[node], place[node]))
            _number(column, place)
    return columns


def _number(column: list[int], place: list[float]) -> None:
    # Relative places, so that a short column between two tall ones does not pull everything to the top.
    for index, node in enumerate(column):
        place[node] = (index + 0.5) / len(column)


def _mean(values: Iterable[float], otherwise: float) -> float:
    known = list(values)
    return sum(known) / len(known) if known else otherwise


def _stacked(columns: list[list[int]], count: int) -> list[float]:
    heights = [0.0] * count
    for column in columns:
        for index, node in enumerate(column):
            heights[node] = (index - (len(column) - 1) / 2) * ROW
    return heights


def _settled(columns: list[list[int]], links: Links) -> list[float]:
    """Centre heights: each as near to the mean of its neighbours as order and spacing allow."""
    heights = _stacked(columns, len(links.ranks))
    for sweep in range(SWEEPS + 1):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            near = links.before if forward else links.after
            wishes = [_mean((heights[n] for n in near[node]), heights[node]) for node in column]
            gaps = [_gap(a, b, links.steps) for a, b in pairwise(column)]
            for node, height in zip(column, spread(wishes, gaps), strict=True):
                heights[node] = height
    return heights


def _gap(above: int, below: int, steps: int) -> float:
    bends = (above >= steps) + (below >= steps)
    return (ROW, (ROW + BEND) / 2, BEND)[bends]


def spread(wishes: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return the places nearest to `wishes` (least squares), in their order and at least `gaps` apart."""
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[tuple[float, int]] = []  # (sum, size): pool adjacent violators
    for wish, offset in zip(wishes, offsets, strict=False):
        total, size = wish - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / size:
            last = blocks.pop()
            total, size = total + last[0], size + last[1]
        blocks.append((total, size))
    level = [total / size for total, size in blocks for _ in range(size)]
    return [place + offset for place, offset in zip(level, offsets, strict=False)]


@dataclass
class _Page:
    """Folds one endless line of columns into rows, as text is folded into lines."""

    per_row: int
    top: float
    row_height: float

    def at(self, column: int, height: float) -> tuple[float, float]:
        """Return the left end of a node's middle line."""
        line, place = divmod(column, self.per_row)
        return MARGIN + place * COLUMN, height - self.top + MARGIN + line * self.row_height


def _drawn(layers: Sequence[str], columns: list[list[int]], heights: list[float], links: Links) -> Layout:
    page = _page(columns, heights)
    at = [(0.0, 0.0)] * len(heights)
    for index, column in enumerate(columns):
        for node in column:
            at[node] = page.at(index, heights[node])
    drawn = [_path([at[node] for node in chain], page) for chain in links.chains]
    lines = math.ceil(len(columns) / page.per_row)
    return Layout(
        width=2 * MARGIN + min(len(columns), page.per_row) * COLUMN - (COLUMN - NODE_WIDTH),
        height=lines * page.row_height,
        x=[round(x) for x, _ in at[: links.steps]],
        y=[round(y - NODE_HEIGHT / 2) for _, y in at[: links.steps]],
        paths=[path for path, _ in drawn],
        labels=[label for _, label in drawn],
        bands=_bands(layers, columns, page, links.steps),
    )


def _page(columns: list[list[int]], heights: list[float]) -> _Page:
    used = [heights[node] for column in columns for node in column]
    top, bottom = min(used) - NODE_HEIGHT / 2, max(used) + NODE_HEIGHT / 2
    row_height = bottom - top + MARGIN * 1.5
    length, shape = len(columns) * COLUMN, 2.0
    lines = max(1, round(math.sqrt(length / (shape * row_height)))) if length > 7 * row_height else 1
    per_row = math.ceil(len(columns) / lines)
    return _Page(len(columns) if len(columns) <= 6 else max(per_row, 5), top, row_height)


def _path(points: list[tuple[float, float]], page: _Page) -> tuple[str, tuple[float, float]]:
    """Return an edge as SVG path data, from the right side of its first point to the left side of its last."""
    parts: list[str] = []
    label = (0.0, 0.0)
    for index, (start, end) in enumerate(pairwise(points)):
        x1, y1 = start[0] + NODE_WIDTH, start[1]
        x2, y2 = end
        if index == 0:
            parts.append(f"M{x1:.0f} {y1:.0f}")
        else:
            parts.append(f"H{x1:.0f}")  # straight through the empty place of a column
        if x2 > x1:
            middle = (x1 + x2) / 2
            parts.append(f"C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {x2:.0f} {y2:.0f}")
            label = (middle, (y1 + y2) / 2) if index == 0 else label
        else:
            line = y1 // page.row_height
            between = (line + 1) * page.row_height - 6
            parts.append(_turn_back((x1, y1), (x2, y2), between))
            label = ((x1 + x2) / 2, between) if index == 0 else label
    return "".join(parts), (round(label[0]), round(label[1]))


def _turn_back(start: tuple[float, float], end: tuple[float, float], between: float) -> str:
    """Return the path from the end of a row to the start of another: out, along the gap between rows, and in."""
    (x1, y1), (x2, y2), r = start, end, 20
    down, up = (1 if between > y1 else -1), (1 if y2 > between else -1)
    return (
        f"Q{x1 + r:.0f} {y1:.0f} {x1 + r:.0f} {y1 + r * down:.0f}V{between - r * down:.0f}"
        f"Q{x1 + r:.0f} {between:.0f} {x1:.0f} {between:.0f}H{x2:.0f}"
        f"Q{x2 - r:.0f} {between:.0f} {x2 - r:.0f} {between + r * up:.0f}V{y2 - r * up:.0f}"
        f"Q{x2 - r:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    )


def _bands(layers: Sequence[str], columns: list[list[int]], page: _Page, steps: int) -> list[dict[str, float | str]]:
    """Return a background stripe for each group of adjacent columns with the same layers."""
    bands: list[dict[str, float | str]] = []
    last: tuple[int, str] | None = None
    for index, column in enumerate(columns):
        name = " · ".join(sorted({layers[node] for node in column if node < steps}))
        line = index // page.per_row
        if last == (line, name):
            bands[-1]["width"] = float(bands[-1]["width"]) + COLUMN
            continue
        last = (line, name)
        left = MARGIN + index % page.per_row * COLUMN - (COLUMN - NODE_WIDTH) / 2
        top = line * page.row_height
        bands.append({"label": name, "x": left, "y": top, "width": COLUMN, "height": page.row_height})
    return bands
