"""`odibi usage`: the tables, the filters, the opt-out, and the notice of an empty store."""

import json
from typing import Any

import pytest
from tests.cli.conftest import Here

from odibi_core.observability import get_analytics, observe, track_cli_command
from odibi_core.settings import set_config


def use(name: str) -> str:
    """A program that uses one of everything; its run."""
    with observe(name) as run:
        analytics = get_analytics()
        with track_cli_command("load"):
            analytics.track_command_argument("load", "table", "orders")
        analytics.track_feature_usage("export")
        analytics.track_bigquery_operation("load", "shop", "orders")
        analytics.track_data_quality_check("not_null", False, 0.25)
    return run.run_id


def answer(here: Here, *options: str) -> Any:
    done = here("usage", "--format", "json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_each_kind_of_use_is_a_table(here: Here) -> None:
    """Commands with how they ended, arguments without their values, features, operations, checks."""
    use("tool")
    shown = here("usage").stdout
    for title in ("Command", "Argument", "Feature", "BigQuery operation", "not_null"):
        assert title in shown
    assert "orders" not in shown


def test_it_adds_up_over_runs_or_is_of_one(here: Here) -> None:
    """`--run`, by any name that a run has."""
    first = use("tool")
    use("tool")
    assert answer(here)["commands"]["load"]["started"] == 2
    assert answer(here, "--run", first)["commands"]["load"]["started"] == 1
    assert here("usage", "--run", "nothing").exit_code == 3


def test_opted_out_nothing_is_recorded(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_USAGE__ENABLED=false`: no event, so nothing to show; the program's own report is empty too."""
    monkeypatch.setenv("ODIBI_USAGE__ENABLED", "false")
    set_config(None)  # as a new process has it
    use("tool")
    assert not any(answer(here).values())
    assert not any(get_analytics().report().values())


def test_nothing_recorded_is_an_answer(here: Here) -> None:
    """A sentence on stderr, exit code 0; and whether there is nothing at all, or nothing of what was asked."""
    done = here("usage")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "`track_cli_command` records it" in done.stderr
    use("tool")
    done = here("usage", "--since", "9999-01-01")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "that matches the options" in done.stderr
