"""Rules are found in samples, proved on all rows, and never claimed for rows that were chosen at random."""

import datetime as dt
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest

from odibi_core.insight.base import Budget, Rule
from odibi_core.insight.frames.frame import Frame, frame_of
from odibi_core.insight.predicates.tests import evaluate
from odibi_core.insight.predicates.wording import rule_text
from odibi_core.insight.rules.proving import Found, find, same_rows
from odibi_core.insight.rules.source import NO_HINTS, Hints, hints_of

HEIGHT = 12_000


@cache
def shop() -> pd.DataFrame:
    """Return orders with nulls, ties, skewed texts and moments."""
    rng = np.random.default_rng(7)
    amount = rng.gamma(2, 40, HEIGHT).round(2)
    start = np.datetime64("2023-01-01T00:00:00")
    paid = rng.random(HEIGHT) < 0.9
    return pd.DataFrame(
        {
            "id": rng.permutation(HEIGHT),
            "country": rng.choice(["DE", "FR", "IT", "ES", "PL"], HEIGHT, p=[0.5, 0.2, 0.15, 0.1, 0.05]),
            "amount": amount,
            "paid_at": np.where(paid, start + rng.integers(0, 700 * 86_400, HEIGHT), np.datetime64("NaT")),
            "paid_by": pd.Series(rng.choice(["card", "bank"], HEIGHT), dtype="str").where(paid),
            "placed": start + rng.integers(0, 700 * 86_400, HEIGHT),
            "quantity": rng.integers(1, 20, HEIGHT),
            "stock": rng.integers(1, 20, HEIGHT),
            "name": [f"{first} {last}" for first, last in zip(
                rng.choice(["Dr. Ann", "Bob", "Cem", "Dana"], HEIGHT), rng.choice(["Ott", "Ray", "van Dyk"], HEIGHT),
                strict=True)],
        }
    )  # fmt: skip


Keep = Callable[[pd.DataFrame], Any]

KEPT: dict[str, tuple[Keep, str]] = {
    "null": (lambda d: d.paid_at.notna(), "paid_at IS NULL"),
    "threshold": (lambda d: d.amount > 100, "amount <= 100"),
    "range": (lambda d: d.quantity.between(5, 9), "quantity < 5 or > 9"),
    "list": (lambda d: ~d.country.isin(["FR", "PL"]), "country in {FR, PL}"),
    "one value": (lambda d: d.country == "DE", "country != DE"),
    "both": (lambda d: (d.amount > 50) & (d.country == "DE"), "country != DE or amount <= 50"),
    "either": (lambda d: (d.amount > 150) | (d.country == "DE"), "country != DE and amount <= 150"),
    "mixed": (
        lambda d: ((d.amount > 100) | (d.country == "DE")) & (d.quantity >= 3),
        "quantity < 3 or (country != DE and amount <= 100)",
    ),
    "text": (lambda d: ~d["name"].str.startswith("Dr."), "name starts with 'Dr.'"),
    "month": (lambda d: d.placed.dt.month == 8, "month(placed) != 8"),
    "day of the week": (lambda d: d.placed.dt.day_of_week < 5, "weekday(placed) >= Sat"),
    "moment": (lambda d: d.placed >= pd.Timestamp("2024-03-01"), "placed < 2024-03-01"),
    "two columns": (lambda d: d.quantity <= d.stock, "quantity > stock"),
    "sum": (lambda d: d.quantity + d.stock > 15, "quantity + stock <= 15"),
    "product": (lambda d: d.quantity * d.amount < 1000, "amount * quantity >= 1000"),
    "modulo": (lambda d: d.id % 7 != 3, "id % 7 = 3"),
    "rare exception": (
        lambda d: ((d.amount > 100) | (d.country == "DE")) & (d.stock < 18),
        "stock >= 18 or (country != DE and amount <= 100)",
    ),
    "two pairs": (
        lambda d: ((d.amount > 100) & (d.country == "DE")) | ((d.quantity > 10) & (d.country == "FR")),
        "(country != DE and country != FR) or (country != DE and quantity <= 10) or (country != FR and amount <= 100)",
    ),
    "quarter": (lambda d: d.placed.dt.quarter != 2, "quarter(placed) = 2"),
    "time of day": (lambda d: d.placed.dt.time >= dt.time(18, 30), "time(placed) <= 18:30"),
    "difference of moments": (
        lambda d: (d.paid_at - d.placed).dt.days > 7,
        "paid_at - placed <= 8 days or NULL",
    ),
    "above the mean of its group": (
        lambda d: d.amount > d.groupby("country").amount.transform("mean"),
        "amount <= its mean per (country)",
    ),
    "top n of its group": (
        lambda d: d.groupby("country").amount.rank(ascending=False, method="min") <= 50,
        "not among the 50 highest amount per (country)",
    ),
    "modulo and another test": (lambda d: (d.id % 7 == 0) & (d.stock > 5), "id % 7 != 0 or stock <= 5"),
    "row before": (lambda d: d.country != d.country.shift(), "country = that of the row before"),
    "step in a group": (
        lambda d: ~(d.groupby("country").quantity.diff() < 0),
        "quantity < that of the row before per (country)",
    ),
    "every k-th row": (lambda d: np.arange(len(d)) % 5 != 0, "every 5th row"),
}


