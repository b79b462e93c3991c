"""No secret reaches a sink, under any name and in any place; other values stay."""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.redaction.names import PLAIN, SECRET

from odibi_core.bus.bus import EventBus
from odibi_core.events import bind, encode, redact, sanitize_text, sanitize_value
from odibi_core.events.failure import describe_failure
from odibi_core.events.normalize import MAX_TEXT
from odibi_core.redaction import redactor as redaction
from odibi_core.redaction.redactor import HIDDEN, redact_text
from odibi_core.testing import RecordingSink


def line_of(fields: dict[str, Any], message: str | None = None, kind: str = "log") -> str:
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    bus.publish(kind, message, fields=fields)
    return encode(heard.events[0]).decode()


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_redacted_by_the_name_of_its_field(name: str) -> None:
    """The parts of the name decide: at the top, in `metadata`, in a list, in the context, for a value of any type."""
    for value in ("canary-7", ["canary-7"], {"x": "canary-7"}, b"canary-7", ("canary-7",)):
        line = line_of({name: value, "metadata": {"deep": [{name: value}]}})
        assert "canary" not in line
    with bind(**{name: "canary-7"}):
        assert "canary" not in line_of({})


@pytest.mark.parametrize("name", [name for name in SECRET if name not in ("pass", "tokens", "sessions")])
def test_a_secret_may_be_a_number(name: str) -> None:
    """A number is redacted, except under names that often count (`tokens`, `sessions`, `pass`)."""
    assert "87654321" not in line_of({name: 87654321, "in": {name: 87654321}})


@pytest.mark.parametrize("name", PLAIN)
def test_a_name_that_only_looks_like_a_secret_stays(name: str) -> None:
    """`author` is no `auth`, and `tokens_per_s` counts."""
    fields = json.loads(line_of({name: 12, "in": {name: 12}}))
    assert fields["in"][name] == 12
    assert fields[name if name in fields else f"{name}_"] == 12


def test_values_that_cannot_be_a_secret_stay() -> None:
    """None, and a flag that a secret is set, are no secrets."""
    fields = json.loads(line_of({"x": {"password": None, "token": True}}))
    assert fields["x"] == {"password": None, "token": True}


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAcanary\nabc\n-----END RSA PRIVATE KEY-----"
SHAPES = {
    "card": "4111 1111 1111 1111",
    "card dashes": "4111-1111-1111-1111",
    "card plain": "a card 5500005555555559",
    "amex": "an amex: 378282246310005",
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
    "card beside digits": "12 4111 1111 1111 1111 12/27",
    "iban lower case": "de89370400440532013000",
    "ssn": "SSN 078-05-1120",
    "e-mail of another script": "jürgen.müller@exämple.de",
    "e-mail with an apostrophe": "o'brien@example.com",
    "e-mail quoted": '"john doe"@example.com',
    "e-mail encoded": "jane%40example.com",
    "e-mail encoded twice": "jane%2540example.com",
    "e-mail in JSON's escapes": "jane\\u0040example.com",
    "aws pair": "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "gitlab": "glpat-" + "a1B2" * 5,
    "openai": "sk-proj-" + "a1B2" * 10,
    "hugging face": "hf_" + "a1B2" * 9,
    "npm": "npm_" + "a1B2" * 9,
    "pypi": "pypi-" + "a1B2" * 15,
    "sendgrid": "SG." + "a1B2" * 5 + "." + "c3D4" * 10,
    "vault": "hvs." + "a1B2" * 6,
    "databricks": "dapi" + "0a1b" * 8,
    "google oauth": "ya29." + "a1B2" * 10,
    "slack app": "xapp-1-A012345-67890-abcdef",
    "stripe hook": "whsec_" + "a1B2" * 8,
    "jwt of five parts": JWT + ".abc.def",
    "pem in one line": PEM.replace("\n", "\\n"),
    "url of two": "postgres://a:b@h/x,mysql://jane:hunter2canary@db/y",
    "url in JSON": "mysql:\\/\\/jane:hunter2canary@db\\/x",
    "url encoded": "postgresql%3A%2F%2Fjane%3Ahunter2canary%40db%2Fx",
    "mongo": "mongodb+srv://jane:hunter2canary@cluster.example/x?w=majority",
    "login alone": "jane:hunter2canary!x@db.example",
    "odbc": "Driver={x};Server=db;UID=jane;PWD={hunter2canary;y};",
    "ado": "Server=db;Database=x;User Id=jane;Password=hunter2canary;Encrypt=yes",
    "azure": "AccountName=x;AccountKey=hunter2canary+/a==;EndpointSuffix=core.windows.net",
    "signed url": "/container/x?sv=1&sig=hunter2canary%3D&se=2",
    "sql": "SELECT 1 FROM t WHERE password = 'hunter2canary it''s' AND n = 1",
    "sql in": "WHERE token IN ('hunter2canary', 'b')",
    "sql user": "CREATE USER x IDENTIFIED BY 'hunter2canary'",
    "sql role": "CREATE ROLE x WITH LOGIN PASSWORD 'hunter2canary'",
    "json in json": '{\\"token\\": \\"hunter2canary x\\"}',
    "json nested": '{"credentials": {"user": "x", "a": ["hunter2canary"]}}',
    "repr": "{'api_key': 'hunter2canary'}",
    "repr of bytes": "{'api_key': b'hunter2canary x'}",
    "xml": "<password>hunter2canary</password>",
    "yaml": "password: hunter2canary",
    "option": "--password hunter2canary --rows 5",
    "options": "['load', '--api-key', 'hunter2canary', '--rows', '5']",
    "header": "Cookie: a=1; sid=hunter2canary",
    "digest": 'Authorization: Digest username="x", response="hunter2canary"',
    "encoded pair": "password%3Dhunter2canary",
    "encoded JSON": "%7B%22password%22%3A%22hunter2canary%22%7D",
    "commas": "password=a,hunter2canary;x",
    "form": "user[password]=hunter2canary&x=1",
    "unclosed": "password='hunter2canary and",
    "environment": "PGPASSWORD=hunter2canary psql",
}


