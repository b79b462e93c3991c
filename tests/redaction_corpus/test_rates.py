"""Both rates of the redaction: secrets that come out, and innocent values that are changed."""

from __future__ import annotations

from functools import cache

import pytest
from tests.redaction_corpus.corpus import SEED, Entry
from tests.redaction_corpus.maker import MAKERS, Maker, gs1_digit, luhn_digit, mod97_digits
from tests.redaction_corpus.rates import Rate, bare_line, corpus, fails, failures, rates, share

HELD_OUT = 4_711
"""Fresh values of the same kinds: a rule that was made for the values of the first seed fails here."""
SEEDS = pytest.mark.parametrize("seed", [SEED, HELD_OUT])


@cache
def found(seed: int) -> tuple[Rate, ...]:
    """Return the rates, measured once per seed."""
    return tuple(rates(corpus(seed)))


@SEEDS
def test_no_promised_secret_comes_out(seed: int) -> None:
    """Every secret that docs/redaction.md promises is redacted, in each shape and channel that the page names."""
    assert [rate for rate in found(seed) if rate.verdict == "promised" and rate.failed] == []


@SEEDS
def test_of_the_other_frequent_secrets_95_percent_are_hidden(seed: int) -> None:
    """Escapes, formats of code and configuration, commands, ten languages, and tokens of services."""
    assert share(found(seed), "common") <= 0.05


@SEEDS
def test_of_innocent_values_at_most_one_percent_is_changed(seed: int) -> None:
    """A redactor that destroys data is as wrong as one that leaks."""
    assert share(found(seed), "innocent") <= 0.01


def test_the_corpus_is_large_and_its_entries_are_different() -> None:
    """At least 600 secrets and 1,500 innocent values; every secret entry has one, and no innocent entry has."""
    entries = corpus()
    secrets = [entry for entry in entries if entry.verdict != "innocent"]
    assert len(secrets) >= 600
    assert len({str(entry) for entry in entries if entry.verdict == "innocent"}) >= 1_500
    assert all(bool(entry.secrets) == (entry.verdict != "innocent") for entry in entries)
    assert all(secret in str(entry) for entry in secrets for secret in entry.secrets if secret.isalnum())


def test_a_seed_makes_the_same_entries_and_another_makes_others() -> None:
    """The corpus is deterministic, and a second seed is a held-out one of the same kinds."""
    first, again, other = corpus(1), corpus(1), corpus(2)
    assert first == again
    assert [entry.kind for entry in first] == [entry.kind for entry in other]
    promised = [{secret for entry in entries for secret in entry.secrets} for entries in (first, other)]
    assert not promised[0] & promised[1]


def test_the_checksums_are_right() -> None:
    """Cards, IBANs and barcodes of the corpus are valid: published examples have the digits that are computed."""
    assert luhn_digit("7992739871") == 3
    assert gs1_digit("400638133393") == 1
    assert mod97_digits("GB", "WEST12345698765432") == "82"
    card, code = Maker(3).value("card"), Maker(3).value("ean")
    assert luhn_digit(card[:-1]) == int(card[-1])
    assert gs1_digit(code[:-1]) == int(code[-1])
    assert all(make(Maker(5)) for make in MAKERS.values())


def test_the_check_sees_every_secret() -> None:
    """Sabotage: without redaction each entry of a secret fails, and no innocent one does."""
    for entry in corpus():
        assert fails(entry, bare_line(entry)) == (entry.verdict != "innocent"), entry


def test_the_check_sees_a_half_of_a_secret_and_a_changed_value() -> None:
    """Sabotage: a rule that leaves the end of a token, or that changes one innocent value, is seen."""
    token = Entry("promised", "tokens", {"note": "abcdef1234567890"}, None, ("abcdef1234567890",))
    assert fails(token, {"note": "[REDACTED]34567890"})
    assert not fails(token, {"note": "[REDACTED]"})
    assert fails(Entry("innocent", "ids", {"id": "7"}), {"id": "[REDACTED]"})


def test_failures_are_shown_with_their_lines() -> None:
    """A failed entry is shown with its line, so that the rule can be found."""
    wrong = Entry("common", "sabotage", {"note": "orders"}, None, ("orders",))
    assert failures([wrong]) == [(wrong, {"note": "orders"})]
