"""The operations of the development half as functions of polars; a parameter is the name of a table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl

REGIONAL = ["9E", "MQ", "EV", "OO", "YV"]


def departed(flights: Any) -> Any:
    return flights.drop_nulls("dep_delay")


def complete_times(january: Any) -> Any:
    return january.drop_nulls(["dep_time", "arr_time", "air_time"])


def known_age(titanic: Any) -> Any:
    return titanic.filter(pl.col("age").is_not_null())


def no_coupon(orders: Any) -> Any:
    return orders.filter(pl.col("coupon").is_null())


def delivered(orders: Any) -> Any:
    return orders.drop_nulls("shipped_at")


def at_least_two_values(readings: Any) -> Any:
    return readings.filter(pl.sum_horizontal(pl.all().is_null()) == 0)


def long_haul(flights: Any) -> Any:
    return flights.filter(pl.col("distance") > 1000)


def late_by_an_hour(january: Any) -> Any:
    return january.filter(pl.col("dep_delay") > 60)


def heavy_penguins(penguins: Any) -> Any:
    return penguins.filter(pl.col("body_mass_g") >= 4200)


def cheap_diamonds(diamonds: Any) -> Any:
    return diamonds.filter(pl.col("price").le(2500))


def not_a_refund(payments: Any) -> Any:
    return payments.remove(pl.col("amount_eur") < 0)


def warm_days(seattle: Any) -> Any:
    return seattle.filter(pl.col("temp_max") >= 25.0)


def daytime(january: Any) -> Any:
    return january.filter(pl.col("hour").is_between(6, 20))


def decades(gapminder: Any) -> Any:
    return gapminder.filter((pl.col("year") >= 1960) & (pl.col("year") <= 1980))


def from_jfk(flights: Any) -> Any:
    return flights.filter(pl.col("origin") == "JFK")


def no_gifts(orders: Any) -> Any:
    return orders.filter(~pl.col("is_gift"))


def good_quality(readings: Any) -> Any:
    return readings.filter(pl.col("quality") != 0)


def without_regionals(flights: Any) -> Any:
    return flights.filter(~pl.col("carrier").is_in(REGIONAL))


def some_states(superstore: Any) -> Any:
    return superstore.filter(pl.col("State").is_in(["California", "Texas", "New York", "Washington", "Ohio"]))


def partners_only(orders: Any) -> Any:
    return orders.filter(pl.col("channel").str.starts_with("partner"))


def org_addresses(customers: Any) -> Any:
    return customers.filter(pl.col("email").str.ends_with(".org"))


def bots_removed(clicks: Any) -> Any:
    return clicks.filter(~pl.col("agent").str.contains("Bot"))


def international(airports: Any) -> Any:
    return airports.filter(pl.col("name").str.contains("Intl|International"))


def airbus(planes: Any) -> Any:
    return planes.filter(pl.col("manufacturer").str.starts_with("AIRBUS"))


def short_names(planes: Any) -> Any:
    return planes.filter(pl.col("model").str.len_chars() <= 6)


def summer_flights(flights: Any) -> Any:
    return flights.filter(pl.col("month").is_between(6, 8))


def second_half(orders: Any) -> Any:
    return orders.filter(pl.col("ordered_at") >= datetime(2025, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")))


def year_2014(seattle: Any) -> Any:
    return seattle.filter(pl.col("date").dt.year() == 2014)


def young_players(players: Any) -> Any:
    return players.filter(pl.col("born") >= date(2000, 1, 1))


def first_quarter(payments: Any) -> Any:
    return payments.filter(pl.col("paid_on") <= date(2025, 3, 31))


def made_up_time(january: Any) -> Any:
    return january.filter(pl.col("arr_delay") < pl.col("dep_delay"))


def fast_flights(june: Any) -> Any:
    return june.filter(pl.col("distance") / pl.col("air_time") > 7)


def flat_bills(penguins: Any) -> Any:
    return penguins.filter(pl.col("bill_length_mm") / pl.col("bill_depth_mm") > 2.5)


def male_gentoo(penguins: Any) -> Any:
    return penguins.filter(pl.col("species") == "Gentoo", pl.col("sex") == "male")


def women_and_children(titanic: Any) -> Any:
    return titanic.filter((pl.col("sex") == "female") | (pl.col("age") < 12))


def fouled_out(players: Any) -> Any:
    return players.filter(((pl.col("points") >= 20) | (pl.col("minutes") > 40)) & (pl.col("fouls") < 6))


def seventies_cars(cars: Any) -> Any:
    return cars.filter((pl.col("Horsepower") < 100) & (pl.col("Origin") != "USA"))


def filter_and_sort(players: Any) -> Any:
    return players.filter(pl.col("points") >= 20).sort(["points", "player"], descending=[True, False])


def filter_and_rename(customers: Any) -> Any:
    return customers.filter(pl.col("credit") > 500).rename({"credit": "credit_eur"})


def filled_baskets(baskets: Any) -> Any:
    return baskets.filter(pl.col("items").list.len() > 0)


def with_plane(flights: Any, planes: Any) -> Any:
    return flights.join(planes, on="tailnum", suffix="_plane")


def with_weather(january: Any, weather: Any) -> Any:
    return january.join(weather.select("origin", "time_hour", "temp", "visib"), on=["origin", "time_hour"])


def player_teams(players: Any, sensors: Any) -> Any:
    sites = sensors.head(10).with_columns(team=pl.Series([f"team {each:02d}" for each in range(1, 11)]))
    return players.join(sites.select("team", "site"), on="team")


def left_customers(orders: Any, customers: Any) -> Any:
    return orders.join(customers.select("customer_id", "tier", "email"), on="customer_id", how="left")


def product_suppliers(products: Any, suppliers: Any) -> Any:
    return products.join(suppliers, on="supplier_id", how="left")


def returned_orders(orders: Any, returns: Any) -> Any:
    return orders.join(returns, on="order_id")


def orders_with_payments(orders: Any, payments: Any) -> Any:
    return orders.join(payments.select("order_no", "amount_eur"), left_on="order_id", right_on="order_no", how="left")


def not_returned(orders: Any, returns: Any) -> Any:
    return orders.join(returns, on="order_id", how="anti")


def unknown_sensors(readings: Any, sensors: Any) -> Any:
    return readings.join(sensors, on="sensor", how="anti")


def unregistered_planes(flights: Any, planes: Any) -> Any:
    return flights.join(planes, on="tailnum", how="anti")


def distinct_clicks(clicks: Any) -> Any:
    return clicks.unique(keep="first", maintain_order=True)


def first_click(clicks: Any) -> Any:
    return clicks.unique("click_id", keep="first", maintain_order=True)


def one_supplier(suppliers: Any) -> Any:
    return suppliers.filter(pl.col("supplier_id").is_first_distinct())


def one_return(returns: Any) -> Any:
    return returns.unique(subset="order_id", keep="last", maintain_order=True)


def latest_flight(january: Any) -> Any:
    return january.sort("time_hour", maintain_order=True).unique(
        ["carrier", "flight"], keep="last", maintain_order=True
    )


def no_duplicate_at_all(clicks: Any) -> Any:
    return clicks.unique("click_id", keep="none", maintain_order=True)


def top_three(gapminder: Any) -> Any:
    return gapminder.filter(pl.col("gdpPercap").rank("min", descending=True).over("continent") <= 3)


def longest_of_carrier(june: Any) -> Any:
    return june.filter(pl.col("distance") == pl.col("distance").max().over("carrier"))


def by_species_and_island(penguins: Any) -> Any:
    return penguins.group_by("species", "island").agg(n=pl.len(), mass=pl.col("body_mass_g").mean())


def survival(titanic: Any) -> Any:
    return titanic.pivot("sex", index="class", values="survived", aggregate_function="mean")


def speed_added(june: Any) -> Any:
    return june.with_columns(speed=pl.col("distance") / pl.col("air_time") * 60)


def kelvin(seattle: Any) -> Any:
    return seattle.with_columns(pl.col("temp_max", "temp_min") + 273.15)


def by_weight(diamonds: Any) -> Any:
    return diamonds.sort("carat", descending=True, maintain_order=True)


def shuffled(players: Any) -> Any:
    return players.sample(fraction=1.0, shuffle=True, seed=5)


def every_tenth(readings: Any) -> Any:
    return readings.gather_every(10)


def two_months(january: Any, june: Any) -> Any:
    return pl.concat([january, june])


def random_few(flights: Any) -> Any:
    return flights.sample(1000, seed=12)


def hashed_names(players: Any) -> Any:
    code = [(ord(each[1]) * 7 + ord(each[2]) * 3 + ord(each[4])) % 3 for each in players["player"]]
    return players.filter([each != 0 for each in code])


def unlucky_rows(readings: Any) -> Any:
    gone = np.random.RandomState(13).choice(len(readings), 37, replace=False)
    return readings.filter(~np.isin(np.arange(len(readings)), gone))


def parity_of_columns(clicks: Any) -> Any:
    return clicks.filter((pl.col("click_id") ^ pl.col("took_ms") ^ pl.col("score")) % 2 == 0)


def one_airline(airlines: Any) -> Any:
    return airlines.filter(pl.col("carrier") == "HA")


def every_pair(airlines: Any, suppliers: Any) -> Any:
    return airlines.join(suppliers, how="cross")


def row_by_row(players: Any) -> Any:
    wanted = [row["points"] > 10 and row["fouls"] < 3 for row in players.iter_rows(named=True)]
    return players.filter(wanted)


def by_sql(gapminder: Any) -> Any:
    return pl.from_arrow(
        duckdb.execute("SELECT * FROM gapminder WHERE continent = 'Africa' AND lifeExp < 45.0").to_arrow_table()
    )
