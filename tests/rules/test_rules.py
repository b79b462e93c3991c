"""Each kind of rule: what it fires for, what it leaves alone, and what ends its alert."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.rules.made import NOW, earlier, facts, firings, frame, messages, step, store

from odibi_core import plugins
from odibi_core.rules import (
    AnomalyRule,
    BudgetRule,
    CheckRule,
    CircuitRule,
    CostRule,
    FailureRule,
    FreshnessRule,
    HealthRule,
    LateRule,
    NullsRule,
    RowsRule,
    Rule,
    SchemaRule,
    SlowRule,
    SqlRule,
)
from odibi_core.rules.facts import CheckFact, PipelineFacts, StoreFacts

_NEEDED: dict[str, dict[str, Any]] = {
    "budget": {"usd": 5.0}, "cost": {"max_usd": 1.0}, "freshness": {"max_age": "1d"}, "nulls": {"max_share": 0.1},
    "rows": {"min": 1}, "sql": {"query": "select 1"},
}  # fmt: skip


@pytest.mark.parametrize("kind", plugins.built_in_names("rules"))
def test_every_rule_keeps_the_contract(kind: str) -> None:
    """A rule knows its name in the family, is a struct of options, and finds nothing where there is nothing."""
    rule: Rule = plugins.load("rules", kind)(name="x", **_NEEDED.get(kind, {}))
    assert rule.kind == kind
    assert set(rule.of_what) <= {"run", "store"}
    assert firings(rule, facts()) == []
    assert "store" not in rule.of_what or firings(rule, StoreFacts(now=NOW, select=lambda query, most: [])) == []
    assert rule.earlier_runs() <= 100


def test_a_filter_chooses_pipelines_and_tags() -> None:
    """Patterns match the whole name, and every tag must be there."""
    rule = FailureRule(name="x", pipeline=("shop*", "orders"), tags={"team": "sales"})
    assert rule.applies_to("shop_eu", {"team": "sales", "more": "1"})
    assert not rule.applies_to("my_shop", {"team": "sales"})
    assert not rule.applies_to("orders", {"team": "it"})


def test_failure_of_a_run_names_the_first_failed_step_and_counts_the_others() -> None:
    """One alert for the pipeline, however many steps failed."""
    failed = {f"s{number}": "no route" for number in range(10_000)}
    found = messages(FailureRule(name="x"), facts(status="failed", failed=failed))
    assert found == ["shop failed: step s0: no route, and 9,999 more failed steps"]


def test_failure_of_steps_is_one_alert_each() -> None:
    """Only steps that match count, and a step that did not run is no evidence that it is all right."""
    rule = FailureRule(name="x", per="step", steps="lo*")
    run = facts(status="failed", failed={"load": "boom", "clean": "boom"}, steps={"load": "failed", "clean": "failed"})
    assert [each.node_name for each in firings(rule, run)] == ["load"]
    assert rule.is_clear(facts(), "load", "")
    assert not rule.is_clear(facts(steps={}), "load", "")


def test_failure_in_a_row_needs_all_runs() -> None:
    """The runs before must be there, and must have failed too."""
    rule = FailureRule(name="x", runs=3)
    for before, expected in (["failed", "failed"], 1), (["success", "failed"], 0), (["failed"], 0):
        run = facts(status="failed", error="boom", earlier=earlier([{"status": each} for each in before]))
        assert len(firings(rule, run)) == expected


def test_a_lost_run_is_found_by_a_check() -> None:
    """No process is left that could report it."""
    assert messages(FailureRule(name="x"), store(last_status="lost")) == [
        "shop lost: the process died before the run ended"
    ]
    assert firings(FailureRule(name="x", status=("failed",)), store(last_status="lost")) == []


def test_slow_asks_for_two_runs_in_a_row() -> None:
    """One slow run is often chance; a limit follows from the median."""
    rule, usual = SlowRule(name="x"), [{"run": {"duration_ms": 100.0}}] * 6
    slow = {"run": {"duration_ms": 250.0}}
    assert firings(rule, facts(duration_ms=250.0, earlier=earlier(usual))) == []
    (message,) = messages(rule, facts(duration_ms=250.0, earlier=earlier([*usual, slow])))
    assert message == "shop took 250 ms (2.5 × the median), the limit is 200 ms, 2 runs in a row"
    assert messages(SlowRule(name="x", longer_than="0.1s", runs=1), facts(duration_ms=150.0))


def test_slow_knows_no_duration_of_a_part_of_the_steps() -> None:
    """A run of selected or cached steps is neither slow nor evidence that the pipeline is fast."""
    rule = SlowRule(name="x", longer_than="1s", runs=1)
    parts: list[dict[str, Any]] = [{"is_partial": True, "run": {"duration_ms": 5e3}}, {"run": {}, "steps": {}}]
    for figures in parts:
        run = facts(duration_ms=5e3, figures=figures)
        assert firings(rule, run) == []
        assert not rule.is_clear(run, None, "")


def test_rows_by_limits_and_by_change() -> None:
    """The median is of successful runs; below three nothing is usual."""
    now = step(rows=40)
    assert messages(RowsRule(name="x", min=50), facts(figures=now)) == ["step load made 40 rows, the fewest are 50"]
    assert firings(RowsRule(name="x", max=50), facts(figures=now)) == []
    rule = RowsRule(name="x", change=0.5)
    past = [step(rows=100), step(rows=101), {**step(rows=1), "status": "failed"}, step(rows=99)]
    (message,) = messages(rule, facts(figures=now, earlier=earlier(past)))
    assert message == "step load made 40 rows, -60% against 100, the median of 3 runs"
    assert firings(rule, facts(figures=now, earlier=earlier(past[:3]))) == []
    assert firings(RowsRule(name="x", change=0.5, direction="rise"), facts(figures=now, earlier=earlier(past))) == []


def test_nulls_by_limit_and_by_rise() -> None:
    """A column without statistics is neither an alert nor all right."""
    now = step(frames={"out": frame({"price": 0.3, "name": 0.0, "note": None})})
    past = earlier([step(frames={"out": frame({"price": 0.05})})] * 3)
    (found,) = firings(NullsRule(name="x", rise=0.1), facts(figures=now, earlier=past))
    assert (found.subject, found.value, found.expected) == ("price", 0.3, 0.05)
    assert messages(NullsRule(name="x", max_share=0.2), facts(figures=now)) == [
        "price of step load has 30.0% nulls, the limit is 20.0%"
    ]
    rule = NullsRule(name="x", max_share=0.2)
    assert rule.is_clear(facts(figures=now), "load", "name")
    assert not rule.is_clear(facts(figures=now), "load", "note")


def test_a_check_that_was_not_asked_neither_fires_nor_resolves() -> None:
    """Only a result does either."""
    rule, before = CheckRule(name="x", runs=2), earlier([step(checks={"not_null a": [False, 1, 9]})])
    for passed, fires, clear in (False, 1, False), (None, 0, False), (True, 0, True):
        run = facts(checks=[CheckFact("load", "not_null a", passed, "one row")], earlier=before)
        assert len(firings(rule, run)) == fires
        assert rule.is_clear(run, "load", "not_null a") is clear
    assert firings(rule, facts(checks=[CheckFact("load", "not_null a", False, "")])) == []


def test_schema_compares_with_the_last_good_run() -> None:
    """Additions and types can be left out."""
    past = earlier([step(frames={"out": frame(schema=[["a", "int64"], ["b", "str"]])}), {"status": "failed"}])
    run = facts(figures=step(frames={"out": frame(schema=[["a", "float64"], ["c", "str"]])}), earlier=past)
    (message,) = messages(SchemaRule(name="x"), run)
    assert message.endswith("changed: removed b; added c; changed a from int64 to float64")
    (message,) = messages(SchemaRule(name="x", added=False, types=False), run)
    assert message.endswith("changed: removed b")


def test_freshness_of_files_and_of_pipelines() -> None:
    """A file without a known age is no evidence."""
    run = facts(figures=step(files={"raw": {"uri": "/data/raw.csv", "age_s": 200_000.0}, "x": {"age_s": None}}))
    rule = FreshnessRule(name="x", max_age="1d", datasets="*")
    assert messages(rule, run) == ["raw of step load is 2 d 8 h old, the limit is 24 h 00 min"]
    assert not rule.is_clear(run, "load", "x")
    stale = FreshnessRule(name="x", max_age="26h")
    assert len(firings(stale, store(last_success=NOW - timedelta(hours=27)))) == 1
    assert firings(stale, store(last_success=NOW - timedelta(hours=25))) == []
    assert messages(stale, store()) == ["shop has never succeeded"]


def test_late_by_a_time_of_the_day() -> None:
    """The day that counts is the last one that is due; a success at any time of it is enough."""
    local = NOW.astimezone()
    by = (local - timedelta(hours=1)).strftime("%H:%M")
    rule = LateRule(name="x", by=by)
    assert len(firings(rule, store(ends=[NOW - timedelta(days=1)]))) == 1
    assert firings(rule, store(ends=[NOW - timedelta(minutes=90)])) == []


def test_late_by_cadence() -> None:
    """A run that came since ends it."""
    due = NOW - timedelta(hours=2)
    of = {"overdue": [(due, True)], "cadence": "daily"}
    (message,) = messages(LateRule(name="x"), store(last_started=due - timedelta(days=1), **of))
    assert message == f"shop has not started yet: due {due:%Y-%m-%d %H:%M} (daily)"
    assert firings(LateRule(name="x"), store(last_started=NOW, **of)) == []


def test_costs_and_budgets() -> None:
    """Unknown costs are no costs of 0."""
    run = facts(costs={"query": 3.0, "load": 1.0}, month_cost_usd=90.0)
    assert messages(CostRule(name="x", max_usd=3.5), run) == ["shop cost 4.00 USD, the limit is 3.50 USD"]
    assert [each.subject for each in firings(CostRule(name="x", max_usd=2, operations="*"), run)] == ["query"]
    assert not CostRule(name="x", max_usd=2).is_clear(facts(), None, "")
    rule = BudgetRule(name="x", usd=100, share=0.8)
    assert messages(rule, run) == ["shop cost 90.00 USD in 2026-11, 90% of 100.00 USD"]
    assert rule.is_clear(facts(), None, "2026-10")
    assert not rule.is_clear(facts(), None, "2026-11")


def test_anomalies_without_those_that_follow_or_are_muted() -> None:
    """One alert for what begins a change."""
    found = [
        {"series": "load.rows", "family": "rows", "likelihood": 0.001, "message": "few", "node_name": "load"},
        {"series": "clean.rows", "family": "rows", "likelihood": 0.001, "follows_from": "a"},
        {"series": "load.ms", "family": "duration", "likelihood": 0.001, "muted": True},
    ]
    assert messages(AnomalyRule(name="x"), facts(anomalies=found)) == ["few"]
    assert messages(AnomalyRule(name="x", max_likelihood=1e-6), facts(anomalies=found)) == []


def test_circuits_and_health() -> None:
    """A circuit that was half open is not known to be closed."""
    run = facts(circuits={"db": "open", "api": "half_open"}, health={"disk": ("unhealthy", "full")})
    assert [each.subject for each in firings(CircuitRule(name="x"), run)] == ["db"]
    assert not CircuitRule(name="x").is_clear(run, None, "api")
    assert messages(HealthRule(name="x"), run) == ["health check disk is unhealthy: full"]


def test_each_row_of_a_query_is_an_alert() -> None:
    """Two rows of one subject are two alerts, and the same ones in the next check."""
    rows = [{"pipeline_name": "shop", "n": 3}, {"pipeline_name": "shop", "n": 4}, {"pipeline_name": "other", "n": 5}]
    rule = SqlRule(name="x", query="select 1", pipeline="shop", message="{n} of {pipeline_name} {unknown}")
    of = StoreFacts(now=NOW, pipelines={"shop": PipelineFacts(pipeline_name="shop")}, select=lambda query, most: rows)
    assert [(each.message, each.subject) for each in firings(rule, of)] == [
        ("3 of shop {unknown}", ""), ("4 of shop {unknown}", "2"),
    ]  # fmt: skip
