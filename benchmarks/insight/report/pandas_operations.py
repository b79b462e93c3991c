"""The operations of the report half as functions of pandas; a parameter is the name of a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

MANY_PEOPLE = 50_000_000
LOWEST, HIGHEST = 14.5, 27.5


def complete_penguins(penguins: Any) -> Any:
    return penguins.dropna()


def big_countries(gapminder: Any) -> Any:
    return gapminder[gapminder["pop"] > MANY_PEOPLE]


def charged(readings: Any) -> Any:
    return readings[readings["battery"] >= 15].reset_index(drop=True)


def profitable(superstore: Any) -> Any:
    return superstore[superstore["Profit"] > 0]


def large_payments(payments: Any) -> Any:
    return payments[payments["amount"] >= Decimal("50.00")]


def long_enough_bills(penguins: Any) -> Any:
    return penguins[penguins["bill_length_mm"].between(38, 48)]


def without_outliers(readings: Any) -> Any:
    return readings[readings["value"].between(LOWEST, HIGHEST)]


def extreme_values(readings: Any) -> Any:
    return readings[(readings["value"] < 14.5) | (readings["value"] > 27.5)]


def adelie(penguins: Any) -> Any:
    return penguins.groupby("species").get_group("Adelie")


def without_first_class(titanic: Any) -> Any:
    return titanic[titanic["class"] != "1st"]


def not_cancelled(orders: Any) -> Any:
    return orders[orders["status"] != "cancelled"]


def by_card_or_transfer(payments: Any) -> Any:
    return payments[payments["method"].isin(["card", "transfer"])]


def two_carriers(january: Any) -> Any:
    return january[january["carrier"].isin({"AA", "DL", "UA"})]


def central_europe(orders: Any) -> Any:
    return orders[orders["country"].isin(["DE", "AT", "CH", "PL"])]


def not_in_europe(gapminder: Any) -> Any:
    return gapminder.query("continent not in ['Europe', 'Oceania']")


def good_cuts(diamonds: Any) -> Any:
    return diamonds[(diamonds["cut"] != "Fair") & (diamonds["cut"] != "Good")]


def no_summer_coupons(orders: Any) -> Any:
    return orders[~orders["coupon"].str.startswith("SUMMER", na=False)]


def families(titanic: Any) -> Any:
    return titanic[titanic["name"].str.lower().str.contains("mrs")]


def chairs_and_tables(superstore: Any) -> Any:
    return superstore[superstore["Sub-Category"].isin(["Chairs", "Tables"])]


def december_orders(orders: Any) -> Any:
    return orders[orders["ordered_at"].dt.month == 12]


def weekdays(seattle: Any) -> Any:
    return seattle[seattle["date"].dt.dayofweek < 5]


def evenings(clicks: Any) -> Any:
    return clicks[clicks["at"].dt.hour >= 18]


def frost_free(seattle: Any) -> Any:
    return seattle[seattle["temp_max"] - seattle["temp_min"] > 10]


def rich_nations(gapminder: Any) -> Any:
    return gapminder[gapminder["gdpPercap"] * gapminder["pop"] > 1e11]


def narrow_band(readings: Any) -> Any:
    return readings[(readings["high"] - readings["low"]) <= 3]


def late_and_far(january: Any) -> Any:
    return january[(january["dep_delay"] > 30) & (january["distance"] > 1500)]


def gold_abroad(customers: Any) -> Any:
    return customers[(customers["tier"] == "gold") & (customers["country"] != "DE")]


def needs_attention(orders: Any) -> Any:
    return orders[(orders["quantity"] >= 7) | (orders["discount"] >= 0.2)]


def worth_a_look(diamonds: Any) -> Any:
    return diamonds[(diamonds["cut"] == "Ideal") & ((diamonds["carat"] > 1.5) | (diamonds["price"] > 10000))]


def usable_readings(readings: Any) -> Any:
    return readings[(readings["quality"] >= 2) & ((readings["value"] < 18) | (readings["value"] > 25))]


def three_steps(january: Any) -> Any:
    chosen = january[january["carrier"] != "AA"]
    chosen = chosen[chosen["origin"] == "LGA"]
    return chosen[chosen["air_time"] >= 60]


def filter_and_new_column(gapminder: Any) -> Any:
    recent = gapminder[gapminder["year"] >= 1990].copy()
    recent["gdp"] = recent["gdpPercap"] * recent["pop"]
    return recent


def filter_and_fewer_columns(january: Any) -> Any:
    return january.loc[january["dest"] == "ATL", ["carrier", "flight", "dep_delay", "time_hour"]]


def few_baskets(baskets: Any) -> Any:
    return baskets[baskets["total"] <= 20]


def with_customer(orders: Any, customers: Any) -> Any:
    return orders.merge(customers, on="customer_id", suffixes=("", "_of_customer"))


def with_product(orders: Any, products: Any) -> Any:
    return pd.merge(orders, products[["product_id", "category", "stock"]], how="inner")


def payments_of_orders(payments: Any, orders: Any) -> Any:
    wanted = orders[["order_id", "country", "channel"]]
    return payments.merge(wanted, left_on="order_no", right_on="order_id", how="inner")


def airline_names(january: Any, airlines: Any) -> Any:
    return january.merge(airlines, on="carrier", how="left")


def left_planes(flights: Any, planes: Any) -> Any:
    return flights.merge(planes[["tailnum", "seats", "engines"]], on="tailnum", how="left")


def left_weather(june: Any, weather: Any) -> Any:
    return june.merge(weather[["origin", "time_hour", "wind_speed"]], on=["origin", "time_hour"], how="left")


def places(january: Any, airports: Any) -> Any:
    named = airports[["faa", "name", "tzone"]].rename(columns={"faa": "dest", "name": "dest_name"})
    return january.merge(named, on="dest", how="left")


def left_products_filled(orders: Any, products: Any) -> Any:
    joined = orders.merge(products[["product_id", "category"]], on="product_id", how="left")
    return joined.assign(category=joined["category"].fillna("unknown"))


def mapped_tier(orders: Any, customers: Any) -> Any:
    return orders.assign(tier=orders["customer_id"].map(customers.set_index("customer_id")["tier"]))


def sensor_limits(readings: Any, sensors: Any) -> Any:
    return readings.merge(sensors, on="sensor", how="left")


def orders_with_returns(orders: Any, returns: Any) -> Any:
    return orders.merge(returns, on="order_id", how="left")


def only_returned(orders: Any, returns: Any) -> Any:
    return orders[orders["order_id"].isin(returns["order_id"])]


def registered_planes(january: Any, planes: Any) -> Any:
    return january[january["tailnum"].isin(planes["tailnum"])]


def large_planes(january: Any, planes: Any) -> Any:
    joined = january.merge(planes[["tailnum", "seats", "model"]], on="tailnum")
    return joined[joined["seats"] > 150]


def gold_orders(orders: Any, customers: Any) -> Any:
    return orders.merge(customers[["customer_id", "tier"]], on="customer_id").query("tier == 'gold'")


def known_and_late(january: Any, planes: Any) -> Any:
    return january[january["dep_delay"] > 15].merge(planes[["tailnum", "year", "type"]], on="tailnum")


def arrived_and_short(june: Any) -> Any:
    return june.dropna(subset=["arr_delay"]).query("distance < 500")


def above_limit(readings: Any, sensors: Any) -> Any:
    joined = readings.merge(sensors.drop_duplicates("sensor")[["sensor", "limit"]], on="sensor")
    return joined[joined["value"] > joined["limit"]]


def last_click(clicks: Any) -> Any:
    return clicks.drop_duplicates("click_id", keep="last")


def cheapest_product(products: Any) -> Any:
    return products.loc[products.groupby("category")["weight"].idxmin()]


def above_team_mean(players: Any) -> Any:
    return players[players["points"] > players.groupby("team")["points"].transform("mean")]


def first_of_sensor(readings: Any) -> Any:
    return readings.groupby("sensor").head(1)


def frequent_customers(orders: Any) -> Any:
    return orders[orders.groupby("customer_id")["order_id"].transform("size") >= 20]


def delays_by_carrier(january: Any) -> Any:
    return january.groupby("carrier", as_index=False)["dep_delay"].mean()


def daily_sales(orders: Any) -> Any:
    return orders.groupby(orders["ordered_at"].dt.date)["quantity"].sum().reset_index()


def countries_of_orders(orders: Any) -> Any:
    return orders["country"].value_counts().reset_index()


def fewer_columns(customers: Any) -> Any:
    return customers[["customer_id", "tier", "country"]]


def renamed_columns(penguins_raw: Any) -> Any:
    return penguins_raw.rename(columns=lambda name: name.lower().replace(" ", "_"))


def upper_case(customers: Any) -> Any:
    return customers.assign(name=customers["name"].str.upper())


def filled_delays(january: Any) -> Any:
    return january.assign(dep_delay=january["dep_delay"].fillna(0))


def changed_in_place(readings: Any) -> Any:
    readings["value"] = readings["value"].clip(10, 30)
    return readings


def untouched(orders: Any) -> Any:
    return orders


def first_thousand(flights: Any) -> Any:
    return flights.head(1000)


def last_hundred(payments: Any) -> Any:
    return payments.tail(100)


def twice_loaded(players: Any) -> Any:
    return pd.concat([players, players], ignore_index=True)


def exploded_items(baskets: Any) -> Any:
    return baskets.explode("items")


def random_half(diamonds: Any) -> Any:
    return diamonds.sample(frac=0.5, random_state=11)


def mixed_modulo(orders: Any) -> Any:
    return orders[(orders["order_id"] * 31 + orders["customer_id"] * 17 + orders["quantity"]) % 11 >= 4]


def giant_planes(planes: Any) -> Any:
    return planes[planes["seats"] > 1000]


def dearest_diamonds(diamonds: Any) -> Any:
    return diamonds[diamonds["price"] >= 18000].nlargest(1000, "price")


def joined_or_dropped(june: Any, planes: Any) -> Any:
    joined = june.merge(planes[["tailnum", "year", "engine"]], on="tailnum", how="left", suffixes=("", "_built"))
    return joined.dropna(subset=["year_built"])
