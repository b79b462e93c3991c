"""Secrets that docs/redaction.md promises, where quoting, grouping, types or the place make them harder to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
import pydantic
from tests.redaction_corpus.corpus import Built, Kind, Row


@dataclass(frozen=True)
class Login:
    """A user's login, as a dataclass."""

    user: str
    password: str


class Access(msgspec.Struct):
    """The same as a struct of msgspec."""

    user: str
    api_key: str


class Session(pydantic.BaseModel):
    """The same as a model of pydantic."""

    user: str
    token: str


OBJECTS: Final[tuple[Row, ...]] = (
    {"login": Built(Login, {"user": "jane", "password": "«!pw»"})},
    {"rows": [Built(Login, {"user": "jane", "password": "«!sym»"})]},
    {"access": Built(Access, {"user": "jane", "api_key": "«!pw»"})},
    {"session_of": {"x": Built(Session, {"user": "jane", "token": "«!sym»"})}},
    {"password": Built(str.encode, {}, "«!pw»")},
    {"note": Built(Login, {"user": "postgresql://a:«!pw»@db/x", "password": ""})},
    {"items": (Built(Access, {"user": "«!local»@example.com", "api_key": "x"}),)},
)
STANDARD: Final[tuple[Row, ...]] = (
    {"error": "login failed: password=«!pw»"},
    {"user": "«!local»@example.com"},
    {"operation": "load postgresql://jane:«!pw»@db/shop"},
    {"component": "api_key=«!pw»"},
    {"node_name": "read https://x/?access_token=«!pw»"},
    {"correlation_id": "Bearer «!an32»"},
    {"status": "token: «!pw»"},
    {"metadata": {"note": "password=«!sym»"}},
    {"metadata": {"conn": {"dsn": "«!pw»"}}},
    {"engine": "ghp_«!an36»"},
    {"metadata": {"headers": [("Cookie", "«!pw»")]}},
)
QUOTED: Final[tuple[Row, ...]] = (
    'password="«!pw» «!pw»"',
    "password='«!pw», «!pw»'",
    '{"password": "«!pw» and «!pw»"}',
    '{"token":"«!pw»\\"«!pw»"}',
    "password = '«!pw»;«!pw»'",
    'Password="«!sym»"; Encrypt=yes',
    "{'password': \"«!pw»'«!pw»\"}",
    "PASSWORD='«!pw»' odibi run x.py",
    'api_key = """«!pw»"""',
    "<password>«!pw» «!pw»</password>",
    "Authorization: Basic «!b6428»=",
    "password=«!pw»\nhost=db",
    "token=«!pw»,rows=3",
    "(token=«!pw»)",
    "[password: «!pw»]",
    "secret=«!pw».",
    "Password:«!pw»",
    "password:'«!sym»'",
    "password  =  «!pw»",
    "'password' : '«!pw»'",
    "pwd=«!pw»|user=jane",
)
STATEMENTS: Final[tuple[Row, ...]] = (
    "select 1 from users where [Password] = '«!pw»'",
    "SELECT 1 FROM u WHERE \"api_key\" = '«!pw»'",
    "SELECT 1 FROM u WHERE `token`='«!pw»'",
    "UPDATE u SET u.password = N'«!pw»'",
    "UPDATE u SET secret = E'«!pw»'",
    "SELECT 1 FROM u WHERE token <> '«!pw»'",
    "SELECT 1 FROM u WHERE password LIKE '«!pw»%'",
    "ALTER USER x IDENTIFIED WITH mysql_native_password BY '«!pw»'",
    "insert into users(password,name) values('«!pw»','jane')",
    "INSERT INTO [dbo].[users] ([id], [password]) VALUES (1, N'«!pw»')",
    "INSERT INTO users (name, password)\nVALUES\n  ('jane', '«!pw»'),\n  ('omar', '«!pw»');",
    "UPDATE users SET name = 'x', password = '«!pw»', n = 2",
    "[SQL: INSERT INTO u (name, token) VALUES (%s, %s)]\n[parameters: [('a', '«!pw»'), ('b', '«!pw»')]]",
    "DETAIL:  Key (email, api_key)=(x, «!pw») already exists.",
    "MERGE INTO u USING (SELECT 1) s ON (u.token = '«!pw»')",
    "CREATE USER jane WITH ENCRYPTED PASSWORD '«!pw»'",
)
SHAPES: Final[tuple[Row, ...]] = (
    "card «!amex4» declined",
    {"card": "«!amex4»"},
    {"cards": ["«!card»"]},
    "the cards are «!card4», «!card4» and «!card4»",
    "card=«!card»;cvv=«!d9»",
    "iban «!iban_low»",
    "IBAN: «!iban»; BIC: X",
    "from «!iban4» to «!iban4»",
    "«!LOCAL»@EXAMPLE.COM",
    '"«!local»"@example.com',
    "cc: «!local»@example.com;«!local»@example.org",
    "https://x/?email=«!local»@example.com&n=1",
    "by «!local»@mail.a.b.example.museum.",
    "(«!local»@example.com)",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n«!b6464»\n-----END PGP PRIVATE KEY BLOCK-----",
    "-----BEGIN PRIVATE KEY-----\r\n«!b6464»\r\n-----END PRIVATE KEY-----",
    "https://x/cb#id_token=«!jwt»&state=1",
    "jwt «!jwt», next",
    "x=ghp_«!an36»;y=1",
    "'glpat-«!url20»'",
    "postgres://jane:«!pw»%40«!pw»@db/x",
    "https://x.example/a?n=1&apikey=«!pw»#top",
    "clone https://«!an20»:x-oauth-basic@github.com/o/r",
    "SELECT 'AKIA«!b3216»'",
    '"Basic «!b6428»=="',
)
PAIRS: Final[tuple[Row, ...]] = (
    {"headers": [("authorization", "«!pw»")]},
    {"headers": [["x-api-key", "«!pw»"], ["accept", "*/*"]]},
    {"metadata": {"items": [("api_key", "«!sym»"), ("n", 1)]}},
    {"rows": [[("name", "jane"), ("password", "«!pw»")]]},
    {"d": {"e": [("session", "«!pw»"), ("table", "orders")]}},
    {"options": [("password", ["«!pw»", "«!pw»"])]},
    {"options": [("token", {"value": "«!pw»"})]},
    {"cookies": [("session", "«!pw»")]},
    {"params": [("q", "x"), ("access_token", "«!pw»")]},
    {"environment": [("PATH", "/bin"), ("DB_PASSWORD", "«!sym»")]},
    {"payload": (("client_secret", "«!pw»"),)},
    {"fields": [["card_number", "«!card»"], ["amount", 12]]},
)

KINDS: Final = (
    Kind("objects", OBJECTS),
    Kind("standard fields", STANDARD),
    Kind("quoting and separators", QUOTED),
    Kind("SQL, written otherwise", STATEMENTS),
    Kind("shapes, written otherwise", SHAPES),
    Kind("pairs, written otherwise", PAIRS),
)
