"""The places of the three pipelines at which a fault can begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from benchmarks.insight.pipelines import Function

Change = Callable[[str], pl.Expr]


@dataclass(frozen=True)
class Setup:
    """The places of a pipeline at which a fault can begin.

    Args:
        fact: The table that changes from batch to batch.
        group: Its column of few values.
        joins: The other table of a join, its step, the key, and the column of its groups.
        inverted: The filters with an inverted condition.
        nullable: Columns, and the step that reads each first.
        unique_and_before: The steps up to the deduplication.
        units: Columns of numbers, a factor, and the step that reads each first.
        stale: Tables that can be of the batch before, with the steps that show it.
        drifts: A table, its column, the change of its form, and the step that reads it first.
        unique: The step that removes duplicates.
        other_unique: Other functions for that step.
        times: A table, its column of time, and the step that reads it first.
        texts: A table, its column of texts, and the step that reads it first.
    """

    fact: str
    group: str
    joins: tuple[tuple[str, str, str, str], ...]
    inverted: Mapping[str, Function]
    nullable: tuple[tuple[str, str], ...]
    unique_and_before: tuple[str, ...]
    units: tuple[tuple[str, float, str], ...]
    stale: tuple[tuple[str, ...], ...]
    drifts: tuple[tuple[str, str, Change, str], ...]
    unique: str
    other_unique: tuple[Function, ...]
    times: tuple[tuple[str, str, str], ...]
    texts: tuple[tuple[str, str, str], ...]


def padded(column: str) -> pl.Expr:
    """Return a text as a file of fixed width has it."""
    return pl.col(column) + "  "


def without_zeros(column: str) -> pl.Expr:
    """Return a text of digits as a spreadsheet writes it."""
    return pl.col(column).str.strip_chars_start("0")


def as_text(column: str) -> pl.Expr:
    """Return a number as a text."""
    return pl.col(column).cast(pl.String)


def as_float(column: str) -> pl.Expr:
    """Return an integer as a float."""
    return pl.col(column).cast(pl.Float64)


def lower(column: str) -> pl.Expr:
    """Return a text in small letters."""
    return pl.col(column).str.to_lowercase()


# flights


def short_flights(with_place: Any) -> Any:
    """Keep the flights of at most 300 miles, by mistake."""
    return with_place[with_place["distance"] <= 300]


def early_flights(long_flights: Any) -> Any:
    """Keep the flights that left in time, by mistake."""
    return long_flights[~(long_flights["dep_delay"] > 15)]


def cancelled(flights: Any) -> Any:
    """Keep the flights that never left, by mistake."""
    return flights[flights["dep_delay"].isna()]


def unique_by_number(departed: Any) -> Any:
    """Keep one row of each carrier and flight, by mistake."""
    return departed.drop_duplicates(["carrier", "flight"])


def unique_by_plane(departed: Any) -> Any:
    """Keep one row of each plane, by mistake."""
    return departed.drop_duplicates("tailnum")


def not_unique(departed: Any) -> Any:
    """Keep all rows, by mistake."""
    return departed.copy()


def without_duplicated(departed: Any) -> Any:
    """Drop each row that comes twice, by mistake."""
    return departed.drop_duplicates(["carrier", "flight", "origin", "time_hour"], keep=False)


# the shop


def not_paid(orders: Any) -> Any:
    """Keep the orders that are not paid, by mistake."""
    return orders.filter(~pl.col("status").is_in(["paid", "shipped"]))


def at_night(unique_orders: Any) -> Any:
    """Keep the orders of the night, by mistake."""
    return unique_orders.filter(~pl.col("ordered_at").dt.hour().is_between(7, 21))


def small_orders(with_region: Any) -> Any:
    """Keep the orders below 120 euros, by mistake."""
    return with_region.filter(pl.col("price") * pl.col("quantity") < 120)


def unique_customers(paid: Any) -> Any:
    """Keep one order of each customer, by mistake."""
    return paid.unique("customer_id", keep="first", maintain_order=True)


def unique_skus(paid: Any) -> Any:
    """Keep one order of each product and customer, by mistake."""
    return paid.unique(["sku", "customer_id"], keep="first", maintain_order=True)


def all_orders(paid: Any) -> Any:
    """Keep all rows, by mistake."""
    return paid.clone()


def orders_once(paid: Any) -> Any:
    """Drop each order that comes twice, by mistake."""
    return paid.unique("order_id", keep="none", maintain_order=True)


# countries


def incomplete(countries: Any) -> Any:
    """Keep the rows without income, by mistake."""
    return countries[countries["gdpPercap"].isna()]


def before_1962(unique_rows: Any) -> Any:
    """Keep the years before 1962, by mistake."""
    return unique_rows[unique_rows["year"] < 1962]


def poor(with_code: Any) -> Any:
    """Keep the countries of an income below 1,500, by mistake."""
    return with_code[with_code["gdpPercap"] < 1500]


def one_a_country(complete: Any) -> Any:
    """Keep one row of each country, by mistake."""
    return complete.drop_duplicates("country")


def one_a_year(complete: Any) -> Any:
    """Keep one row of each continent and year, by mistake."""
    return complete.drop_duplicates(["continent", "year"])


def all_rows(complete: Any) -> Any:
    """Keep all rows, by mistake."""
    return complete.copy()


def rows_once(complete: Any) -> Any:
    """Drop each row that comes twice, by mistake."""
    return complete.drop_duplicates(["country", "year"], keep=False)


SETUPS: Final[Mapping[str, Setup]] = {
    "flights": Setup(
        fact="flights",
        group="origin",
        joins=(
            ("weather", "with_weather", "origin", "origin"),
            ("planes", "with_plane", "tailnum", "engines"),
            ("airports", "with_place", "faa", "tzone"),
        ),
        inverted={"long_flights": short_flights, "late_flights": early_flights, "departed": cancelled},
        nullable=(("dep_delay", "departed"), ("distance", "long_flights"), ("tailnum", "with_plane")),
        unique_and_before=("departed", "unique_flights"),
        units=(
            ("distance", 1.609, "long_flights"),
            ("dep_delay", 60.0, "late_flights"),
            ("distance", 0.1, "long_flights"),
        ),
        stale=(("flights", "departed", "with_weather"), ("weather", "with_weather"), ("planes", "with_plane")),
        drifts=(
            ("flights", "origin", padded, "with_weather"),
            ("planes", "tailnum", padded, "with_plane"),
            ("airports", "faa", lower, "with_place"),
            ("weather", "temp", as_text, "with_weather"),
            ("planes", "seats", as_text, "with_plane"),
        ),
        unique="unique_flights",
        other_unique=(unique_by_number, unique_by_plane, not_unique, without_duplicated),
        times=(("flights", "time_hour", "with_weather"), ("weather", "time_hour", "with_weather")),
        texts=(
            ("flights", "origin", "with_weather"),
            ("flights", "dest", "with_place"),
            ("weather", "origin", "with_weather"),
            ("airports", "faa", "with_place"),
        ),
    ),
    "shop": Setup(
        fact="orders",
        group="channel",
        joins=(
            ("customers", "with_customer", "customer_id", "tier"),
            ("products", "with_product", "sku", "category"),
            ("cities", "with_region", "city", "region"),
        ),
        inverted={"paid": not_paid, "in_hours": at_night, "large_orders": small_orders},
        nullable=(("status", "paid"), ("sku", "with_product"), ("city", "with_region"), ("price", "large_orders")),
        unique_and_before=("paid", "unique_orders"),
        units=(("price", 100.0, "large_orders"), ("price", 0.01, "large_orders"), ("quantity", 12.0, "large_orders")),
        stale=(("orders", "paid"), ("customers", "with_customer"), ("products", "with_product")),
        drifts=(
            ("orders", "sku", without_zeros, "with_product"),
            ("products", "sku", without_zeros, "with_product"),
            ("orders", "status", padded, "paid"),
            ("cities", "city", padded, "with_region"),
            ("products", "weight", as_text, "with_product"),
        ),
        unique="unique_orders",
        other_unique=(unique_customers, unique_skus, all_orders, orders_once),
        times=(("orders", "ordered_at", "in_hours"),),
        texts=(("orders", "city", "with_region"), ("cities", "city", "with_region"), ("orders", "status", "paid")),
    ),
    "countries": Setup(
        fact="countries",
        group="continent",
        joins=(
            ("groups", "with_group", "continent", "continent"),
            ("groups", "with_group", "continent", "group"),
            ("codes", "with_code", "country", "country"),
        ),
        inverted={"complete": incomplete, "recent": before_1962, "rich": poor},
        nullable=(("gdpPercap", "complete"), ("lifeExp", "complete"), ("continent", "with_group")),
        unique_and_before=("complete", "unique_rows"),
        units=(("gdpPercap", 0.001, "rich"), ("gdpPercap", 1.18, "rich"), ("gdpPercap", 10.0, "rich")),
        stale=(("countries", "complete"), ("codes", "with_code"), ("countries", "complete")),
        drifts=(
            ("countries", "continent", padded, "with_group"),
            ("codes", "country", lower, "with_code"),
            ("groups", "continent", padded, "with_group"),
            ("countries", "pop", as_float, "complete"),
            ("countries", "pop", as_text, "complete"),
        ),
        unique="unique_rows",
        other_unique=(one_a_country, one_a_year, all_rows, rows_once),
        times=(),
        texts=(
            ("countries", "country", "with_code"),
            ("codes", "country", "with_code"),
            ("countries", "continent", "with_group"),
            ("groups", "continent", "with_group"),
        ),
    ),
}  # fmt: skip
