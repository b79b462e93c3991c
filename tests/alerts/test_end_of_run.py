"""Rules at the end of real runs: what is recorded, and what the next evaluation reads."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from odibi_core import Orchestrator, history
from odibi_core.alerts import configure_alerts, log
from odibi_core.alerts.state import states_of
from odibi_core.events.clock import utc_now
from odibi_core.observability import EventBus, observe
from odibi_core.rules import CheckRule, FailureRule, RowsRule
from odibi_core.rules.base import Rule
from odibi_core.store.runs import RunStore


def load(rows: int = 1) -> list[dict[str, int]]:
    if rows < 0:
        raise ValueError("no rows")
    return [{"n": 1}] * rows


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(root: Path, rows: int, **options: Any) -> str:
    found = Orchestrator(
        [load], pipeline_name="daily", store=root, params={"rows": rows}, raise_on_error=False, **options
    ).execute()
    return str(found["run_id"])


def test_a_run_records_its_alerts_and_the_next_one_resolves_them(root: Path) -> None:
    """The alert is in the record of the run, in the table `alerts`, and on the bus."""
    configure_alerts([FailureRule(name="failed", severity="error"), RowsRule(name="few", min=3)])
    bus, found = EventBus(), []
    bus.register_hook("alert_raised", lambda event: found.append((event["rule"], event.get("repeated", False))))
    first = run(root, 1, event_bus=bus)
    run(root, -1, event_bus=bus)
    run(root, -1, event_bus=bus)
    assert found == [("few", False), ("failed", False), ("failed", True)]
    assert any(event.event_type == "alert_raised" for event in RunStore(root).read(first))
    rows = history(root).sql("select rule, repeated, resolved is null as is_open from alerts order by timestamp").rows
    assert [tuple(row.values()) for row in rows] == [
        ("few", False, True), ("failed", False, True), ("failed", True, True),
    ]  # fmt: skip
    run(root, 5)
    assert list(log.read_states(root, utc_now()).open()) == []
    assert history(root).sql("select count(*) as n from alerts where resolved is null").rows == [{"n": 0}]


def test_the_notes_and_the_records_of_the_runs_have_one_state(root: Path) -> None:
    """Live equals replay: the notes hold the events of the runs, and the log shows each once."""
    configure_alerts([FailureRule(name="failed"), RowsRule(name="few", min=3)])
    for rows in (1, -1, 5, 2):
        run(root, rows)
    from_notes = log.read_states(root, utc_now())
    from_runs = states_of(RunStore(root).events())
    assert [msgspec.to_builtins(each) for each in from_notes.by_id.values()] == [
        msgspec.to_builtins(each) for each in from_runs.by_id.values()
    ]
    assert len(from_runs.by_id) == 3
    query = "select count(*) as n, count(distinct alert_id) as ids from logs where event_type = 'alert_raised'"
    assert history(root).sql(query).rows == [{"n": 3, "ids": 3}]


def test_a_pipeline_that_keeps_failing_writes_one_note(root: Path) -> None:
    """A storm of equal failures adds nothing to the notes: the repetitions are in the records of their runs."""
    configure_alerts([FailureRule(name="failed")])
    for _ in range(4):
        run(root, -1)
    (file,) = (root / "notes").iterdir()
    assert file.read_bytes().count(b"\n") == 1
    assert history(root).sql("select count(*) as n from alerts where repeated").rows == [{"n": 3}]


def test_an_observed_run_has_alerts_too(root: Path) -> None:
    """The failure of the block is the failure of the run."""
    configure_alerts([FailureRule(name="failed")])
    with pytest.raises(ValueError, match="boom"), observe("outer", store=root):
        raise ValueError("boom")
    (alert,) = log.read_states(root, utc_now()).open()
    assert alert.message == "outer failed: ValueError: boom" or alert.message == "outer failed: boom"


def test_a_very_large_run_reports_the_rules_that_it_cannot_evaluate(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its failure is an alert all the same."""
    monkeypatch.setattr("odibi_core.history.end_of_run.MAX_EVENTS", 2)
    configure_alerts([FailureRule(name="failed"), RowsRule(name="few", min=3)])
    run_id = run(root, -1)
    found = {event.event_type: event for event in RunStore(root).read(run_id)}
    assert found["alert_raised"].fields["rule"] == "failed"
    assert found["rules_not_evaluated"].fields["rules"] == {"few": "the run has more than 2 events of steps"}


def test_what_fails_in_the_alerts_never_reaches_the_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once and counted."""
    configure_alerts([FailureRule(name="failed")])

    def broken(*_: object) -> None:
        raise OSError("notes are gone")

    monkeypatch.setattr("odibi_core.alerts.log.read_states", broken)
    with caplog.at_level(logging.WARNING, "odibi_core"):
        run(root, 1)
    assert "alerts" in caplog.text
    assert "notes are gone" in caplog.text


def test_no_rule_costs_nothing(root: Path) -> None:
    """Without rules nothing is subscribed and no file is written."""
    run(root, -1)
    assert not (root / "notes").exists()


def test_two_hundred_rules_read_the_history_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One read for them all, of as many runs as a rule looks back: of none if no rule does."""
    from odibi_core.history.end_of_run import EndOfRun

    reads: list[int] = []
    real = EndOfRun.earlier
    monkeypatch.setattr(EndOfRun, "earlier", lambda *given: reads.append(given[1]) or real(*given))  # type: ignore[func-returns-value]
    rules: list[Rule] = [RowsRule(name=f"rows {number}", change=0.5) for number in range(100)]
    configure_alerts([*rules, *(CheckRule(name=f"check {number}", runs=3) for number in range(100))])
    run(root, 5)
    assert reads == [10]
    configure_alerts([FailureRule(name="failed")])
    run(root, 5)
    assert reads == [10, 0]
