"""Three pipelines whose batches change from day to day, as the ground for injected faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.insight.data import Library, polars_table
from benchmarks.insight.generated import orders

Tables = dict[str, pl.DataFrame]
Function = Callable[..., Any]

CITIES: Final = ("Köln", "Malmö", "Łódź", "Paris", "Zürich", "Wien", "Göteborg", "Lyon", "Brno", "Graz")
RENAMED: Final = {
    "Cote d'Ivoire": "Côte d'Ivoire",
    "Sao Tome and Principe": "São Tomé and Príncipe",
    "Reunion": "Réunion",
    "Slovak Republic": "Slovenská republika",
    "Austria": "Österreich",
    "Turkey": "Türkiye",
}


@dataclass(frozen=True)
class Pipeline:
    """Steps in order, as functions whose parameters are sources or earlier steps.

    Args:
        name: Its name.
        library: The library of its frames.
        batch: Return the source tables of a batch.
        steps: The functions by the names of their steps, in order.
    """

    name: str
    library: Library
    batch: Callable[[int], Tables]
    steps: Mapping[str, Function]

    def inputs(self, step: str) -> tuple[str, ...]:
        """Return the sources and steps that a step takes."""
        return tuple(signature(self.steps[step]).parameters)


def executed(pipeline: Pipeline, tables: Tables, replaced: Mapping[str, Function]) -> dict[str, Any]:
    """Return the frames of the sources and of each step, with some functions replaced."""
    frames: dict[str, Any] = {
        name: table if pipeline.library == "polars" else table.to_pandas() for name, table in tables.items()
    }
    for name in pipeline.steps:
        frames[name] = replaced.get(name, pipeline.steps[name])(*(frames[each] for each in pipeline.inputs(name)))
    return frames


# flights, in pandas


def departed(flights: Any) -> Any:
    """Drop the flights that never left."""
    return flights.dropna(subset=["dep_delay"])


def unique_flights(departed: Any) -> Any:
    """Keep one row of each flight and hour."""
    return departed.drop_duplicates(["carrier", "flight", "origin", "time_hour"])


def with_weather(unique_flights: Any, weather: Any) -> Any:
    """Keep the flights whose weather is known."""
    return unique_flights.merge(weather, on=["origin", "time_hour"], how="inner")


def with_plane(with_weather: Any, planes: Any) -> Any:
    """Add the plane of a flight."""
    return with_weather.merge(planes, on="tailnum", how="left")


def with_place(with_plane: Any, airports: Any) -> Any:
    """Add the place of the destination."""
    return with_plane.merge(airports, left_on="dest", right_on="faa", how="left")


def long_flights(with_place: Any) -> Any:
    """Keep the flights of more than 300 miles."""
    return with_place[with_place["distance"] > 300]


def late_flights(long_flights: Any) -> Any:
    """Keep the flights that left more than 15 minutes late."""
    return long_flights[long_flights["dep_delay"] > 15]


def delays(late_flights: Any) -> Any:
    """Return the mean delay by carrier."""
    return late_flights.groupby("carrier", as_index=False)["dep_delay"].mean()


@cache
def _weeks() -> dict[int, pl.DataFrame]:
    frame = polars_table("flights").with_columns(week=pl.col("time_hour").dt.ordinal_day() // 7)
    names = ["carrier", "flight", "tailnum", "origin", "dest", "dep_delay", "distance", "time_hour", "week"]
    parts = frame.select(names).partition_by("week", as_dict=True, include_key=False)
    return {int(key[0]): part for key, part in parts.items()}


def week_of_flights(number: int) -> Tables:
    """Return the flights of a week, a few of them twice, its weather, the planes and the airports."""
    flights = _weeks()[number]
    flights = pl.concat([flights, flights[:: 150 + number % 60]])
    weather = polars_table("weather").filter(pl.col("time_hour").dt.ordinal_day() // 7 == number)
    return {
        "flights": flights,
        "weather": weather.select("origin", "time_hour", "temp", "wind_speed").unique(
            ["origin", "time_hour"], keep="first", maintain_order=True
        ),
        "planes": polars_table("planes").select("tailnum", "seats", "engines"),
        "airports": polars_table("airports").select("faa", "name", "tzone"),
    }


# a shop, in polars


def paid(orders: Any) -> Any:
    """Keep the orders that are paid."""
    return orders.filter(pl.col("status").is_in(["paid", "shipped"]))


def unique_orders(paid: Any) -> Any:
    """Keep one row of each order."""
    return paid.unique("order_id", keep="first", maintain_order=True)


def in_hours(unique_orders: Any) -> Any:
    """Keep the orders of the day, which are checked by hand."""
    return unique_orders.filter(pl.col("ordered_at").dt.hour().is_between(7, 21))


def with_customer(in_hours: Any, customers: Any) -> Any:
    """Keep the orders of known customers."""
    return in_hours.join(customers, on="customer_id", how="inner", maintain_order="left")


def with_product(with_customer: Any, products: Any) -> Any:
    """Add the product of an order."""
    return with_customer.join(products, on="sku", how="left", maintain_order="left")


def with_region(with_product: Any, cities: Any) -> Any:
    """Keep the orders of known cities."""
    return with_product.join(cities, on="city", how="inner", maintain_order="left")


def large_orders(with_region: Any) -> Any:
    """Keep the orders of at least 120 euros."""
    return with_region.filter(pl.col("price") * pl.col("quantity") >= 120)


def sales(large_orders: Any) -> Any:
    """Return the orders by region."""
    return large_orders.group_by("region", maintain_order=True).agg(n=pl.len(), total=pl.col("price").sum())


@cache
def month_of_orders(number: int) -> Tables:
    """Return the orders of a batch, 1 % of them twice, with customers, products and cities."""
    draw = np.random.RandomState(7_000 + number)
    made = orders(2_800 + int(draw.randint(0, 400)), seed=8_000 + number).select(
        order_id=pl.col("order_id") + 100_000 * number,
        customer_id=pl.col("customer_id"),
        sku=pl.col("product_id").fill_null(999).cast(pl.String).str.zfill(6),
        quantity="quantity",
        price=pl.col("price").cast(pl.Float64),
        status=pl.col("status").cast(pl.String),
        channel="channel",
        ordered_at=pl.col("ordered_at").dt.convert_time_zone("UTC"),
    )
    # most orders are placed by day: on a uniform clock a shift of the time zone would not show
    day = draw.normal(13.5, 3.2, made.height).clip(0, 23.9)
    city = np.array(CITIES)[draw.randint(0, len(CITIES), made.height)]
    made = made.with_columns(
        pl.col("ordered_at").dt.truncate("1d") + pl.Series(day * 3_600_000_000).cast(pl.Duration("us")),
        city=pl.Series(city),
    )
    again = made[np.sort(draw.choice(made.height, made.height // 100, replace=False))]
    sku = pl.col("product_id").cast(pl.String).str.zfill(6)
    return {
        "orders": pl.concat([made, again]),
        "customers": polars_table("customers").select("customer_id", "tier", "country"),
        "products": polars_table("products").select(sku.alias("sku"), "category", "weight"),
        "cities": pl.DataFrame({"city": CITIES, "region": ["west", "north", "east", "west", "south"] * 2}),
    }


# gapminder, in pandas


def complete(countries: Any) -> Any:
    """Drop the rows without income."""
    return countries.dropna(subset=["gdpPercap", "lifeExp"])


def unique_rows(complete: Any) -> Any:
    """Keep one row of each country and year."""
    return complete.drop_duplicates(["country", "year"])


def recent(unique_rows: Any) -> Any:
    """Keep the years from 1962."""
    return unique_rows[unique_rows["year"] >= 1962]


def with_group(recent: Any, groups: Any) -> Any:
    """Keep the countries of known continents."""
    return recent.merge(groups, on="continent", how="inner")


def with_code(with_group: Any, codes: Any) -> Any:
    """Add the code of a country."""
    return with_group.merge(codes, on="country", how="left")


def rich(with_code: Any) -> Any:
    """Keep the countries of an income of at least 1,500."""
    return with_code[with_code["gdpPercap"] >= 1500]


def incomes(rich: Any) -> Any:
    """Return the mean income by group."""
    return rich.groupby("group", as_index=False)["gdpPercap"].mean()


@cache
def batch_of_countries(number: int) -> Tables:
    """Return 85 % of the rows of gapminder, a few of them twice, with groups and codes."""
    draw = np.random.RandomState(9_000 + number)
    whole = polars_table("gapminder").with_columns(pl.col("country").replace(RENAMED))
    some = whole[np.sort(draw.choice(whole.height, int(whole.height * 0.85), replace=False))]
    missing = pl.Series(draw.random_sample(some.height) < 0.02)
    some = some.with_columns(gdpPercap=pl.when(~missing).then(pl.col("gdpPercap")))
    again = some[np.sort(draw.choice(some.height, 12, replace=False))]
    country = whole["country"].unique(maintain_order=True)
    continents = ["Asia", "Europe", "Africa", "Americas", "Oceania"]
    return {
        "countries": pl.concat([some, again]),
        "groups": pl.DataFrame({"continent": continents, "group": ["A", "B", "B", "C", "A"]}),
        "codes": pl.DataFrame({"country": country, "code": [f"C{each:03d}" for each in range(len(country))]})[:-4],
    }


def _named(*functions: Function) -> dict[str, Function]:
    return {each.__name__: each for each in functions}


FLIGHTS: Final = Pipeline(
    "flights", "pandas", week_of_flights,
    _named(
        departed, unique_flights, with_weather, with_plane, with_place, long_flights, late_flights, delays,
    ),
)  # fmt: skip
SHOP: Final = Pipeline(
    "shop", "polars", month_of_orders,
    _named(paid, unique_orders, in_hours, with_customer, with_product, with_region, large_orders, sales),
)  # fmt: skip
COUNTRIES: Final = Pipeline(
    "countries", "pandas", batch_of_countries,
    _named(complete, unique_rows, recent, with_group, with_code, rich, incomes),
)  # fmt: skip
PIPELINES: Final = {each.name: each for each in (FLIGHTS, SHOP, COUNTRIES)}
