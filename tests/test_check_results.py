"""Failed and unchecked checks in every answer: an unchecked one is neither passed, nor 0, nor missing."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from odibi_core import Orchestrator, Step
from odibi_core.checks import not_null, row_count
from odibi_core.cli import app
from odibi_core.observability import StoryGenerator, create_summary_hook
from odibi_core.store.runs import RunStore
from odibi_core.story import build, read_lineage

COUNTS = {"passed": 2, "failed": 2, "not_checked": 1}

PIPELINE = """
import polars as pl
from odibi_core import Step
from odibi_core.checks import not_null, row_count

def orders():
    return pl.DataFrame({"customer": ["ada", None]})

def later(orders):
    return orders.lazy()

pipeline = [
    Step(name="orders", value=orders, checks=[not_null("customer", severity="warn"), row_count(5, severity="warn")]),
    Step(name="later", value=later, inputs={"orders": "orders"},
         checks=[row_count(1, on="orders"), not_null("customer")]),
]
"""


@pytest.fixture
def amber() -> Any:
    """The result of a run that succeeded with two failed checks, two that passed and one of a lazy frame."""
    steps = [
        Step(
            name="orders",
            value=lambda: pl.DataFrame({"customer": ["ada", None]}),
            checks=[not_null("customer", severity="warn"), row_count(5, severity="warn"), row_count(1)],
        ),
        Step(
            name="later",
            value=lambda orders: orders.lazy(),
            inputs={"orders": "orders"},
            checks=[row_count(1, on="orders"), not_null("customer")],
        ),
    ]
    return Orchestrator(steps, pipeline_name="shop").execute()


def run(*arguments: str) -> str:
    """Return the output of the command."""
    return CliRunner().invoke(app, list(arguments)).stdout


def test_the_result_counts_three_kinds(amber: Any) -> None:
    """An unchecked check fails nothing, and does not count as passed."""
    assert (amber.status, amber["checks"]) == ("success", COUNTS)


def test_lineage_and_its_report_count_three_kinds(amber: Any) -> None:
    """`passed` is null for what could not be checked, with the reason."""
    lineage = amber["tracker"].export_lineage()
    assert {kind: lineage["summary"][f"checks_{kind}"] for kind in COUNTS} == COUNTS
    lazy = lineage["steps"][1]["checks"][1]
    assert lazy["passed"] is None
    assert "lazy" in lazy["message"]
    assert "Checks: 2 passed, 2 failed, 1 not checked" in amber["tracker"].get_summary()


def test_the_list_of_runs_counts_three_kinds(amber: Any) -> None:
    """The counts come from the journal alone, also if the run's end was never written."""
    store = RunStore(".odibi")
    (row,) = store.rows()
    assert {kind: row[f"checks_{kind}"] for kind in COUNTS} == COUNTS
    assert "2 failed" in run("runs")
    assert "!" in run("runs")


def test_sql_separates_null_from_false(amber: Any) -> None:
    """`passed` is null for an unchecked check, so that no count of failures or passes includes it."""
    query = "select passed, count(*) as n from logs where event_type = 'check_result' group by 1 order by 1"
    rows = json.loads(run("sql", query, "--format", "json"))
    assert [row["n"] for row in rows] == [2, 2, 1]
    assert rows[-1]["passed"] is None


def test_prometheus_has_the_run_by_result_and_the_last_run_s_failures(amber: Any) -> None:
    """A success with failed checks can raise an alert; the next clean run sets the gauge to 0."""
    text = amber["metrics"].export_prometheus()
    assert 'odibi_pipeline_checks_total{pipeline="shop",result="passed"} 2' in text
    assert 'odibi_pipeline_checks_total{pipeline="shop",result="failed"} 2' in text
    assert 'odibi_pipeline_checks_total{pipeline="shop",result="not_checked"} 1' in text
    assert 'odibi_pipeline_last_run_checks_failed{pipeline="shop"} 2' in text
    clean = Step(name="a", value=lambda: pl.DataFrame({"n": [1]}), checks=[row_count(1)])
    Orchestrator([clean], pipeline_name="shop", metrics_manager=amber["metrics"]).execute()
    text = amber["metrics"].export_prometheus()
    assert 'odibi_pipeline_last_run_checks_failed{pipeline="shop"} 0' in text
    assert 'odibi_pipeline_checks_total{pipeline="shop",result="failed"} 2' in text


