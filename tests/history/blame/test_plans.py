"""A plan of lazy polars in two runs: the operator that dropped another share of its rows is named."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from odibi_core.history.blame import Blame, blame
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.rows import as_dicts, tables_of
from odibi_core.orchestrator import Orchestrator
from odibi_core.pipeline import Step
from odibi_core.runtime.why.asking import Asked, why
from odibi_core.runtime.why.lines import lines
from odibi_core.store.runs import RunStore

ROWS = 10_000


def run(store: Path, positive: int, least: int = 0) -> str:
    """Run a pipeline whose orders have so many positive amounts, of which those above a number are kept."""

    def orders() -> pl.LazyFrame:
        amounts = [n % 100 + 1 if n < positive else -1 for n in range(ROWS)]
        return pl.LazyFrame({"amount": amounts, "k": [n % 7 for n in range(ROWS)]})

    def paid(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.filter(pl.col("amount") > least)

    def totals(paid: pl.LazyFrame) -> pl.LazyFrame:
        return paid.group_by("k").agg(pl.len())

    steps = [
        Step(name="orders", value=orders),
        Step(name="paid", value=paid, inputs=["orders"]),
        Step(name="totals", value=totals, inputs=["paid"]),
    ]
    result = Orchestrator(steps, "polars-lazy", pipeline_name="shop", store=store).execute()
    return str(result["run_id"])


def blamed(store: Path, *runs: str) -> Blame:
    before, after = (RunData(tables_of(RunStore(store).read(each))) for each in runs)
    found = blame(before, after)
    assert found is not None
    return found


def unusual(store: Path, run_id: str) -> bool | None:
    """Return whether the end of a run found the rows of `totals` unusual; None if it had nothing to compare with."""
    rows = tables_of(RunStore(store).read(run_id))["row_changes"]
    found: bool | None = next(r["unusual"] for r in as_dicts("row_changes", rows) if r["node_name"] == "totals")
    return found


def test_a_filter_that_dropped_another_share_of_its_rows_is_named(tmp_path: Path) -> None:
    """With its condition and its rows, at the step whose plan was executed; a change within the noise is not."""
    good, bad, same = run(tmp_path, 9_000), run(tmp_path, 2_000), run(tmp_path, 9_010)
    found = blamed(tmp_path, good, bad)
    assert (found.effect_step, found.rule, found.is_new) == ("totals", "filter (amount > 0)", False)
    assert found.sentence.startswith("totals lost 8,000 of 10,000 rows (10 % before, by the same rule): filter")
    assert not any("amount > 0" in each for each in blamed(tmp_path, good, same).evidence)
    assert [unusual(tmp_path, each) for each in (good, bad, same)] == [None, True, False]
    text = "\n".join(lines(why(tmp_path, bad, Asked(step="totals"))))
    assert "FILTER amount > 0: 10,000 -> 2,000" in text
    (row,) = [each for each in why(tmp_path, bad).steps if each.step == "totals"]
    assert row.since == "new"
    assert row.change.stages[-1]["operator"] == "GROUP_BY"


def test_a_condition_that_the_last_good_run_did_not_have_is_named_with_its_rows(tmp_path: Path) -> None:
    """The code of the filter changed: the rows that the new one dropped."""
    found = blamed(tmp_path, run(tmp_path, 9_000), run(tmp_path, 9_000, least=50))
    assert found.sentence.startswith("totals lost 5,500 of 10,000 rows: filter (amount > 50), new since the last good")
