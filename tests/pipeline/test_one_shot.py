"""Values with one reader: recognized, read whole, or refused."""

from __future__ import annotations

import csv
import io
import itertools
import sqlite3
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

import duckdb
import pandas as pd
import polars as pl
import pytest

from odibi_core.coroutines import run_awaitable
from odibi_core.errors import StepError
from odibi_core.pipeline.one_shot import kind_of, readable_again


def numbers() -> Iterator[int]:
    yield from (1, 2)


async def later() -> list[int]:
    return [1, 2]


async def numbers_later() -> Any:
    yield 1
    yield 2


async def generator_later() -> Iterator[int]:
    return numbers()


class OneIterator:
    """Iterable, and each reader gets the same iterator."""

    def __init__(self) -> None:
        self.rows = iter([1, 2])

    def __iter__(self) -> Iterator[int]:
        return self.rows


class AsyncRows:
    """An asynchronous iterator that is no generator."""

    def __init__(self) -> None:
        self.rows = iter([1, 2])

    def __aiter__(self) -> AsyncRows:
        return self

    async def __anext__(self) -> int:
        try:
            return next(self.rows)
        except StopIteration:
            raise StopAsyncIteration from None


class Unreadable:
    """As a column of Spark."""

    def __iter__(self) -> Iterator[int]:
        raise TypeError("not iterable")


ITERATORS = [
    numbers, lambda: iter([1, 2]), lambda: map(int, "12"), lambda: filter(None, [1, 0, 2]), OneIterator,
    lambda: itertools.chain([1], [2]), lambda: (each for each in [1, 2]), lambda: reversed([2, 1]),
]  # fmt: skip
ASYNCHRONOUS = [later, numbers_later, generator_later, AsyncRows]
RESOURCES = [
    lambda: io.TextIOWrapper(io.BytesIO()), lambda: io.StringIO("a"),
    lambda: sqlite3.connect(":memory:").execute("select 1"),
]  # fmt: skip
ENDLESS = [itertools.count, lambda: itertools.cycle([1]), lambda: itertools.repeat(1)]
READ_AGAIN: list[Any] = [
    1, "text", None, [1], (1,), {"a": 1}, {1}, range(3), {}.items(), pd.DataFrame({"a": [1]}), pl.DataFrame(),
    pd.DataFrame({"a": [1]}).groupby("a"), pl.LazyFrame({"a": [1]}), pl.col("a"), duckdb.sql("select 1"),
    MagicMock(), Mock(), AsyncMock(), object(), numbers, later, list[int], Unreadable(), sqlite3.connect(":memory:"),
]  # fmt: skip


def settled(value: Any, **options: Any) -> Any:
    return readable_again(value, run_awaitable, "what step 's' returned", **options)


@pytest.mark.parametrize("make", [*ITERATORS, *ASYNCHRONOUS])
@pytest.mark.parametrize("inside", ["alone", "dict", "list", "tuple"])
def test_it_becomes_a_list_of_what_it_yields(make: Any, inside: str) -> None:
    """Alone, and as a member of a collection, which is not changed itself."""
    given = {"alone": make, "dict": lambda: {"k": make(), "n": 1}, "list": lambda: [make(), 1]}
    value = given.get(inside, lambda: (make(), 1))()
    expected = {"alone": [1, 2], "dict": {"k": [1, 2], "n": 1}, "list": [[1, 2], 1], "tuple": ([1, 2], 1)}
    assert settled(value) == expected[inside]


@pytest.mark.parametrize("value", READ_AGAIN, ids=lambda value: type(value).__name__)
def test_what_can_be_read_again_stays_the_same_object(value: Any) -> None:
    """Frames of every library, collections, connections, and a mock that answers to every name."""
    assert kind_of(value) is None
    assert settled(value) is value


@pytest.mark.parametrize("make", [*RESOURCES, *ENDLESS])
def test_what_has_one_reader_or_no_end_is_refused(make: Any) -> None:
    """With its type, and what would be right; a member too. A step that connects hands it on."""
    value = make()
    for given in (value, {"k": value}, [value]):
        with pytest.raises(StepError, match=f"step 's' returned is a {type(value).__name__}, which .*give a list"):
            settled(given)
    assert settled(value, connects=True) is value


def test_a_step_that_connects_runs_what_only_its_function_can() -> None:
    """A coroutine and a generator: handed on, the next step would have to run them."""
    assert settled(later(), connects=True) == [1, 2]
    assert settled(numbers(), connects=True) == [1, 2]
    rows = csv.reader(["1,2"])
    assert settled(rows, connects=True) is rows


def test_of_many_members_the_first_stands_for_all() -> None:
    """Rows are not looked at one by one, but a list of coroutines is run."""
    rows = [{"n": n} for n in range(100)]
    assert settled(rows) is rows
    assert settled([later() for _ in range(100)]) == [[1, 2]] * 100


def test_of_several_outputs_each_is_read() -> None:
    """In a dict, a tuple, a named tuple and any other mapping; a generator of them is no dict and no tuple."""
    pair = namedtuple("pair", "a b")
    assert settled({"a": numbers(), "b": later()}, outputs=2) == {"a": [1, 2], "b": [1, 2]}
    assert settled(pair(numbers(), 1), outputs=2) == ([1, 2], 1)
    many = {str(n): 1 for n in range(40)} | {"last": numbers()}
    assert settled(many, outputs=41)["last"] == [1, 2]
    generator = numbers()
    assert settled(generator, outputs=2) is generator


def test_an_error_while_it_is_read_is_raised() -> None:
    """So it is the step's."""

    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("second row")

    with pytest.raises(ValueError, match="second row"):
        settled(fails())


def test_the_file_stays_as_it_was(tmp_path: Path) -> None:
    """A refused value has not been read."""
    (tmp_path / "rows").write_text("a")
    with (tmp_path / "rows").open() as file:
        with pytest.raises(StepError):
            settled(file)
        assert file.read() == "a"
