"""Access to the server: one table of requests, each with what may come of it."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.settings.serve_section import Serve
from odibi_core.web import access
from odibi_core.web.access import COOKIE, Access, AccessRules, Refusal, Request

HOST = "127.0.0.1:7171"
HERE = {"host": HOST}
SAME = {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"}
TOKENS: dict[str, Any] = {"token": "the-long-token", "read_token": "the-read-token"}
BEARER = {"authorization": "Bearer the-long-token"}
READER = {"authorization": "bearer the-read-token"}
PROXY = {"host": "0.0.0.0", "proxies": ("10.1.0.0/16", "::1"), "user_header": "X-User", "operators": ("ann",)}
BY_PROXY = {"host": "odibi.example", "x-user": "bob"}

# Settings, method, path, peer, headers → the role, or the status of the refusal.
TABLE: list[tuple[dict[str, Any], str, str, str, dict[str, str], str | int]] = [
    ({}, "GET", "/", "127.0.0.1", HERE, "operate"),
    ({}, "GET", "/", "127.0.0.1", {"host": "localhost"}, "operate"),
    ({}, "GET", "/", "127.0.0.1", {"host": "evil.example"}, 400),
    ({}, "GET", "/", "127.0.0.1", {"host": "evil.example:7171"}, 400),
    ({}, "GET", "/", "127.0.0.1", {}, 400),
    ({"hosts": ("odibi.example",)}, "GET", "/", "127.0.0.1", {"host": "Odibi.Example:80"}, "operate"),
    ({"hosts": ("odibi.example",)}, "GET", "/", "127.0.0.1", {"host": "odibi.example.evil"}, 400),
    # The API does not answer the pages of other sites; a link to a page works.
    ({}, "GET", "/api/sql", "127.0.0.1", {**HERE, "sec-fetch-site": "cross-site"}, 403),
    ({}, "GET", "/api/runs", "127.0.0.1", {**HERE, "sec-fetch-site": "same-site"}, 403),
    ({}, "GET", "/api/runs", "127.0.0.1", {**HERE, "sec-fetch-site": "none"}, "operate"),
    ({}, "GET", "/runs", "127.0.0.1", {**HERE, "sec-fetch-site": "cross-site"}, "operate"),
    # A change comes from a page of this server.
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, **SAME}, "operate"),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "origin": f"http://{HOST}"}, "operate"),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "sec-fetch-site": "same-origin"}, "operate"),
    ({}, "POST", "/api/mutes", "127.0.0.1", HERE, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "origin": "null"}, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "origin": ""}, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "origin": "http://127.0.0.1:8000"}, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, "origin": f"http://{HOST}.evil"}, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, **SAME, "sec-fetch-site": "cross-site"}, 403),
    ({}, "POST", "/api/mutes", "127.0.0.1", {**HERE, **SAME, "sec-fetch-site": "none"}, 403),
    ({}, "DELETE", "/api/mutes", "127.0.0.1", HERE, 403),
    # Tokens.
    (TOKENS, "GET", "/", "127.0.0.1", HERE, 401),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, **BEARER}, "operate"),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, **READER}, "read"),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, "authorization": "Bearer the-long-tokem"}, 401),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, "authorization": "Bearer "}, 401),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, "authorization": "Basic the-long-token"}, 401),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {**HERE, "authorization": "Bearer the-löng-token"}, 401),
    (TOKENS, "GET", "/api/runs", "127.0.0.1", {"host": "evil.example", **BEARER}, 400),
    (TOKENS, "POST", "/api/mutes", "127.0.0.1", {**HERE, **BEARER}, "operate"),
    (TOKENS, "POST", "/api/mutes", "127.0.0.1", {**HERE, **READER}, 403),
    (TOKENS, "POST", "/api/mutes", "127.0.0.1", {**HERE, **SAME}, 401),
    ({"read_token": "the-read-token"}, "GET", "/", "127.0.0.1", HERE, 401),
    # A proxy names the user; a header of any other client counts for nothing.
    (PROXY, "GET", "/", "10.1.2.3", {**HERE, **BY_PROXY, "host": "10.1.0.9"}, "read"),
    (PROXY, "GET", "/", "10.1.2.3", {**HERE, "x-user": "ann"}, "operate"),
    (PROXY, "GET", "/", "10.2.0.1", {**HERE, "x-user": "ann"}, 401),
    (PROXY, "GET", "/", "10.1.2.3", HERE, 401),
    (PROXY, "GET", "/", "10.1.2.3", {**HERE, "x-user": ""}, 401),
    (PROXY, "GET", "/", "", {**HERE, "x-user": "ann"}, 401),
    (PROXY, "GET", "/", "10.1.2.3", BY_PROXY, 400),
    ({**PROXY, "hosts": ("odibi.example",)}, "GET", "/", "10.1.2.3", BY_PROXY, "read"),
    (PROXY, "POST", "/api/mutes", "10.1.2.3", {**HERE, **SAME, "x-user": "bob"}, 403),
    (PROXY, "POST", "/api/mutes", "10.1.2.3", {**HERE, **SAME, "x-user": "ann"}, "operate"),
    (PROXY, "POST", "/api/mutes", "10.1.2.3", {**HERE, "x-user": "ann"}, 403),
    ({**PROXY, "operators": ("*",)}, "POST", "/api/mutes", "10.1.2.3", {**HERE, **SAME, "x-user": "bob"}, "operate"),
]


def outcome(row: tuple[dict[str, Any], str, str, str, dict[str, str], str | int]) -> str | int:
    settings, method, path, peer, headers, _ = row
    found = AccessRules(Serve(**settings)).decide(Request(method, path, peer, headers))
    return found.status if isinstance(found, Refusal) else found.role


def wrong() -> list[tuple[dict[str, Any], str, str, str, dict[str, str], str | int]]:
    return [row for row in TABLE if outcome(row) != row[-1]]


def test_every_request_of_the_table_is_decided_as_it_says() -> None:
    """Name, identity, role and origin of a request decide; nothing else does."""
    assert wrong() == []


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("names_server", lambda host, names: True),
        ("is_token", lambda given, token: True),
        ("_SAFE", frozenset({"GET", "HEAD", "POST"})),
        ("_FOREIGN", frozenset()),
    ],
)
def test_the_table_finds_a_rule_that_is_missing(name: str, broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: without the check of names, tokens, methods or sites some row of the table has another outcome."""
    monkeypatch.setattr(access, name, broken)
    assert wrong()


