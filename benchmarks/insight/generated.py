"""Generated tables of a shop, its sensors and its players: ties, nulls, skew, duplicates, decimals, time zones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
COUNTRIES: Final = ("DE", "FR", "US", "GB", "PL", "IT", "ES", "NL", "SE", "AT", "CH", "PT")


def _draw(seed: int) -> np.random.RandomState:
    """Return a generator whose numbers are the same in every version of NumPy."""
    return np.random.RandomState(seed)


def _skewed(draw: np.random.RandomState, names: tuple[str, ...], rows: int) -> np.ndarray[Any, Any]:
    weights = 1.0 / np.arange(1, len(names) + 1)
    return np.array(names)[draw.choice(len(names), rows, p=weights / weights.sum())]


def _with_nulls(draw: np.random.RandomState, values: Any, share: float) -> list[Any]:
    is_null = draw.random_sample(len(values)) < share
    return [None if null else value for value, null in zip(list(values), is_null, strict=True)]


def _money(cents: np.ndarray[Any, Any]) -> pl.Series:
    return pl.Series([Decimal(int(each)).scaleb(-2) for each in cents], dtype=pl.Decimal(10, 2))


def orders(rows: int = 20_000, seed: int = 101) -> pl.DataFrame:
    """Return orders of a year, in order of time; a few customers and products have most of them."""
    draw = _draw(seed)
    seconds = np.sort(draw.randint(0, 365 * 86_400, rows))
    at = [START + timedelta(seconds=int(each)) for each in seconds]
    wait = draw.randint(1, 240, rows)
    shipped = [each + timedelta(hours=int(hours)) for each, hours in zip(at, wait, strict=True)]
    coupons = [f"{_skewed(draw, ('SUMMER', 'FRIEND', 'VIP'), 1)[0]}-{draw.randint(1000, 9999)}" for _ in range(rows)]
    zone = pl.Datetime("us", "Europe/Berlin")
    statuses = ("paid", "shipped", "open", "returned", "cancelled")
    return pl.DataFrame(
        {
            "order_id": np.arange(1, rows + 1),
            "customer_id": np.minimum(draw.zipf(1.3, rows), 3_200),
            "product_id": _with_nulls(draw, draw.randint(1, 230, rows).tolist(), 0.01),
            "quantity": np.minimum(draw.geometric(0.4, rows), 9),
            "price": _money(draw.randint(199, 49_999, rows)),
            "discount": _with_nulls(draw, draw.choice([0.0, 0.0, 0.0, 0.05, 0.1, 0.2], rows).tolist(), 0.03),
            "status": pl.Series(_skewed(draw, statuses, rows)).cast(pl.Categorical),
            "channel": _skewed(draw, ("web", "store", "phone", "partner-north", "partner-south"), rows),
            "country": _with_nulls(draw, _skewed(draw, COUNTRIES, rows).tolist(), 0.01),
            "ordered_at": pl.Series(at, dtype=pl.Datetime("us", "UTC")).cast(zone),
            "shipped_at": pl.Series(_with_nulls(draw, shipped, 0.2), dtype=pl.Datetime("us", "UTC")).cast(zone),
            "coupon": _with_nulls(draw, coupons, 0.7),
            "is_gift": draw.random_sample(rows) < 0.08,
        }
    )


def customers(rows: int = 3_000, seed: int = 102) -> pl.DataFrame:
    """Return customers; those of the numbers 2,881 and up are missing in the orders' range, and some are in between."""
    draw = _draw(seed)
    number = np.sort(draw.choice(np.arange(1, 3_200), rows, replace=False))
    number = number[~np.isin(number, (3, 17, 40, 41, 42))]
    first = ("Ann", "Bo", "Cem", "Dora", "Eli", "Finn", "Gus", "Hana", "Ivo", "Jo")
    last = ("Adler", "Berg", "Cohen", "Diaz", "Egger", "Fox", "Gruen", "Hall", "Ito", "Jung", "Kern")
    names = [f"{first[draw.randint(10)]} {last[draw.randint(11)]}" for _ in number]
    hosts = _skewed(draw, ("example.com", "example.org", "mail.test"), len(number))
    emails = [f"{name.split()[0].lower()}.{each}@{host}" for name, each, host in zip(names, number, hosts, strict=True)]
    days = draw.randint(0, 2_000, len(number))
    return pl.DataFrame(
        {
            "customer_id": number,
            "name": names,
            "email": _with_nulls(draw, emails, 0.02),
            "country": _skewed(draw, COUNTRIES, len(number)),
            "tier": _skewed(draw, ("bronze", "silver", "gold"), len(number)),
            "signed_up": [(START - timedelta(days=int(each))).date() for each in days],
            "credit": _with_nulls(draw, draw.gamma(2.0, 200.0, len(number)).round(2).tolist(), 0.1),
            "postcode": [f"{each:05d}" for each in draw.randint(100, 99_999, len(number))],
        }
    )


