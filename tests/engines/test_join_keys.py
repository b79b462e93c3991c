"""The keys by which a step joins its inputs."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.engines.join_keys import Keys, of_function, of_sql, shown

KEYS = ["origin", "hour"]


def merged(flights: Any, planes: Any) -> Any:
    return flights.merge(planes, on="tailnum", how="left")


def by_module(flights: Any, planes: Any) -> Any:
    return pd.merge(flights, planes, left_on=["tail"], right_on=["tailnum"])


def by_constant(flights: Any, weather: Any) -> Any:
    return flights.join(weather, on=KEYS)


def by_position(flights: Any, weather: Any) -> Any:
    return flights.filter(pl.col("x") > 1).join(weather, "hour", "left")


def by_expression(flights: Any, weather: Any) -> Any:
    return flights.join(weather, on=pl.col("hour"))


def renamed(flights: Any, airports: Any) -> Any:
    places = airports.rename(columns={"faa": "dest"})
    return flights.merge(places, on="dest")


def by_helper(flights: Any, planes: Any) -> Any:
    return merged(flights, planes)


def texts(a: Any, b: Any) -> str:
    return ", ".join([a, b])


class Owner:
    def step(self, flights: Any, planes: Any) -> Any:
        return flights.merge(planes, on="tailnum")


@functools.wraps(merged)
def wrapped(*args: Any) -> Any:
    return merged(*args)


@pytest.mark.parametrize(
    ("function", "keys"),
    [
        (merged, Keys(("tailnum",), ("tailnum",), "flights", "planes")),
        (by_module, Keys(("tail",), ("tailnum",), "flights", "planes")),
        (by_constant, Keys(("origin", "hour"), ("origin", "hour"), "flights", "weather")),
        (by_position, Keys(("hour",), ("hour",), None, "weather")),
        (by_expression, Keys(("hour",), ("hour",), "flights", "weather")),
        (by_helper, Keys(("tailnum",), ("tailnum",))),
        (Owner().step, Keys(("tailnum",), ("tailnum",), "flights", "planes")),
        (wrapped, Keys(("tailnum",), ("tailnum",), "flights", "planes")),
        (functools.partial(merged), Keys(("tailnum",), ("tailnum",), "flights", "planes")),
    ],
)
def test_the_source_of_a_function_shows_its_join(function: Any, keys: Keys) -> None:
    """By `on`, `left_on` and `right_on`, as texts, lists, constants of the module or columns of polars."""
    assert keys in of_function(function)


@pytest.mark.parametrize("function", [texts, len, lambda a, b: a, object()])
def test_a_function_without_a_join_has_no_keys(function: Any) -> None:
    """The join of texts is none, and a function without source has no keys."""
    assert of_function(function) == ()


def test_a_renamed_column_is_found_by_its_name_before() -> None:
    """The input has the column as it was."""
    fits = [keys.between(("flights", ["dest"]), ("airports", ["faa"])) for keys in of_function(renamed)]
    assert Keys(("dest",), ("faa",)) in fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from a join b using (k, \"L\")", Keys(("k", "L"), ("k", "L"), None, "b")),
        (
            "select * from flights f left join planes as p on f.tail = p.tailnum",
            Keys(("tail",), ("tailnum",), "flights", "planes"),
        ),
        ("from a join b on (a.x = b.x and b.y = a.z)", Keys(("x", "z"), ("x", "y"), "a", "b")),
    ],
)
def test_sql_shows_its_joins(text: str, expected: Keys) -> None:
    """By USING and by equal columns, with aliases and in any order of the sides."""
    assert of_sql(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "from a join b on a.x > b.x",
        "from a join b on x = y",
        "select 'a join b using (k)'",
        "from a cross join b",
    ],
)
def test_other_conditions_have_no_keys(text: str) -> None:
    """Only equal columns of two named tables are keys."""
    assert of_sql(text) == ()


def test_keys_are_shown_by_their_names() -> None:
    """Two names are shown as an equation."""
    assert shown(Keys(("a", "b"), ("a", "c"))) == ["a", "b = c"]
