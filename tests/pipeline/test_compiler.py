from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pipeline.test_step import Rule

from odibi_core import pipeline
from odibi_core.errors import PipelineDefinitionError
from odibi_core.pipeline import Step


def same(x: Any) -> Any:
    return x


def problems(steps: Any, engine: str = "pandas", **options: Any) -> list[str]:
    with pytest.raises(PipelineDefinitionError) as caught:
        pipeline.compile(steps, engine, **options)
    assert str(caught.value).splitlines() == caught.value.problems
    return caught.value.problems


def source(name: str = "flights", **fields: Any) -> Step:
    return Step(name=name, layer="ingest", value=f"{name}.csv", **fields)


def test_every_problem_is_told_at_once() -> None:
    """One error has a line for each thing that is wrong, in the order of the steps, cycles last."""
    found = problems(
        [
            Step(name="a", layer="ingst", value=1),
            Step(name="b", type="sqll", value="x"),
            Step(name="c", value=same, inputs={"x": "d"}),
            Step(name="d", value=same, inputs={"x": "c"}),
            Step(name="e", value=same, inputs={"x": "missing"}),
        ],
        "pandsa",
    )
    assert [line.split(": ")[0] for line in found] == [
        "the pipeline",
        "step 'a'",
        "step 'b'",
        "step 'e'",
        "step 'c'",
    ]


ONE_STEP: list[tuple[dict[str, Any], str]] = [
    ({"layer": "transfrom", "value": same}, "unknown layer 'transfrom' (did you mean 'transform'?)"),
    ({"type": "functoin", "value": same}, "unknown type 'functoin' (did you mean 'function'?)"),
    ({"engine": "polar", "value": same}, "unknown engine 'polar' (did you mean 'polars'?)"),
    ({"value": "select 1"}, "value must be callable, got a str; a SQL text needs type='sql'"),
    ({"value": None}, "value must be callable, got nothing"),
    ({"type": "sql", "value": same}, "value must be a SQL text, got a function"),
    ({"type": "sql", "value": ""}, "value must be a SQL text, got an empty text"),
    ({"layer": "ingest"}, "value must be a path to read or a function, got nothing"),
    (
        {"layer": "store", "inputs": "x", "value": 3},
        "value must be a path to write or a function, got a int",
    ),
    ({"layer": "publish", "value": "a.csv"}, "publishes, but has no input"),
    ({"layer": "publish", "value": "a.csv", "inputs": ["x", "y"]}, "writes one frame, but has 2 inputs"),
    ({"layer": "store", "value": "a.csv"}, "writes one frame, but has 0 inputs"),
    (
        {"layer": "ingest", "value": "a.csv", "outputs": ["u", "v"]},
        "makes one frame, but has 2 outputs: 'u', 'v'",
    ),
    ({"value": same}, "its function needs 'x', which neither inputs nor params give; add inputs=['x']"),
    ({"value": same, "inputs": {"xx": "x"}}, "give; they give 'xx' (did you mean 'xx'?)"),
    (
        {"value": same, "inputs": "x", "params": {"limit": 1}},
        "its function does not take the param 'limit'; it takes 'x'",
    ),
    ({"value": same, "inputs": "x", "params": {"x": 1}}, "'x' is both in inputs and in params"),
    ({"type": "sql", "value": "select $n"}, "its SQL needs $n, which params do not give"),
    (
        {"type": "sql", "value": "select $limit", "params": {"limt": 1}},
        "its SQL has no parameter $limt (did you mean 'limit'?)",
    ),
    (
        {"value": same, "inputs": "x", "checks": [Rule("outt")]},
        "check 'rule' is on 'outt' (did you mean 'out'?)",
    ),
    (
        {"value": same, "inputs": "x", "outputs": {"u": "k", "v": "k"}},
        "its outputs 'u' and 'v' are one key, 'k'",
    ),
    ({"value": same, "inputs": "x", "outputs": "y"}, "makes 'y', which the run is given already"),
    ({"value": same, "inputs": {"x": "xyz"}}, "needs 'xyz', which no step makes"),
]


