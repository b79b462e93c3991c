"""Where steps and edges are drawn: nothing overlaps, edges lead to the right, foreign graphs do no harm."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.story.layout import NODE_HEIGHT, NODE_WIDTH, Layout, layout, spread
from odibi_core.story.ranks import rank, topological

LAYERS = st.sampled_from(["ingest", "transform", "publish", "own"])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]]]:
    """Up to 60 steps in any layers; edges anywhere, cycles and loops included."""
    layers = draw(st.lists(LAYERS, min_size=1, max_size=60))
    node = st.integers(0, len(layers) - 1)
    return layers, draw(st.lists(st.tuples(node, node), max_size=120, unique=True))


def _overlaps(placed: Layout) -> list[tuple[int, int]]:
    spots = list(zip(placed.x, placed.y, strict=True))
    return [
        (a, b)
        for a in range(len(spots))
        for b in range(a)
        if abs(spots[a][0] - spots[b][0]) < NODE_WIDTH and abs(spots[a][1] - spots[b][1]) < NODE_HEIGHT
    ]


@given(graphs())
def test_no_two_steps_overlap_and_all_lie_inside(graph: tuple[list[str], list[tuple[int, int]]]) -> None:
    """For every graph, cyclic ones included."""
    layers, edges = graph
    placed = layout(layers, edges)
    assert _overlaps(placed) == []
    assert all(0 <= x <= placed.width - NODE_WIDTH for x in placed.x)
    assert all(0 <= y <= placed.height - NODE_HEIGHT for y in placed.y)
    assert len(placed.paths) == len(placed.labels) == len(edges)


@given(st.integers(2, 40), st.data())
def test_an_edge_leads_to_a_later_column(count: int, data: st.DataObject) -> None:
    """In a graph without cycles no edge points backwards, whatever the layers are."""
    layers = data.draw(st.lists(LAYERS, min_size=count, max_size=count))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = [(min(pair), max(pair)) for pair in data.draw(st.lists(pairs)) if pair[0] != pair[1]]
    ranks = rank(layers, edges)
    assert all(ranks[source] < ranks[target] for source, target in edges)


def test_layers_that_form_an_order_get_columns_of_their_own() -> None:
    """A transform without inputs still stands right of every ingest."""
    ranks = rank(["transform", "ingest", "ingest", "publish"], [(1, 2)])
    assert ranks == [2, 0, 1, 3]


def test_layers_with_edges_both_ways_share_columns() -> None:
    """Ingest after transform is unusual, and no reason to draw an edge backwards."""
    assert rank(["ingest", "transform", "ingest"], [(0, 1), (1, 2)]) == [0, 1, 2]


def test_topological_order_holds_every_node_once_even_in_a_cycle() -> None:
    """A cycle is cut before its first node."""
    assert topological(4, [(1, 2), (2, 3), (3, 1)]) == [0, 1, 2, 3]


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50), st.floats(1, 100))
def test_spread_keeps_order_and_gaps_and_moves_nothing_that_has_room(wishes: list[float], gap: float) -> None:
    """Neighbours are at least the gap apart; wishes that already are stay as they are."""
    places = spread(wishes, [gap] * (len(wishes) - 1))
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(places))
    roomy = [index * gap * 2 for index in range(len(wishes))]
    assert spread(roomy, [gap] * (len(wishes) - 1)) == roomy


def test_a_long_chain_is_folded_and_a_wide_fan_too() -> None:
    """Neither is a line of a million pixels."""
    chain = layout(["t"] * 500, [(n, n + 1) for n in range(499)])
    fan = layout(["t"] * 501, [(0, n) for n in range(1, 501)])
    assert all(max(placed.width, placed.height) < 15_000 for placed in (chain, fan))
    assert _overlaps(chain) == _overlaps(fan) == []


def test_a_long_edge_passes_between_the_steps_of_the_columns_that_it_crosses() -> None:
    """a → b → c and a → c: the second edge does not run through b."""
    placed = layout(["t"] * 3, [(0, 1), (1, 2), (0, 2)])
    middle = placed.paths[2].split("C")[1].split("H")[0].split()
    assert not placed.y[1] - 5 < float(middle[-1]) < placed.y[1] + NODE_HEIGHT + 5


def test_nothing_is_drawn_of_nothing() -> None:
    """No steps, no size."""
    assert layout([], []) == Layout(0.0, 0.0, [], [], [], [])
