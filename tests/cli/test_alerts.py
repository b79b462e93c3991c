"""`odibi alerts` and its commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Here
from tests.history.stores import write_runs

RULES = """
[[rule]]
kind = "failure"
name = "daily failed"
severity = "error"
pipeline = "daily"
runbook = "https://wiki/daily"

[[rule]]
kind = "freshness"
name = "stale"
max_age = "1d"

[[rule]]
kind = "sql"
name = "failures"
query = "select pipeline_name, count(*) as value from runs where status = 'failed' group by all"
message = "{value} failures of {pipeline_name}"

[[route]]
name = "team"
webhook = "https://user:hidden@example.com/hook"
headers = { Authorization = "env:TOKEN" }
"""


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of ten runs of `daily`, every fifth failed, months ago, and three rules."""
    write_runs(Path(".odibi"), 10)
    Path("rules.toml").write_text(RULES, encoding="utf-8")
    monkeypatch.setenv("ODIBI_ALERTS__RULES", "rules.toml")


def opened(here: Here) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(here("alerts", "--format", "json").stdout)
    return found


def test_without_rules_the_message_names_the_setting(here: Here) -> None:
    """Every command that needs rules."""
    for command in (["rules"], ["check"], ["test", "all"]):
        answer = here("alerts", *command)
        assert answer.exit_code == 2
        assert "set ODIBI_ALERTS__RULES=rules, or give --rules" in answer.stderr


@pytest.mark.usefixtures("rules")
def test_rules_are_listed_without_the_secrets_of_routes(here: Here) -> None:
    """As a table and as JSON."""
    shown = here("alerts", "rules").stdout
    assert "daily failed" in shown
    assert "webhook" in shown
    document = here("alerts", "rules", "--format", "json").stdout
    assert "hidden" not in shown + document
    assert json.loads(document)["routes"][0]["webhook"] == "https://********"
    assert json.loads(document)["routes"][0]["headers"] == {"Authorization": "env:TOKEN"}


@pytest.mark.usefixtures("rules")
def test_a_check_raises_each_alert_of_the_store_once(here: Here) -> None:
    """A second check repeats nothing, and the exit code is 5 if it is asked for."""
    first = here("alerts", "check")
    assert first.exit_code == 0, first.stderr
    assert "raised: 2 failures of daily (failures)" in first.stdout
    assert "raised: the last success of daily is" in first.stdout
    again = here("alerts", "check", "--exit-on-open")
    assert again.exit_code == 5
    assert "still open: 2 failures of daily" in again.stdout
    assert [alert["rule"] for alert in opened(here)] == ["stale", "failures"]
    rows = json.loads(here("sql", "select rule, kind, message from alerts", "--format", "json").stdout)
    assert sorted(row["rule"] for row in rows) == ["failures", "stale"]


@pytest.mark.usefixtures("rules")
def test_an_alert_is_acknowledged_muted_and_resolved(here: Here) -> None:
    """By its id or the beginning of it; each change is in the state at once."""
    here("alerts", "check")
    stale, failures = (str(alert["alert_id"]) for alert in opened(here))
    assert here("alerts", "ack", stale[:6], "--note", "known").exit_code == 0
    assert here("ack", failures).exit_code == 0
    assert [alert["status"] for alert in opened(here)] == ["acknowledged", "acknowledged"]
    assert "note: known" in here("alerts").stdout
    assert here("alerts", "mute", "failures", "--until", "3d").exit_code == 0
    assert [alert["muted"] for alert in opened(here)] == [False, True]
    assert "failures" in here("alerts", "mute", "--list").stdout
    assert here("alerts", "mute", "failures", "--lift").exit_code == 0
    assert here("alerts", "mute", "failures", "--lift").exit_code == 3
    assert here("alerts", "resolve", failures).exit_code == 0
    assert [alert["rule"] for alert in opened(here)] == ["stale"]
    assert "resolved" in here("alerts", "--all").stdout
    assert here("alerts", "resolve", failures).exit_code == 0


@pytest.mark.usefixtures("rules")
def test_what_is_not_there_is_named_with_the_nearest(here: Here) -> None:
    """Alerts and rules; exit codes as everywhere."""
    assert here("alerts", "ack", "zz").exit_code == 3
    assert here("alerts", "mute", "failure").exit_code == 3
    answer = here("alerts", "test", "stail")
    assert (answer.exit_code, "did you mean 'stale'" in answer.stderr) == (2, True)
    assert here("alerts", "--all", "check").exit_code == 2


