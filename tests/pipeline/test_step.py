from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.pipeline import Policy, Step


class Rule:
    """As little as a step wants of a check."""

    name = "rule"

    def __init__(self, on: str | None = None) -> None:
        self.on = on

    def check(self, frames: Any) -> None:
        """Never called here."""


def test_a_step_is_a_value() -> None:
    """Two steps with equal fields are equal, and a field cannot be set afterwards."""
    assert Step(name="a", inputs=["x"]) == Step(name="a", inputs={"x": "x"})
    with pytest.raises(AttributeError):
        Step(name="a").name = "b"  # type: ignore[misc]


def test_a_step_keeps_no_hold_of_what_its_author_gave() -> None:
    """Changing a dict after it was given to a step does not change the step."""
    given = {"limit": 1}
    step = Step(name="a", params=given)
    given["limit"] = 2
    assert step.params == {"limit": 1}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("x", {"x": "x"}),
        (["x", "y"], {"x": "x", "y": "y"}),
        (("x",), {"x": "x"}),
        ({"left": "x"}, {"left": "x"}),
        (None, {}),
    ],
)
def test_inputs_may_be_keys_alone(given: Any, kept: dict[str, str]) -> None:
    """A text or a list of keys stands for a mapping in which each frame is called after its key."""
    assert Step(name="a", inputs=given).inputs == kept
    assert Step(name="a", layer="publish", outputs=given).outputs == kept


def test_a_step_makes_the_dataset_of_its_name() -> None:
    """A step that names no output makes one under its own name; one that publishes makes none."""
    assert Step(name="clean").outputs == {"out": "clean"}
    assert Step(name="save", layer="publish").outputs == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 3),
        ("layer", None),
        ("type", 1),
        ("engine", 1),
        ("inputs", 3),
        ("inputs", {"a": 1}),
        ("inputs", [["a"]]),
        ("outputs", {1: "a"}),
        ("params", {1: 2}),
        ("params", ["a"]),
        ("metadata", 1),
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("retry_delay_s", -1),
        ("retry_delay_s", float("nan")),
        ("timeout_s", 0),
        ("timeout_s", "1"),
        ("checks", [3]),
    ],
)
def test_a_field_of_the_wrong_shape_is_refused_at_once(field: str, value: Any) -> None:
    """The message names the step and the field, so that no pipeline is needed to understand it."""
    with pytest.raises(ConfigurationError) as caught:
        Step(**{"name": "clean", field: value})
    assert field in str(caught.value)
    assert field == "name" or "'clean'" in str(caught.value)


def test_a_refusal_never_looks_into_a_value() -> None:
    """A value whose repr raises is named by its class."""

    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(ConfigurationError, match="a Hostile"):
        Step(name="a", params=Hostile())  # type: ignore[arg-type]


def test_policy_of_a_step() -> None:
    """A step without retries and timeout is plain; the others have a policy of attempts."""
    assert Step(name="a").policy.plain
    assert Step(name="a", retries=2, retry_delay_s=1).policy == Policy(retries=2, retry_delay_s=1)
    assert not Step(name="a", timeout_s=1).policy.plain


def test_one_check_may_stand_alone() -> None:
    """`checks=not_null("id")` is the same as a list of it."""
    rule: Any = Rule()
    assert Step(name="a", checks=rule).checks == (rule,)
    assert Step(name="a", checks=[rule]).checks == (rule,)


@pytest.mark.parametrize(
    ("fields", "operation"),
    [
        ({"value": len}, "call"),
        ({"value": len, "layer": "ingest"}, "call"),
        ({"value": "select 1", "type": "sql"}, "sql"),
        ({"value": "a.csv", "layer": "ingest"}, "read"),
        ({"value": Path("a.csv"), "layer": "ingest"}, "read"),
        ({"value": "a.csv", "layer": "ingest", "type": "config_op"}, "read"),
        ({"value": "a.csv", "layer": "publish"}, "write"),
        ({"value": "a.csv", "layer": "store"}, "write"),
        ({"value": "db://", "layer": "connect"}, "give"),
        ({"layer": "connect", "type": "config_op"}, "give"),
        ({}, None),
        ({"value": "a.csv"}, None),
        ({"value": " ", "layer": "ingest"}, None),
        ({"value": len, "type": "sql"}, None),
        ({"layer": "connect"}, None),
    ],
)
def test_what_running_a_step_means(fields: dict[str, Any], operation: str | None) -> None:
    """Type, layer and value together decide it, in one place for validation and run."""
    assert Step(name="a", **fields).operation == operation
