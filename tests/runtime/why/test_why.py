"""`why`: the steps of a run with their rows and rules, from the record, and from kept datasets."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from odibi_core.errors import ConfigurationError, RunNotFoundError
from odibi_core.orchestrator import Orchestrator, Result, Step
from odibi_core.runtime.why import Asked, why

ROWS = 2_000


def orders() -> pd.DataFrame:
    ids = range(ROWS)
    country = ["DE", "FR", "US", "UK", "NO"]
    amounts = [each % 97 for each in ids]
    return pd.DataFrame({"order_id": ids, "country": [country[each % 5] for each in ids], "amount": amounts})


def rates(without: str = "") -> pd.DataFrame:
    made = pd.DataFrame({"country": ["DE", "FR", "US", "UK", "NO"], "rate": [0.19, 0.2, 0.0, 0.2, 0.25]})
    return made[made["country"] != without]


def large(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[orders["amount"] >= 10]


def taxed(large: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    return large.merge(rates, on="country")


QUERY = "select * from taxed where amount > 50 and country <> 'DE'"
BUSY = Step(name="busy", type="sql", value=QUERY, inputs={"taxed": "taxed"})


def run(store: Path, without: str = "", **more: object) -> Result:
    steps = [orders, rates, large, taxed, BUSY]
    return Orchestrator(steps, pipeline_name="shop", store=store, params={"without": without}, **more).execute()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a good run, and one without the rate of a country, which kept its datasets and only counts."""
    folder = tmp_path_factory.mktemp("store")
    run(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ODIBI_KEEP__FRAMES", "all")
        patch.setenv("ODIBI_ROWS__EXPLAIN", "off")
        run(folder, "FR")
    return folder


def test_the_sentence_and_the_steps_that_changed_rows(store: Path) -> None:
    """The step that lost other rows than the last good run comes first; the others are as before."""
    found = why(store)
    assert found.steps[0].step == "taxed"
    since = {each.step: each.since for each in found.steps}
    assert (since["taxed"], since["large"]) == ("new", "as before")
    assert found.blame is not None
    assert found.blame.step == "rates"
    assert found.sentence == found.blame.sentence
    assert str(found).startswith(found.sentence.split(":")[0])
    assert "amount < 10   [in the last good run, not tried on these rows]" in " ".join(str(found).split("\n"))


def test_a_step_is_explained_from_its_kept_datasets(store: Path) -> None:
    """The run recorded only counts: the rule is found now, and the way of a lost row ends at the step."""
    found = why(store, asked=Asked(step="taxed"))
    (rows,) = found.steps
    assert rows.basis == "explained"
    lost = int((large(orders())["country"] == "FR").sum())
    cause = rows.change.causes[0]
    assert (rows.change.lost, cause.level, cause.rows) == (lost, "exact", lost)
    assert "rates" in cause.text or "FR" in cause.text
    assert [link.dataset for link in found.way if link.is_lost] == ["taxed"]
    assert {link.dataset for link in found.way if link.direction == "back"} == {"orders"}


def test_the_rows_of_each_condition_of_a_where(store: Path) -> None:
    """Rows that fail a condition, and rows that fail no other one."""
    pytest.importorskip("sqlglot")
    made = taxed(large(orders()), rates("FR"))
    small, german = made["amount"] <= 50, made["country"] == "DE"
    found = why(store, asked=Asked(step="busy")).conjuncts
    assert [(each.fails, each.only) for each in found] == [
        (int(small.sum()), int((small & ~german).sum())), (int(german.sum()), int((german & ~small).sum())),
    ]  # fmt: skip


def test_examples_are_shown_only_if_keys_are(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ODIBI_ROWS__SHOW=keys a sentence names the setting, and no value of a row is in the answer."""
    hidden = why(store, asked=Asked(step="taxed"))
    assert hidden.examples == []
    assert any("ODIBI_ROWS__SHOW" in each for each in hidden.missing)
    monkeypatch.setenv("ODIBI_ROWS__SHOW", "keys")
    shown = why(store, asked=Asked(step="taxed", rows=2))
    assert [row["country"] for row in shown.examples] == ["FR", "FR"]


def test_what_was_not_kept_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the datasets the counts stay, and the sentence names the setting that keeps them."""
    monkeypatch.setenv("ODIBI_ROWS__EXPLAIN", "off")
    result = run(tmp_path)
    found = result.why("large")
    assert any("ODIBI_KEEP__FRAMES=all" in each for each in found.missing)
    assert any("comparison" in each for each in found.missing)
    assert found.steps[0].basis == "record"
    assert json.loads(json.dumps(found.as_dict(), default=str))["step"] == "large"


def test_another_run_to_compare_with(store: Path) -> None:
    """The differences are those of the shares of rows; equal runs have none."""
    first, second = sorted(folder.name for folder in (store / "runs").iterdir())
    found = why(store, second, Asked(against=first))
    assert found.compared_with == first
    assert [each for each in found.differences if each.startswith("taxed")]
    with pytest.raises(ConfigurationError):
        why(store, second, Asked(against=second))


def test_rows_of_the_other_output_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that splits its input lost none of it."""
    monkeypatch.setenv("ODIBI_ROWS__EXPLAIN", "off")
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")

    def halves(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
        is_small = orders["amount"] < 10
        return {"small": orders[is_small], "others": orders[~is_small]}

    def end(small: pd.DataFrame, others: pd.DataFrame) -> int:
        return len(small) + len(others)

    names = {"small": "small", "others": "others"}
    split = Step(name="halves", value=halves, inputs={"orders": "orders"}, outputs=names)
    found = Orchestrator([orders, split, end], pipeline_name="split", store=tmp_path).execute().why("halves")
    assert {each.dataset: (each.change.kind, each.change.lost) for each in found.steps} == {
        "small": ("split", 0), "others": ("split", 0),
    }  # fmt: skip


def test_an_unknown_step_names_the_nearest(store: Path) -> None:
    """The error is raised before anything is computed."""
    with pytest.raises(RunNotFoundError, match="taxed"):
        why(store, asked=Asked(step="taxd"))
