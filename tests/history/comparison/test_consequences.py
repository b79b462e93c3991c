"""The differences that follow from another one."""

from __future__ import annotations

from typing import Any

from odibi_core.history.comparison.consequences import begun
from odibi_core.history.comparison.difference import Difference


def one(family: Any, node: str, kind: str = "", **more: Any) -> Difference:
    return Difference(family=family, kind=kind or family, node=node, message=f"{node} {family}", **more)


def texts(found: list[Difference], **how: bool) -> list[tuple[str, list[str]]]:
    return [(first.message, [each.message for each in following]) for first, following in begun(found, **how)]


def test_the_values_of_a_step_with_other_rows_follow_from_them() -> None:
    """In any order; a schema does not, nor do the values of a step with its usual rows."""
    found = [one("schema", "a"), one("values", "a", column="x"), one("rows", "a"), one("values", "b")]
    assert texts(found, with_columns=True) == [
        ("a schema", []), ("a rows", ["a values"]), ("b values", []),
    ]  # fmt: skip
    assert texts(found) == [("a schema", []), ("a values", []), ("a rows", []), ("b values", [])]


def test_steps_downstream_follow_from_the_first() -> None:
    """A failed step stands for itself, and so does one whose origin is not there."""
    found = [
        one("failure", "a", kind="no_rows"),
        one("rows", "b", follows_from="a"),
        one("failure", "c", follows_from="a", after="failed"),
        one("values", "b", follows_from="a"),
        one("rows", "d", follows_from="gone"),
    ]
    assert texts(found, with_columns=True) == [
        ("a failure", ["b rows", "b values"]), ("c failure", []), ("d rows", []),
    ]  # fmt: skip
