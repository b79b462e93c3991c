"""The redaction of row changes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core.insight.base import Cause, RowChange, Rule, Test
from odibi_core.insight.privacy import redacted

PEOPLE = pd.DataFrame(
    {
        "name": ["Ann Smith", "Bob Stone", *["Cy Young"] * 98],
        "ssn": [f"{n:03}-45-6789" for n in range(100)],
        "origin": ["JFK", "LGA"] * 50,
        "distance": [*range(99), 50],
        "born": pd.date_range("1980-01-01", periods=100),
    }
)


def shown(*tests: Test, show: Any = "rule", named: Any = (), **fields: Any) -> Cause:
    cause = Cause("lost", 5, 5, text="a text", level="exact", rule=Rule((tests,)), **fields)
    change = redacted(RowChange(main="people", causes=(cause,)), {"people": PEOPLE}, show=show, named=named)
    return change.causes[0]


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (Test("eq", ("ssn",), "001-45-6789"), "ssn = [REDACTED]"),
        (Test("in", ("ssn",), ["001-45-6789", "002-45-6789"]), "ssn in {[REDACTED], [REDACTED]}"),
        (Test("eq", ("name",), "Ann Smith"), "name = <one value>"),
        (Test("ne", ("name",), "Ann Smith"), "name != <one value>"),
        (Test("starts", ("name",), "Ann"), "name starts with <one value>"),
        (Test("not_contains", ("name",), "Ann"), "name does not contain <one value> or NULL"),
        (Test("in", ("name",), ["Ann Smith", "Cy Young"]), "name in {<one value>, 'Cy Young'}"),
        (Test("lt", ("distance",), 7), "distance < <one value>"),
        (Test("between", ("distance",), [7, 1_000]), "<one value> <= distance <= 1000"),
        (Test("gt", ("born",), "1980-01-05"), "born > <one value>"),
        (Test("eq", ("gone",), "Ann"), "gone = <one value>"),
    ],
)
def test_a_constant_of_a_secret_column_or_of_few_rows_is_hidden_and_its_rule_left_out(test: Test, text: str) -> None:
    """The text has a mark in its place; a column that is not there fails closed."""
    found = shown(test)
    assert (found.text, found.rule) == (text, None)


@pytest.mark.parametrize(
    "test",
    [
        Test("in", ("origin",), ["JFK", "LGA"]),
        Test("gt", ("distance",), 7.5),
        Test("null", ("ssn",)),
        Test("year.eq", ("born",), 1980),
        Test("not_in_input", ("name",), None, "others", ("name",)),
        Test("eq", ("name",), "Cy Young"),
    ],
)
def test_other_constants_stay_with_their_rule(test: Test) -> None:
    """A value of five rows and more, a threshold between values, a part of a date, and no constant at all."""
    found = shown(test)
    assert (found.text, found.rule) == ("a text", Rule(((test,),)))


def test_a_constant_of_the_source_is_shown_unless_it_is_a_secret() -> None:
    """The record has the source of the step, so the value of one row in it is no news."""
    assert shown(Test("eq", ("name",), "Ann Smith"), named={"Ann Smith"}).rule is not None
    assert shown(Test("eq", ("ssn",), "001-45-6789"), named={"001-45-6789"}).rule is None


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("ssn", "001-45-6789", "ssn = [REDACTED] (of people)"),
        ("name", "Ann Smith", "name = <one value> (of people)"),
        ("name", "Cy Young", "name = 'Cy Young' (of people)"),
    ],
)
def test_a_constant_of_a_column_that_a_join_brought_is_hidden_by_its_own_name(
    column: str, value: str, text: str
) -> None:
    """The columns of such a test are the keys; its constant belongs to a column of the other input."""
    test = Test("of_input.eq", ("person",), value, "people", ("name", column))
    cause = Cause("lost", 5, 5, text="a text", level="exact", rule=Rule(((test,),)))
    frames = {"orders": pd.DataFrame({"person": ["Cy Young"] * 9}), "people": PEOPLE}
    found = redacted(RowChange(main="orders", causes=(cause,)), frames, show="rule").causes[0]
    assert found.text == (text if found.rule is None else "a text")
    assert (found.rule is None) is (value != "Cy Young")


def test_other_rules_of_the_same_rows_are_hidden_too() -> None:
    """Texts without their rules are kept only if they have no constant."""
    rare = Rule(((Test("eq", ("name",), "Ann Smith"),),))
    found = shown(Test("null", ("ssn",)), same_rows_as=("name = 'Ann Smith'",), same_rules=(rare,))
    assert (found.same_rows_as, found.same_rules) == (("name = <one value>",), ())
    found = shown(Test("null", ("ssn",)), same_rows_as=("name = 'Ann Smith'", "dep_time IS NULL"))
    assert found.same_rows_as == ("dep_time IS NULL",)


def test_keys_need_their_setting_and_five_rows() -> None:
    """`rule` shows none, `keys` those of five rows and more, redacted; `none` shows only numbers."""
    keys = ({"origin": "JFK"}, {"name": "Ann Smith"}, {"origin": "LGA", "ssn": "001-45-6789"})
    test = Test("null", ("ssn",))
    assert shown(test, keys=keys).keys == ()
    assert shown(test, keys=keys, show="keys").keys == ({"origin": "JFK"},)
    assert shown(test, keys=keys, show="none") == Cause("lost", 5, 5, level="exact")


def test_operators_of_a_plan_lose_their_secrets_and_with_none_their_details() -> None:
    """A condition is a text of the author, but its constants may be secrets."""
    stage = {"operator": "FILTER", "detail": "password = 'hunter2-hunter2'", "rows": 3}
    change = RowChange(stages=(stage,))
    (found,) = redacted(change, {}).stages
    assert "hunter2" not in found["detail"]
    assert found["rows"] == 3
    assert redacted(change, {}, show="none").stages == ({"operator": "FILTER", "rows": 3},)