@pytest.mark.parametrize(("fields", "sentence"), ONE_STEP, ids=[sentence for _, sentence in ONE_STEP])
def test_a_step_that_cannot_be_right(fields: dict[str, Any], sentence: str) -> None:
    """Each is found before anything runs, and the line names the step and what would be right."""
    found = problems([Step(name="it", **fields)], initial={"x", "y"})
    assert any(line.startswith("step 'it'") and sentence in line for line in found), found


def test_a_missing_input_names_the_nearest_key() -> None:
    """Keys are looked up among those that are made and those that the run is given."""
    clean = Step(name="clean", value=same, inputs={"x": "flihgts"})
    assert problems([source(), clean]) == [
        "step 'clean': needs 'flihgts', which no step makes (did you mean 'flights'?)"
    ]
    assert "'flihgt'" in problems([clean], initial={"flihgt"})[0]


def test_two_producers_of_one_key() -> None:
    """The line names both steps; steps of one name are reported once, by their name."""
    assert problems([source("a", outputs="k"), source("b", outputs="k")]) == [
        "step 'b': makes 'k', which step 'a' makes already; a key has one producer"
    ]
    assert problems([source("a"), source("b"), source("a")]) == [
        "step 'a': two steps have this name, number 1 and number 3; rename one"
    ]


def test_two_names_that_the_record_cannot_tell_apart() -> None:
    """Two steps would be one in it; so would two datasets. The sentence shows both as they were given."""
    assert problems([source("a\udc80"), source("a\udc81")]) == [
        r"step 'a\udc81': the record cannot tell its name from 'a\udc80'; rename one"
    ]
    assert problems([source("load password=hunter22"), source("load password=hunter23")]) == [
        "step 'load password=hunter23': the record cannot tell its name from 'load password=hunter22'; rename one"
    ]
    (found,) = problems([source("a", outputs="k\udc80"), source("b", outputs="k\udc81")])
    assert found.startswith("dataset 'k")
    assert len(pipeline.compile([source("a\udc80"), source("a")])) == 2


def test_a_cycle_is_named_along_the_data() -> None:
    """Every cycle is reported, beginning with the step written first; steps behind a ring are not blamed."""
    found = problems(
        [
            Step(name="behind", value=same, inputs={"x": "b"}),
            Step(name="a", value=same, inputs={"x": "c"}),
            Step(name="b", value=same, inputs={"x": "a"}),
            Step(name="c", value=same, inputs={"x": "b"}),
            Step(name="self", value=same, inputs={"x": "self"}),
        ]
    )
    assert [line.split(": ")[2].split(";")[0] for line in found] == [
        "'a' → 'b' → 'c' → 'a'",
        "'self' → 'self'",
    ]


def test_depth_is_no_limit() -> None:
    """A chain and a ring of 100,000 steps are handled without recursion, and reported in a short line."""
    depth = 100_000
    chain = [Step(name=f"s{i}", value=same, inputs={"x": f"s{i - 1}"}) for i in range(1, depth)]
    assert len(pipeline.compile([source("s0"), *chain]).order) == depth
    (line,) = problems([Step(name="s0", value=same, inputs={"x": f"s{depth - 1}"}), *chain])
    assert "… 99986 more …" in line
    assert len(line) < 400


def test_many_problems_stay_readable() -> None:
    """The first hundred are reported, quickly, however many there are."""
    found = problems([Step(name=f"s{i}", value=same, inputs={"x": f"t{i}"}) for i in range(5_000)])
    assert len(found) == 101
    assert found[-1] == "and more than these 100"


def test_names_are_data() -> None:
    """A name with newlines, or of great length, still makes one short line."""
    hostile = "a\nstep 'b': fine\x1b[31m"
    (first, second) = problems([Step(name=hostile, value=1), Step(name="x" * 5_000, value=1)])
    assert "\\n" in first
    assert "\x1b" not in first
    assert len(second) < 200


@pytest.mark.parametrize("steps", [[], (), iter(())])
def test_an_empty_pipeline(steps: Any) -> None:
    """There is nothing to run, so it is a mistake."""
    assert problems(steps) == ["the pipeline is empty; give it at least one Step or function"]


