"""Names of secrets: known by their words, in any spelling."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.redaction.names import PLAIN, SECRET

from odibi_core.redaction import words as secret_words
from odibi_core.redaction.assignments import NAME_PARTS
from odibi_core.redaction.names import hides, is_option, is_quantity, names_a_secret, names_its_value

WORDS = st.sampled_from(["user", "db", "new", "x", "my", "app", "main", "http", "value", "of", "2"])
KEYS = st.sampled_from(
    ["password", "secret", "token", "api_key", "private_key", "cookie", "credentials", "jwt", "csrf"]
)
SPELLINGS: dict[str, Callable[[list[str]], str]] = {
    "snake": lambda words: "_".join(words),
    "kebab": lambda words: "-".join(words),
    "dotted": lambda words: ".".join(words),
    "upper": lambda words: "_".join(words).upper(),
    "spaced": lambda words: " ".join(words),
    "path": lambda words: "/".join(words),
    "brackets": lambda words: words[0] + "".join(f"[{word}]" for word in words[1:]),
    "camel": lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "train": lambda words: "-".join(word.capitalize() for word in words),
}


@given(st.lists(WORDS, max_size=3), KEYS, st.lists(WORDS, max_size=3), st.sampled_from(sorted(SPELLINGS)))
def test_a_secret_is_one_in_every_spelling(
    before: list[str], key: str, after: list[str], spelling: str
) -> None:
    """A secret word in a name is found between any other words, in every spelling of names."""
    name = SPELLINGS[spelling]([*before, *key.split("_"), *after])
    assert names_a_secret(name)


@given(st.lists(WORDS, max_size=3), KEYS)
def test_a_secret_is_one_at_the_end_of_words_written_as_one(before: list[str], key: str) -> None:
    """`dbpassword`, `userapikey`."""
    assert names_a_secret("".join([*before, *key.split("_")]))


@given(st.text(max_size=50))
def test_any_text_may_be_a_name(name: str) -> None:
    """It is judged without an exception, and so is its value."""
    assert hides(name, None) is False
    assert isinstance(hides(name, "x"), bool)
    assert isinstance(is_quantity(name), bool)


@pytest.mark.parametrize(
    "name", ["tokens_per_s", "password_length", "session_count", "maxTokens", "token_ttl"]
)
def test_a_count_of_secrets_is_no_secret(name: str) -> None:
    """A number stays, also one in words; a text under the same name is redacted."""
    assert not hides(name, 12)
    assert not hides(name, "12.5")
    assert hides(name, "hunter2")


@pytest.mark.parametrize("value", [None, True, False, "", "none", "null", "True"])
def test_a_flag_for_a_secret_stays(value: object) -> None:
    """A flag that a secret was given is no secret."""
    assert not hides("password", value)


def test_a_field_may_name_the_value_of_another() -> None:
    """Any of the usual labels names the value; a label without a name of a secret does not."""
    assert names_its_value({"argument": "api_key", "value": "x"})
    assert not names_its_value({"argument": "table", "key": 3, "name": None})
    assert is_option("--password")
    assert not any(map(is_option, ("--password=x", "password", "--rows", 5, None)))


def test_the_first_search_of_a_text_misses_no_name() -> None:
    """Every name of the table has one of the parts for which a text is searched first; otherwise it would stay."""
    tables = [*secret_words.CREDENTIALS.values(), *secret_words.PERSONAL.values()]
    named = [*SECRET, *" ".join(f"{words} {phrases}" for words, phrases in tables).split()]
    missed = [
        name for name in named if name.isascii() and not any(part in name.lower() for part in NAME_PARTS)
    ]
    assert not missed
    assert len(SECRET) > 150 < len(PLAIN)
    assert not [name for name in SECRET if not re.search(r"\w", name)]
