"""Secrets in the forms of programs, people and files are redacted; values that only look like one stay."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.redaction.secret_examples import PLAIN_FIELDS, PLAIN_TEXTS, SECRET, SECRET_FIELDS, SECRET_TEXTS

from odibi_core.events import sanitize_text, sanitize_value


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_a_secret_in_each_form_of_text_is_redacted(text: str) -> None:
    """Code, markup, configuration, commands, connection strings, headers, languages, escapes, pairs, SQL, sentences."""
    for around in ("{}", "a\n{}\nb"):
        cleaned = sanitize_text(around.replace("{}", text))
        assert SECRET not in cleaned
        assert sanitize_text(cleaned) == cleaned


@pytest.mark.parametrize("fields", SECRET_FIELDS, ids=str)
def test_a_secret_in_each_form_of_field_is_redacted(fields: dict[str, Any]) -> None:
    """A name in any language, a neighbouring field or a command marks the secret."""
    assert SECRET not in json.dumps(sanitize_value(fields))


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_a_text_that_holds_no_secret_stays(text: str) -> None:
    """SQL, code, traces, addresses of machines, numbers, log messages, configuration, commands, schemas."""
    assert sanitize_text(text) == text
    assert sanitize_value({"note": [text]}) == {"note": [text]}


@pytest.mark.parametrize(("name", "value"), PLAIN_FIELDS)
def test_a_field_that_describes_a_secret_stays(name: str, value: Any) -> None:
    """Its type, name, time, number, presence and place stay."""
    assert sanitize_value({"in": {name: value}}) == {"in": {name: value}}


def test_numbers_that_look_like_cards_and_social_security_stay() -> None:
    """Random ids of sixteen digits, part numbers, barcodes, hashes: none of thousands is changed."""
    numbers = random.Random(5)
    ids = [numbers.randrange(10**15, 10**16) for _ in range(2_000)]
    made = [
        *map(str, ids),
        *ids,
        *(f"job {number} done" for number in ids),
        *(
            f"{numbers.randrange(100, 1000)}-{numbers.randrange(10, 100)}-{numbers.randrange(10**4)}"
            for _ in ids
        ),
        *(str(numbers.randrange(10**12, 10**13)) for _ in ids),
        *(f"{numbers.getrandbits(160):040x}" for _ in ids),
    ]
    assert [value for value in made if sanitize_value(value) != value] == []