def test_a_run_without_checks_has_no_numbers_of_checks() -> None:
    """A run without checks has no counts: no metric, no column in the list of runs."""
    result = Orchestrator([Step(name="a", value=lambda: [{"n": 1}])], pipeline_name="bare").execute()
    assert "checks" not in result["metrics"].export_prometheus()
    assert "Checks" not in run("runs")


def test_the_story_is_amber_and_lists_unchecked_checks(amber: Any) -> None:
    """The first sentence, the tone, the figure and the list of problems name the unchecked checks."""
    document = build(amber["tracker"].lineage())
    about = document["run"]
    assert (about["status"], about["tone"]) == ("success", "warn")
    assert about["label"] == "Succeeded with 2 failed checks"
    assert "2 data checks failed. 1 data check could not be checked." in about["sentence"]
    (figure,) = [figure for figure in document["figures"] if figure["label"] == "Checks passed"]
    assert (figure["value"], figure["note"]) == ("2 / 5", "2 failed, 1 not checked")
    assert [entry["tone"] for entry in document["attention"]] == ["warn", "warn", "unknown"]
    assert "Succeeded with 2 failed checks" in Path(
        StoryGenerator().generate_story(amber["tracker"].export_lineage())
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize("passed", [None, True, False, [], "odd"])
def test_a_foreign_lineage_may_have_any_result_of_a_check(passed: Any) -> None:
    """A missing result is unchecked; any other value is read as true or false."""
    step = {"step_name": "s", "state": "success", "checks": [{"check": "c", "passed": passed}]}
    (check,) = build(read_lineage({"status": "success", "steps": [step]}))["steps"][0]["checks"]
    assert check["result"] == ("unchecked" if passed is None else "passed" if passed else "failed")


def test_the_command_ends_with_an_amber_verdict() -> None:
    """The verdict is in words and a sign, not colour alone; the exit code is 0, also in the JSON document."""
    Path("shop.py").write_text(PIPELINE, encoding="utf-8")
    done = CliRunner().invoke(app, ["run", "shop.py", "--engine", "polars"])
    assert done.exit_code == 0
    assert "! shop succeeded with 2 failed checks" in done.stdout
    assert "1 of 4 checks passed" in done.stdout
    assert "1 not checked" in done.stdout
    assert "the frame is lazy" in done.stdout
    document = json.loads(run("run", "shop.py", "--engine", "polars", "--format", "json"))
    assert len(document["checks_failed"]) == 2
    assert [check["column"] for check in document["checks_not_checked"]] == ["customer"]


def test_an_unchecked_data_quality_check_is_counted_apart() -> None:
    """The metrics, the report and the command count `track_data_quality_check(passed=None)` apart."""
    from odibi_core.observability import get_analytics, get_metrics, init_observability

    init_observability()
    analytics = get_analytics()
    analytics.track_data_quality_check("fresh", None, 0.1)
    analytics.track_data_quality_check("fresh", True, 0.1)
    told = analytics.report()["data_quality"]["fresh"]
    assert (told["executed"], told["passed"], told["failed"], told["not_checked"]) == (2, 1, 0, 1)
    assert told["pass_rate"] == 1.0
    assert 'data_quality_check_not_checked_total{check="fresh"} 1' in get_metrics().export_prometheus()


def test_the_summary_hook_prints_three_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    """A run with checks has one line of counts, a run without checks has none."""
    hook = create_summary_hook()
    hook({"pipeline_name": "shop", "checks_passed": 2, "checks_failed": 2, "checks_not_checked": 1})
    assert "  Checks:   2 passed, 2 failed, 1 not checked" in capsys.readouterr().out
    hook({"pipeline_name": "bare"})
    assert "Checks" not in capsys.readouterr().out