def products(seed: int = 103) -> pl.DataFrame:
    """Return products; the numbers 211 to 215 are missing."""
    draw = _draw(seed)
    number = np.array([each for each in range(1, 231) if not 211 <= each <= 215])
    return pl.DataFrame(
        {
            "product_id": number,
            "category": _skewed(draw, ("toys", "garden", "books", "audio", "kitchen"), len(number)),
            "list_price": _money(draw.randint(199, 59_999, len(number))),
            "weight": draw.gamma(2.0, 1.5, len(number)).round(3),
            "stock": draw.poisson(12, len(number)) * (draw.random_sample(len(number)) > 0.15),
            "discontinued": draw.random_sample(len(number)) < 0.1,
            "supplier_id": draw.randint(1, 31, len(number)),
        }
    )


def suppliers(seed: int = 104) -> pl.DataFrame:
    """Return suppliers; three have two rows, and the numbers above 27 are missing."""
    draw = _draw(seed)
    number = np.array([*range(1, 28), 4, 9, 20])
    regions = _skewed(draw, ("north", "south", "east"), len(number))
    return pl.DataFrame({"supplier_id": number, "supplier": [f"Supplier {each}" for each in number], "region": regions})


def returns(seed: int = 105) -> pl.DataFrame:
    """Return 1,500 returned parcels; about 70 orders came back twice."""
    draw = _draw(seed)
    once = draw.choice(np.arange(1, 20_001), 1_430, replace=False)
    number = np.concatenate([once, once[:70]])
    draw.shuffle(number)
    reasons = _skewed(draw, ("damaged", "late", "wrong item", "other"), len(number))
    return pl.DataFrame({"order_id": number, "reason": reasons, "fee": draw.choice([0, 5, 9], len(number))})


def payments(rows: int = 12_000, seed: int = 106) -> pl.DataFrame:
    """Return payments of orders, with refunds as negative amounts."""
    draw = _draw(seed)
    cents = draw.randint(100, 90_000, rows) * np.where(draw.random_sample(rows) < 0.06, -1, 1)
    days = np.sort(draw.randint(0, 365, rows))
    return pl.DataFrame(
        {
            "payment_id": np.arange(70_001, 70_001 + rows),
            "order_no": draw.randint(1, 21_000, rows),
            "amount": _money(cents),
            "amount_eur": cents / 100.0,
            "currency": _skewed(draw, ("EUR", "USD", "GBP", "PLN"), rows),
            "method": pl.Series(_skewed(draw, ("card", "transfer", "cash", "voucher"), rows)).cast(pl.Categorical),
            "paid_on": [(START + timedelta(days=int(each))).date() for each in days],
            "retries": draw.geometric(0.7, rows) - 1,
        }
    )


