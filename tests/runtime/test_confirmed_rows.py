"""The rule of the last good run, confirmed on the rows of a run that looks as usual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core import Orchestrator
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.store.runs import RunStore

ROWS = 4_000
Library = Callable[[dict[str, Any]], Any]


def frame(make: Library, shift: int = 0) -> Any:
    amounts = [(n * 7_919 + shift) % ROWS for n in range(ROWS)]
    countries = [f"c{n % 7}" for n in range(ROWS)]
    return make({"id": [f"o{n}" for n in range(ROWS)], "amount": amounts, "country": countries})


def run(make: Library, keep: Callable[[Any], Any], shift: int = 0) -> dict[str, Any]:
    def orders() -> Any:
        return frame(make, shift)

    def kept(orders: Any) -> Any:
        return keep(orders)

    result = Orchestrator([orders, kept], store=".odibi", pipeline_name="shop").execute()
    (row,) = as_dicts("row_changes", tables_of(RunStore(".odibi").read(result["run_id"]))["row_changes"])
    return row


def small(orders: Any) -> Any:
    return _filtered(orders, "<")


def large(orders: Any) -> Any:
    return _filtered(orders, ">=")


def _filtered(orders: Any, sign: str) -> Any:
    if isinstance(orders, pl.DataFrame):
        return orders.filter(pl.col("amount") < 2_000 if sign == "<" else pl.col("amount") >= 2_000)
    return orders[orders["amount"] < 2_000 if sign == "<" else orders["amount"] >= 2_000]


def renumbered(orders: Any) -> Any:
    return _filtered(orders, "<").reset_index(drop=True)


def shuffled(orders: Any) -> Any:
    return _filtered(orders, "<").sort_values("id", ascending=False).reset_index(drop=True)


@pytest.mark.parametrize(("make", "keep"), [(pd.DataFrame, small), (pl.DataFrame, small), (pd.DataFrame, renumbered)])
def test_a_rule_that_holds_is_confirmed_in_each_run(make: Library, keep: Callable[[Any], Any]) -> None:
    """Also on other rows than those of the last good run, and without an explanation."""
    assert run(make, keep)["rule"] == "amount >= 2000"
    for shift in (3, 5):
        row = run(make, keep, shift)
        assert (row["confirmed"], row["asked"], row["unusual"], row["lost"]) == (True, "off", False, 2_000)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_an_inverted_filter_with_as_many_rows_is_unusual(make: Library) -> None:
    """The counts show nothing; the rule of the last good run no longer selects the lost rows."""
    run(make, small)
    row = run(make, large)
    assert (row["rows_in"], row["rows_out"], row["usual_rows_out"]) == (ROWS, 2_000, 2_000)
    assert (row["confirmed"], row["asked"], row["unusual"]) == (False, "unconfirmed", True)
    assert (row["rule"], row["usual_rule"]) == ("amount < 2000", "amount >= 2000")


def test_without_work_for_it_nothing_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotaged twin: by its counts, an inverted filter is as usual."""
    monkeypatch.setenv("ODIBI_ROWS__CONFIRM", "0")
    run(pd.DataFrame, small)
    row = run(pd.DataFrame, large)
    assert (row["confirmed"], row["asked"], row["unusual"]) == (None, "off", False)


def test_rows_in_another_order_are_explained_once() -> None:
    """The explanation finds the rule again; it is neither unusual nor explained in each run from then on."""
    run(pd.DataFrame, small)
    found = [run(pd.DataFrame, shuffled) for _ in range(2)]
    assert [(row["confirmed"], row["asked"], row["unusual"]) for row in found] == [
        (True, "unconfirmed", False), (None, "off", False),
    ]  # fmt: skip
