"""A shop of six steps over made orders and customers, with one fault at one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from odibi_core.bus.bus import EventBus
from odibi_core.events import Event
from odibi_core.orchestrator import Orchestrator

ROWS = 3_000

FAULTS = {
    "truncated": ("orders", "input truncated"),
    "empty": ("orders", "input late"),
    "missing": ("orders", "input late"),
    "doubled": ("orders", "duplicates"),
    "cents": ("orders", "type or unit"),
    "nulls": ("orders", "missing values"),
    "text": ("orders", "type or unit"),
    "zone": ("orders", "type or unit"),
    "latin": ("orders", "type or unit"),
    "renamed": ("orders", "schema drift"),
    "few": ("customers", "input truncated"),
    "without a segment": ("customers", "input truncated"),
    "inverted": ("paid", "filter"),
    "first": ("latest", "filter"),
    "left": ("joined", "join cardinality"),
}
"""The faults, each with the step at which it begins and the class of its cause."""


def pipeline(fault: str = "", seed: int = 1) -> list[Any]:
    """Return the steps; `seed` makes other orders of the same kind."""
    draw = np.random.default_rng(seed)

    def orders() -> pd.DataFrame:
        if fault == "missing":
            raise FileNotFoundError("orders.csv")
        return _spoiled(_orders(draw), fault)

    def customers() -> pd.DataFrame:
        ids = np.arange(300)
        made = pd.DataFrame({"customer": ids, "segment": np.array(["a", "b", "c"])[ids % 3], "since": 2000 + ids % 20})
        if fault == "few":
            return made[made["customer"] >= 6]
        return made[made["segment"] != "a"] if fault == "without a segment" else made

    def paid(orders: pd.DataFrame) -> pd.DataFrame:
        return orders[orders["status"] != "paid"] if fault == "inverted" else orders[orders["status"] == "paid"]

    def latest(paid: pd.DataFrame) -> pd.DataFrame:
        return paid.sort_values("at").drop_duplicates("customer", keep="first" if fault == "first" else "last")

    def joined(paid: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
        if fault == "left":
            customers = pd.concat([customers, customers[:100]])
        return paid.merge(customers, on="customer", how="inner")

    def totals(joined: pd.DataFrame) -> pd.DataFrame:
        return joined.groupby("segment").agg(orders=("order_id", "count")).reset_index()

    return [orders, customers, paid, latest, joined, totals]


def _orders(draw: np.random.Generator) -> pd.DataFrame:
    seconds = draw.integers(0, 5 * 86_400, ROWS)
    return pd.DataFrame(
        {
            "order_id": np.arange(ROWS),
            "customer": draw.integers(0, 300, ROWS),
            "amount": np.round(draw.gamma(2, 30, ROWS), 2),
            "city": draw.choice(["Berlin", "Paris", "München"], ROWS),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(seconds, unit="s"),
            "status": draw.choice(["paid", "open", "void"], ROWS, p=[0.7, 0.2, 0.1]),
        }
    )


def _spoiled(orders: pd.DataFrame, fault: str) -> pd.DataFrame:
    match fault:
        case "truncated":
            return orders[:2_000]
        case "empty":
            return orders[:0]
        case "doubled":
            return pd.concat([orders, orders], ignore_index=True)
        case "cents":
            return orders.assign(amount=orders["amount"] * 100)
        case "nulls":
            return orders.assign(customer=orders["customer"].where(orders.index % 4 > 0))
        case "text":
            return orders.assign(amount=orders["amount"].astype(str))
        case "zone":
            return orders.assign(at=orders["at"] + pd.Timedelta(hours=2))
        case "latin":
            return orders.assign(city=[city.encode().decode("latin-1") for city in orders["city"]])
        case "renamed":
            return orders.rename(columns={"status": "state"})
        case _:
            return orders


def events_of(fault: str = "", seed: int = 1) -> list[Event]:
    """Run the shop without a store, and return its events."""
    found: list[Event] = []
    bus = EventBus()
    bus.subscribe(found.append, name="events")
    # all statistics: on a busy machine the default has time for few
    about: dict[str, Any] = {"pipeline_name": "shop", "store": False, "snapshot_level": "stats"}
    Orchestrator(pipeline(fault, seed), event_bus=bus, raise_on_error=False, **about).execute()
    return found
