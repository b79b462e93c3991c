"""`trace_run`: rows of kept datasets followed back and forward, exact, likely, unknown or lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.errors import QueryError, RunNotFoundError, StoreError
from odibi_core.orchestrator import Orchestrator
from odibi_core.runtime.tracing import Link, Trace, trace_run

CUSTOMERS = 40


def orders() -> pd.DataFrame:
    ids = range(1_000)
    status = ["paid" if each % 4 else "void" for each in ids]
    return pd.DataFrame({"order_id": ids, "customer": [each % 50 for each in ids], "amount": 1.5, "status": status})


def customers() -> pd.DataFrame:
    return pd.DataFrame({"customer": range(CUSTOMERS), "segment": ["abcd"[each % 4] for each in range(CUSTOMERS)]})


def paid(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[orders["status"] == "paid"]


def joined(paid: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    return paid.merge(customers, on="customer", how="left")


def by_segment(joined: pd.DataFrame) -> pd.DataFrame:
    return joined.groupby("segment", as_index=False).agg(orders=("order_id", "count"))


def renamed(paid: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"number": paid["order_id"] + 1})


def last(by_segment: pd.DataFrame, renamed: pd.DataFrame) -> pd.DataFrame:
    return by_segment


STEPS: list[Any] = [orders, customers, paid, joined, by_segment, renamed, last]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run that kept what its steps take."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ODIBI_KEEP__FRAMES", "all")
        Orchestrator(STEPS, pipeline_name="shop", store=folder).execute()
    return folder


def links(found: Trace) -> dict[str, Link]:
    return {link.dataset: link for link in found.links}


def test_a_row_of_a_join_comes_from_one_row_of_each_input(store: Path) -> None:
    """The links are exact, because the columns that pass through are keys of the inputs, and are in their order."""
    found = trace_run(store, None, "joined", "order_id = 17")
    assert found.rows == 1
    by_name = links(found)
    assert {name: (each.direction, each.rows, each.level) for name, each in by_name.items()} == {
        "orders": ("back", 1, "exact"),
        "customers": ("back", 1, "exact"),
        "paid": ("back", 1, "exact"),
        "joined": ("start", 1, "exact"),
        "by_segment": ("forward", 1, "exact"),
        "last": ("forward", None, "unknown"),
    }
    assert by_name["last"].reason.startswith("last: it was not kept")


def test_a_group_comes_from_all_of_its_rows(store: Path) -> None:
    """An aggregation is recognised by its groups: each combination of values is one row of it."""
    (link,) = [each for each in trace_run(store, None, "by_segment", "segment = 'a'").links if each.dataset == "joined"]
    wanted = joined(paid(orders()), customers())
    assert (link.rows, link.level) == (int((wanted["segment"] == "a").sum()), "exact")


def test_a_lost_row_is_lost_at_its_step(store: Path) -> None:
    """No row downstream of it is looked for."""
    found = trace_run(store, None, "orders", "order_id in (4, 5)")
    assert (links(found)["paid"].rows, links(found)["joined"].rows) == (1, 1)
    lost = links(trace_run(store, None, "orders", "order_id = 4"))
    assert lost["paid"].is_lost
    assert lost["paid"].level == "exact"
    assert "lost in paid" in lost["paid"].reason
    assert "joined" not in lost


def test_rows_whose_values_do_not_pass_through_are_unknown(store: Path) -> None:
    """A step that computes every column anew has no row that can be found again."""
    link = links(trace_run(store, None, "paid", "order_id = 5"))["renamed"]
    assert (link.level, link.rows) == ("unknown", None)
    assert "no column" in link.reason


def test_rows_with_equal_values_are_only_likely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows of an input that are equal in the columns of the output cannot be distinguished."""
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")

    def twins() -> pd.DataFrame:
        return pd.DataFrame({"a": [1, 1, 2], "b": [1, 2, 3]})

    def few(twins: pd.DataFrame) -> pd.DataFrame:
        return twins[["a"]].iloc[[0, 2]]

    def end(few: pd.DataFrame) -> pd.DataFrame:
        return few

    Orchestrator([twins, few, end], pipeline_name="twins", store=tmp_path).execute()
    back = links(trace_run(tmp_path, None, "few", "a = 1"))["twins"]
    assert (back.rows, back.level) == (2, "likely")


@pytest.mark.parametrize("where", ["order = 1", "1 = 1) --", "1 in (from sales)", "1 in (from 'a.csv')"])
def test_a_condition_reads_the_dataset_alone(store: Path, where: str) -> None:
    """Another table, a file or a second statement is refused."""
    with pytest.raises(QueryError, match="--where must be a condition on the columns of orders"):
        trace_run(store, None, "orders", where)


def test_a_dataset_must_be_of_the_run_and_kept(store: Path) -> None:
    """The error names the nearest dataset, or the setting that keeps datasets."""
    with pytest.raises(RunNotFoundError, match="orders"):
        trace_run(store, None, "order", "1 = 1")
    with pytest.raises(StoreError, match="ODIBI_KEEP__FRAMES"):
        trace_run(store, None, "last", "1 = 1")


def test_values_are_shown_only_if_keys_are(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ODIBI_ROWS__SHOW=keys the answer has numbers of rows alone."""
    assert not any(each.examples for each in trace_run(store, None, "joined", "order_id = 17").links)
    monkeypatch.setenv("ODIBI_ROWS__SHOW", "keys")
    assert links(trace_run(store, None, "joined", "order_id = 17"))["paid"].examples[0]["order_id"] == 17


def test_a_step_runs_again_only_if_that_is_asked_for(store: Path) -> None:
    """The dataset of the last step is made again from its kept inputs."""
    found = trace_run(store, None, "last", "segment = 'a'", replays=True)
    assert links(found)["by_segment"].rows == 1