OF_SOURCE: dict[str, tuple[Keep, str]] = {
    "weighted sum": (lambda d: 2 * d.quantity - 0.5 * d.stock > 11, "2 * quantity - 0.5 * stock <= 11"),
    "pattern": (lambda d: d["name"].str.contains("^[BC].*[yk]$"), "name does not match '^[BC].*[yk]$'"),
}
"""Filters whose rule is looked for only because the source has its numbers or its pattern."""


def found_for(keep: Keep, hints: Hints = NO_HINTS, table: Frame | None = None) -> tuple[Found | None, np.ndarray]:
    table = table or frame_of(shop())
    assert table is not None
    lost = ~np.asarray(keep(shop()), bool)
    return find(table, lost, hints, Budget(), {}), lost


@pytest.mark.parametrize("name", KEPT)
def test_the_rule_of_a_filter(name: str) -> None:
    """With the source, the rule is that of the filter; without, one that selects the same rows."""
    keep, text = KEPT[name]
    found, _ = found_for(keep, hints_of(keep))
    assert found is not None
    assert (rule_text(found.rule), found.is_exact) == (text, True)
    found, lost = found_for(keep)
    assert found is not None
    assert np.array_equal(found.selected, lost)


@pytest.mark.parametrize("name", OF_SOURCE)
def test_the_rule_that_only_the_source_names(name: str) -> None:
    """Weights and patterns are those of the source; without it they are not searched, and the rule is not claimed."""
    keep, text = OF_SOURCE[name]
    found, _ = found_for(keep, hints_of(keep))
    assert found is not None
    assert (rule_text(found.rule), found.is_exact) == (text, True)
    found, _ = found_for(keep, hints_of(keep), frame_of(pl.from_pandas(shop())))
    assert found is not None
    assert (rule_text(found.rule), found.is_exact) == (text, True)


def test_a_value_that_the_source_names_is_the_rule_of_few_rows() -> None:
    """One of 16 rows is kept: by its key, if the source compares with it; else that is a coincidence."""
    table = frame_of(shop().head(16))
    assert table is not None
    value = int(shop().id.iloc[5])
    lost = np.asarray(shop().head(16).id != value)
    named = Hints(frozenset({"id"}), frozenset({value}), (float(value),))
    found = find(table, lost, named, Budget(), {})
    assert found is not None
    assert rule_text(found.rule) == f"id != {value}"
    assert find(table, lost, Hints(frozenset({"id"})), Budget(), {}) is None


def test_the_rule_is_the_same_for_polars_and_pyarrow() -> None:
    """A table of any library has the same rule, and nulls lost with a comparison are named."""
    frame = pl.from_pandas(shop())
    for table in map(frame_of, (frame, frame.to_arrow())):
        for name in ("null", "both", "text", "month", "moment", "two columns"):
            keep, text = KEPT[name]
            found, _ = found_for(keep, hints_of(keep), table)
            assert found is not None
            assert rule_text(found.rule) == text
    found, _ = found_for(lambda d: d.paid_by == "card")
    assert found is not None
    assert rule_text(found.rule) == "paid_by != card or NULL"


