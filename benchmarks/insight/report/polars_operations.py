"""The operations of the report half as functions of polars; a parameter is the name of a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl

MANY_PEOPLE = 50_000_000
LOWEST, HIGHEST = 14.5, 27.5


def complete_penguins(penguins: Any) -> Any:
    return penguins.drop_nulls()


def big_countries(gapminder: Any) -> Any:
    return gapminder.filter(pl.col("pop") > MANY_PEOPLE)


def charged(readings: Any) -> Any:
    return readings.filter(pl.col("battery") >= 15)


def profitable(superstore: Any) -> Any:
    return superstore.filter(pl.col("Profit") > 0)


def large_payments(payments: Any) -> Any:
    return payments.filter(pl.col("amount") >= Decimal("50.00"))


def long_enough_bills(penguins: Any) -> Any:
    return penguins.filter(pl.col("bill_length_mm").is_between(38, 48))


def without_outliers(readings: Any) -> Any:
    return readings.filter(pl.col("value").is_between(LOWEST, HIGHEST))


def extreme_values(readings: Any) -> Any:
    return readings.filter((pl.col("value") < 14.5) | (pl.col("value") > 27.5))


def adelie(penguins: Any) -> Any:
    return penguins.filter(species="Adelie")


def without_first_class(titanic: Any) -> Any:
    return titanic.filter(pl.col("class") != "1st")


def not_cancelled(orders: Any) -> Any:
    return orders.filter(pl.col("status") != "cancelled")


def by_card_or_transfer(payments: Any) -> Any:
    return payments.filter(pl.col("method").cast(pl.String).is_in(["card", "transfer"]))


def two_carriers(january: Any) -> Any:
    return january.filter(pl.col("carrier").is_in(["AA", "DL", "UA"]))


def central_europe(orders: Any) -> Any:
    return orders.filter(pl.col("country").is_in(["DE", "AT", "CH", "PL"]))


def not_in_europe(gapminder: Any) -> Any:
    return gapminder.filter(pl.col("continent").is_in(["Europe", "Oceania"]).not_())


def good_cuts(diamonds: Any) -> Any:
    return diamonds.filter((pl.col("cut") != "Fair") & (pl.col("cut") != "Good"))


def no_summer_coupons(orders: Any) -> Any:
    return orders.filter(~pl.col("coupon").str.starts_with("SUMMER"))


def families(titanic: Any) -> Any:
    return titanic.filter(pl.col("name").str.to_lowercase().str.contains("mrs"))


def chairs_and_tables(superstore: Any) -> Any:
    return superstore.filter(pl.col("Sub-Category").is_in(["Chairs", "Tables"]))


def december_orders(orders: Any) -> Any:
    return orders.filter(pl.col("ordered_at").dt.month() == 12)


def weekdays(seattle: Any) -> Any:
    return seattle.filter(pl.col("date").dt.weekday() <= 5)


def evenings(clicks: Any) -> Any:
    return clicks.filter(pl.col("at").dt.hour() >= 18)


def frost_free(seattle: Any) -> Any:
    return seattle.filter(pl.col("temp_max") - pl.col("temp_min") > 10)


def rich_nations(gapminder: Any) -> Any:
    return gapminder.filter(pl.col("gdpPercap") * pl.col("pop") > 1e11)


def narrow_band(readings: Any) -> Any:
    return readings.filter((pl.col("high") - pl.col("low")) <= 3)


def late_and_far(january: Any) -> Any:
    return january.filter((pl.col("dep_delay") > 30) & (pl.col("distance") > 1500))


def gold_abroad(customers: Any) -> Any:
    return customers.filter((pl.col("tier") == "gold") & (pl.col("country") != "DE"))


def needs_attention(orders: Any) -> Any:
    return orders.filter((pl.col("quantity") >= 7) | (pl.col("discount") >= 0.2))


def worth_a_look(diamonds: Any) -> Any:
    return diamonds.filter((pl.col("cut") == "Ideal") & ((pl.col("carat") > 1.5) | (pl.col("price") > 10000)))


def usable_readings(readings: Any) -> Any:
    return readings.filter((pl.col("quality") >= 2) & ((pl.col("value") < 18) | (pl.col("value") > 25)))


def three_steps(january: Any) -> Any:
    chosen = january.filter(pl.col("carrier") != "AA").filter(pl.col("origin") == "LGA")
    return chosen.filter(pl.col("air_time") >= 60)


def filter_and_new_column(gapminder: Any) -> Any:
    return gapminder.filter(pl.col("year") >= 1990).with_columns(gdp=pl.col("gdpPercap") * pl.col("pop"))


def filter_and_fewer_columns(january: Any) -> Any:
    return january.filter(pl.col("dest") == "ATL").select("carrier", "flight", "dep_delay", "time_hour")


def few_baskets(baskets: Any) -> Any:
    return baskets.filter(pl.col("total") <= 20)


def with_customer(orders: Any, customers: Any) -> Any:
    return orders.join(customers, on="customer_id", suffix="_of_customer")


def with_product(orders: Any, products: Any) -> Any:
    return orders.join(products.select("product_id", "category", "stock"), on="product_id", how="inner")


def payments_of_orders(payments: Any, orders: Any) -> Any:
    return payments.join(orders.select("order_id", "country", "channel"), left_on="order_no", right_on="order_id")


def airline_names(january: Any, airlines: Any) -> Any:
    return january.join(airlines, on="carrier", how="left")


def left_planes(flights: Any, planes: Any) -> Any:
    return flights.join(planes.select("tailnum", "seats", "engines"), on="tailnum", how="left")


def left_weather(june: Any, weather: Any) -> Any:
    return june.join(weather.select("origin", "time_hour", "wind_speed"), on=["origin", "time_hour"], how="left")


def places(january: Any, airports: Any) -> Any:
    named = airports.select(dest="faa", dest_name="name", tzone="tzone")
    return january.join(named, on="dest", how="left")


def left_products_filled(orders: Any, products: Any) -> Any:
    joined = orders.join(products.select("product_id", "category"), on="product_id", how="left")
    return joined.with_columns(pl.col("category").fill_null("unknown"))


def sensor_limits(readings: Any, sensors: Any) -> Any:
    return readings.join(sensors, on="sensor", how="left")


def orders_with_returns(orders: Any, returns: Any) -> Any:
    return orders.join(returns, on="order_id", how="left")


def only_returned(orders: Any, returns: Any) -> Any:
    return orders.join(returns, on="order_id", how="semi")


def registered_planes(january: Any, planes: Any) -> Any:
    return january.join(planes, on="tailnum", how="semi")


def large_planes(january: Any, planes: Any) -> Any:
    return january.join(planes.select("tailnum", "seats", "model"), on="tailnum").filter(pl.col("seats") > 150)


def gold_orders(orders: Any, customers: Any) -> Any:
    return orders.join(customers.select("customer_id", "tier"), on="customer_id").filter(pl.col("tier") == "gold")


def known_and_late(january: Any, planes: Any) -> Any:
    return january.filter(pl.col("dep_delay") > 15).join(planes.select("tailnum", "year", "type"), on="tailnum")


def arrived_and_short(june: Any) -> Any:
    return june.drop_nulls("arr_delay").filter(pl.col("distance") < 500)


def above_limit(readings: Any, sensors: Any) -> Any:
    limits = sensors.unique("sensor", keep="first", maintain_order=True).select("sensor", "limit")
    return readings.join(limits, on="sensor").filter(pl.col("value") > pl.col("limit"))


def last_click(clicks: Any) -> Any:
    return clicks.unique("click_id", keep="last", maintain_order=True)


def cheapest_product(products: Any) -> Any:
    return products.sort("weight").group_by("category", maintain_order=True).first().select(products.columns)


def above_team_mean(players: Any) -> Any:
    return players.filter(pl.col("points") > pl.col("points").mean().over("team"))


def first_of_sensor(readings: Any) -> Any:
    return readings.group_by("sensor", maintain_order=True).first().select(readings.columns)


def frequent_customers(orders: Any) -> Any:
    return orders.filter(pl.len().over("customer_id") >= 20)


def delays_by_carrier(january: Any) -> Any:
    return january.group_by("carrier").agg(pl.col("dep_delay").mean())


def daily_sales(orders: Any) -> Any:
    return orders.group_by(pl.col("ordered_at").dt.date()).agg(pl.col("quantity").sum())


def countries_of_orders(orders: Any) -> Any:
    return orders["country"].value_counts()


def fewer_columns(customers: Any) -> Any:
    return customers.select("customer_id", "tier", "country")


def renamed_columns(penguins_raw: Any) -> Any:
    return penguins_raw.rename(lambda name: name.lower().replace(" ", "_"))


def upper_case(customers: Any) -> Any:
    return customers.with_columns(pl.col("name").str.to_uppercase())


def filled_delays(january: Any) -> Any:
    return january.with_columns(pl.col("dep_delay").fill_null(0))


def untouched(orders: Any) -> Any:
    return orders


def first_thousand(flights: Any) -> Any:
    return flights.head(1000)


def last_hundred(payments: Any) -> Any:
    return payments.tail(100)


def twice_loaded(players: Any) -> Any:
    return pl.concat([players, players])


def exploded_items(baskets: Any) -> Any:
    return baskets.explode("items")


def random_half(diamonds: Any) -> Any:
    return diamonds.sample(fraction=0.5, seed=11)


def mixed_modulo(orders: Any) -> Any:
    return orders.filter((pl.col("order_id") * 31 + pl.col("customer_id") * 17 + pl.col("quantity")) % 11 >= 4)


def giant_planes(planes: Any) -> Any:
    return planes.filter(pl.col("seats") > 1000)


def dearest_diamonds(diamonds: Any) -> Any:
    return diamonds.filter(pl.col("price") >= 18000).top_k(1000, by="price")


def joined_or_dropped(june: Any, planes: Any) -> Any:
    return june.join(planes.select("tailnum", built="year"), on="tailnum", how="left").drop_nulls("built")