def core(secret: str) -> str:
    """Return the part that may not be found again."""
    return next(
        (
            part
            for part in (
                "5500005555555559",
                "378282246310005",
                "078-05-1120",
                "hunter2canary",
                "MIIEpAcanary",
                "d#canary",
                "dXNlcjpodW50",
                "wJalr",
            )
            if part in secret
        ),
        "1111 1111" if "12/27" in secret else secret,
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("around", ["{}", "see {} there", "({})", '"{}"', "a\n{}\nb", "x={},", "ü{}"])
def test_a_secret_is_redacted_by_its_shape(shape: str, around: str) -> None:
    """The shape is found anywhere in a text: in the message, a field, nested, as a key, as the event's type."""
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
    "unexpected token '}' at line 3",
    "basic understanding, bearer of goodnews",
    "not_null(token): 5 rows failed",
    "total_tokens=512 session_count: 5 password=None",
    "100% of 50%25 done",
    "lat 52.5200065999 lon 13.4049540000",
    "phone 030 1234567",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "node_complete",
    "s3://bucket/key/part-0001.parquet",
    "DE12 is a road",
    "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    "",
]


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_other_values_stay_unchanged(text: str) -> None:
    """Numbers that fail Luhn, times, ids, hashes and paths stay: a log needs its facts."""
    assert sanitize_text(text) == text


def test_a_key_without_an_end_is_redacted_to_the_end_of_the_text() -> None:
    """A private key that was cut may not show its first half."""
    assert "canary" not in redact_text("-----BEGIN PRIVATE KEY-----\nMIIcanary" + "x" * 1000)


def test_two_keys_that_become_one_are_both_kept() -> None:
    """Two addresses as keys stay two entries."""
    assert sorted(redact({"a@x.example": 1, "b@x.example": 2}).values()) == [1, 2]


def test_a_card_number_is_found_in_an_int() -> None:
    """A card number is redacted in a column of numbers too; a number that fails Luhn stays."""
    assert sanitize_value({"card": 4111111111111111, "cards": [4111111111111112]}) == {
        "card": HIDDEN,
        "cards": [4111111111111112],
    }


def test_a_clean_text_is_redacted_under_the_name_of_a_secret() -> None:
    """The cache of clean texts is for texts only: under a secret's name they are redacted all the same."""
    assert "summer" in line_of({"season": "summer"})
    assert "summer" not in line_of({"password": "summer"})
    assert "summer" not in line_of({"in": {"password": "summer"}})


@given(st.text(max_size=200))
def test_redacting_again_changes_nothing_and_never_raises(text: str) -> None:
    """Redacted text is clean: a second pass changes nothing."""
    once = sanitize_text(text)
    assert sanitize_text(once) == once