def test_random_losses_have_no_rule() -> None:
    """Rows chosen at random, from one to most of them, are not claimed."""
    table = frame_of(shop().head(600))
    assert table is not None
    for seed, count in enumerate([1, 2, 3, 10, 300]):
        rng = np.random.default_rng(seed)
        lost = np.zeros(600, bool)
        lost[rng.choice(600, count, replace=False)] = True
        assert find(table, lost, NO_HINTS, Budget(), {}) is None, (seed, count)


def test_values_of_a_key_and_intervals_around_single_rows_are_no_rule() -> None:
    """A few lost rows have a list of their keys, and ranges around them; both cost more bits than they explain."""
    table = frame_of(shop()[["id", "amount"]].head(2_000))
    assert table is not None
    named = Hints(frozenset({"amount"}), frozenset({100}), (100.0,))
    for seed, count in enumerate([2, 2, 3, 3, 5, 9, 13], 100):
        lost = np.zeros(2_000, bool)
        lost[np.random.default_rng(seed).choice(2_000, count, replace=False)] = True
        assert find(table, lost, named, Budget(), {}) is None, (seed, count)


def test_sabotage_without_the_price_of_tries_random_losses_have_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that does not pay for the tests that it tried claims a rule for a few random rows."""
    from odibi_core.insight.rules import chance

    monkeypatch.setattr(chance, "bits_of_tests", lambda tried: -10.0)
    monkeypatch.setattr(chance, "bits_of_list", lambda values, different: 0.0)
    with pytest.raises(AssertionError):
        test_random_losses_have_no_rule()


def test_a_few_rows_are_claimed_only_if_the_source_names_the_column() -> None:
    """One lost row may be the largest by chance; a source that names the column makes it a finding."""
    limit = float(shop().amount.nlargest(2).iloc[-1])
    keep: Keep = lambda d: d.amount <= limit  # noqa: E731
    found, lost = found_for(keep, hints_of(keep))
    assert lost.sum() == 1
    assert found is not None
    assert found.is_exact
    assert found_for(keep)[0] is None


def test_a_part_of_the_lost_rows() -> None:
    """A rule that explains most of them, and no other row, is returned with the number that it misses."""
    rng = np.random.default_rng(1)
    lost = np.asarray(shop().country == "IT") | (rng.random(HEIGHT) < 0.01)
    table = frame_of(shop())
    assert table is not None
    found = find(table, lost, NO_HINTS, Budget(), {})
    assert found is not None
    assert (rule_text(found.rule), found.wrong) == ("country = IT", 0)
    assert 0 < found.missed < 0.1 * lost.sum()


def test_a_short_rule_of_nearly_all_comes_before_a_long_list_that_is_exact() -> None:
    """Two countries explain all but a few rows; the list of the others is no answer, and the search ends."""
    lost = np.asarray(shop().country.isin(["DE", "FR"])) | (shop().id % 600 == 7).to_numpy()
    table, budget = frame_of(shop()), Budget()
    assert table is not None
    found = find(table, lost, NO_HINTS, budget, {})
    assert found is not None
    assert (rule_text(found.rule), found.wrong) == ("country in {DE, FR}", 0)
    assert budget.spent < 3_000_000


def test_fragments_of_a_pattern_that_was_not_found_are_no_rule() -> None:
    """Ranges and lists that each explain some of the lost rows are not returned as a part."""
    bands = (shop().amount // 10 % 2 == 0).to_numpy()
    table = frame_of(shop())
    assert table is not None
    assert find(table, bands, NO_HINTS, Budget(), {}) is None


def test_other_rules_of_the_same_rows() -> None:
    """Columns that are null together cannot be distinguished, so both are named."""
    table = frame_of(shop())
    assert table is not None
    keep = KEPT["null"][0]
    found, _ = found_for(keep, hints_of(keep))
    assert found is not None
    alike = same_rows(found.rule, table, found.selected, NO_HINTS, Budget(), {})
    assert [rule_text(rule) for rule in alike] == ["paid_by IS NULL"]


def test_a_rule_survives_json_and_fits_other_rows() -> None:
    """Yesterday's rule, read from its record, selects today's rows."""
    for keep, text in KEPT.values():
        found, _ = found_for(keep, hints_of(keep))
        assert found is not None
        again = msgspec.json.decode(msgspec.json.encode(found.rule), type=Rule)
        assert rule_text(again) == text
        if "row" not in text and "per (" not in text:
            today = shop().sample(500, random_state=1)
            table = frame_of(today)
            assert table is not None
            assert np.array_equal(evaluate(again, table, {}), ~np.asarray(keep(today), bool))


def test_the_length_of_a_list() -> None:
    """Lists have a length in pandas, polars and pyarrow, and no other test."""
    frame = pl.DataFrame({"x": range(300), "items": [[1] * (number % 4) for number in range(300)]})
    lost = np.arange(300) % 4 == 0
    for each in (frame, frame.to_pandas(), frame.to_arrow()):
        table = frame_of(each)
        assert table is not None
        found = find(table, lost, Hints(frozenset({"items"})), Budget(), {})
        assert found is not None
        assert rule_text(found.rule) == "length(items) <= 0"


def test_a_key_that_another_input_lacks() -> None:
    """Rows without a partner are those whose key is not in the other input."""
    frame = pd.DataFrame({"key": np.arange(3_000) % 60, "x": np.arange(3_000) % 7})
    table, other = frame_of(frame), frame_of(pl.DataFrame({"key": [key for key in range(60) if key % 4 < 3]}))
    assert table is not None
    assert other is not None
    found = find(table, (frame.key % 4 == 3).to_numpy(), NO_HINTS, Budget(), {"other": other})
    assert found is not None
    assert rule_text(found.rule) == "key not in other"


def test_the_budget_is_kept_and_its_end_is_reported() -> None:
    """Without units nothing is searched, and the budget states that it refused."""
    table = frame_of(shop())
    assert table is not None
    budget = Budget(0)
    assert find(table, np.asarray(shop().country == "IT"), NO_HINTS, budget, {}) is None
    assert (budget.spent, budget.refused) == (0, True)


LIMIT = 40
NAMES = ["DE", "FR"]


def test_a_source_is_read_and_never_run() -> None:
    """Globals, closures, defaults, partial arguments, called functions, polars, SQL and text of a function count."""
    day = dt.date(2024, 5, 1)

    def inner(frame: Any, least: int = 3) -> Any:
        raise AssertionError("run")

    def keep(frame: Any, factor: float) -> Any:
        return inner(frame[frame["amount"] > LIMIT * 2], least=5) & frame.placed.isin(NAMES) & (frame.day >= day)

    hints = hints_of(partial(keep, factor=2.5))
    assert {"amount", "placed"} <= hints.names
    assert {40, 3, 5, 2.5, "DE", "FR", "2024-05-01"} <= hints.constants
    assert {"a", "b"} <= hints_of(lambda f: f.query("a > 10 and b == 'x'")).names
    assert {10, "x"} <= hints_of(lambda f: f.query("a > 10 and b == 'x'")).constants
    large = pl.col("a") > 7
    assert 7 in hints_of(lambda f: f.filter(large)).constants
    sql = hints_of("SELECT * FROM t WHERE origin = 'JFK' AND distance > 1000.5")
    assert {"origin", "distance"} <= sql.names
    assert {"JFK", 1000.5} <= sql.constants
    assert {"amount", 100} <= hints_of("    def f(d):\n        return d[d.amount > 100]").names | {100}
    assert hints_of(None) == hints_of(object()) == NO_HINTS


@pytest.mark.parametrize("rows", [3, 5, 9, 12])
def test_a_list_of_unique_values_is_no_rule(rows: int) -> None:
    """Values of a column without duplicates could select any rows, so that a list of them explains none."""
    lost = np.zeros(HEIGHT, np.bool_)
    lost[np.random.default_rng(rows).choice(HEIGHT, rows, replace=False)] = True
    table = frame_of(pd.DataFrame({"name": [f"p{number:05d}" for number in range(HEIGHT)], "size": range(HEIGHT)}))
    assert table is not None
    assert find(table, lost, NO_HINTS, Budget(), {}) is None
