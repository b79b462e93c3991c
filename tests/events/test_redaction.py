"""No secret reaches a sink, whatever it is called and wherever it hides; what is none stays."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.event_bus import EventBus
from odibi_core.events import bind, clean, clean_text, encode, redact
from odibi_core.events.redaction import HIDDEN, redact_text
from odibi_core.testing import RecordingSink

SECRET_NAMES = [
    "password",
    "passwd",
    "pwd",
    "PASSWORD",
    "Password",
    "userPassword",
    "user_password",
    "db-password",
    "db.password",
    "dbpassword",
    "secret",
    "client_secret",
    "clientSecret",
    "token",
    "auth_token",
    "authToken",
    "accesstoken",
    "api_key",
    "apiKey",
    "APIKEY",
    "api-key",
    "X-Api-Key",
    "x_api_key",
    "authorization",
    "Authorization",
    "cookie",
    "Set-Cookie",
    "cookies",
    "credentials",
    "credential",
    "private_key",
    "privateKey",
    "session",
    "session_id",
    "csrf",
    "csrf_token",
    "xsrf",
    "jwt",
    "ssn",
    "aws_secret_access_key",
    "access_key",
    "passphrase",
    "AZURE_STORAGE_KEY_SECRET",
    "bearer",
    "connection_string",
]
PLAIN_NAMES = [
    "author",
    "authors",
    "authority",
    "tokenizer",
    "secretary_name",
    "passenger",
    "passed",
    "passing",
    "compass",
    "keyboard",
    "monkey",
    "key",
    "keys",
    "primary_key",
    "cookiecutter",
    "sessional",
    "description",
    "node_name",
    "row_count",
    "user",
    "session_count",
    "tokens_per_s",
    "password_length",
]


def line_of(fields: dict[str, Any], message: str | None = None, kind: str = "log") -> str:
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.say(kind, message, fields=fields)
    return encode(heard.events[0]).decode()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_goes_by_the_name_of_its_field(name: str) -> None:
    """At the top, in `metadata`, in a list, in the context, and whatever its type is: by the parts of the name."""
    for value in ("canary-7", 87654321, ["canary-7"], {"x": "canary-7"}, b"canary-7", ("canary-7",)):
        line = line_of({name: value, "metadata": {"deep": [{name: value}]}})
        assert "canary" not in line
        assert "87654321" not in line
    with bind(**{name: "canary-7"}):
        assert "canary" not in line_of({})


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_name_that_only_looks_like_a_secret_stays(name: str) -> None:
    """`author` is no `auth`, and `tokens_per_s` counts."""
    fields = json.loads(line_of({name: 12, "in": {name: 12}}))
    assert fields["in"][name] == 12
    assert fields[name] == 12


def test_what_a_secret_may_not_be_is_said() -> None:
    """That there is none, or whether there is one, is no secret."""
    fields = json.loads(line_of({"x": {"password": None, "token": True}}))
    assert fields["x"] == {"password": None, "token": True}


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAcanary\nabc\n-----END RSA PRIVATE KEY-----"
SHAPES = {
    "card": "4111 1111 1111 1111",
    "card dashes": "4111-1111-1111-1111",
    "card plain": "5500005555555559",
    "amex": "378282246310005",
    "iban": "DE89370400440532013000",
    "iban spaces": "GB82 WEST 1234 5698 7654 32",
    "e-mail": "jane.doe+x@example.co.uk",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_" + "a1B2" * 9,
    "github fine": "github_pat_" + "a1B2" * 10,
    "slack": "xoxb-123456789012-abcdefgh",
    "slack hook": "https://hooks.slack.com/services/T000/B000/XXXXXXXX",
    "jwt": JWT,
    "pem": PEM,
    "url": "postgres://jane:hunter2canary@db.example/x",
    "url odd": "mysql://u:p/w@d#canary@host/x",
    "stripe": "sk_live_" + "a1B2" * 6,
    "google": "AIza" + "a1B2c" * 7,
    "dsn": "host=db password=hunter2canary user=x",
    "bearer": "Authorization: Bearer abcdef0123456789",
    "kv": 'api_key="hunter2canary"',
    "json": '{"password": "hunter2canary"}',
    "query": "https://x.example/?token=hunter2canary&a=1",
    "colon": "secret: hunter2canary",
    "basic": "Basic dXNlcjpodW50ZXIyY2FuYXJ5",
}


def core(secret: str) -> str:
    """The part that may not be found again."""
    return next(
        (part for part in ("hunter2canary", "MIIEpAcanary", "d#canary", "dXNlcjpodW50") if part in secret),
        secret,
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("around", ["{}", "see {} there", "({})", '"{}"', "a\n{}\nb", "x={},", "ü{}"])
def test_a_secret_goes_by_its_shape(shape: str, around: str) -> None:
    """Anywhere in a text: in the message, a field, nested, as a key, as the event's type."""
    text, secret = around.format(SHAPES[shape]), core(SHAPES[shape])
    line = json.loads(
        line_of({"f": text, "metadata": {"m": [text]}, "k": {text: 1}}, message=text, kind=text)
    )
    assert secret not in json.dumps(line, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')


PLAIN_TEXTS = [
    "1234 5678 9012 3456",
    "order 4111111111111112",
    "2026-01-31T04:00:00.123456Z",
    "20260131T040000-nightly-3fa2c1b7",
    "0.1234567890123456",
    "1735689600000000000",
    "https://example.com:8080/a",
    "a@",
    "@decorator",
    "the author of the token economy",
    "compass: north",
    "550e8400-e29b-41d4-a716-446655440000",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "node_complete",
    "s3://bucket/key/part-0001.parquet",
    "DE12 is a road",
    "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    "",
]


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_what_is_no_secret_stays_as_it_was(text: str) -> None:
    """Numbers that fail Luhn, times, ids, hashes, paths: a log without its facts is none."""
    assert clean_text(text) == text


def test_a_key_that_never_ends_takes_the_rest_with_it() -> None:
    """It fails closed: a private key that was cut may not show its first half."""
    assert "canary" not in redact_text("-----BEGIN PRIVATE KEY-----\nMIIcanary" + "x" * 1000)


def test_two_keys_that_become_one_are_both_kept() -> None:
    """Two addresses as keys are two entries still."""
    assert sorted(redact({"a@x.example": 1, "b@x.example": 2}).values()) == [1, 2]


def test_a_card_number_is_found_in_an_int() -> None:
    """A column of numbers is no hiding place; one that fails Luhn is a number."""
    assert clean({"n": 4111111111111111, "m": 4111111111111112}) == {"n": HIDDEN, "m": 4111111111111112}


def test_what_was_found_clean_once_is_not_trusted_as_another_field() -> None:
    """The memory of clean texts is of texts: under a secret's name they go all the same."""
    assert "summer" in line_of({"season": "summer"})
    assert "summer" not in line_of({"password": "summer"})
    assert "summer" not in line_of({"in": {"password": "summer"}})


@given(st.text(max_size=200))
def test_redacting_again_changes_nothing_and_never_raises(text: str) -> None:
    """What was redacted is clean."""
    once = clean_text(text)
    assert clean_text(once) == once


ATTACKS = [
    "a@",
    "a.",
    "a" * 50 + "@",
    "1 ",
    "1-",
    "4",
    "DE89",
    "A0",
    "eyJ",
    "eyJa.",
    "eyJaaaaa.aaaaa.",
    "://",
    "://a:",
    "://a@",
    "password",
    "password=",
    "password='",
    'token="',
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY-----",
    "-----END",
    "xoxb-",
    "AKIA",
    "sk_live_",
    "Bearer ",
    "bearer  ",
    "\u00e9",
    "secret-",
    "api key ",
    "ghp_",
    "authorization",
    "=",
    "'",
    " ",
    "%40",
    "a-b.c_d+e%",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_no_text_takes_more_than_linear_time(attack: str) -> None:
    """A quadratic pattern would need minutes for 200 kB of its worst text; this test then never ends in time."""
    text = (attack * (200_000 // len(attack)))[:200_000]
    assert isinstance(redact_text(text), str)
    assert isinstance(redact_text(text.replace("@", "a") + "@"), str)


def test_a_uuid_is_no_card_whatever_its_digits_add_up_to() -> None:
    """Correlation ids are UUIDs as a rule; one that happens to pass a card's checksum must stay."""
    numbers = random.Random(7)
    for _ in range(20_000):
        written = str(UUID(int=numbers.getrandbits(128), version=4))
        assert redact_text(written) == written
    assert redact_text("4111-1111-1111-1111") == HIDDEN
