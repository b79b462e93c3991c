"""Seeded values of public formats, checksums included: a second seed makes fresh values of the same kinds."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_ANY: Final = string.ascii_letters + string.digits
_BASE64: Final = _ANY + "+/"
ALPHABETS: Final = {
    "an": _ANY,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "up": string.ascii_uppercase + string.digits,
    "UP": string.ascii_uppercase,
    "low": string.ascii_lowercase + string.digits,
    "lo": string.ascii_lowercase,
    "d": string.digits,
    "b64": _BASE64,
    "url": _ANY + "-_",
    "b32": string.ascii_uppercase + "234567",
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
"""Letters of the placeholders that take a length: `an36` is 36 letters and digits."""
_WORDS: Final = (
    "amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "hazel", "indigo", "juniper", "karst", "larch",
    "maple", "nectar", "onyx", "pepper", "quartz", "raven", "saffron", "tundra", "umber", "velvet", "willow", "zephyr",
)  # fmt: skip
_TABLES: Final = (
    "orders", "customers", "flights", "sensors", "invoices", "shipments", "products", "stores", "events", "returns",
    "inventory", "suppliers", "readings", "weather", "airports", "routes", "prices", "regions", "visits", "campaigns",
)  # fmt: skip
_COLUMNS: Final = (
    "order_id", "amount", "country", "quantity", "status", "updated_at", "price", "region", "city", "weight_kg",
    "category", "discount", "currency", "created_at", "latitude", "longitude", "temperature_c", "carrier", "rating",
)  # fmt: skip
_PEOPLE: Final = (
    "jane",
    "omar",
    "lucia",
    "piotr",
    "yuki",
    "ines",
    "tomas",
    "fatima",
    "olga",
    "henrik",
    "mei",
    "kofi",
)
_HOSTS: Final = (
    "db",
    "warehouse",
    "api",
    "cache",
    "queue",
    "search",
    "files",
    "reports",
    "billing",
    "ingest",
)
_ISSUERS: Final = (
    ("4", 16),
    ("51", 16),
    ("53", 16),
    ("55", 16),
    ("2221", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
)
_SYMBOLS: Final = "!#*+-._~"
_EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
_YEAR_S: Final = 365 * 24 * 3600


def luhn_digit(body: str) -> int:
    """Return the digit that makes `body` valid by the Luhn checksum (ISO/IEC 7812)."""
    digits = [int(digit) for digit in reversed(body)]
    total = sum(sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits))
    return -total % 10


def gs1_digit(body: str) -> int:
    """Return the check digit of EAN, UPC, GTIN and ISBN-13."""
    return -sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))) % 10


def isbn10_digit(body: str) -> str:
    """Return the check digit of an ISBN-10, which may be an X."""
    rest = -sum(int(digit) * weight for digit, weight in zip(body, range(10, 1, -1), strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def mod97_digits(country: str, account: str) -> str:
    """Return the two check digits of an IBAN (ISO 13616)."""
    numbers = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{98 - int(numbers) % 97:02d}"


class Maker:
    """Makes the value of a placeholder: `an36`, `card`, `iban`, `uuid`, and every other key of `MAKERS`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, name: str) -> str:
        """Return a fresh value; raises KeyError for a placeholder that is not defined."""
        if name in MAKERS:
            return MAKERS[name](self)
        letters, count = re.fullmatch(r"(b64|b32|[a-zA-Z]+)(\d+)", name).groups()  # type: ignore[union-attr]
        return self.of(ALPHABETS[letters], int(count))

    def of(self, letters: str, count: int) -> str:
        """Return `count` of the letters."""
        return "".join(self.random.choice(letters) for _ in range(count))

    def one(self, values: tuple[str, ...]) -> str:
        """Return one of the values."""
        return self.random.choice(values)

    def password(self) -> str:
        """Return 11 to 15 letters and digits of both cases."""
        return (
            "q"
            + self.of(string.ascii_uppercase, 2)
            + self.of(string.digits, 2)
            + self.of(_ANY, self.between(6, 10))
        )

    def symbols(self) -> str:
        """Return a password that has symbols inside, none of which ends a quoted or a bare value."""
        return f"{self.password()}{self.of(_SYMBOLS, 1)}{self.of(_ANY, 4)}{self.of(_SYMBOLS, 1)}{self.of(_ANY, 3)}"

    def between(self, low: int, high: int) -> int:
        """Return a whole number."""
        return self.random.randint(low, high)

    def digits_of_card(self) -> str:
        """Return a card number: the beginning and length of an issuer, and a valid checksum."""
        start, length = self.random.choice(_ISSUERS)
        body = start + self.of(string.digits, length - 1 - len(start))
        return f"{body}{luhn_digit(body)}"

    def amex(self) -> str:
        """Return a card number of 15 digits, grouped 4-6-5 as it is printed."""
        body = "37" + self.of(string.digits, 12)
        digits = f"{body}{luhn_digit(body)}"
        return f"{digits[:4]} {digits[4:10]} {digits[10:]}"

    def grouped_card(self, between: str = " ") -> str:
        """Return a card number of 16 digits in four groups."""
        body = self.random.choice(("4", "5")) + self.of("12345", 1) + self.of(string.digits, 13)
        return between.join(re.findall("....", f"{body}{luhn_digit(body)}"))

    def local(self) -> str:
        """Return the local part of an address."""
        return f"{self.one(_PEOPLE)}.{self.of(string.ascii_lowercase, 7)}{self.of(string.digits, 2)}"

    def iban(self) -> str:
        """Return a German, French or Dutch IBAN with valid check digits."""
        country, account = self.random.choice(
            (("DE", self.of(string.digits, 18)), ("NL", self.of(string.ascii_uppercase, 4) + self.of("0123456789", 10)),
             ("ES", self.of(string.digits, 20)))
        )  # fmt: skip
        return f"{country}{mod97_digits(country, account)}{account}"

    def jwt(self) -> str:
        """Return three parts in base64url: a header, claims and a signature."""
        parts = ('{"alg":"HS256","typ":"JWT"}', json.dumps({"sub": self.of(_ANY, 12)}), self.of(_ANY, 32))
        return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)

    def moment(self) -> datetime:
        """Return a time of 2025, in UTC."""
        return _EPOCH + timedelta(seconds=self.between(0, _YEAR_S), microseconds=self.between(0, 999_999))

    def barcode(self, start: str, length: int) -> str:
        """Return a code of GS1 with its check digit."""
        body = start + self.of(string.digits, length - 1 - len(start))
        return f"{body}{gs1_digit(body)}"

    def uuid(self) -> str:
        """Return a UUID of version 4."""
        bits = self.random.getrandbits(128)
        return str(uuid.UUID(int=bits, version=4))


