"""The operations of the development half as functions of pandas; a parameter is the name of a table."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd

REGIONAL = ["9E", "MQ", "EV", "OO", "YV"]


def departed(flights: Any) -> Any:
    return flights.dropna(subset=["dep_delay"])


def complete_times(january: Any) -> Any:
    return january.dropna(subset=["dep_time", "arr_time", "air_time"])


def known_age(titanic: Any) -> Any:
    return titanic[titanic["age"].notna()]


def no_coupon(orders: Any) -> Any:
    return orders[orders["coupon"].isna()]


def delivered(orders: Any) -> Any:
    return orders[~orders["shipped_at"].isnull()].reset_index(drop=True)


def at_least_two_values(readings: Any) -> Any:
    return readings.dropna(thresh=7)


def long_haul(flights: Any) -> Any:
    return flights[flights["distance"] > 1000]


def late_by_an_hour(january: Any) -> Any:
    return january[january["dep_delay"] > 60]


def heavy_penguins(penguins: Any) -> Any:
    return penguins.query("body_mass_g >= 4200")


def cheap_diamonds(diamonds: Any) -> Any:
    cheap = diamonds["price"].le(2500)
    return diamonds.loc[cheap]


def not_a_refund(payments: Any) -> Any:
    return payments.drop(payments.index[payments["amount_eur"] < 0])


def warm_days(seattle: Any) -> Any:
    return seattle.loc[seattle["temp_max"] >= 25.0, :]


def daytime(january: Any) -> Any:
    return january[(january["hour"] >= 6) & (january["hour"] <= 20)]


def decades(gapminder: Any) -> Any:
    return gapminder[gapminder["year"].isin(range(1960, 1981))]


def from_jfk(flights: Any) -> Any:
    return flights[flights["origin"] == "JFK"]


def no_gifts(orders: Any) -> Any:
    return orders[~orders["is_gift"]]


def good_quality(readings: Any) -> Any:
    return readings[readings["quality"] != 0]


def without_regionals(flights: Any) -> Any:
    return flights[~flights["carrier"].isin(REGIONAL)]


def some_states(superstore: Any) -> Any:
    return superstore[superstore["State"].isin(["California", "Texas", "New York", "Washington", "Ohio"])]


def partners_only(orders: Any) -> Any:
    return orders[orders["channel"].str.startswith("partner")]


def org_addresses(customers: Any) -> Any:
    return customers[customers["email"].str.endswith(".org", na=False)]


def bots_removed(clicks: Any) -> Any:
    return clicks[~clicks["agent"].str.contains("Bot")]


def international(airports: Any) -> Any:
    return airports[airports["name"].str.contains("Intl|International")]


def airbus(planes: Any) -> Any:
    return planes[planes["manufacturer"].str.startswith("AIRBUS")]


def short_names(planes: Any) -> Any:
    return planes[planes["model"].str.len() <= 6]


def summer_flights(flights: Any) -> Any:
    return flights[flights["time_hour"].dt.month.between(6, 8)]


def second_half(orders: Any) -> Any:
    return orders[orders["ordered_at"] >= pd.Timestamp("2025-07-01", tz="Europe/Berlin")]


def year_2014(seattle: Any) -> Any:
    return seattle[seattle["date"].dt.year == 2014]


def young_players(players: Any) -> Any:
    return players[players["born"] >= "2000-01-01"]


def first_quarter(payments: Any) -> Any:
    return payments[payments["paid_on"] <= pd.Timestamp(2025, 3, 31)]


def made_up_time(january: Any) -> Any:
    return january[january["arr_delay"] < january["dep_delay"]]


def fast_flights(june: Any) -> Any:
    return june[june["distance"] / june["air_time"] > 7]


def flat_bills(penguins: Any) -> Any:
    return penguins[penguins["bill_length_mm"] / penguins["bill_depth_mm"] > 2.5]


def male_gentoo(penguins: Any) -> Any:
    return penguins.query("species == 'Gentoo' and sex == 'male'")


def women_and_children(titanic: Any) -> Any:
    return titanic[(titanic["sex"] == "female") | (titanic["age"] < 12)]


def fouled_out(players: Any) -> Any:
    return players[((players["points"] >= 20) | (players["minutes"] > 40)) & (players["fouls"] < 6)]


def seventies_cars(cars: Any) -> Any:
    return cars[(cars["Horsepower"] < 100) & (cars["Origin"] != "USA")]


def filter_and_sort(players: Any) -> Any:
    return players[players["points"] >= 20].sort_values(["points", "player"], ascending=[False, True])


def filter_and_rename(customers: Any) -> Any:
    return customers[customers["credit"] > 500].rename(columns={"credit": "credit_eur"})


def filled_baskets(baskets: Any) -> Any:
    return baskets[baskets["items"].str.len() > 0]


def with_plane(flights: Any, planes: Any) -> Any:
    return flights.merge(planes, on="tailnum", suffixes=("", "_plane"))


def with_weather(january: Any, weather: Any) -> Any:
    return january.merge(weather[["origin", "time_hour", "temp", "visib"]], on=["origin", "time_hour"])


def player_teams(players: Any, sensors: Any) -> Any:
    sites = sensors.head(10).assign(team=[f"team {each:02d}" for each in range(1, 11)])
    return players.merge(sites[["team", "site"]], on="team")


def left_customers(orders: Any, customers: Any) -> Any:
    return orders.join(customers.set_index("customer_id")[["tier", "email"]], on="customer_id")


def product_suppliers(products: Any, suppliers: Any) -> Any:
    return products.merge(suppliers, on="supplier_id", how="left")


def returned_orders(orders: Any, returns: Any) -> Any:
    return orders.merge(returns, on="order_id")


def orders_with_payments(orders: Any, payments: Any) -> Any:
    paid = payments[["order_no", "amount_eur"]].rename(columns={"order_no": "order_id"})
    return orders.merge(paid, on="order_id", how="left")


def not_returned(orders: Any, returns: Any) -> Any:
    return orders[~orders["order_id"].isin(returns["order_id"])]


def unknown_sensors(readings: Any, sensors: Any) -> Any:
    marked = readings.merge(sensors[["sensor"]].drop_duplicates(), on="sensor", how="left", indicator=True)
    return marked[marked["_merge"] == "left_only"].drop(columns="_merge")


def unregistered_planes(flights: Any, planes: Any) -> Any:
    return flights[~flights["tailnum"].isin(planes["tailnum"])]


def distinct_clicks(clicks: Any) -> Any:
    return clicks.drop_duplicates()


def first_click(clicks: Any) -> Any:
    return clicks.drop_duplicates("click_id")


def one_supplier(suppliers: Any) -> Any:
    return suppliers[~suppliers.duplicated("supplier_id")]


def one_return(returns: Any) -> Any:
    return returns.drop_duplicates(subset="order_id", keep="last").reset_index(drop=True)


def latest_flight(january: Any) -> Any:
    return january.sort_values("time_hour", kind="stable").drop_duplicates(["carrier", "flight"], keep="last")


def no_duplicate_at_all(clicks: Any) -> Any:
    return clicks.drop_duplicates("click_id", keep=False)


def top_three(gapminder: Any) -> Any:
    return gapminder[gapminder.groupby("continent")["gdpPercap"].rank(method="min", ascending=False) <= 3]


def longest_of_carrier(june: Any) -> Any:
    return june[june["distance"] == june.groupby("carrier")["distance"].transform("max")]


def by_species_and_island(penguins: Any) -> Any:
    return penguins.groupby(["species", "island"]).agg(n=("year", "size"), mass=("body_mass_g", "mean")).reset_index()


def survival(titanic: Any) -> Any:
    return titanic.pivot_table(index="class", columns="sex", values="survived", aggfunc="mean").reset_index()


def speed_added(june: Any) -> Any:
    return june.assign(speed=june["distance"] / june["air_time"] * 60)


def kelvin(seattle: Any) -> Any:
    seattle[["temp_max", "temp_min"]] += 273.15
    return seattle


def by_weight(diamonds: Any) -> Any:
    return diamonds.sort_values("carat", ascending=False)


def shuffled(players: Any) -> Any:
    return players.sample(frac=1.0, random_state=5)


def every_tenth(readings: Any) -> Any:
    return readings.iloc[::10]


def two_months(january: Any, june: Any) -> Any:
    return pd.concat([january, june], ignore_index=True)


def random_few(flights: Any) -> Any:
    return flights.sample(1000, random_state=12).sort_index()


def hashed_names(players: Any) -> Any:
    code = [(ord(each[1]) * 7 + ord(each[2]) * 3 + ord(each[4])) % 3 for each in players["player"]]
    return players[[each != 0 for each in code]]


def unlucky_rows(readings: Any) -> Any:
    return readings.drop(index=np.random.RandomState(13).choice(len(readings), 37, replace=False))


def parity_of_columns(clicks: Any) -> Any:
    return clicks[(clicks["click_id"] ^ clicks["took_ms"] ^ clicks["score"]) % 2 == 0]


def one_airline(airlines: Any) -> Any:
    return airlines[airlines["carrier"] == "HA"]


def every_pair(airlines: Any, suppliers: Any) -> Any:
    return airlines.merge(suppliers, how="cross")


def carts_by_user(clicks: Any) -> Any:
    by_user = clicks.set_index("user_id")
    return by_user[by_user["page"] == "/cart"]


def row_by_row(players: Any) -> Any:
    wanted = players.apply(lambda row: row["points"] > 10 and row["fouls"] < 3, axis=1)
    return players[wanted]


def by_sql(gapminder: Any) -> Any:
    return duckdb.execute("SELECT * FROM gapminder WHERE continent = 'Africa' AND lifeExp < 45.0").df()