def test_the_table_finds_a_missing_check_of_the_proxy_and_of_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a header of a stranger, or a change from elsewhere, would be accepted."""
    with monkeypatch.context() as patched:
        patched.setattr(AccessRules, "_is_proxy", lambda self, peer: True)
        assert wrong()
    monkeypatch.setattr(AccessRules, "_is_same_origin", staticmethod(lambda request: True))
    assert wrong()


def test_a_session_is_not_the_token_and_counts_as_it() -> None:
    """The cookie has the role of its token, does not contain it, and needs the check of the origin for a change."""
    rules = AccessRules(Serve(**TOKENS))
    cookie = rules.sign_in("the-read-token")
    assert cookie is not None
    assert "token" not in cookie
    assert rules.sign_in("the-read-tokem") is None
    asked = Request("GET", "/", "127.0.0.1", HERE, {COOKIE: cookie})
    assert rules.decide(asked) == Access("read")
    operator = {COOKIE: rules.sign_in("the-long-token") or ""}
    assert isinstance(rules.decide(Request("POST", "/api/mutes", "127.0.0.1", HERE, operator)), Refusal)
    assert rules.decide(Request("POST", "/api/mutes", "127.0.0.1", HERE | SAME, operator)) == Access("operate")
    assert isinstance(rules.decide(Request("GET", "/", "127.0.0.1", HERE, {COOKIE: "x"})), Refusal)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"host": "0.0.0.0"}, ("ODIBI_SERVE__HOST", "0.0.0.0", "ODIBI_SERVE__TOKEN", "ODIBI_SERVE__PROXIES")),
        ({"host": "::"}, ("ODIBI_SERVE__HOST",)),
        ({"host": "odibi.example"}, ("ODIBI_SERVE__HOST",)),
        ({"proxies": ("10.0.0.1",)}, ("ODIBI_SERVE__USER_HEADER",)),
        ({"user_header": "X-User"}, ("ODIBI_SERVE__PROXIES",)),
        ({"proxies": ("proxy.example",), "user_header": "X-User"}, ("ODIBI_SERVE__PROXIES", "proxy.example")),
        ({"token": "a", "read_token": "a"}, ("ODIBI_SERVE__READ_TOKEN",)),
    ],
)
def test_settings_that_let_strangers_in_do_not_start(settings: dict[str, Any], names: tuple[str, ...]) -> None:
    """The error names the setting, what it is, and what would be right."""
    with pytest.raises(ConfigurationError) as caught:
        AccessRules(Serve(**settings))
    assert all(name in str(caught.value) for name in names)
