from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from odibi_core import pipeline
from odibi_core.pipeline import Graph, Progress, Step, plan_rows


def some(**frames: Any) -> Any:
    return frames


def graph_of(shape: dict[str, Sequence[str]], initial: Sequence[str] = ()) -> Graph:
    return pipeline.compile(
        [Step(name=name, value=some, inputs=list(inputs)) for name, inputs in shape.items()],
        initial=initial,
    )


DIAMOND: dict[str, Sequence[str]] = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": [], "e": []}


def test_dependencies_follow_from_the_keys() -> None:
    """In any order of definition; a step that takes two frames of one producer waits for it once."""
    graph = graph_of(DIAMOND)
    assert graph.dependencies == [(1, 2), (3,), (3,), (), ()]
    assert graph.dependants == [(), (0,), (0,), (1, 2), ()]
    assert [graph.steps[i].name for i in graph.order] == ["a", "e", "b", "c", "d"]
    two = pipeline.compile(
        [Step(name="p", value=some, outputs=["u", "v"]), Step(name="t", value=some, inputs=["u", "v"])]
    )
    assert two.dependencies == [(), (0,)]


def test_consumers_are_steps_not_names() -> None:
    """A step that takes one key under two names is one consumer; a key that no step takes has none."""
    graph = pipeline.compile([Step(name="j", value=some, inputs={"left": "k", "right": "k"})], initial={"k"})
    assert graph.consumers == {"k": 1, "j": 0}


def test_descendants() -> None:
    """All that cannot run without a step, each once, nearest first."""
    graph = graph_of(DIAMOND)
    assert graph.descendants(graph.index["a"]) == [1, 2, 0]
    assert graph.descendants(graph.index["d"]) == []
    assert graph.roots() == [3, 4]


def test_progress_frees_a_frame_after_its_last_consumer() -> None:
    """A key is freed once, by the step that needed it last; keys that no step takes are results and stay."""
    graph = graph_of(DIAMOND)
    progress = Progress(graph)
    told = [progress.finish(graph.index[name]) for name in "aebcd"]
    assert told == [([1, 2], []), ([], []), ([], []), ([0], ["a"]), ([], ["b", "c"])]
    assert progress.remaining == 0


def test_progress_after_a_failure() -> None:
    """Descendants are skipped once, and skipping frees what they would have taken; other branches go on."""
    graph = graph_of({"a": [], "b": ["a"], "c": ["b"], "x": [], "y": ["x"], "z": ["y", "c"]})
    progress = Progress(graph)
    assert progress.finish(0) == ([1], [])
    skipped, freed = progress.fail(1)
    assert [graph.steps[i].name for i in skipped] == ["c", "z"]
    assert sorted(freed) == ["a", "b", "c", "y"]
    assert progress.finish(3) == ([4], [])
    assert progress.finish(4) == ([], ["x", "y"])  # y is made, but z, the only one to take it, is skipped
    assert progress.remaining == 0


def test_a_step_that_was_skipped_never_becomes_ready() -> None:
    """Even when its other inputs arrive later."""
    graph = graph_of({"a": [], "b": [], "c": ["a", "b"]})
    progress = Progress(graph)
    assert progress.fail(0) == ([2], ["a", "b"])
    assert progress.finish(1) == ([], ["b"])


def test_two_failures_with_common_descendants() -> None:
    """Each descendant is skipped on account of the first failure that reached it."""
    progress = Progress(graph_of({"a": [], "b": [], "c": ["a", "b"], "d": ["b"]}))
    assert progress.fail(0)[0] == [2]
    assert progress.fail(1) == ([3], ["b"])
    assert progress.remaining == 0


def test_a_step_ends_once() -> None:
    """Ending it twice is a bug of the caller and is not kept quiet."""
    progress = Progress(graph_of({"a": []}))
    progress.finish(0)
    with pytest.raises(ValueError, match="'a' was closed before"):
        progress.finish(0)


def test_plan_rows() -> None:
    """A row has the facts of each step that are known before it runs, by names alone."""
    graph = pipeline.compile(
        [
            Step(name="t", layer="ingest", value="t.csv", engine="polars"),
            Step(name="q", type="sql", value="select 1", inputs={"x": "t"}),
        ]
    )
    assert plan_rows(graph, lambda step: {"source_hash": step.name * 2}) == [
        {
            "name": "t",
            "layer": "ingest",
            "type": "function",
            "engine": "polars",
            "inputs": {},
            "outputs": {"out": "t"},
            "depends_on": [],
            "source_hash": "tt",
        },
        {
            "name": "q",
            "layer": "transform",
            "type": "sql",
            "engine": "pandas",
            "inputs": {"x": "t"},
            "outputs": {"out": "q"},
            "depends_on": ["t"],
            "source_hash": "qq",
        },
    ]
