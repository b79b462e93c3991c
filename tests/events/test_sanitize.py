"""The quick way into an event decides nothing by itself: it agrees with the long way on every value."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import redact
from odibi_core.events.event import STANDARD
from odibi_core.events.normalize import to_plain
from odibi_core.events.sanitize import sanitize_value, split_fields
from odibi_core.redaction.redactor import HIDDEN, Redactor, is_plain_name
from odibi_core.redaction.rules import configure, reset

SECRET = "canary-7"
NAMES = [
    "note", "name", "key", "value", "values", "columns", "data", "rows", "header", "argument", "password", "api_key",
    "Authorization", "token", "tokens_in", "token_type", "session_count", "card", "order_id", "ssn", "email", "n",
    "contraseña", "密码", "ｐａｓｓｗｏｒｄ", "node_name", "status", "metadata", "Set-Cookie", "timestamp",
]  # fmt: skip
TEXTS = [
    *NAMES, SECRET, "hello", "--password", "--rows", "-p", "-psecret1", "mysql", "docker", "login", "curl", "-u",
    "jane:canary-7", "string", "none", "", "4111 1111 1111 1111", "4111111111111111", "078-05-1120",
    "jane@example.com", "jane@example.unknown", "password=canary-7", "note=hello", "GB82 WEST 1234 5698 7654 32",
    "('password', 'canary-7')", "x" * 90,
]  # fmt: skip
LEAVES = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(
        [None, True, False, 0, 5, 1.5, 4111111111111111, 4111111111111111.0, 10**14, 2**70, float("nan")]
    ),
    st.binary(max_size=8),
    st.text(max_size=8),
)


def inside(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples, pairs, lists of pairs, mappings, named tuples, tables in parts."""
    pairs = st.tuples(st.sampled_from(TEXTS), values)
    return st.one_of(
        st.lists(values, max_size=4),
        st.lists(values, max_size=3).map(tuple),
        st.lists(pairs, max_size=3),
        st.lists(pairs.map(list), max_size=3),
        pairs,
        st.dictionaries(st.sampled_from(NAMES), values, max_size=4),
        st.lists(st.sampled_from(TEXTS), max_size=5),
    )


VALUES = st.recursive(LEAVES, inside, max_leaves=12)


@given(VALUES)
def test_any_value_is_cleaned_by_the_same_rules_quick_or_not(value: Any) -> None:
    """Also the second time, when its names and texts are remembered."""
    wanted = redact(to_plain(value, keep_names=True))
    assert sanitize_value(value) == wanted or value != value
    assert repr(sanitize_value(value)) == repr(wanted)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_fields_of_an_event_are_cleaned_by_the_same_rules(fields: dict[str, Any]) -> None:
    """As the mapping of them would be, whatever stands at the top; names that only the recorder sets aside."""
    wanted = redact(to_plain(fields, keep_names=True))
    wanted["timestamp_"] = wanted.pop("timestamp", None)
    for _ in range(2):
        standard, rest, _ = split_fields(dict(fields))
        found = {"timestamp_": None, **standard, **rest}
        assert {name: repr(item) for name, item in found.items()} == {
            name: repr(item) for name, item in wanted.items()
        }


@pytest.mark.parametrize(
    "value",
    [
        [("Authorization", SECRET)],
        [["Authorization", SECRET]],
        (("x", 1), ("password", SECRET)),
        list({"api_key": SECRET, "n": 1}.items()),
        {"a": [("password", SECRET)]},
        {"a": {"b": [[("password", SECRET)]]}},
        {"a": ("password", SECRET)},
        [{"headers": (("Cookie", SECRET),)}],
        [[["token", [SECRET]]]],
        {"columns": ["id", "password"], "data": [[1, SECRET]]},
        {"columns": ["id"], "data": [("password", SECRET)]},
        {"columns": ["setting", "text"], "data": [["password", SECRET]]},
        {"columns": ["n", "setting", "text"], "data": [[1, "--password", SECRET]]},
        {"fields": ["id", "password"], "rows": [(1, SECRET)]},
        [{"name": "password", "value": SECRET}],
        [{"key": b"password", "values": [SECRET]}],
        ["--password", SECRET],
        ["docker", "login", "-u", "jane", "-p", SECRET],
        ["mysql", "-p" + SECRET, "shop"],
        ["/usr/bin/curl", "-u", f"jane:{SECRET}"],
        ["sqlcmd", "-P", SECRET],
    ],
)
def test_a_secret_that_its_neighbour_names_goes(value: Any) -> None:
    """Before and after each word of it was seen, at the top and nested, and by the walk over plain values."""
    for _ in range(2):
        for found in (
            sanitize_value(value),
            sanitize_value({"in": [value]}),
            redact(to_plain(value, keep_names=True)),
            split_fields({"in": value}),
        ):
            assert SECRET not in repr(found)
        for word in (
            "Authorization",
            "password",
            "x",
            "headers",
            "--password",
            "docker",
            "login",
            "-p",
            SECRET,
        ):
            sanitize_value({"seen": [word]})


class Grant(NamedTuple):
    """A named tuple with a secret."""

    user: str
    client_secret: str


def test_an_item_of_a_named_tuple_is_judged_by_its_name() -> None:
    """It becomes a list, in which names are gone."""
    assert sanitize_value({"grant": Grant("jane", SECRET)}) == {"grant": ["jane", HIDDEN]}
    assert sanitize_value([Grant("jane", SECRET)]) == [["jane", HIDDEN]]


def test_standard_fields_name_no_secret_but_by_a_rule_of_the_users() -> None:
    """The quick way takes them unseen; where the user calls one a secret, it does not."""
    assert all(map(is_plain_name, STANDARD))
    assert split_fields({"user": "jane", "component": "x"})[0] == {"user": "jane", "component": "x"}
    configure(names=["component"])
    assert split_fields({"user": "jane", "component": "x"})[0] == {"user": "jane", "component": HIDDEN}
    reset()


def test_what_a_name_says_of_numbers_holds_whatever_was_seen_before() -> None:
    """A text that is none of a card's elsewhere is one under its name, and the other way round."""
    for _ in range(2):
        assert split_fields({"n": "4111111111111111"})[1] == {"n": "4111111111111111"}
        assert split_fields({"card": "4111111111111111"})[1] == {"card": HIDDEN}
        assert split_fields({"n": "4111 1111 1111 1111"})[1] == {"n": HIDDEN}
        assert split_fields({"order_id": "4111 1111 1111 1111"})[1] == {"order_id": "4111 1111 1111 1111"}
        assert sanitize_value({"card": {"number": ["4111111111111111"]}}) == {"card": {"number": [HIDDEN]}}


def test_a_walk_may_remember_texts() -> None:
    """The same rules, with another way to take the secrets out of a text."""
    asked: list[tuple[str, str]] = []

    def text(content: str, role: str) -> str:
        asked.append((content, role))
        return content.upper()

    assert Redactor(text).of({"a": ["b"], "order_id": "c"}) == {"A": ["B"], "ORDER_ID": "C"}
    assert asked == [("a", ""), ("b", ""), ("order_id", ""), ("c", "identifier")]
