"""Data contracts as checks: each rule has a result, and a bad contract is refused with its places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import yaml

from odibi_core import history
from odibi_core.checks import CheckResult, from_contract
from odibi_core.errors import CheckError
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

FILE = Path(__file__).parent / "orders.odcs.yaml"
GOOD: dict[str, Any] = {
    "id": [1, 2, 3],
    "status": ["open", "open", "closed"],
    "amount": [1.5, 20.0, 0.0],
    "created": [datetime.now(UTC) - timedelta(hours=hours) for hours in (1, 2, 3)],
}


def results(frame: Any, file: Path = FILE, name: str = "orders") -> dict[str, CheckResult]:
    found = [check.check({"out": frame}) for check in from_contract(file, name)]
    return {f"{each.check} {each.column or ''}".strip(): each for each in found}


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_good_data_passes_every_rule_that_can_be_asked(make: Any) -> None:
    """The others are not checked, each with its reason."""
    found = results(make(GOOD))
    assert {name: each.message for name, each in found.items() if each.passed is False} == {}
    assert {name for name, each in found.items() if each.passed is None} == {
        "orders.amount.format amount", "orders.quality.honest", "orders.quality.soda", "sla.retention",
    }  # fmt: skip
    assert all("not checked, because" in each.message for each in found.values() if each.passed is None)
    assert {(each.contract, each.contract_name, each.contract_version) for each in found.values()} == {
        ("orders-7", "Orders of the shop", "2.1.0")
    }


BAD: dict[str, dict[str, Any]] = {
    "orders.id.logicalType id": {"id": ["a", "b", "c"]},
    "orders.id.physicalType id": {"id": [1.5, 2.5, 3.5]},
    "orders.primaryKey.unique id": {"id": [1, 1, 2]},
    "orders.status.required status": {"status": ["open", None, "open"]},
    "orders.status.maxLength status": {"status": ["open", "reopened", "open"]},
    "orders.status.pattern status": {"status": ["open", "Open", "open"]},
    "orders.status.quality.known status": {"status": ["open", "lost", "open"]},
    "orders.status.quality.filled status": {"status": ["open", "N/A", ""]},
    "orders.amount.minimum amount": {"amount": [-1.0, 20.0, 1.0]},
    "orders.amount.exclusiveMaximum amount": {"amount": [1000.0, 20.0, 1.0]},
    "orders.amount.multipleOf amount": {"amount": [0.3, 20.0, 1.0]},
    "orders.amount.quality.0 amount": {"amount": [None, 20.0, 1.0]},
    "orders.amount.quality.1 amount": {"amount": [1.0, 1.0, 1.0]},
    "orders.quality.rows": {"id": [], "status": [], "amount": [], "created": []},
    "orders.quality.pair id, status": {"id": [1, 1, 2], "status": ["open", "open", "open"]},
    "sla.fresh created": {"created": [datetime(2020, 1, 1, tzinfo=UTC)] * 3},
}


@pytest.mark.parametrize("rule", BAD)
def test_each_rule_fails_for_bad_data(rule: str) -> None:
    """With its own name."""
    frame = pl.DataFrame({**GOOD, **BAD[rule]})
    assert results(frame)[rule].passed is False


def test_severities_are_those_of_the_rules() -> None:
    """A warning does not fail a step; an argument overrides all."""
    by_name = {check.name: check.severity for check in from_contract(FILE, "orders")}
    assert by_name["orders.amount.quality.0"] == "warn"
    assert by_name["orders.quality.rows"] == "error"
    assert {check.severity for check in from_contract(FILE, "orders", severity="warn")} == {"warn"}


def test_the_primary_key_is_the_key_of_the_examples() -> None:
    """So that the failing rows can be found."""
    found = results(pl.DataFrame({**GOOD, "amount": [-1.0, 2.0, 2.0]}))["orders.amount.minimum amount"]
    assert found.examples == [{"id": 1, "amount": -1.0}]


def test_a_missing_column_fails_its_rules() -> None:
    """And no other one."""
    found = results(pl.DataFrame({name: values for name, values in GOOD.items() if name != "amount"}))
    failed = {name for name, each in found.items() if each.passed is False}
    assert failed
    assert all("amount" in name for name in failed)


def test_a_percentage_of_no_rows_is_not_checked() -> None:
    """0 rows have none."""
    empty = pl.DataFrame(GOOD).clear()
    assert results(empty)["orders.status.quality.filled status"].passed is None


def test_results_are_in_the_table_with_the_contract(tmp_path: Path) -> None:
    """A step takes the list as it is."""
    step = Step(name="orders", value=lambda: pl.DataFrame(GOOD), checks=from_contract(FILE, "orders"))
    Orchestrator([step], store=tmp_path / "store").execute()
    rows = history(tmp_path / "store").sql(
        "select distinct contract, contract_name, contract_version from checks where key_columns is not null"
    )
    assert rows.rows[0]["contract_version"] == "2.1.0"


def change(tmp_path: Path, edit: Any) -> Path:
    content = yaml.safe_load(FILE.read_text())
    edit(content)
    file = tmp_path / "bad.odcs.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


PROBLEMS: dict[str, tuple[Any, str]] = {
    "version": (lambda c: c.update(apiVersion="v2.2.0"), "apiVersion must be a version 3"),
    "kind": (lambda c: c.update(kind="Contract"), "kind must be DataContract"),
    "id": (lambda c: c.pop("id"), "id must be a text, got None"),
    "schema": (lambda c: c.update(schema={"a": 1}), "schema must be a list, got a dict"),
    "object": (lambda c: c["schema"].append(5), r"schema\[2\] must be a mapping"),
    "twice": (lambda c: c["schema"].append(c["schema"][0]), "object 'orders' twice"),
    "name": (lambda c: c["schema"][0]["properties"][0].pop("name"), r"schema\[0\].properties\[0\].name must be"),
    "type": (
        lambda c: c["schema"][0]["properties"][1].update(logicalType="strng"),
        r"schema\[0\].properties\[1\].logicalType must be one of .*did you mean 'string'",
    ),
    "flag": (lambda c: c["schema"][0]["properties"][1].update(required="yes"), "required must be true or false"),
    "metric": (
        lambda c: c["schema"][0]["quality"][0].update(metric="rowCont"),  r"quality\[0\].metric .*'rowCount'",
    ),
    "operator": (
        lambda c: c["schema"][0]["quality"][0].update(mustBeLesThan=3), "mustBeLesThan is no operator .*mustBeLessThan",
    ),
    "no operator": (lambda c: c["schema"][0]["quality"][0].pop("mustBeBetween"), "needs an operator"),
    "ends": (lambda c: c["schema"][0]["quality"][0].update(mustBeBetween=[5, 1]), "two numbers in order"),
    "sql": (lambda c: c["schema"][0]["properties"][2]["quality"][1].update(query="DROP TABLE x"), "quality.1: query"),
    "option": (
        lambda c: c["schema"][0]["properties"][1].update(logicalTypeOptions={"pattern": "("}),
        "logicalTypeOptions.pattern",
    ),
    "unit": (lambda c: c["slaProperties"][0].update(unit="fortnight"), r"slaProperties\[0\]"),
    "list": (lambda c: c["schema"][0]["quality"][1].update(arguments={}), "arguments.properties must be a list"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_bad_contract_is_refused_with_file_and_place(name: str, tmp_path: Path) -> None:
    """Before anything runs, with what would be right."""
    edit, expected = PROBLEMS[name]
    file = change(tmp_path, edit)
    with pytest.raises(CheckError, match=expected) as raised:
        from_contract(file, "orders")
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "a: !!python/object/apply:os.system ['true']", "\x00", "- " * 5000])
def test_what_is_no_contract_is_refused(text: str, tmp_path: Path) -> None:
    """No object of Python is made, and nothing raises another error."""
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(CheckError, match="contract"):
        from_contract(file)


def test_the_object_is_named_if_there_are_several() -> None:
    """With the nearest one."""
    with pytest.raises(CheckError, match="its objects are orders, customers"):
        from_contract(FILE)
    with pytest.raises(CheckError, match="did you mean 'orders'"):
        from_contract(FILE, "ordrs")
    with pytest.raises(CheckError, match="cannot be read"):
        from_contract("none.yaml")
