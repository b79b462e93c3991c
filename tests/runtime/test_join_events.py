"""The match rates of joins as events."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core import Orchestrator, Step, node, observe
from odibi_core.events import Event
from odibi_core.runtime import join_events

FLIGHTS = {"origin": ["EWR", "JFK", "LGA"] * 100, "flight": list(range(300))}
WEATHER = {"origin": ["JFK", "EWR", "LGA"], "temp": [1.0, 2.0, 3.0]}


def joins_of(*steps: Any, **options: Any) -> list[Event]:
    """Return the join events of a run."""
    found: list[Event] = []
    run = Orchestrator(list(steps), **{"store": False, **options})
    run.bus.subscribe(found.append, ["join_match"])
    run.execute()
    return found


def flights() -> pd.DataFrame:
    return pd.DataFrame(FLIGHTS)


def weather() -> pd.DataFrame:
    return pd.DataFrame(WEATHER)


def joined(flights: Any, weather: Any) -> Any:
    return flights.merge(weather, on="origin")


def test_a_join_that_loses_rows_is_a_warning() -> None:
    """The rate of the side that refers, and the share of lost rows, in the sentence and in the fields."""
    (event,) = joins_of(flights, Step(name="weather", value=lambda: weather().head(1)), joined)
    assert (event.level, event.node_name) == ("warning", "joined")
    assert event.message == (
        "only 33% of the 300 rows of flights have a match in weather by origin; 67% of the rows were lost"
    )
    wanted = {"left": "flights", "right": "weather", "keys": ["origin"], "left_rows": 300, "right_rows": 1}
    assert wanted.items() <= event.fields.items()
    assert event.fields["left_match_rate"] == pytest.approx(1 / 3)
    wanted = {"right_match_rate": 1.0, "fan_out_right": 100.0, "rows_out": 100}
    assert wanted.items() <= event.fields.items()


def test_a_complete_join_is_none() -> None:
    """Each flight has its weather."""
    (event,) = joins_of(flights, weather, joined)
    assert (event.level, event.fields["left_match_rate"]) == ("debug", 1.0)


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_a_sql_step_is_measured_by_its_text(engine: str) -> None:
    """Inputs by their names and aliases; the datasets of the event are the keys of the steps."""
    text = "select * from f join weather w on f.origin = w.origin"
    step = Step(name="q", type="sql", value=text, inputs={"f": "flights", "weather": "weather"})
    (event,) = joins_of(flights, weather, step, engine_type=engine)
    assert (event.fields["left"], event.fields["right"], event.fields["left_match_rate"]) == ("flights", "weather", 1.0)


def test_without_source_the_common_columns_are_the_key() -> None:
    """If the step made columns of both sides."""
    scope: dict[str, Any] = {}
    exec("def joined(flights, weather): return flights.merge(weather)", scope)  # noqa: S102 (a function without a file)
    (event,) = joins_of(flights, weather, scope["joined"])
    assert event.fields["keys"] == ["origin"]


def test_a_lazy_frame_is_not_run() -> None:
    """Its joins are not measured."""

    def boom(frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("it was run")

    def left() -> Any:
        return pl.LazyFrame(FLIGHTS).map_batches(boom, schema=pl.DataFrame(FLIGHTS).schema)

    def right() -> Any:
        return pl.LazyFrame(WEATHER)

    def both(left: Any, right: Any) -> Any:
        return left.join(right, on="origin")

    assert joins_of(left, right, both) == []


def test_nothing_of_it_fails_the_step() -> None:
    """Keys that cannot be compared: the step succeeds, and nothing is recorded of it."""

    def odd() -> pd.DataFrame:
        return pd.DataFrame({"origin": [["JFK"], ["EWR"]], "temp": [1, 2]})

    def used(flights: Any, odd: Any) -> Any:
        if len(flights) < 0:
            flights.merge(odd, on="origin")
        return flights

    assert joins_of(flights, odd, used) == []


def test_beyond_the_budget_joins_are_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rates are absent and not 0."""
    monkeypatch.setattr(join_events, "_FLOOR_S", 0.0)
    monkeypatch.setattr(join_events, "_SHARE", 0.0)
    (event,) = joins_of(flights, weather, joined)
    assert event.fields["skipped"].endswith("the budget for joins has 0.0 ms left")
    assert (event.fields["left_rows"], event.fields["right_rows"], event.fields["keys"]) == (300, 3, ["origin"])
    assert "left_match_rate" not in event.fields
    assert event.level == "debug"


def test_a_join_whose_keys_cannot_be_afforded_is_recorded_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find them is a part of the budget. A frame with columns of both inputs shows that there is a join."""
    monkeypatch.setattr(join_events, "_FLOOR_S", 0.0)
    monkeypatch.setattr(join_events, "_SHARE", 0.0)
    scope: dict[str, Any] = {}
    exec("def joined(flights, weather): return flights.merge(weather)", scope)  # noqa: S102 (a function without a file)
    (event,) = joins_of(flights, weather, scope["joined"])
    assert (event.fields["keys"], event.fields["left_rows"]) == ([], 300)
    assert "the budget for joins" in event.fields["skipped"]


def test_a_large_join_is_skipped_in_a_short_run_and_a_later_small_one_is_measured() -> None:
    """The expected time decides before anything is computed."""
    rows = 90_000
    large = Step(name="large", value=lambda: pd.DataFrame({"origin": ["EWR"] * rows, "n": range(rows)}))
    many = Step(name="many", value=lambda: pd.DataFrame({"origin": ["EWR", "JFK"] * 20_000, "temp": range(40_000)}))

    def first(large: Any, many: Any) -> Any:
        if len(large) < 0:
            large.merge(many, on="origin")
        return large.head(1)

    found = {event.node_name: event.fields for event in joins_of(large, many, first, flights, weather, joined)}
    assert "the budget for joins" in found["first"]["skipped"]
    assert found["joined"]["left_match_rate"] == 1.0


@pytest.mark.parametrize("level", ["off", "schema"])
def test_a_level_without_rows_measures_no_joins(level: str) -> None:
    """Nor does the setting."""
    assert joins_of(flights, weather, joined, snapshot_level=level) == []


def test_the_setting_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_SNAPSHOT__JOINS=false`."""
    monkeypatch.setenv("ODIBI_SNAPSHOT__JOINS", "false")
    assert joins_of(flights, weather, joined) == []


def test_a_node_function_is_measured() -> None:
    """The arguments of an observed function, by the names of their nodes."""
    make_flights, make_weather, join = node(flights), node(weather), node(joined)
    with observe("nightly", store=False) as run:
        found: list[Event] = []
        run.bus.subscribe(found.append, ["join_match"])
        join(make_flights(), make_weather())
    (event,) = found
    assert (event.node_name, event.fields["left"], event.fields["right"]) == ("joined", "flights", "weather")
    assert event.fields["rows_out"] == 300
