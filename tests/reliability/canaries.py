"""Two hundred secrets that exist nowhere else, so that each one found shows which secret leaked, and where."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import polars

COUNT = 200


@dataclass(frozen=True)
class Canary:
    """A secret: inside `text`, known by its shape or its context; `name` and `value` are the secret as a field."""

    kind: str
    text: str
    core: str
    name: str
    value: str


class _Maker:
    """Deterministic random parts."""

    def __init__(self) -> None:
        self.random = random.Random(20_260_131)

    def of(self, letters: str, count: int) -> str:
        return "".join(self.random.choice(letters) for _ in range(count))

    def word(self, count: int = 20) -> str:
        """Return letters and digits of both cases, as in a token."""
        return "Cn4r" + self.of(string.ascii_letters + string.digits, count - 4)

    def card(self) -> str:
        body = "4" + self.of(string.digits, 14)
        total = sum(
            sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit)
            for place, digit in enumerate(reversed(body))
        )
        return f"{body}{-total % 10}"

    def iban(self) -> str:
        account = self.of(string.digits, 18)
        return f"DE{98 - int(account + '131400') % 97:02d}{account}"

    def jwt(self) -> str:
        parts = ('{"alg":"HS256"}', json.dumps({"sub": self.word()}), self.word(30))
        return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


Made = tuple[str, str]
"""A text, and what of it may not be found again."""


def _card(make: _Maker) -> Made:
    digits = make.card()
    return f"card {digits}", digits


def _spaced_card(make: _Maker) -> Made:
    written = " ".join(re.findall("....", make.card()))
    return written, written


def _social_security(make: _Maker) -> Made:
    number = f"{make.random.randint(101, 660)}-{make.of('123456789', 2)}-{make.of('123456789', 4)}"
    return f"SSN {number}", number


def _shape(pattern: str) -> Callable[[_Maker], Made]:
    """Return a maker of texts; the random part in the place of `{}` may not be found again."""

    def made(make: _Maker) -> Made:
        word = make.word()
        return pattern.replace("{}", word), word

    return made


def _same(build: Callable[[_Maker], str]) -> Callable[[_Maker], Made]:
    def made(make: _Maker) -> Made:
        text = build(make)
        return text, text

    return made


def _letters(pattern: str, letters: str, count: int) -> Callable[[_Maker], Made]:
    def made(make: _Maker) -> Made:
        core = make.word(count) if letters == _ANY else make.of(letters, count)
        return pattern.replace("{}", core), core

    return made


_UPPER = string.ascii_uppercase + string.digits
_ANY = string.ascii_letters + string.digits
SHAPES: dict[str, Callable[[_Maker], Made]] = {
    "card": _card,
    "card in groups": _spaced_card,
    "iban": _same(_Maker.iban),
    "e-mail": _shape("{}@mail.example"),
    "e-mail at a host": _shape("jane@{}.example"),
    "e-mail of another script": _shape("jürgen.{}@exämple.example"),
    "e-mail encoded": _shape("{}%40mail.example"),
    "aws key": _letters("AKIA{}", _UPPER, 16),
    "github": _letters("ghp_{}", _ANY, 36),
    "github fine": _letters("github_pat_{}", _ANY, 40),
    "gitlab": _letters("glpat-{}", _ANY, 20),
    "slack": _letters("xoxb-123456789012-{}", _ANY, 24),
    "slack hook": _letters("https://hooks.slack.com/services/T00000000/B00000000/{}", _ANY, 24),
    "google": _letters("AIza{}", _ANY, 35),
    "stripe": _letters("sk_live_{}", _ANY, 24),
    "openai": _letters("sk-{}", _ANY, 40),
    "jwt": _same(_Maker.jwt),
    "pem": _shape("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg{}\n-----END PRIVATE KEY-----"),
    "pem in one line": _shape(r"-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ{}\n-----END RSA PRIVATE KEY-----"),
    "url": _shape("postgresql://jane:{}@db.example:5432/x"),
    "url encoded": _shape("postgresql%3A%2F%2Fjane%3A{}%40db.example%2Fx"),
    "mongo": _shape("mongodb+srv://jane:{}@cluster.example/x"),
    "sentry": _letters("https://{}@o1.sentry.example/1", "0123456789abcdef", 32),
    "ado": _shape("Server=db;User Id=jane;Password={};Encrypt=yes"),
    "dsn": _shape("host=db user=jane password={} dbname=x"),
    "azure": _shape("AccountName=x;AccountKey={}==;EndpointSuffix=core.windows.net"),
    "bearer": _shape("Authorization: Bearer {}"),
    "basic": _letters("Basic {}==", _ANY, 30),
    "sql": _shape("SELECT * FROM t WHERE api_token = '{}' AND n = 1"),
    "sql user": _shape("CREATE USER x IDENTIFIED BY '{}'"),
    "json": _shape('{"client_secret": "{}", "n": 1}'),
    "json in json": _shape(r'"{\"client_secret\": \"{}\", \"n\": 1}"'),
    "repr": _shape("{'csrfToken': '{}', 'n': 1}"),
    "option": _shape("load --api-key {} --rows 5"),
    "query": _shape("https://x.example/cb?access_token={}&n=1"),
    "ssn": _social_security,
}  # fmt: skip
NAMES = (
    "password", "user_password", "dbPassword", "passwd", "client-secret", "API_KEY", "X-Api-Key", "authorization",
    "cookie", "Set-Cookie", "credentials", "private_key", "session_id", "sessionid", "csrf", "xsrfToken", "jwt", "ssn",
    "refreshToken", "aws.secret", "PGPASSWORD", "cvv", "iban", "pin_code", "connectionString",
)  # fmt: skip


@cache
def canaries() -> tuple[Canary, ...]:
    """Return every shape four times, then names, up to two hundred; the same ones in every process."""
    make = _Maker()
    found = []
    for kind, build in list(SHAPES.items()) * 4:
        text, core = build(make)
        found.append(Canary(kind, f"the {text} here", core, "note", text))
    for name in (NAMES * 3)[: COUNT - len(found)]:
        word = make.word()
        found.append(Canary(f"by name: {name}", f"{name}={word}", word, name, word))
    return tuple(found)


@cache
def _forms() -> dict[str, Canary]:
    """Forbidden texts: each core as it is, URL-encoded, in JSON, and in base64. All are ASCII."""
    found: dict[str, Canary] = {}
    for canary in canaries():
        raw = canary.core
        forms = [raw, quote(raw, safe=""), json.dumps(raw)[1:-1], raw.replace(" ", ""), raw.replace(" ", "-")]
        for shift in range(3):
            # Of each four letters only those count that hold nothing of what may stand around.
            encoded = base64.b64encode(b"x" * shift + raw.encode()).decode()
            inner = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
            forms += [inner, inner.replace("+", "-").replace("/", "_")]
        found.update(dict.fromkeys(forms, canary))
    return found


def leaks(contents: Iterable[bytes]) -> list[set[Canary]]:
    """Return the canaries in each of these contents, in any form; one pass looks for all of them."""
    forms = _forms()
    texts = polars.Series([content.decode("latin-1") for content in contents], dtype=polars.String)
    found = texts.str.extract_many(list(forms), overlapping=True).list.unique()
    return [{forms[form] for form in some} for some in found]


def readable(file: Path) -> Iterator[bytes]:
    """Yield the contents of a file: its name, its bytes, and these unpacked."""
    yield file.name.encode()
    content = file.read_bytes()
    yield content
    if content.startswith(b"PAR1"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(file)
        yield f"{table.to_pylist()}{table.schema.metadata}".encode()
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    for packed in re.findall(rb"H4sI[A-Za-z0-9+/=]{20,}", content):
        try:
            yield gzip.decompress(base64.b64decode(packed))
        except (OSError, ValueError, EOFError, zlib.error):
            continue
