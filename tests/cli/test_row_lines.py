"""The rows of a run in its summary: unusual ones by themselves, the others with `odibi show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Here

PIPELINE = """
import os
import pandas as pd

def flights():
    delays = [1.5, 2.5, None, 3.5] * 300
    return pd.DataFrame({"id": range(1200), "origin": ["JFK", "LGA", "EWR"] * 400, "delay": delays})

def weather():
    origins = ["EWR"] if os.environ.get("TWO_GONE") else ["JFK", "LGA", "EWR"]
    return pd.DataFrame({"origin": origins, "temp": range(len(origins))})

def departed(flights):
    return flights.dropna(subset=["delay"])

def joined(departed, weather):
    return departed.merge(weather, on="origin")

pipeline = [flights, weather, departed, joined]
"""


def test_rows_that_two_missing_origins_cost_are_in_the_summary_of_the_run_that_lost_them(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key, the rule, the usual share, and the run since when that is new; not in the runs before."""
    Path("shop.py").write_text(PIPELINE, encoding="utf-8")
    for _ in range(2):
        assert "unusual rows" not in here("run", "shop.py", "--no-story").stdout
    shown = here("show").stdout
    assert "departed: 300 of 1,200 rows lost (25 %); as usual by delay IS NULL" in shown
    monkeypatch.setenv("TWO_GONE", "1")
    lost = " ".join(here("run", "shop.py", "--no-story").stdout.split())
    assert "joined lost 600 of 900 rows" in lost
    assert "origin not in weather" in lost
    assert lost.count("600") == 1, "one sentence has the rows; no other line repeats them"
    assert "unusual rows" not in lost
    assert "have a match in" not in lost
    shown = " ".join(here("show").stdout.split())
    assert "joined: 600 of 900 rows lost (66.7 %): origin not in weather; usual: 0 % lost" in shown
    assert "[proved on all rows] new since" in shown
    document = json.loads(here("show", "--format", "json").stdout)
    rows = {each["step"]: each for each in document["row_changes"]}
    assert (rows["joined"]["unusual"], rows["departed"]["unusual"]) == (True, False)