@pytest.mark.usefixtures("rules")
def test_a_dry_run_shows_the_last_runs_and_records_nothing(here: Here) -> None:
    """Two failures of ten runs; what would be sent, and where."""
    answer = here("alerts", "test", "daily failed")
    assert answer.exit_code == 0, answer.stderr
    assert answer.stdout.count("raised: daily failed") == 2
    assert answer.stdout.count("would send 1 alert to team: raised") == 2
    assert "2 of 11 occasions with an alert; nothing was recorded or sent" in answer.stderr
    assert opened(here) == []
    assert not Path(".odibi/notes").exists()
    occasions = json.loads(here("alerts", "test", "all", "--last", "5", "--format", "json").stdout)
    assert [each["run_id"] is None for each in occasions] == [False] * 5 + [True]


@pytest.mark.usefixtures("rules")
def test_a_query_that_cannot_be_answered_is_no_silence(here: Here) -> None:
    """The rule is named with the reason, and the exit code is 1."""
    Path("rules.toml").write_text(RULES.replace("from runs", "from rnus"), encoding="utf-8")
    answer = here("alerts", "check")
    assert answer.exit_code == 1
    assert "rule 'failures' was not evaluated: QueryError" in answer.stderr
    assert [alert["rule"] for alert in opened(here)] == ["stale"]


@pytest.mark.parametrize(
    ("route", "words"),
    [('url = "slak://x"', "must be an address of Apprise, got slak://…"), ('webhook = "http://"', "must be a URL http://")],
)
def test_a_wrong_address_is_found_where_it_is_configured(here: Here, route: str, words: str) -> None:
    """Before an alert depends on it, and the route is named."""
    Path("r.toml").write_text(f'[[route]]\nname = "team"\n{route}\n', encoding="utf-8")
    answer = here("alerts", "rules", "--rules", "r.toml")
    assert (answer.exit_code, words in answer.stderr, "'team'" in answer.stderr) == (2, True, True)


def test_the_summary_of_a_run_has_its_alerts(here: Here, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised, still open and resolved, with the routes that get them; in JSON too."""
    rules = '[[rule]]\nkind = "failure"\nname = "failed"\n[[route]]\nname = "log"\ncommand = ["true"]\n'
    Path("r.toml").write_text(rules, encoding="utf-8")
    monkeypatch.setenv("ODIBI_ALERTS__RULES", "r.toml")
    failing = ("run", f"{small}:failing", "--name", "small", "--no-story")
    first = here(*failing).stdout
    assert "1 alert, to log" in first or "1 alert · to log" in first
    assert "small failed: step" in first
    assert json.loads(here(*failing, "--format", "json").stdout)["alerts"][0]["change"] == "still open"
    assert "resolved: small failed" in here("run", small, "--name", "small", "--no-story").stdout


@pytest.mark.usefixtures("rules")
def test_watch_counts_the_alerts_of_rules(here: Here) -> None:
    """Those that are open, without a second list of them."""
    here("alerts", "check")
    assert "2 alerts of rules: `odibi alerts` lists them" in here("watch").stderr
    here("alerts", "ack", str(opened(here)[0]["alert_id"]))
    assert json.loads(here("watch", "--format", "json").stdout)["alerts_of_rules"] == 1


def test_a_check_makes_the_health_checks_that_a_rule_is_about(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert belongs to no pipeline, and ends with the next healthy result."""
    write_runs(Path(".odibi"), 1)
    results = ["unhealthy", "healthy"]
    report = {"disk": {"status": "", "message": "full"}}

    def made() -> dict[str, object]:
        report["disk"]["status"] = results.pop(0)
        return {"checks": report}

    monkeypatch.setattr("odibi_core.observability.run_health_checks", made)
    Path("r.toml").write_text('[[rule]]\nkind = "health"\nname = "health"\n', encoding="utf-8")
    assert "raised: health check disk is unhealthy: full" in here("alerts", "check", "--rules", "r.toml").stdout
    assert [alert["pipeline_name"] for alert in opened(here)] == [""]
    assert "resolved: health check disk" in here("alerts", "check", "--rules", "r.toml").stdout
    assert opened(here) == []
