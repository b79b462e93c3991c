"""The column lineage of a run: its events, its lineage, its edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.engines.lineage.base import FrameColumns, Origin, Source
from odibi_core.engines.lineage.items import of_items
from odibi_core.errors import ConfigurationError
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.observability import node, observe
from odibi_core.store.runs import RunStore

ORDERS = pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})
TOTAL = "select customer as buyer, sum(amount) as total from orders where amount > 0 group by customer"


def orders() -> pd.DataFrame:
    return ORDERS.copy()


def lineage_of(result: Any, step: str) -> dict[str, Any]:
    steps = {each["step_name"]: each for each in result["tracker"].export_lineage()["steps"]}
    found: dict[str, Any]
    (found,) = steps[step]["column_lineage"]
    return found


def by_column(lineage: dict[str, Any]) -> dict[str, list[str] | None]:
    return {
        each["column"]: None
        if each["sources"] is None
        else [f"{source['dataset']}.{source['column']}" for source in each["sources"]]
        for each in lineage["columns"]
    }


def test_a_sql_step_has_its_columns_in_lineage_and_edges() -> None:
    """The edge has the sources, the columns that decide about rows, the method and the confidence."""
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=".odibi").execute()
    lineage = lineage_of(result, "total")
    assert by_column(lineage) == {"buyer": ["orders.customer"], "total": ["orders.amount"]}
    store = RunStore(".odibi")
    (edge,) = as_dicts("edges", tables_of(store.read(result["run_id"]))["edges"])
    assert edge["column_sources"] == '{"buyer":["customer"],"total":["amount"]}'
    assert edge["deciding_columns"] == '["amount","customer"]'
    assert (edge["unknown_columns"], edge["columns_method"], edge["columns_confidence"]) == ("[]", "sql", 1.0)


def test_a_renamed_column_is_found_and_not_only_dropped_and_added() -> None:
    """It is also among the added and the removed columns, which older readers know."""
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    total = result["tracker"].export_lineage()["steps"][1]
    assert total["schema_diff"]["renamed_columns"] == [{"before": "customer", "after": "buyer"}]
    assert "buyer" in total["schema_diff"]["added_columns"]


def test_a_step_that_writes_and_hands_on_copies_its_columns() -> None:
    """Each column is the same one of its input."""
    steps = [Step(name="orders", value=orders), Step(name="kept", layer="store", value="kept.csv", inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    assert by_column(lineage_of(result, "kept")) == {"customer": ["orders.customer"], "amount": ["orders.amount"]}


def test_without_the_setting_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_SNAPSHOT__LINEAGE=false` turns every method off."""
    monkeypatch.setenv("ODIBI_SNAPSHOT__LINEAGE", "false")
    steps = [Step(name="orders", value=orders), Step(name="total", type="sql", value=TOTAL, inputs=["orders"])]
    result = Orchestrator(steps, store=False).execute()
    assert "column_lineage" not in result["tracker"].export_lineage()["steps"][1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"total": ["other.amount"]}, "columns must name input.column, got 'other.amount'"),
        ({"total": [3]}, "columns must be a list of columns for 'total', got a list"),
        ([("total", "amount")], "columns must be names of columns mapped to lists"),
    ],
)
def test_a_wrong_declaration_is_refused_before_the_run(columns: Any, message: str) -> None:
    """It names what was given."""
    with pytest.raises(ConfigurationError, match=message):
        Step(name="total", value=len, inputs=["orders", "people"], columns=columns)


PEOPLE = pd.DataFrame({"customer": ["ada", "bob", "eve"], "country": ["UK", "NO", "DE"]})


def edges_of(run_id: str) -> dict[tuple[str, str], Any]:
    rows = as_dicts("edges", tables_of(RunStore(".odibi").read(run_id))["edges"])
    return {(each["source"], each["target"]): each["column_sources"] for each in rows}


