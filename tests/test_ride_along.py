"""`@node`: the function behaves as before, and its calls are nodes of the run."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pandas as pd
import pytest

from odibi_core import node, observe
from odibi_core.observer import Observer


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


def test_a_function_that_is_called_again_is_another_node() -> None:
    """Numbered, so that each call has its own time."""
    with observe("x", store=False) as observer:
        for _ in range(3):
            read(1)
    assert list(steps(observer)) == ["read", "read (2)", "read (3)"]


def test_a_failure_is_recorded_and_goes_on() -> None:
    """The very exception."""
    with observe("x", store=False) as observer, pytest.raises(ValueError, match="bad"):
        broken()
    found = steps(observer)["broken"]
    assert (found["state"], found["error_message"]) == ("failed", "bad")


def test_coroutines_are_recorded_and_keep_apart() -> None:
    """Twenty at once, each a node of its own."""

    async def main() -> list[int]:
        return list(await asyncio.gather(*(later(n) for n in range(20))))

    with observe("x", store=False) as observer:
        assert asyncio.run(main()) == list(range(1, 21))
    assert [step["state"] for step in steps(observer).values()] == ["success"] * 20


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