def readings(rows: int = 60_000, seed: int = 107) -> pl.DataFrame:
    """Return readings of 120 sensors a minute, with ties, nulls and a drift; sensors 111 to 120 have no master data."""
    draw = _draw(seed)
    sensor = draw.randint(1, 121, rows)
    value = (20 + 5 * np.sin(np.arange(rows) / 4_000) + draw.standard_normal(rows) * 3).round(1)
    at = [START + timedelta(seconds=30 * each) for each in range(rows)]
    return pl.DataFrame(
        {
            "sensor": [f"s-{each:03d}" for each in sensor],
            "at": pl.Series(at, dtype=pl.Datetime("us", "UTC")),
            "value": _with_nulls(draw, value.tolist(), 0.02),
            "low": (value - draw.gamma(1.0, 1.0, rows)).round(1),
            "high": (value + draw.gamma(1.0, 1.0, rows)).round(1),
            "quality": draw.choice([0, 1, 2, 3], rows, p=[0.02, 0.08, 0.2, 0.7]),
            "battery": np.maximum(0, 100 - np.arange(rows) / rows * 60 - draw.gamma(1.0, 5.0, rows)).round(0),
        }
    )


def sensors(seed: int = 108) -> pl.DataFrame:
    """Return the master data of the sensors 1 to 110; ten have two rows after a repair."""
    draw = _draw(seed)
    number = [*range(1, 111), *range(11, 111, 10)]
    sites = _skewed(draw, ("harbor", "roof", "cellar", "yard"), len(number))
    return pl.DataFrame(
        {
            "sensor": [f"s-{each:03d}" for each in number],
            "site": sites,
            "model": _skewed(draw, ("A1", "A2", "B7"), len(number)),
            "limit": draw.choice([20.0, 24.0, 28.0], len(number)),
        }
    )


def clicks(rows: int = 40_000, seed: int = 109) -> pl.DataFrame:
    """Return clicks: 6 % are exact copies, and in 4 % the same click has another score."""
    draw = _draw(seed)
    base = int(rows * 0.9)
    copies = draw.choice(base, int(rows * 0.06), replace=True)
    again = draw.choice(base, rows - base - len(copies), replace=False)
    place = np.concatenate([np.arange(base), copies, again])
    user = draw.zipf(1.5, base) % 4_000
    page = _skewed(draw, ("/", "/cart", "/item", "/help", "/pay", "/login"), base)
    score, took = draw.randint(0, 6, base), draw.gamma(2.0, 150.0, base).astype("int64")
    changed = np.concatenate([score, score[copies], (score[again] + 1 + draw.randint(0, 5, len(again))) % 6])
    order = draw.permutation(len(place))
    place, changed = place[order], changed[order]
    at = [START + timedelta(seconds=int(each) * 7) for each in place]
    return pl.DataFrame(
        {
            "click_id": place + 1,
            "user_id": user[place],
            "page": page[place],
            "score": changed,
            "took_ms": took[place],
            "at": pl.Series(at, dtype=pl.Datetime("us", "UTC")),
            "agent": [("Bot/1.0" if each % 13 == 0 else f"Mozilla/{each % 5}.0") for each in user[place]],
        }
    )


def players(rows: int = 5_000, seed: int = 110) -> pl.DataFrame:
    """Return players of 40 teams with many ties of points."""
    draw = _draw(seed)
    return pl.DataFrame(
        {
            "player": [f"p{each:04d}" for each in draw.permutation(rows)],
            "team": [f"team {each:02d}" for each in draw.randint(1, 41, rows)],
            "points": draw.poisson(14, rows),
            "fouls": draw.poisson(2, rows),
            "minutes": draw.uniform(0, 48, rows).round(1),
            "height": _with_nulls(draw, draw.normal(198, 9, rows).round(0).tolist(), 0.05),
            "born": [(START - timedelta(days=int(each))).date() for each in draw.randint(6_600, 14_000, rows)],
        }
    )


def baskets(seed: int = 111) -> pl.DataFrame:
    """Return 2,000 baskets with a list of items each; some lists are empty."""
    draw = _draw(seed)
    items = [[int(each) for each in draw.randint(1, 50, draw.randint(0, 6))] for _ in range(2_000)]
    return pl.DataFrame(
        {
            "basket": np.arange(2_000),
            "items": pl.Series(items, dtype=pl.List(pl.Int64)),
            "total": draw.gamma(2.0, 30.0, 2_000).round(2),
        }
    )


GENERATED: Final[dict[str, Callable[[], pl.DataFrame]]] = {
    each.__name__: each
    for each in (
        orders, customers, products, suppliers, returns, payments, readings, sensors, clicks, players, baskets,
    )
}  # fmt: skip