def lineages(run_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The lineage that each event of a run has, in order."""
    return [
        (str(event.fields["dataset"]), {each["column"]: each["sources"] for each in event.fields["columns"]})
        for event in RunStore(".odibi").read(run_id)
        if event.event_type == "column_lineage"
    ]


def people() -> pd.DataFrame:
    return PEOPLE.copy()


def buyers() -> pd.DataFrame:
    return PEOPLE.rename(columns={"customer": "buyer"})


def test_an_observed_function_has_the_columns_that_its_frame_took_over() -> None:
    """Also of an attribute of a container and of a frame that is yielded; the edge has them."""

    @node
    def renamed(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        return {"main": frame.rename(columns={"customer": "client"})}

    @node
    def yielded(frames: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield frames["main"][["country"]].assign(other=["x", "y", "z"])

    with observe("shop") as run:
        list(yielded(renamed(node(people)())))
    found = dict(lineages(run.run_id))
    assert [found["renamed.main"][name][0]["column"] for name in ("client", "country")] == ["customer", "country"]
    assert set(found["yielded"]) == {"country"}
    assert edges_of(run.run_id) == {
        ("people", "renamed"): '{"client":["customer"],"country":["country"]}',
        ("renamed", "yielded"): '{"country":["country"]}',
    }


def test_a_node_that_is_called_again_is_looked_at_if_its_frames_are_others() -> None:
    """The same frames again are no event; another dataset adds its columns to those that are known."""
    copied = node(name="copied")(lambda frame: frame.copy())
    with observe("shop") as run:
        first, second = node(people)(), node(buyers)()
        for frame in (first, first, second, second):
            copied(frame)
    found = lineages(run.run_id)
    assert [dataset for dataset, _ in found] == ["copied", "copied"]
    assert {
        name: {source["dataset"] for source in sources} for name, sources in found[-1][1].items()
    } == {"customer": {"people"}, "country": {"people", "buyers"}, "buyer": {"buyers"}}  # fmt: skip


def test_an_edge_that_is_only_probable_has_no_columns() -> None:
    """A view of a frame may have other values than the frame: nothing is not the finding that there are none."""
    with observe("shop") as run:
        made = node(people)()
        node(name="copied")(lambda frame: frame.copy())(made[["customer", "country"]])
    assert edges_of(run.run_id) == {("people", "copied"): None}


def test_without_the_setting_an_observed_function_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_SNAPSHOT__LINEAGE=false` counts for `@node` too."""
    monkeypatch.setenv("ODIBI_SNAPSHOT__LINEAGE", "false")
    with observe("shop") as run:
        node(name="copied")(lambda frame: frame.copy())(node(people)())
    assert not lineages(run.run_id)


def parts() -> list[pd.DataFrame]:
    return [PEOPLE.assign(part=number) for number in range(5)]


def shown(part: pd.DataFrame) -> pd.DataFrame:
    return part.rename(columns={"customer": "client"})


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_mapped_step_has_the_columns_of_its_first_items(executor: str) -> None:
    """The record has how many of the items were looked at, and is less sure than of all."""
    steps = [
        Step(name="parts", value=parts),
        Step(name="shown", value=shown, inputs={"part": "parts"}, map="part", combine="rows"),
    ]
    lineage = lineage_of(Orchestrator(steps, store=False, executor=executor, max_workers=1).execute(), "shown")
    assert by_column(lineage) == {"client": ["parts.customer"], "country": ["parts.country"], "part": ["parts.part"]}
    assert (lineage["items_seen"], lineage["items"]) == (3, 5)
    assert {each["confidence"] for each in lineage["columns"]} == {0.9}


def test_a_column_of_some_items_is_unknown_if_one_of_them_shows_no_source() -> None:
    """The finding of one item does not stand for another item that differs."""
    known = FrameColumns([Origin("a", (Source("k", "a"),), "content", 0.99)])
    other = FrameColumns([Origin("a", (Source("k", "b"),), "content", 0.99), Origin("b", None, unknown="changed")])
    merged = of_items([known, other, "no time"], 2, ["a", "b", "c"], "no look").record()
    assert [source["column"] for source in merged["columns"][0]["sources"]] == ["a", "b"]
    assert merged["columns"][0]["confidence"] == 0.99
    assert {each["reason"]: each["columns"] for each in merged["unknown"]} == {
        "changed": ["b"], "no item with it was looked at": ["c"],
    }  # fmt: skip
    assert of_items(["no time"], 2, ["a"], "no look").record()["unknown"][0]["reason"] == "no time"
