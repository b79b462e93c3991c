"""`@node`: the function behaves as before, and its calls are nodes of the run."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core import node, observe
from odibi_core.runtime import node_decorator
from odibi_core.runtime.observer import Observer


def edges(observer: Observer) -> list[tuple[str, str, bool]]:
    """Source, target, and whether the edge is only probable."""
    found = observer.tracker.export_lineage()["edges"]
    return [(edge["source"], edge["target"], edge.get("probable", False)) for edge in found]


def steps(observer: Observer) -> dict[str, Any]:
    return {step["step_name"]: step for step in observer.tracker.export_lineage()["steps"]}


@node
def read(rows: int) -> pd.DataFrame:
    """Reads."""
    return pd.DataFrame({"a": range(rows)})


@node(name="clean up", layer="store")
def clean(frame: pd.DataFrame, *, least: int = 1) -> pd.DataFrame:
    return frame[frame["a"] >= least]


@node
def broken() -> None:
    raise ValueError("bad")


@node
async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value + 1


def test_the_function_is_what_it_was() -> None:
    """Its name, its words, its signature, its result, its keywords."""
    assert (read.__name__, read.__doc__) == ("read", "Reads.")
    assert list(inspect.signature(clean).parameters) == ["frame", "least"]
    assert inspect.iscoroutinefunction(later)
    with observe("x", store=False):
        assert len(clean(read(5), least=3)) == 2


def test_calls_are_nodes_and_whose_result_is_taken_is_an_edge() -> None:
    """With rows, layer and frames before and after."""
    with observe("x", store=False) as observer:
        clean(read(5))
    found = steps(observer)
    assert list(found) == ["read", "clean up"]
    assert (found["read"]["row_count"], found["clean up"]["row_count"], found["clean up"]["layer"]) == (
        5,
        4,
        "store",
    )
    assert found["clean up"]["depends_on"] == ["read"]
    assert found["clean up"]["row_delta"] == -1
    assert [(edge["source"], edge["target"]) for edge in observer.tracker.export_lineage()["edges"]] == [
        ("read", "clean up")
    ]


def test_a_function_that_is_called_again_is_the_same_node() -> None:
    """With the number of its calls, their time and rows together; another function of its name is another node."""
    with observe("x", store=False) as observer:
        frame = read(10)
        for _ in range(1000):
            clean(frame)
        node(name="read")(lambda: None)()
    found = steps(observer)
    assert list(found) == ["read", "clean up", "read (2)"]
    assert "calls" not in found["read"]
    folded = found["clean up"]
    assert (folded["calls"], folded["failed_calls"], folded["row_count"]) == (1000, 0, 9000)
    assert edges(observer) == [("read", "clean up", False)]
    assert observer.tracker.export_lineage()["summary"]["total_steps"] == 3


def test_a_node_of_many_calls_failed_if_one_of_them_did() -> None:
    """The first failure is reported, and the number of failures."""

    @node
    def sometimes(n: int) -> int:
        if n % 2:
            raise ValueError(f"odd {n}")
        return n

    with observe("x", store=False) as observer:
        for n in range(10):
            with contextlib.suppress(ValueError):
                sometimes(n)
    found = steps(observer)["sometimes"]
    assert (found["state"], found["error_message"]) == ("failed", "odd 1")
    assert (found["calls"], found["failed_calls"]) == (10, 5)


def test_a_failure_is_recorded_and_goes_on() -> None:
    """The very exception."""
    with observe("x", store=False) as observer, pytest.raises(ValueError, match="bad"):
        broken()
    found = steps(observer)["broken"]
    assert (found["state"], found["error_message"]) == ("failed", "bad")


def test_coroutines_are_recorded_and_keep_apart() -> None:
    """Twenty at once, each a call of its own."""

    async def main() -> list[int]:
        return list(await asyncio.gather(*(later(n) for n in range(20))))

    with observe("x", store=False) as observer:
        assert asyncio.run(main()) == list(range(1, 21))
    found = steps(observer)["later"]
    assert (found["state"], found["calls"]) == ("success", 20)


def test_wrong_arguments_are_the_functions_own_error() -> None:
    """A call that cannot be bound fails as it would without us."""
    with observe("x", store=False), pytest.raises(TypeError, match="unexpected keyword"):
        read(1, nonsense=2)  # type: ignore[call-arg]


def test_a_result_of_any_kind_is_passed_on() -> None:
    """Also what is no frame, cannot be referred to weakly, or raises when looked at."""

    class Raises:
        def __repr__(self) -> str:
            raise RuntimeError

        def __len__(self) -> int:
            raise RuntimeError

    for value in (None, 5, [1], iter("ab"), Raises(), object):
        with observe("x", store=False) as observer:
            assert node(lambda value=value: value)() is value
        assert [step["state"] for step in steps(observer).values()] == ["success"]


@node
def takes(*args: Any, **kwargs: Any) -> int:
    return 1


@dataclass
class Bundle:
    frame: Any


CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "argument": lambda d: takes(d),
    "keyword": lambda d: takes(frame=d),
    "*args": lambda d: takes(1, 2, d),
    "list": lambda d: takes([d]),
    "tuple": lambda d: takes((1, d)),
    "dict": lambda d: takes({"frame": d}),
    "nested": lambda d: takes({"frames": [{1: (d,)}]}),
    "dataclass": lambda d: takes(Bundle(d)),
    "in a keyword": lambda d: takes(frames=[{"a": d}]),
}
RETURNED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "list": (lambda d: [d, d.head(1)], lambda r: r[1]),
    "tuple": (lambda d: (d, 5), lambda r: r[0]),
    "dict": (lambda d: {"train": d, "test": d.head(1)}, lambda r: r["test"]),
    "nested": (lambda d: {"folds": [(d, d.head(1))]}, lambda r: r["folds"][0][1]),
}
FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}),
    "polars": lambda: pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}),
}
EVERY_LIBRARY = pytest.mark.parametrize("library", FRAMES)


@EVERY_LIBRARY
@pytest.mark.parametrize("how", CONTAINERS)
def test_frames_are_found_in_what_a_node_takes(library: str, how: str) -> None:
    """In any argument, and in containers that are nested a bit; the edge is certain."""
    with observe("x", store=False) as observer:
        CONTAINERS[how](node(name="made")(FRAMES[library])())
    assert edges(observer) == [("made", "takes", False)]
    assert steps(observer)["takes"]["before_snapshot"]["row_count"] == 3


@EVERY_LIBRARY
@pytest.mark.parametrize("how", RETURNED)
def test_frames_are_found_in_what_a_node_returns(library: str, how: str) -> None:
    """Each is a dataset of its own."""
    returns, picked = RETURNED[how]
    with observe("x", store=False) as observer:
        takes(picked(node(name="made")(lambda: returns(FRAMES[library]()))()))
    assert edges(observer) == [("made", "takes", False)]
    assert steps(observer)["made"]["after_snapshot"]["row_count"] == 3


def test_what_is_looked_at_is_bounded() -> None:
    """A cycle, a deep nest and a million items cost next to nothing, and raise nothing."""
    cycle: list[Any] = []
    cycle.append(cycle)
    deep: Any = read.__wrapped__(1)  # type: ignore[attr-defined]
    for _ in range(50):
        deep = [deep]
    with observe("x", store=False) as observer:
        takes(cycle, deep, [0] * 1_000_000, {n: n for n in range(100_000)})
        takes(*[read(1) for _ in range(200)])
    assert len(steps(observer)["takes"]["before_snapshots"]) <= 60


PANDAS_MADE: dict[str, Callable[[Any], Any]] = {
    "copy": lambda d: d.copy(),
    "filter": lambda d: d[d["a"] > 1],
    "query": lambda d: d.query("a > 1"),
    "head": lambda d: d.head(2),
    "iloc": lambda d: d.iloc[1:],
    "columns": lambda d: d[["a"]],
    "assign": lambda d: d.assign(c=1),
    "sorted": lambda d: d.sort_values("a"),
    "column": lambda d: d["a"],
    "chain": lambda d: d.dropna().head(2).copy(),
}
POLARS_MADE: dict[str, Callable[[Any], Any]] = {
    "clone": lambda d: d.clone(),
    "head": lambda d: d.head(2),
    "slice": lambda d: d.slice(1, 2),
    "columns": lambda d: d.select("a"),
    "with columns": lambda d: d.with_columns(c=1),
    "rename": lambda d: d.rename({"a": "z"}),
    "column": lambda d: d["a"],
}
ARROW_MADE: dict[str, Callable[[Any], Any]] = {
    "slice": lambda d: d.slice(1),
    "columns": lambda d: d.select(["a"]),
    "append": lambda d: d.append_column("c", d["a"]),
}


@pytest.mark.parametrize(
    ("make", "derive"),
    [
        *((FRAMES["pandas"], derive) for derive in PANDAS_MADE.values()),
        *((FRAMES["polars"], derive) for derive in POLARS_MADE.values()),
        *((lambda: pa.table({"a": [1, 2, 3], "b": [None, 1, 2]}), derive) for derive in ARROW_MADE.values()),
    ],
    ids=[*PANDAS_MADE, *(f"polars {name}" for name in POLARS_MADE), *(f"arrow {name}" for name in ARROW_MADE)],
)
def test_what_is_made_of_a_frame_between_nodes_is_linked_as_probable(
    make: Callable[[], Any], derive: Callable[[Any], Any]
) -> None:
    """By what the library shares between them; certain is only the very object."""
    with observe("x", store=False) as observer:
        frame = node(name="made")(make)()
        takes(derive(frame))
    assert edges(observer) == [("made", "takes", True)]
    assert steps(observer)["takes"]["probable"] == ["made"]


@EVERY_LIBRARY
def test_frames_that_have_nothing_to_do_with_each_other_are_not_linked(library: str) -> None:
    """Though they are equal in all."""
    with observe("x", store=False) as observer:
        kept = node(name="made")(FRAMES[library])()
        takes(FRAMES[library]())
        takes(FRAMES[library]().head(2))
        del kept
    assert edges(observer) == []


def test_a_link_that_is_certain_once_is_certain() -> None:
    """Of several calls, and of a view and its frame in one."""
    with observe("x", store=False) as observer:
        frame = read(5)
        takes(frame.head(2))
        takes(frame)
    assert edges(observer) == [("read", "takes", False)]


def test_the_nearest_maker_of_a_view_is_its_origin() -> None:
    """Where the memory is shared, that decides; else the latest of those that it may be, first of those that live."""
    with observe("x", store=False) as observer:
        frame = read(5)
        kept = clean(frame)
        takes(frame.iloc[:2])
        node(name="of kept")(takes.__wrapped__)(kept.iloc[:2])  # type: ignore[attr-defined]
        del kept
        node(name="of the living")(takes.__wrapped__)(frame.head(2))  # type: ignore[attr-defined]
    found = edges(observer)
    assert ("read", "takes", True) in found
    assert ("clean up", "of kept", True) in found
    assert ("read", "of the living", True) in found


def test_a_frame_that_is_changed_in_place_is_told_as_it_was_taken() -> None:
    """Not as it was made."""
    with observe("x", store=False) as observer:
        frame = read(2)
        frame["b"] = "x"
        takes(frame)
    assert len(steps(observer)["takes"]["before_snapshot"]["schema"]) == 2


def test_a_generator_of_frames_is_a_node_with_the_rows_of_all() -> None:
    """And each frame is its own."""

    @node
    def chunks() -> Iterator[pd.DataFrame]:
        for _ in range(3):
            yield read.__wrapped__(4)  # type: ignore[attr-defined]

    with observe("x", store=False) as observer:
        for chunk in chunks():
            takes(chunk)
    found = steps(observer)
    assert (found["chunks"]["row_count"], found["chunks"]["after_snapshot"]["row_count"]) == (12, 12)
    assert edges(observer) == [("chunks", "takes", False)]


def test_arguments_without_names_are_numbered_from_one() -> None:
    """As those of a built-in function without a signature."""
    assert node_decorator._given(None, ("a", "b"), {"key": "c"}) == {
        "argument 1": "a", "argument 2": "b", "key": "c",
    }  # fmt: skip
