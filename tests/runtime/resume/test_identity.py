"""The identity of a step: bounded, whatever the values that its function uses."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.pipeline import Step
from odibi_core.runtime.resume.identity import Identities


def _laughs() -> list[Any]:
    """A list of lists that share members: a hundred levels, 2^100 members."""
    value: list[Any] = ["ha"]
    for _ in range(100):
        value = [value, value]
    return value


def _ring() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [_laughs(), {"a": _laughs()}, list(range(1_000_000)), {frozenset({(number, number)}) for number in range(60_000)}],
    ids=["shared lists", "in a dict", "a million members", "sets"],
)
def test_a_large_value_makes_the_identity_unknown(value: Any) -> None:
    """With the reason, at once: the step is then run again."""
    found = Identities().of(Step(name="uses", value=lambda: value))
    assert "uses more than 50,000 values" in found["code_unknown"]


def test_a_list_that_holds_itself_makes_it_unknown() -> None:
    """As a value that cannot be read."""
    value = _ring()
    assert "code_unknown" in Identities().of(Step(name="uses", value=lambda: value))
