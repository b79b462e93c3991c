"""Rows that are lost now and not by the rules of an earlier run; several outputs of one step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from odibi_core.insight.explaining import explain, explain_outputs
from odibi_core.insight.newly import newly_lost

ROWS = 900


def _flights() -> pd.DataFrame:
    random = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "flight": random.permutation(ROWS),
            "origin": random.choice(["EWR", "JFK", "LGA"], ROWS),
            "month": random.integers(1, 13, ROWS),
            "delay": np.where(random.random(ROWS) < 0.1, np.nan, random.integers(0, 99, ROWS)),
        }
    )


def test_only_the_rows_that_are_newly_lost_have_a_rule() -> None:
    """The rows of yesterday's rule are left out, and the rest has a rule of its own."""
    flights = _flights()
    yesterday = explain({"flights": flights}, flights.dropna())
    today = flights.dropna().query("month != 8")
    (cause,) = newly_lost({"flights": flights}, today, yesterday)
    assert (cause.text, cause.level, cause.of) == ("month = 8", "exact", int((flights.dropna().month == 8).sum()))
    assert newly_lost({"flights": flights}, flights.dropna(), yesterday) == ()


def test_unmatched_rows_of_a_left_join_are_new_by_their_own_columns() -> None:
    """A join without the weather of one airport: the rule is the airport, not the key."""
    flights = _flights()
    weather = flights[["origin", "month"]].drop_duplicates().assign(wind=lambda frame: np.arange(len(frame)) % 7)
    inputs = {"flights": flights, "weather": weather}
    yesterday = explain(inputs, flights.merge(weather, on=["origin", "month"], how="left"))
    assert (yesterday.kind, yesterday.unmatched) == ("left join", {"weather": 0})
    part = weather[weather.origin != "JFK"]
    today = flights.merge(part, on=["origin", "month"], how="left")
    (cause,) = newly_lost({"flights": flights, "weather": part}, today, yesterday)
    assert (cause.side, cause.text, cause.level) == ("unmatched", "origin = JFK", "exact")


def test_a_known_rule_is_confirmed_on_all_rows() -> None:
    """The rule of an earlier run comes first: of two rules of the same rows it is the one that is stated."""
    flights = _flights().assign(missing=lambda frame: frame.delay.isna())
    output = flights[flights.delay.notna()]
    first = explain({"flights": flights}, output)
    other = explain({"flights": flights}, flights[~flights.missing], source="flights[~flights.missing]")
    assert first.causes[0].text != other.causes[0].text
    assert explain({"flights": flights}, output, known=other).causes[0].text == other.causes[0].text


def test_outputs_that_split_an_input_lose_no_row() -> None:
    """Rows of another output are not lost; rows of no output are."""
    flights = _flights()
    parts = {"late": flights[flights.delay > 30], "early": flights[~(flights.delay > 30)]}
    split = explain_outputs({"flights": flights}, parts)
    assert {(change.kind, change.lost) for change in split.values()} == {("split", 0)}
    parts["early"] = flights[flights.delay <= 30]
    lost = explain_outputs({"flights": flights}, parts)
    assert {name: change.lost for name, change in lost.items()} == {
        "late": ROWS - len(parts["late"]),
        "early": ROWS - len(parts["early"]),
    }
