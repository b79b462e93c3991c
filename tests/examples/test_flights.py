"""The flights example on the real year: its results agree with known facts of the data."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow.parquet as pq
import pytest

from odibi_core.pipeline import compile
from odibi_core.pipeline.loader import load_pipeline

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

Modules = dict[str, ModuleType]
MadeBy = Callable[[str], dict[str, Any]]

BOTH = pytest.mark.parametrize("engine", ["pandas", "polars"])
ANSWERS = ("delays_by_airline", "delays_by_hour", "delays_by_weather", "cancellations")
FLIGHTS_OF = {
    "UA": 58665, "B6": 54635, "EV": 54173, "DL": 48110, "AA": 32729, "MQ": 26397, "US": 20536, "9E": 18460,
    "WN": 12275, "VX": 5162, "FL": 3260, "AS": 714, "F9": 685, "YV": 601, "HA": 342, "OO": 32,
}  # fmt: skip

WRONG = {
    ("clean_weather", "between", "wind_speed"): (1, "warn"),
    ("clean_weather", "not_null", "wind_mph"): (5, "warn"),
    ("clean_weather", "not_null", "pressure"): (2_729, "warn"),
    ("clean_planes", "not_null", "built"): (70, "warn"),
    ("clean_airports", "not_null", "lon"): (3, "warn"),
    ("clean_airports", "not_null", "tzone"): (3, "warn"),
    ("times_to_utc", "not_null", "tailnum"): (2_512, "warn"),
    ("add_planes", "references", "tailnum"): (50_094, "warn"),
    ("add_places", "references", "dest"): (7_602, "warn"),
    ("drop_impossible", "between", "speed_mph"): (1, "warn"),
    ("drop_impossible", "not_null", "arr_delay"): (1_175, "warn"),
    ("add_weather", "not_null", "temp"): (1_545, "warn"),
}


def of(data: dict[str, Any], key: str) -> nw.DataFrame[Any]:
    return nw.from_native(data[key], eager_only=True)


def missing(frame: nw.DataFrame[Any], column: str) -> int:
    return int(frame[column].is_null().sum())


def test_it_is_a_real_pipeline(flights: Modules) -> None:
    """At least fourteen steps of every layer but `store`, functions and SQL, one with two outputs."""
    steps = flights["pipeline"].pipeline
    assert len(steps) == 24
    assert {step.layer for step in steps} == {"connect", "ingest", "transform", "publish"}
    assert {step.type for step in steps} == {"function", "sql"}
    assert len(compile(steps).order) == 24
    assert [step.name for step in steps if len(step.outputs) > 1] == ["split_cancelled"]


def test_the_file_loads_as_odibi_run_loads_it() -> None:
    """The file is the pipeline; its name `failing` is the same one with other input files."""
    path = EXAMPLES / "flights" / "pipeline.py"
    plain, failing = load_pipeline(str(path)), load_pipeline(f"{path}:failing")
    assert [step.name for step in plain] == [step.name for step in failing]
    assert plain[0].params["renamed"] == {}
    assert failing[0].params["renamed"] == {"weather": {"wind_speed": "wind_spd"}}


@BOTH
def test_the_raw_tables_are_whole(datasets: MadeBy, engine: str) -> None:
    """The sizes that the data's own documentation states, and the flights of each carrier."""
    data = datasets(engine)
    sizes = {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
    assert {table: len(of(data, f"raw_{table}")) for table in sizes} == sizes
    assert Counter(of(data, "raw_flights")["carrier"].to_list()) == FLIGHTS_OF


@BOTH
def test_the_missing_values_of_the_raw_flights_are_known(datasets: MadeBy, engine: str) -> None:
    """8,255 never left, 8,713 never landed anywhere, 9,430 not as planned; 2,512 have no tail number."""
    raw = of(datasets(engine), "raw_flights")
    known = {"dep_time": 8_255, "dep_delay": 8_255, "arr_time": 8_713, "arr_delay": 9_430, "tailnum": 2_512}
    assert {column: missing(raw, column) for column in known} == known
    assert round(float(raw["dep_delay"].mean()), 2) == 12.64
    assert round(float(raw["arr_delay"].mean()), 2) == 6.90


@BOTH
def test_the_hour_computed_from_the_clock_is_the_one_that_the_table_states(
    datasets: MadeBy, engine: str
) -> None:
    """The pipeline drops `time_hour` unread, so it can prove the time zones of all 336,776 flights."""
    stated = of(datasets(engine), "raw_flights")["time_hour"]
    parsed = stated.str.to_datetime(format="%Y-%m-%dT%H:%M:%SZ").dt.replace_time_zone("UTC")
    computed = of(datasets(engine), "flights_utc")["hour_utc"]
    assert bool((parsed == computed).all())


@BOTH
def test_every_flight_is_departed_or_cancelled(datasets: MadeBy, engine: str) -> None:
    """No join doubled or lost a flight; every clock in the data agrees with its delay, 2400 included."""
    data = datasets(engine)
    assert {len(of(data, key)) for key in ("flights_utc", "flights_planes", "flights_places")} == {336_776}
    assert len(of(data, "cancelled")) == 8_255
    assert {len(of(data, key)) for key in ("departed", "flights", "flights_weather")} == {328_521}
    assert missing(of(data, "flights"), "arr_delay") == 9_430 - 8_255
    assert int((of(data, "raw_flights")["dep_time"] == 2400).sum()) == 29


@BOTH
def test_impossible_values_are_removed(datasets: MadeBy, engine: str) -> None:
    """Four flights over 600 mph, one wind of 1,048 mph beside four unknown ones, three airports misplaced."""
    data = datasets(engine)
    assert missing(of(data, "flights"), "air_time") == missing(of(data, "departed"), "air_time") + 4
    assert missing(of(data, "raw_weather"), "wind_speed") == 4
    assert missing(of(data, "weather"), "wind_mph") == 5
    assert missing(of(data, "airports"), "lon") == 3
    assert missing(of(data, "planes"), "built") == 70


@BOTH
def test_the_misses_of_the_joins_are_known(datasets: MadeBy, engine: str) -> None:
    """52,606 flights without a known plane, 7,602 to four unknown airports, 1,545 without weather."""
    data = datasets(engine)
    places = of(data, "flights_places")
    assert missing(places, "seats") == 52_606
    assert missing(places, "airline") == 0
    lost = places.filter(nw.col("dest_name").is_null())
    assert len(lost) == 7_602
    assert set(lost["dest"].to_list()) == {"BQN", "PSE", "SJU", "STT"}
    unknown = of(data, "flights_weather").filter(nw.col("temp").is_null())
    assert len(unknown) == 1_545
    assert set(unknown["sky"].to_list()) == {"unknown"}


@BOTH
def test_the_checks_fail_on_the_rows_that_are_wrong(datasets: MadeBy, engine: str) -> None:
    """The known faults of the data are found, to the row; none of them stops the pipeline."""
    results = datasets(engine)["checks"]
    failed = {(step, r.check, r.column): (r.failed_rows, r.severity) for step, r in results if not r.passed}
    assert failed == WRONG
    assert sum(result.passed for _, result in results) == 14


@BOTH
@pytest.mark.parametrize("key", [*ANSWERS, "flights_weather"])
def test_the_published_files_are_the_datasets(datasets: MadeBy, engine: str, key: str) -> None:
    """Each published Parquet file has the rows and columns of its dataset."""
    data = datasets(engine)
    made = of(data, key)
    path = data["out"] / f"{key}.parquet"
    with pq.ParquetFile(path) as published:
        assert published.metadata.num_rows == len(made)
        assert published.schema_arrow.names == made.columns


@BOTH
def test_the_answers_are_the_known_ones(datasets: MadeBy, engine: str) -> None:
    """Frontier is latest and Alaska earliest; evening is worse than morning, fog and rain than sun."""
    data = datasets(engine)
    airlines = of(data, "delays_by_airline")
    assert airlines["carrier"].to_list()[0] == "F9"
    assert airlines.rows(named=True)[-1]["mean_arr_delay"] == -9.93
    assert int(airlines["flights"].sum()) == 328_521
    newark = of(data, "delays_by_hour").filter(nw.col("origin") == "EWR").select("hour", "mean_dep_delay")
    delays = dict(newark.rows())
    assert delays[19] > 5 * delays[7]
    skies = of(data, "delays_by_weather")["sky"].to_list()
    assert sorted(skies[:2]) == ["fog", "rain or snow"]
    assert skies[-1] == "fair"
    cancelled = of(data, "cancellations")
    assert int(cancelled["cancelled"].sum()) == 8_255
    scheduled = cancelled.group_by("carrier").agg(nw.col("scheduled").sum())
    assert dict(scheduled.rows()) == FLIGHTS_OF


@pytest.mark.parametrize("key", [*ANSWERS, "flights_weather", "cancelled", "weather", "planes", "airports"])
def test_both_engines_make_the_same(datasets: MadeBy, key: str) -> None:
    """Both engines make the same rows and values; an integer column with gaps is float in pandas."""
    one, other = (comparable(of(datasets(engine), key)) for engine in ("pandas", "polars"))
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def comparable(frame: nw.DataFrame[Any]) -> pd.DataFrame:
    """Return the frame in pandas with comparable types, sorted by its values."""
    found: pd.DataFrame = frame.to_pandas().copy()
    for column, kind in frame.schema.items():
        if kind.is_numeric():
            found[column] = found[column].astype("float64")
        elif kind == nw.String:
            found[column] = found[column].astype("str")
    return found.sort_values(list(found.columns), ignore_index=True)
