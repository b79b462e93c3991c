"""The columns that decide about the rows of a function: those that a rule proves, in every answer, and no others."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core import Orchestrator, Step
from odibi_core.history.rows.tables import as_dicts, tables_of
from odibi_core.openlineage import openlineage_events
from odibi_core.store.runs import RunStore
from odibi_core.views.deciding_columns import deciding_columns

DATASETS = {"flights": "flights", "other": "planes"}
DELAY = {"any_of": [[{"op": "lt", "columns": ["delay"], "value": 0}], [{"op": "null", "columns": ["tail"]}]]}
IN_OTHER = {"any_of": [[{"op": "not_in_input", "columns": ["tail"], "other": "other", "keys": ["tailnum"]}]]}


def cause(rows: int, rule: Any = DELAY, level: str = "exact", **more: Any) -> dict[str, Any]:
    return {"side": "lost", "rows": rows, "of": 5, "level": level, "rule": rule, **more}


def change(*causes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"main_dataset": "flights", "kind": "filter", "lost": 5, "gained": 0, "causes": list(causes), **more}


def decided(fields: dict[str, Any], *joins: dict[str, Any]) -> set[str] | None:
    found = deciding_columns(fields, joins, DATASETS)
    return None if found is None else {
        f"{each['dataset']}.{each['column']} {way['subtype']}" for each in found for way in each["transformations"]
    }  # fmt: skip


JOIN = {"left": "flights", "right": "planes", "keys": ["tail = tailnum", "day"]}
KEYS = {"flights.tail JOIN", "planes.tailnum JOIN", "flights.day JOIN", "planes.day JOIN"}


@pytest.mark.parametrize(
    ("fields", "joins", "expected"),
    [
        (change(cause(5)), (), {"flights.delay FILTER", "flights.tail FILTER"}),
        (change(cause(2), cause(3, IN_OTHER)), (),
         {"flights.delay FILTER", "flights.tail FILTER", "planes.tailnum FILTER"}),
        (change(cause(5), kind="dedup"), (), {"flights.delay GROUP_BY", "flights.tail GROUP_BY"}),
        (change(kind="left join", lost=0, gained=3), (JOIN,), KEYS),
        (change(kind="inner join", unmatched={"other": 5}), (JOIN,), KEYS),
        (change(cause(5), kind="inner join"), (JOIN,), {*KEYS, "flights.delay FILTER", "flights.tail FILTER"}),
        (change(cause(5, IN_OTHER), kind="inner join", unmatched={"other": 5}), (),
         {"flights.tail JOIN", "planes.tailnum JOIN"}),
        (change(cause(5, IN_OTHER), cause(5), cause(2)), (), {"flights.tail FILTER", "planes.tailnum FILTER"}),
        (change(cause(5, {"any_of": [[{"op": "row.ge", "columns": [], "value": 9}]]}), kind="head"), (), set()),
    ],
)  # fmt: skip
def test_a_proved_rule_and_the_keys_of_a_join_decide(
    fields: dict[str, Any], joins: Any, expected: set[str]
) -> None:
    """Of all tests of all rules that together explain every row; a number of rows is decided by no column."""
    assert decided(fields, *joins) == expected


@pytest.mark.parametrize(
    ("fields", "joins"),
    [
        (change(), ()),
        (change(cause(4)), ()),
        (change(cause(5, level="part")), ()),
        (change(cause(5, rule=None)), ()),
        (change(cause(5, same_rows_as=["tail IS NULL"])), ()),
        (change(cause(5, {"any_of": [[{"op": "not_in_input", "columns": ["tail"], "other": "?"}]]})), ()),
        (change(lost=0), ()),
        (change(lost=None), ()),
        (change(cause(5), main_dataset=None), ()),
        (change(kind="left join", lost=0, gained=3), ({**JOIN, "skipped": "no time"},)),
        (change(kind="inner join", unmatched={"other": 4}), (JOIN,)),
        (change(cause(5), kind="inner join"), ()),
        (change(kind="left join", lost=0, gained=0), ()),
        (change(cause(4), cause(4)), ()),
        ({"main_dataset": 7, "kind": [], "lost": "x", "causes": 3}, ({},)),
    ],
)
def test_what_no_rule_proves_is_unknown(fields: dict[str, Any], joins: Any) -> None:
    """Never an empty list: some rows are not explained, or another rule selects the same ones."""
    assert decided(fields, *joins) is None


def flights() -> pd.DataFrame:
    numbers = range(60)
    return pd.DataFrame({"tail": [f"N{at % 7}" for at in numbers], "delay": [at * 7 % 23 - 5 for at in numbers]})


def late(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[flights["delay"] > 0]


def test_the_columns_of_a_rule_are_in_lineage_edges_and_openlineage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold over events: the record has them in every answer, with their method."""
    monkeypatch.setenv("ODIBI_ROWS__EXPLAIN", "all")
    steps = [Step(name="flights", value=flights), Step(name="late", value=late, inputs=["flights"])]
    result = Orchestrator(steps, store=".odibi").execute()
    step = result["tracker"].export_lineage()["steps"][1]
    (lineage,) = step["column_lineage"]
    assert [(each["dataset"], each["column"]) for each in lineage["indirect"]] == [("flights", "delay")]
    assert lineage["indirect_method"] == "rule"
    events = list(RunStore(".odibi").read(result["run_id"]))
    (edge,) = as_dicts("edges", tables_of(events)["edges"])
    assert edge["deciding_columns"] == '["delay"]'
    made = [each for each in openlineage_events(events) if each["outputs"] and each["eventType"] == "COMPLETE"]
    facets = made[-1]["outputs"][0]["facets"]
    (source,) = facets["columnLineage"]["dataset"]
    assert (source["field"], source["transformations"][0]["subtype"]) == ("delay", "FILTER")
    assert facets["odibi_columns"]["indirect_method"] == "rule"
    assert "indirect_unknown" not in facets["odibi_columns"]
