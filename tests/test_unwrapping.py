"""The function inside a callable."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from odibi_core import Orchestrator, Step
from odibi_core.unwrapping import unwrapped


def step() -> list[dict[str, int]]:
    return [{"n": 1}]


@functools.wraps(step)
def decorated() -> Any:
    return step()


class Callable:
    def __call__(self) -> list[dict[str, int]]:
        return [{"n": 1}]

    def method(self) -> list[dict[str, int]]:
        return [{"n": 1}]


class Evil:
    """Any of its attributes raises, if it is the recorder that reads it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self) -> list[dict[str, int]]:
        return [{"n": 1}]


@pytest.mark.parametrize(
    ("function", "inner"),
    [
        (step, step),
        (decorated, step),
        (functools.partial(functools.partial(decorated)), step),
        (functools.lru_cache(decorated), step),
        (Callable(), Callable.__call__),
        (Callable().method, Callable.method),
        (Callable, Callable),
        (len, len),
        (None, None),
    ],
)
def test_wrappings_are_followed(function: Any, inner: Any) -> None:
    """Partials, methods, decorators and callable objects; anything else is returned as it is."""
    assert unwrapped(function) is inner


def test_a_cycle_of_wrappers_ends() -> None:
    """As does a mock, which has each attribute that it is asked for."""

    def cycle() -> None: ...

    cycle.__wrapped__ = cycle  # type: ignore[attr-defined]
    assert unwrapped(cycle) is cycle
    assert unwrapped(Evil()) is Evil.__call__
    unwrapped(Mock())


def test_a_mock_runs_as_a_step(tmp_path: Path) -> None:
    """The record of its files and its source neither fails nor hangs."""
    steps = [Step(name="made", layer="ingest", value=Mock(return_value=[{"n": 1}]))]
    assert Orchestrator(steps, store=tmp_path).execute().success
