"""Statistics in the record: redacted by the names of their columns and by value, and bounded."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import describe
from odibi_core.events import to_dict
from odibi_core.testing import RecordingSink


def recorded(frame: object, level: str) -> str:
    """A description as its event has it."""
    bus, sink = EventBus(), RecordingSink()
    bus.subscribe(sink)
    bus.publish("snapshot", fields=dict(describe(frame, level)))
    return json.dumps(to_dict(sink.events[0]), allow_nan=False)


@pytest.mark.parametrize("level", ["auto", "stats"])
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_neither_extremes_nor_frequent_values_show_personal_data(make: Any, level: str) -> None:
    """By the column's name and by the value's shape."""
    frame = make(
        {
            "password": ["hunter2", "hunter2", "swordfish", "swordfish"],
            "contact": ["ann@example.com", "ann@example.com", "bob@example.com", "bob@example.com"],
            "ssn": [219099999, 219099999, 457555462, 457555462],
            "paid_with": ["4111 1111 1111 1111", "4111 1111 1111 1111", "5500 0055 5555 5559", "5500 0055 5555 5559"],
        }
    )
    text = recorded(frame, level)
    secrets = ("hunter2", "swordfish", "ann@", "bob@", "1111 1111", "0055 5555", "21909999", "45755546")
    assert [secret for secret in secrets if secret in text] == []


def test_the_counts_of_hidden_values_stay() -> None:
    """They are no secret, and show that a column has few values."""
    (found,) = describe(pl.DataFrame({"password": ["a", "a", "b", "b"]}), "auto")["stats"]
    assert found["distinct"] == 2
    assert [count for _, count in found["top"]] == [2, 2]
    assert {value for value, _ in found["top"]} == {"[REDACTED]"}


def test_a_wide_frame_of_long_texts_has_room_for_some_columns() -> None:
    """The record has the number of those left out, and the event keeps all that it has."""
    frame = pl.DataFrame({f"c{n}": [f"{n}-{i}-{'x' * 500}" for i in (1, 1, 2, 2, 3, 3)] for n in range(100)})
    described = describe(frame, "auto")
    kept, left_out = len(described["stats"]), described["metadata"]["stats_skipped"]
    assert 50 < kept < 100
    assert left_out == f"the record has no room for {100 - kept} columns"
    assert f"c{kept - 1}" in recorded(frame, "auto")
    assert len(json.dumps(described["stats"])) < 64 * 1024


def test_columns_beyond_the_hundredth_are_named_as_left_out() -> None:
    """Statistics are of the columns that the sample has."""
    described = describe(pl.DataFrame({f"c{n}": [1] for n in range(120)}), "auto")
    assert len(described["stats"]) == 100
    assert described["metadata"]["sample_columns_left_out"] == 20
