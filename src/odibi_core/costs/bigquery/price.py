"""Prices of BigQuery: the public ones by place and day, or those of a contract."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.events.normalize import to_text
from odibi_core.settings import get_config

TIB: Final = 2**40
GIB: Final = 2**30
MIB: Final = 2**20
MINIMUM_BYTES: Final = 10 * MIB
"""Bytes that are billed at least for a query that reads anything, and for each table that it reads."""
SLOT_MS_PER_HOUR: Final = 3_600_000
PUBLIC: Final = "https://cloud.google.com/bigquery/pricing"
_LARGEST: Final = 1_000_000
_RAISED: Final = date(2023, 7, 5)
"""The day on which the price on demand went from 5.00 to 6.25 USD."""


class Price(msgspec.Struct, frozen=True):
    """The price of a unit in a place, from a day on: `usd` for a TiB, or for an hour of a slot of an `edition`."""

    region: str
    valid_from: date
    usd: Decimal
    edition: str | None = None
    source: str = PUBLIC

    def row(self) -> dict[str, Any]:
        """Return the price as a field of an event."""
        unit = "usd_per_tib" if self.edition is None else "usd_per_slot_hour"
        about = {"region": self.region, "valid_from": self.valid_from.isoformat(), "source": self.source}
        return {unit: float(self.usd), **about, **({"edition": self.edition} if self.edition else {})}


# Only prices that are certain: another place is charged at the price of the US, with a note. The older price held long
# before its day.
ON_DEMAND: Final = tuple(
    Price(region, valid_from, usd)
    for region in ("US", "EU", "US-CENTRAL1")
    for valid_from, usd in ((date(2020, 1, 1), Decimal("5.00")), (_RAISED, Decimal("6.25")))
)
SLOTS: Final = (
    Price("US", _RAISED, Decimal("0.04"), "STANDARD"),
    Price("US", _RAISED, Decimal("0.06"), "ENTERPRISE"),
    Price("US", _RAISED, Decimal("0.10"), "ENTERPRISE_PLUS"),
)


class Prices(msgspec.Struct, frozen=True):
    """The prices of jobs: the public tables, or those of a contract.

    The free TiB of each month is not taken off.

    Args:
        usd_per_tib: Price of a TiB on demand, instead of the table.
        usd_per_slot_hour: Price of a slot for an hour, instead of the table.
        edition: Edition of the reservations, used if a job does not name it.
        on_demand: Prices of a TiB by place and day.
        slots: Prices of a slot for an hour by edition, place and day.
    """

    usd_per_tib: Decimal | None = None
    usd_per_slot_hour: Decimal | None = None
    edition: str | None = None
    on_demand: tuple[Price, ...] = ON_DEMAND
    slots: tuple[Price, ...] = SLOTS

    def per_tib(self, region: str | None, day: date) -> tuple[Price | None, str | None]:
        """Return the price of a TiB on demand, or None if there is none, and a note."""
        if self.usd_per_tib is not None:
            return Price(region or "any", date.min, self.usd_per_tib, source="yours"), None
        price, exact = _row(self.on_demand, region, day)
        if price is None:
            return None, f"no price is known for {region}"
        return price, None if exact else f"no price is known for {region}: charged as in {price.region}"

    def per_slot_hour(self, edition: str | None, region: str | None, day: date) -> tuple[Price | None, str | None]:
        """Return the price of a slot for an hour, or None if there is none, and a note."""
        named = (self.edition or edition or "").upper().replace(" ", "_")
        if self.usd_per_slot_hour is not None:
            own = self.usd_per_slot_hour
            return Price(region or "any", date.min, own, named or "any", "yours"), None
        if not named:
            return None, "the edition of the reservation is not known; give Prices(edition=…)"
        price, exact = _row(tuple(each for each in self.slots if each.edition == named), region, day)
        if price is None:
            return None, f"no price is known for the edition {named}; give Prices(usd_per_slot_hour=…)"
        return price, None if exact else f"no slot price is known for {region}: charged as in {price.region}"


def _row(table: tuple[Price, ...], region: str | None, day: date) -> tuple[Price | None, bool]:
    """Return the row of a place that holds on a day, else its first, and true; the row of the US, and false."""
    wanted = (region or "US").upper()
    rows = [row for row in table if row.region.upper() == wanted]
    exact = bool(rows)
    rows = sorted(rows or [row for row in table if row.region == "US"], key=lambda row: row.valid_from)
    valid = [row for row in rows if row.valid_from <= day]
    return (valid[-1] if valid else rows[0] if rows else None), exact


def as_prices(given: Prices | float | Decimal | str | None) -> Prices:
    """Return prices from a table or dollars for a TiB; else `ODIBI_COST__USD_PER_TIB`, else the public ones."""
    if isinstance(given, Prices):
        return given
    if given is None:
        own = get_config().cost_usd_per_tib
        return Prices(usd_per_tib=_money(own, "ODIBI_COST__USD_PER_TIB")) if own else Prices()
    return Prices(usd_per_tib=_money(given, "prices"))


def _money(given: Any, name: str) -> Decimal:
    try:
        found = Decimal(to_text(given, 100))
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found <= _LARGEST):
        raise ConfigurationError(
            f"{name} must be dollars for a TiB, such as 6.25, or Prices(…), got {sanitize_text(to_text(given, 200))!r}"
        )
    return found


def billable(bytes_processed: int, tables: int = 1) -> int:
    """Return the billed bytes of a dry run: whole MiB, at least 10 for the query and for each table.

    A query that reads nothing (DDL, `SELECT 1`) is free.
    """
    if bytes_processed <= 0:
        return 0
    return max(-(-bytes_processed // MIB) * MIB, MINIMUM_BYTES * max(1, tables))


def usd_for_bytes(count: int, price: Price) -> Decimal:
    """Return the cost of billed bytes in US dollars."""
    return _rounded(Decimal(count) * price.usd / TIB)


def usd_for_slots(slot_ms: int, price: Price) -> Decimal:
    """Return the cost of milliseconds of slots in US dollars."""
    return _rounded(Decimal(slot_ms) * price.usd / SLOT_MS_PER_HOUR)


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("1e-12"))