def test_a_uuid_is_no_card() -> None:
    """Correlation ids are often UUIDs; one that happens to pass a card's checksum must stay."""
    numbers = random.Random(7)
    for _ in range(20_000):
        written = str(UUID(int=numbers.getrandbits(128), version=4))
        assert redact_text(written) == written
    assert redact_text("4111-1111-1111-1111") == HIDDEN


def test_no_text_takes_more_than_linear_time() -> None:
    """Every attack of 64 kB runs in a process with a minute of processor time; one quadratic pattern needs hours."""
    script = Path(__file__).with_name("attacks.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 900


@dataclass
class Login:
    """A value of a program with a secret in it."""

    user: str
    password: str


def test_a_secret_is_redacted_in_every_container() -> None:
    """A dataclass, a key, bytes, an exception and its cause, notes, groups, the source lines of a traceback."""
    mail, card = "jane@canary.example", "4111 1111 1111 1111"

    def fail() -> None:
        error = ValueError(f"no {mail}", {"card": card})
        error.add_note("token=hunter2canary")
        raise error

    try:
        try:
            fail()
        except ValueError as error:
            password = "hunter2canary"  # a source line of the traceback
            raise ExceptionGroup(f"of {mail}", [KeyError(mail), OSError(f"password={password}")]) from error
    except ExceptionGroup as error:
        told = describe_failure(error)
    line = line_of(
        {
            "login": Login("jane", "hunter2canary"),
            "keys": {mail: 1, card: 2},
            "raw": mail.encode(),
            "set": {mail},
            "error_seen": ValueError(mail),
            **told,
        }
    )
    assert "raise ExceptionGroup" in line
    for secret in ("canary.example", "1111 1111", "hunter2canary"):
        assert secret not in line


@pytest.mark.parametrize("label", ["name", "key", "argument", "variable"])
def test_a_secret_that_another_field_names_is_redacted(label: str) -> None:
    """`argument="token", value="…"` is `token="…"`; other names keep their values, also if all were seen before."""
    line_of({label: "orders", "value": 1, "deep": 1, "of": ["api_token", "password", "canary-7"]})
    for fields in (
        {label: "api_token", "value": "canary-7"},
        {"deep": {label: "password", "value": "canary-7"}},
        {"deep": [{label: "password", "value": "canary-7"}]},
    ):
        assert "canary" not in line_of(dict(fields))
        assert "canary" not in json.dumps(redact(fields))
    assert json.loads(line_of({label: "table", "value": "flights"}))["value"] == "flights"


def test_a_list_of_pairs_is_redacted_as_a_mapping() -> None:
    """In headers and `dict.items()` the value of a secret's name is redacted, and no other pair changes."""
    headers = [
        ("Host", "example.org"),
        ("X-Api-Key", "canary-7"),
        (b"cookie", b"canary-8"),
        ("session_count", 3),
    ]
    kept = [["Host", "example.org"], ["X-Api-Key", HIDDEN], ["cookie", HIDDEN], ["session_count", 3]]
    line = json.loads(line_of({"headers": headers, "deep": {"scope": [headers]}}))
    assert (line["headers"], line["deep"]) == (kept, {"scope": [kept]})
    assert "canary" not in line_of({"items": {"password": "canary-9"}.items()})
    assert sanitize_value(["password", "token"]) == ["password", "token"]  # two words are no pair of a list


def test_the_value_of_an_option_is_redacted() -> None:
    """In a command line as a list, `--password x` hides `x`, and no more than that."""
    said = ["load", "--password", "canary-7", "--rows", "5", "--token=canary-8", "-v"]
    assert json.loads(line_of({"args": said}))["args"] == [
        "load", "--password", HIDDEN, "--rows", "5", f"--token={HIDDEN}", "-v",
    ]  # fmt: skip


def test_a_card_number_is_found_in_a_float() -> None:
    """A column of whole numbers with a gap is one of floats; a count of bytes stays."""
    line = json.loads(
        line_of({"card": 4111111111111111.0, "rows": [{"pan": 4111111111111111.0}], "b": 5.0e12, "m": 1e300})
    )
    assert (line["card"], line["rows"][0]["pan"], line["b"], line["m"]) == (HIDDEN, HIDDEN, 5.0e12, 1e300)


@pytest.mark.parametrize(
    "n", [5_018_000_000_001, 4_000_000_000_006, 36_000_000_000_008, 1_769_000_000_123_456_789]
)
def test_sums_of_bytes_and_times_are_no_cards(n: int) -> None:
    """A number of up to fourteen digits is no card, although its digits may pass the checksum."""
    assert sanitize_value(n) == n


@pytest.mark.parametrize("part", ["without_tokens", "without_assignments", "_GIVEN"])
def test_it_fails_closed(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule that raises redacts the value that it checked, in any place; it is counted, and reported once."""

    def broken(*_: object) -> str:
        raise RuntimeError("canary-9 in the error")

    rules = tuple(redaction.Rule("", lambda content: True, broken) for _ in redaction._RULES)
    monkeypatch.setattr(redaction, "_RULES", rules[:1] if part == "without_tokens" else rules)
    with caplog.at_level(logging.ERROR, "odibi_core"):
        assert redact_text("a canary-6") == HIDDEN
        assert len(caplog.records) == 1
        for text in (f"a canary-7 of {part}", f"the canary-8 of {part}"):
            line = line_of({"f": text, "metadata": {"deep": [text]}}, message=text)
            assert "canary" not in line
            assert json.loads(line)["message"] == HIDDEN
    assert redaction.failures["RuntimeError"] >= 4
    assert len([record for record in caplog.records if "redaction" in record.message]) == 1
    assert "canary" not in caplog.text
    redaction.failures.clear()


def test_names_that_cannot_be_judged_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that raises is treated as that of a secret."""

    def broken(*_: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr(redaction, "hides", broken)
    monkeypatch.setattr(redaction, "role_of", broken)
    assert "canary" not in line_of(
        {"quite_ordinary_here": "canary-7 said", "in": {"also_ordinary_here": "canary-8 said"}}
    )
    redaction.failures.clear()


BALANCED = [text for shape, text in SHAPES.items() if shape != "unclosed"]
FRAGMENTS = [
    *BALANCED, "password", "=", ":", "{", "}", "[", ",", ";", "&", "a", "\n", "@", "%40", "x.y", "://", "--token",
    "Bearer", HIDDEN, "4111", "-----END PRIVATE KEY-----", "<password>", "identified by", "credentials:", "token is",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8), st.sampled_from([" ", "\n", " | ", "; "]))
def test_secrets_are_found_among_anything(texts: list[str], between: str) -> None:
    """In any combination of texts each secret is redacted, none hides another, and no rule raises."""
    cleaned = redact_text(between.join(texts))
    assert not [text for text in texts if text in BALANCED and core(text) in cleaned]


@pytest.mark.parametrize("shape", ["e-mail", "github", "aws", "stripe", "card plain", "iban", "login alone"])
def test_a_text_that_is_cut_ends_with_no_half_of_a_secret(shape: str) -> None:
    """Half of a secret does not have its shape, so a cut at any place removes it."""
    secret = core(SHAPES[shape])
    for kept in range(1, len(secret)):
        long = "word " * 20_000
        text = f"{long[: MAX_TEXT - kept - 1]} {secret} {long}"
        for cleaned in (sanitize_text(text), sanitize_value({"x": [text]})["x"][0]):
            end = cleaned.partition("… [cut: ")[0][-len(secret) :]
            assert not set(end) - set("word ") or HIDDEN in cleaned


@pytest.mark.parametrize(
    ("arguments", "cleaned"),
    [
        (["tool", "--password", "-hunter2Xq9"], ["tool", "--password", HIDDEN]),
        (["tool", "--password", "hunter2Xq9", "-v"], ["tool", "--password", HIDDEN, "-v"]),
        (["tool", "--password", "--verbose"], ["tool", "--password", "--verbose"]),
        (["curl", "-u", "abc:hunter2Xq9"], ["curl", "-u", f"abc:{HIDDEN}"]),
        (["curl", "-u", "abcd:hunter2Xq9"], ["curl", "-u", f"abcd:{HIDDEN}"]),
        (["redis-cli", "-p", 6379, "get"], ["redis-cli", "-p", 6379, "get"]),
    ],
)
def test_the_argument_behind_a_secret_option_is_hidden(arguments: list[str], cleaned: list[str]) -> None:
    """An argument with one dash is a password too; one with two dashes is the next option."""
    assert redact(arguments) == cleaned