def _social_security(make: Maker) -> str:
    return f"{make.between(101, 660)}-{make.of('123456789', 2)}-{make.of('123456789', 4)}"


def _isbn10(make: Maker) -> str:
    body = make.of(string.digits, 9)
    return body + isbn10_digit(body)


def _imei(make: Maker) -> str:
    body = "35" + make.of(string.digits, 12)
    return f"{body}{luhn_digit(body)}"


MAKERS: Final[dict[str, Callable[[Maker], str]]] = {
    "pw": Maker.password,
    "sym": Maker.symbols,
    "card": Maker.digits_of_card,
    "card4": Maker.grouped_card,
    "card-": lambda make: make.grouped_card("-"),
    "wide_card": lambda make: make.digits_of_card().translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
    "hidden_card": lambda make: make.grouped_card("\u200b"),
    "amex4": Maker.amex,
    "iban": Maker.iban,
    "iban_low": lambda make: make.iban().lower(),
    "iban4": lambda make: re.sub(r"(.{4})(?=.)", r"\1 ", make.iban()),
    "ssn": _social_security,
    "part": _social_security,
    "local": Maker.local,
    "LOCAL": lambda make: make.local().upper(),
    "jwt": Maker.jwt,
    "uuid": Maker.uuid,
    "word": lambda make: make.one(_WORDS),
    "table": lambda make: make.one(_TABLES),
    "column": lambda make: make.one(_COLUMNS),
    "person": lambda make: make.one(_PEOPLE),
    "host": lambda make: make.one(_HOSTS),
    "n": lambda make: str(make.between(2, 999)),
    "N": lambda make: str(make.between(1_000, 9_999_999)),
    "port": lambda make: str(make.between(1024, 65535)),
    "real": lambda make: f"{make.random.uniform(0, 1000):.2f}",
    "v": lambda make: f"{make.between(0, 25)}.{make.between(0, 30)}.{make.between(0, 40)}",
    "date": lambda make: make.moment().date().isoformat(),
    "time": lambda make: make.moment().isoformat(timespec="seconds").replace("+00:00", "Z"),
    "s": lambda make: str(int(make.moment().timestamp())),
    "ms": lambda make: str(int(make.moment().timestamp() * 1e3)),
    "us": lambda make: str(int(make.moment().timestamp() * 1e6)),
    "ns": lambda make: f"{int(make.moment().timestamp() * 1e6)}{make.of(string.digits, 3)}",
    "id16": lambda make: make.of("123456789", 1) + make.of(string.digits, 15),
    "id9": lambda make: make.of("123456789", 1) + make.of(string.digits, 8),
    "ean": lambda make: make.barcode(make.one(("400", "42", "43", "50", "76", "87", "30", "590")), 13),
    "upc": lambda make: make.barcode(make.one(("0", "7", "8")), 12),
    "gtin": lambda make: make.barcode("1", 14),
    "sscc": lambda make: make.barcode("34", 18),
    "isbn": lambda make: make.barcode("978", 13),
    "isbn10": _isbn10,
    "imei": _imei,
    "ip": lambda make: f"10.{make.between(0, 255)}.{make.between(0, 255)}.{make.between(1, 254)}",
    "lat": lambda make: f"{make.random.uniform(-89, 89):.6f}",
    "lon": lambda make: f"{make.random.uniform(-179, 179):.6f}",
}  # fmt: skip
