"""The cards of the answers of a run: in a notebook a table, in a terminal one screen, in a log one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

import odibi_core
from odibi_core import observe, run
from odibi_core.views.cards.carded import Carded

SECRET = "sk-live-4f9a8b7c6d5e4f3a2b1c"


def read() -> pd.DataFrame:
    """Return three orders."""
    return pd.DataFrame({"id": [1, 2, 3], "amount": [1.5, None, 2.5]})


def clean(read: pd.DataFrame) -> pd.DataFrame:
    """Drop an order."""
    return read.dropna()


def lazy(clean: pd.DataFrame) -> pl.LazyFrame:
    """Return a frame that fails when it is run."""

    def fails(frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("the lazy frame was run")

    return pl.from_pandas(clean).lazy().map_batches(fails, schema={"id": pl.Int64, "amount": pl.Float64})


def relation(clean: pd.DataFrame) -> Any:
    """Return a relation of DuckDB."""
    return duckdb.sql("select error('the relation was run') as broken")


def broken(clean: pd.DataFrame) -> None:
    """Fail."""
    raise ValueError(f"<b>no column</b> password={SECRET}")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """A run that succeeded, and one that failed."""
    store = tmp_path_factory.mktemp("cards") / ".odibi"
    keep = ("clean", "lazy", "relation")
    good = run([read, clean, lazy, relation], store=store, pipeline_name="shop", keep=keep)
    bad = run([read, clean, broken], store=store, pipeline_name="shop", raise_on_error=False)
    return [good, bad]


def test_every_answer_has_a_card(results: list[Any]) -> None:
    """Static HTML, one screen of text of at most 24 lines, and a repr of one line; none of them raises."""
    good, bad = results
    history = odibi_core.history(good.path.parent.parent)
    lineage = good.tracker.lineage()
    answers = [
        good, bad, good.tracker, good.metrics, bad.compare(), bad.why(), bad.why("clean"), history,
        history.sql("select * from nodes"), lineage.nodes[1].after, lineage.nodes[1].row_changes[0],
        observe("later", store=False),
    ]  # fmt: skip
    for each in answers:
        assert isinstance(each, Carded)
        page = each._repr_html_()
        assert page.startswith("<div")
        assert "cannot be shown" not in page
        assert len(page) < 20_000
        assert "\n" not in repr(each)
        assert len(repr(each)) < 300
        assert len(Carded.__str__(each).splitlines()) <= 24


def test_a_card_runs_no_lazy_frame(results: list[Any]) -> None:
    """Its rows are not counted, and the card names that."""
    shown = str(results[0])
    assert [line.split() for line in shown.splitlines() if "polars" in line or "duckdb" in line] == [
        ["lazy", "polars.LazyFrame", "not", "counted"],
        ["relation", "duckdb.DuckDBPyRelation", "not", "counted"],
    ]


def test_the_card_of_a_failed_run_has_the_error_and_the_line(results: list[Any]) -> None:
    """Escaped, and without the secret of its message."""
    page = results[1]._repr_html_()
    assert "ValueError: &lt;b&gt;no column&lt;/b&gt;" in page
    assert "test_run_cards.py:" in page
    assert SECRET not in page + str(results[1]) + repr(results[1])


def test_a_run_without_a_tracker_has_its_steps(tmp_path: Path) -> None:
    """The nodes of the result are enough."""
    result = run([read, clean], store=tmp_path / ".odibi", enable_tracker=False)
    assert "clean" in str(result)
    assert "success" in str(result)


def test_an_observer_shows_the_run_so_far(tmp_path: Path) -> None:
    """Before, in and after its block."""
    observer = observe("nightly", store=tmp_path / ".odibi")
    assert "has not begun" in str(observer)
    with observer as block:
        assert "nightly is running" in str(block)
    assert "nightly succeeded" in str(observer)
