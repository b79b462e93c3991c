"""Column lineage by content: identities, renames, rows found again, and what stays unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines.lineage.budgeted import NO_FRAMES, SPENT, ContentLineage
from odibi_core.engines.lineage.content import NO_TIME, content_columns
from odibi_core.engines.lineage.looks import look_of, plain
from odibi_core.engines.lineage.row_maps import Searches
from odibi_core.engines.stats_budget import Budget
from odibi_core.testing import FakeClock

_SOME = np.random.default_rng(3)
ROWS = 300
ORDERS = pd.DataFrame(
    {
        "id": np.arange(ROWS) * 7 + 3,
        "customer": _SOME.choice(["ada", "bob", "eve", "joe", "kim"], ROWS),
        "amount": _SOME.random(ROWS).round(4),
        "qty": _SOME.integers(1, 9, ROWS),
        "day": pd.date_range("2026-01-01", periods=ROWS, freq="7h"),
    }
)
PEOPLE = pd.DataFrame({"customer": ["ada", "bob", "eve", "joe"], "country": ["UK", "NO", "DE", "FR"]})
LIBRARIES = {"pandas": lambda frame: frame.copy(), "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}
EVERY: dict[str, Any] = {str(name): [f"orders.{name}"] for name in ORDERS}


def columns_of(function: Callable[..., Any], *frames: Any, budget: Budget | None = None) -> dict[str, Any]:
    """The sources of each column of what the function returns, or the reason why they are unknown."""
    names = ("orders", "people")[: len(frames)]
    keys = {name: name for name in names}
    content = ContentLineage(budget)
    looks = content.looks(dict(zip(names, frames, strict=True)))
    made = function(*frames)
    found = content.columns(
        looks,
        made,
        keys,
        list(made.collect_schema() if isinstance(made, pl.LazyFrame) else getattr(made, "columns", [])),
    )
    return {
        each.column: each.unknown
        if each.sources is None
        else [f"{source.dataset}.{source.column}" for source in each.sources]
        for each in found.origins
    }


def changed(orders: pd.DataFrame) -> pd.DataFrame:
    orders["amount"] = orders["amount"] * 2
    return orders


CHANGED = "no column of its inputs has its values"
PANDAS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "renamed": (
        lambda orders: orders.rename(columns={"amount": "total", "customer": "buyer"})[["buyer", "total"]],
        {"buyer": ["orders.customer"], "total": ["orders.amount"]},
    ),
    "filtered": (lambda orders: orders[orders["amount"] > 0.5], EVERY),
    "sorted without its labels": (lambda orders: orders.sort_values("amount").reset_index(drop=True), EVERY),
    "computed": (lambda orders: orders.assign(value=orders["amount"] * orders["qty"]), {**EVERY, "value": CHANGED}),
    "changed in place": (changed, {**EVERY, "amount": CHANGED}),
    "numbered": (lambda orders: orders.assign(number=range(len(orders))), {**EVERY, "number": CHANGED}),
    "constant": (lambda orders: orders.assign(source="shop"), {**EVERY, "source": CHANGED}),
    "grouped": (
        lambda orders: orders.groupby("customer", as_index=False).agg(total=("amount", "sum")),
        {"customer": ["orders.customer"], "total": CHANGED},
    ),
    "overwritten by another": (lambda orders: orders.assign(qty=orders["id"]), {**EVERY, "qty": ["orders.id"]}),
    "cast": (lambda orders: orders.astype({"qty": float}), EVERY),
}


@pytest.mark.parametrize("case", PANDAS)
def test_the_columns_of_a_pandas_function(case: str) -> None:
    """A column with the values of another one comes from it; of any other nothing is known."""
    function, expected = PANDAS[case]
    assert columns_of(function, ORDERS.copy()) == expected


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_are_found_again_in_every_library(library: str) -> None:
    """Filtered and renamed: polars and pyarrow have no labels, so a common column names the rows."""
    frame = LIBRARIES[library](ORDERS)
    functions: dict[str, Callable[[Any], Any]] = {
        "pandas": lambda orders: orders[orders["amount"] > 0.5].rename(columns={"amount": "total"}),
        "polars": lambda orders: orders.filter(pl.col("amount") > 0.5).rename({"amount": "total"}),
        "pyarrow": lambda orders: orders.filter(pa.compute.greater(orders["amount"], 0.5)).rename_columns(
            ["id", "customer", "total", "qty", "day"]
        ),
    }
    found = columns_of(functions[library], frame)
    assert found == {"id": ["orders.id"], "customer": ["orders.customer"], "total": ["orders.amount"],
                     "qty": ["orders.qty"], "day": ["orders.day"]}  # fmt: skip


def test_a_join_has_the_columns_of_both_sides() -> None:
    """Rows without a partner have no value there, and are no evidence against it."""
    found = columns_of(lambda orders, people: orders.merge(people, how="left"), ORDERS.copy(), PEOPLE.copy())
    assert found == {**EVERY, "country": ["people.country"]}


def test_frames_below_each_other_have_the_sources_of_both() -> None:
    """Each part is found in its own input."""
    found = columns_of(lambda orders, people: pd.concat([orders, people]), ORDERS[:150], ORDERS[150:])
    assert found == {name: [f"orders.{name}", f"people.{name}"] for name in ORDERS}


def test_a_frame_without_values_is_unknown() -> None:
    """Lazy frames are not executed to be looked at."""
    assert columns_of(lambda orders: orders, pl.from_pandas(ORDERS).lazy()) == dict.fromkeys(ORDERS, NO_FRAMES)


def test_without_time_left_it_is_unknown() -> None:
    """The reason is the budget, not the data."""
    budget = Budget(FakeClock(), share=0.01, floor_s=0.0)
    assert columns_of(lambda orders: orders, ORDERS.copy(), budget=budget) == dict.fromkeys(ORDERS, SPENT)


def test_a_library_that_raises_makes_nothing_known() -> None:
    """Recording never fails the step."""
    broken = pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"])
    assert set(columns_of(lambda orders: orders, broken).values()) == {NO_FRAMES}


def test_a_search_without_time_is_not_the_finding_that_nothing_is_there() -> None:
    """Rows that were not searched have the reason of the budget."""
    orders = pl.from_pandas(ORDERS)
    look = look_of(orders)
    assert look is not None
    made = look_of(orders.filter(pl.col("amount") > 0.5))
    assert made is not None
    found = content_columns({"orders": look}, made, {"orders": "orders"}, Searches(seconds=0.0))
    assert {each.unknown for each in found.origins} == {NO_TIME}


def test_missing_values_of_every_kind_are_equal() -> None:
    """None, NaN, NaT and pandas' own: no comparison with them raises."""
    assert {plain(value) for value in (None, float("nan"), pd.NaT, pd.NA)} == {None}
