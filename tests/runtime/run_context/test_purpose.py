"""Parameters, tags and the partition: typed, bounded, redacted, whatever a program passes."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pandas as pd
import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.events.sanitize import sanitize_field
from odibi_core.redaction.redactor import HIDDEN
from odibi_core.runtime.run_context.purpose import MAX_NAMES, MAX_VALUE, purpose_of
from odibi_core.settings.sections import Run


class Login(NamedTuple):
    user: str
    password: str


def recorded(**params: Any) -> dict[str, Any]:
    """The parameters as the bus delivers them."""
    found: dict[str, Any] = sanitize_field("params", purpose_of(params).fields()["params"])
    return found


def test_values_keep_their_types() -> None:
    """Numbers are numbers, times ISO texts, a path the path, a frame its shape."""
    assert recorded(
        a=1, b=1.5, c=True, d=None, e="x", f=date(2026, 1, 2), g=datetime(2026, 1, 2, 3, tzinfo=UTC), h=Decimal("1.10"),
        i=[1, {"x": (2,)}], j=Path("/srv/AKIAIOSFODNN7EXAMPLE/x"), k=pd.DataFrame({"x": [1, 2]}), l=float("nan"),
    ) == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "x", "f": "2026-01-02", "g": "2026-01-02T03:00:00+00:00",
        "h": "1.10", "i": [1, {"x": [2]}], "j": "/srv/AKIAIOSFODNN7EXAMPLE/x", "k": "<pandas.DataFrame 2 × 1>",
        "l": "NaN",
    }  # fmt: skip


def test_secrets_are_hidden_by_name_and_by_shape() -> None:
    """In containers and named tuples too."""
    login = Login("ann", "hunter2")
    found = recorded(
        password="hunter2", api_key=1234567, url="https://ann:hunter2@host/x", nested={"token": "hunter2"}, login=login,
        logins=[login], text="password=hunter2",
    )  # fmt: skip
    assert "hunter2" not in str(found)
    assert "1234567" not in str(found)
    assert found["login"] == ["ann", HIDDEN]


def test_hostile_values_are_bounded_and_leave_room_for_the_others() -> None:
    """Cycles, depth, 100 MB, texts that raise, lone surrogates."""

    class Evil:
        def __str__(self) -> str:
            raise RuntimeError("no")

    cycle: list[Any] = []
    cycle.append(cycle)
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    found = recorded(
        cycle=cycle, deep=deep, big="x" * 100_000_000, many=list(range(1_000_000)), evil=Evil(), half="\ud800",
        large=2**70, frame=sys._getframe(), last=7,
    )  # fmt: skip
    assert len(msgspec.json.encode(found)) < 8 * MAX_VALUE
    assert (found["cycle"], found["last"], found["half"], found["large"]) == (["<cycle>"], 7, "\ufffd", str(2**70))
    assert found["big"].endswith("[cut: 100000000 characters]")


def test_the_number_of_parameters_is_bounded_and_the_cut_is_marked() -> None:
    """Of 10,000 parameters, the first are recorded."""
    found = purpose_of({f"p{number}": number for number in range(10_000)}).fields()["params"]
    assert len(found) == MAX_NAMES + 1
    assert found["…"] == "[cut: 10000 names]"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("2026-01-31", "2026-01-31"), (" eu ", "eu"), ("", None), (None, None), (202601, "202601"),
        (date(2026, 1, 31), "2026-01-31"), (datetime(2026, 1, 31, 4, tzinfo=UTC), "2026-01-31T04:00:00+00:00"),
        (pd.Timestamp("2026-01-31"), "2026-01-31T00:00:00"),
    ],
)  # fmt: skip
def test_a_partition_is_a_text_or_a_date(given: Any, text: str | None) -> None:
    """A date is its ISO text."""
    assert purpose_of(partition=given).partition == text


def test_code_goes_before_the_settings() -> None:
    """Tags of both are joined."""
    settings = Run(partition="p", tags="team=sales, stage = prod")
    assert purpose_of(settings=settings)[1:] == ({"team": "sales", "stage": "prod"}, "p")
    found = purpose_of(tags={"team": 1, "none": None}, partition="q", settings=settings)
    assert found[1:] == ({"team": "1", "stage": "prod"}, "q")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"params": [1]}, "params must be a mapping of names to values, got a list"),
        ({"tags": "team=sales"}, "tags must be a mapping of names to values, got a str"),
        ({"partition": 1.5}, "partition must be a text or a date, got a float"),
        ({"partition": True}, "partition must be a text or a date, got a bool"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    """The message has the name, what is expected and what was given."""
    with pytest.raises(ConfigurationError, match=message):
        purpose_of(**arguments)