@pytest.mark.parametrize("steps", [None, 3, "steps", {"a": 1}, Step(name="a")])
def test_what_is_no_list(steps: Any) -> None:
    """The message names the type given instead of a list."""
    assert type(steps).__name__ in problems(steps)[0]


def test_what_is_no_step() -> None:
    """Its place in the list is reported, because it has no name."""
    assert problems([source(), 3]) == ["number 2 of the pipeline is a int; it must be a Step or a function"]


def nothing() -> None:
    """Gives nothing."""


def forgets(x: Any) -> Any:
    if x:
        return None
    x.sort()


def maybe(x: Any = 1) -> Any:
    return None if x else 3


def lazy() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "refused"),
    [(nothing, True), (forgets, True), (maybe, False), (lazy, False), (dict, False), (Rule("x").check, True)],
)
def test_a_step_that_returns_nothing(function: Callable[..., Any], refused: bool) -> None:
    """It is refused when another step takes what it never gives, and only when that is certain."""
    params = (
        {"x": 1}
        if function is forgets
        else {"frames": 1}
        if function not in (nothing, maybe, lazy, dict)
        else {}
    )
    maker = Step(name="maker", value=function, params=params)
    pipeline.compile([maker])
    steps = [maker, Step(name="taker", value=same, inputs={"x": "maker"})]
    if not refused:
        pipeline.compile(steps)
        return
    assert problems(steps) == [
        "step 'maker': its function returns nothing, but step 'taker' takes 'maker' from it;"
        " is a return missing?"
    ]


def limited(x: Any, limit: int, *, strict: bool = False) -> Any:
    return x, limit, strict


def first_rows(x: Any, nrows: int, *, strict: bool = False) -> Any:
    return x, nrows, strict


def test_params_reach_every_step_that_takes_them() -> None:
    """By a function's parameter, a SQL placeholder, or a param that is set; others stay the same object."""
    steps = [
        source(params={"nrows": 1}),
        source("planes"),
        Step(name="f", value=first_rows, inputs={"x": "flights"}, params={"nrows": 1}),
        Step(
            name="q",
            type="sql",
            value="select '$strict', $nrows from planes",
            inputs="planes",
            params={"nrows": 1},
        ),
    ]
    graph = pipeline.compile(steps)
    changed = pipeline.with_params(graph, {"nrows": 9, "strict": True})
    assert [step.params for step in changed.steps] == [
        {"nrows": 9},
        {},
        {"nrows": 9, "strict": True},
        {"nrows": 9},
    ]
    assert changed.steps[1] is graph.steps[1]
    assert graph.steps[2].params == {"nrows": 1}


def test_params_may_be_what_is_missing() -> None:
    """A parameter without a default may be given when the run starts."""
    step = Step(name="f", value=limited, inputs={"x": "k"})
    assert "needs 'limit'" in problems([step], initial={"k"})[0]
    assert pipeline.compile([step], initial={"k"}, params={"limit": 2}).steps[0].params == {"limit": 2}


def test_params_that_no_step_takes() -> None:
    """Each is an error that names the nearest parameter that some step takes."""
    graph = pipeline.compile(
        [Step(name="f", value=limited, inputs={"x": "k"}, params={"limit": 1})], initial={"k"}
    )
    with pytest.raises(PipelineDefinitionError) as caught:
        pipeline.with_params(graph, {"limits": 1, "x": 2, "limit": 3})
    assert caught.value.problems == [
        "no step takes the parameter 'limits' (did you mean 'limit'?)",
        "no step takes the parameter 'x'",
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("select $a, $b_2 from t where x = $a", {"a", "b_2"}),
        ("select '$a', \"$b\", $$ $c $$, $q$ $d $q$ -- $e\n /* $f */ , $g", {"g"}),
        ("select 'it''s $a', $b", {"b"}),
        ("select $1, '$a", set()),
    ],
)
def test_placeholders(query: str, names: set[str]) -> None:
    """Quoted and commented text is no placeholder, nor is a number."""
    step = Step(name="q", type="sql", value=query, params=dict.fromkeys(names))
    pipeline.compile([step])
    for name in names:
        assert f"${name}" in problems([Step(name="q", type="sql", value=query)])[sorted(names).index(name)]
