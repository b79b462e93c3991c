"""`odibi costs`: the table, the groupings, the budget, and the notice of an empty store."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from tests.cli.conftest import Here

from odibi_core.events.clock import utc_now
from odibi_core.settings import set_config
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


@pytest.fixture
def spent() -> list[str]:
    """Two runs of this month and one of the month before; their ids."""
    store = RunStore(".odibi")
    now = utc_now()
    before = now.replace(day=1) - timedelta(days=1)
    told: list[tuple[str, Any, list[dict[str, Any]]]] = [
        ("old", before, [{"operation": "load", "estimated_cost_usd": 100.0}]),
        (
            "nightly",
            now,
            [
                {
                    "operation": "report",
                    "estimated_cost_usd": 0.1,
                    "tags": {"team": "sales"},
                    "bytes_processed": 2**40,
                },
                {"operation": "report", "estimated_cost_usd": 0.2, "statement_type": "SELECT"},
                {"operation": "load", "estimated_cost_usd": None},
            ],
        ),
        ("hourly", now, [{"operation": "load", "estimated_cost_usd": 12.1, "tags": {"team": "web"}}]),
    ]
    ids = []
    for name, moment, costs in told:
        run_id = store.new_run_id(name, moment)
        journal = store.open(run_id)
        for each in costs:
            journal(an_event("cost", timestamp=moment, run_id=run_id, **each))
        journal(an_event("query", timestamp=moment, run_id=run_id, cache_hit=True, slot_millis=1500))
        journal.close()
        ids.append(run_id)
    return ids


def asked(here: Here, *options: str) -> Any:
    done = here("costs", "--format", "json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_by_operation_with_total_and_shares(here: Here, spent: list[str]) -> None:
    """The dearest first, then the total; shares of the whole; sums without drift."""
    lines = here("costs").stdout.splitlines()
    assert lines[0].split() == ["Operation", "Calls", "Bytes", "Cost", "Share"]
    assert lines[1].split() == ["load", "3", "0", "B", "112.10", "USD", "100%"]
    assert lines[2].split() == ["report", "2", "1", "TiB", "0.30", "USD", "0%"]
    assert lines[3].split()[:2] == ["total", "5"]
    assert "3 queries, 3 from the cache, slot time 4.50 s" in lines
    assert "the cost of 1 call is unknown, and not in the sum" in lines


def test_by_run_day_statement_table_and_tag(here: Here, spent: list[str]) -> None:
    """Each division adds up to the same total; of a tag, what does not have it is a row too."""
    for by in ("operation", "run", "day", "statement", "table", "tag:team", "tag:none"):
        answer = asked(here, "--by", by)
        assert (
            round(sum(row["cost_usd"] for row in answer["rows"]), 9) == answer["total"]["cost_usd"] == 112.4
        )
        assert sum(row["calls"] for row in answer["rows"]) == 5
    rows = asked(here, "--by", "tag:team")["rows"]
    assert [(row["value"], row["cost_usd"]) for row in rows] == [("web", 12.1), ("sales", 0.1), (None, 100.2)]
    assert [row["run"] for row in asked(here, "--by", "run")["rows"]] == [spent[0], spent[2], spent[1]]
    assert "(none)" in here("costs", "--by", "tag:team").stdout


def test_of_one_run_and_since(here: Here, spent: list[str]) -> None:
    """A run by any name that it has; a time as `odibi logs` takes it."""
    assert asked(here, "--run", "nightly")["total"]["cost_usd"] == 0.3
    assert asked(here, "--run", spent[2])["total"]["cost_usd"] == 12.1
    assert asked(here, "--since", "12h")["total"]["cost_usd"] == 12.4
    assert here("costs", "--run", "weekly").exit_code == 3


def test_the_budget_is_compared_with_this_month_whatever_else_is_asked(
    here: Here, spent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By option, or by setting; last month's costs are not in it."""
    line = "12.40 of 50.00 USD this month (25 %)"
    assert here("costs", "--budget", "50").stdout.splitlines()[-1] == line
    assert here("costs", "--budget", "50", "--run", "nightly").stdout.splitlines()[-1] == line
    small = "12.40 of 0.004000 USD this month (310,000 %)"
    assert here("costs", "--budget", "0.004").stdout.splitlines()[-1] == small
    assert asked(here, "--budget", "10")["budget"]["share"] == 1.24
    assert asked(here)["budget"] is None
    monkeypatch.setenv("ODIBI_COST__BUDGET_USD", "50")
    set_config(None)  # as a new process has it
    assert asked(here)["budget"]["spent_usd"] == 12.4


def test_nothing_recorded_is_an_answer(here: Here) -> None:
    """A sentence on stderr, an empty document on stdout, exit code 0."""
    done = here("costs")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no cost is recorded in" in done.stderr
    assert asked(here)["rows"] == []


@pytest.mark.parametrize("options", [["--by", "operatoin"], ["--since", "soon"], ["--budget", "-1"]])
def test_what_cannot_be_right_is_exit_code_2(here: Here, options: list[str]) -> None:
    """With what would be right."""
    done = here("costs", *options)
    assert done.exit_code == 2
    if options[0] == "--by":
        assert "did you mean 'operation'" in done.stderr


def test_names_from_the_record_are_data(here: Here) -> None:
    """Control characters and markup of an operation's name are shown as what they are."""
    store = RunStore(".odibi")
    journal = store.open(store.new_run_id("x"))
    journal(an_event("cost", operation="[red]\x1b[31m", estimated_cost_usd=0.0000001))
    journal.close()
    shown = here("costs").stdout
    assert "[red]\\x1b[31m" in shown
    assert "< 0.000001 USD" in shown


def test_a_cost_that_nobody_knows_is_not_shown_as_nothing(here: Here) -> None:
    """The cost of a group without known costs is shown as unknown, not as 0.00 USD."""
    store = RunStore(".odibi")
    run_id = store.new_run_id("nightly", utc_now())
    with closing(store.open(run_id)) as journal:
        journal(an_event("cost", run_id=run_id, operation="model", estimated_cost_usd="12.40"))
        journal(an_event("cost", run_id=run_id, operation="free", estimated_cost_usd=0.0))
    lines = here("costs").stdout.splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("model")] == ["unknown"]
    assert "0.00 USD" in next(line for line in lines if line.startswith("free"))


def test_a_tag_that_no_call_has_is_said(here: Here, spent: list[str]) -> None:
    """With the nearest one that there is."""
    assert "no call has the tag 'teem' (did you mean 'team'?)" in here("costs", "--by", "tag:teem").stderr
    assert not here("costs", "--by", "tag:team").stderr
