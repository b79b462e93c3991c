"""`odibi config`: what is in force, where it came from, what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here

from odibi_core.settings import OPTIONS, ObservabilityConfig, set_config

SECRET = "canary-3f9a"


def _shown(here: Here, *options: str) -> dict[str, dict[str, Any]]:
    done = here("config", "show", "--format", "json", *options)
    assert done.exit_code == 0, done.output
    return {row["setting"]: row for row in json.loads(done.stdout)}


def test_show_says_of_each_setting_its_value_and_where_it_came_from(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default, the file, a variable by its name, code, or the setting that stands in."""
    Path("odibi.toml").write_text('[log]\nformat = "json"\n')
    monkeypatch.setenv("DD_SITE", "datadoghq.eu")
    monkeypatch.setenv("DD_TAGS", "team:a version:3")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=orders")
    set_config(ObservabilityConfig(cost_budget_usd=500))
    rows = _shown(here)
    assert len(rows) == len(OPTIONS)
    sources = {name: (row["value"], row["source"]) for name, row in rows.items()}
    assert sources["log.level"] == ("info", "default")
    assert sources["log.format"] == ("json", "odibi.toml")
    assert sources["datadog.site"] == ("datadoghq.eu", "DD_SITE")
    assert sources["cost.budget_usd"] == (500.0, "code")
    assert sources["datadog.env"] == ("dev", "service.environment")
    assert sources["datadog.tags"] == ("team:a version:3", "DD_TAGS")
    assert sources["datadog.version"] == ("3", "DD_TAGS")
    assert sources["service.name"] == ("orders", "OTEL_RESOURCE_ATTRIBUTES")
    assert rows["datadog.site"]["variables"] == ["DATADOG_SITE", "ODIBI_DATADOG__SITE", "DD_SITE"]


def test_show_as_text_is_a_line_for_each(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting, value, source."""
    monkeypatch.setenv("LOG_LEVEL", "debug")
    lines = here("config", "show").stdout.splitlines()
    assert lines[0].split() == ["Setting", "Value", "From"]
    assert ["log.level", "debug", "LOG_LEVEL"] in [line.split() for line in lines]
    assert len(lines) == 1 + len(OPTIONS)


def test_show_of_one_section(here: Here) -> None:
    """A section that does not exist is refused with the nearest name."""
    assert {row["section"] for row in _shown(here, "--section", "sentry").values()} == {"sentry"}
    done = here("config", "show", "--section", "sentri")
    assert done.exit_code == 2
    assert "did you mean 'sentry'?" in done.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown(here: Here, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by show, not by check, not even one that is wrong."""
    for name in ("DATADOG_API_KEY", "ODIBI_METRICS__TOKEN", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_HEADERS"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"https://me:{SECRET}@collector")
    Path("odibi.toml").write_text(f'[service]\nname = "password={SECRET}"\n')
    for command in ("show", "check"):
        done = here("config", command, "--format", form)
        assert SECRET not in done.output + done.stderr
    assert "********" in here("config", "show", "--format", form).stdout


def test_show_tells_that_something_is_wrong(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, with the command that lists them."""
    monkeypatch.setenv("PROMETHEUS_PORT", "eight")
    done = here("config", "show")
    assert done.exit_code == 0
    assert "odibi config check" in done.stderr


def test_check_is_content_when_nothing_is_wrong(here: Here) -> None:
    """Exit code 0."""
    done = here("config", "check")
    assert (done.exit_code, "settings are valid" in done.stdout) == (0, True)
    assert json.loads(here("config", "check", "--format", "json").stdout) == {
        "ok": True, "problems": [], "warnings": [],
    }  # fmt: skip


def test_check_lists_every_problem(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, one line each, with the variable."""
    monkeypatch.setenv("PROMETHEUS_PORT", "eight")
    monkeypatch.setenv("SENTRY_ENABLED", "true")
    monkeypatch.setenv("ODIBI_STORE__DURABILTY", "synced")
    done = here("config", "check")
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for name in ("PROMETHEUS_PORT", "SENTRY_DSN", "ODIBI_STORE__DURABILTY"):
        assert len([line for line in lines if name in line]) == 1
    found = json.loads(here("config", "check", "--format", "json").stdout)
    assert (found["ok"], len(found["problems"])) == (False, 3)


def test_check_warns_of_a_variable_that_nothing_reads(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be another program's: exit code 0."""
    monkeypatch.setenv("ODIBI_STROE__DIR", "x")
    done = here("config", "check")
    assert done.exit_code == 0
    assert "did you mean 'ODIBI_STORE__DIR'?" in done.stdout
    (warning,) = json.loads(here("config", "check", "--format", "json").stdout)["warnings"]
    assert warning.startswith("ODIBI_STROE__DIR")


def test_a_named_file_that_is_missing_is_a_problem(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command reports it in one message."""
    monkeypatch.setenv("ODIBI_CONFIG_FILE", "no.toml")
    assert here("config", "check").exit_code == 2
    done = here("runs")
    assert (done.exit_code, "no.toml" in done.stderr) == (2, True)


def test_every_command_warns_of_a_variable_that_nothing_reads(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, with the nearest right name; what was asked for comes all the same."""
    monkeypatch.setenv("ODIBI_STROE__DIR", "x")
    done = here("runs", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert "did you mean 'ODIBI_STORE__DIR'?" in done.stderr
    assert here("config", "check").output.count("ODIBI_STROE__DIR") == 1


def test_check_warns_of_a_trace_that_is_none(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent process may have set it wrongly: one message, and the settings are valid."""
    wrong = f"00-{'0' * 32}-b7ad6b7169203331-01"
    monkeypatch.setenv("TRACEPARENT", wrong)
    done = here("config", "check", "--format", "json")
    checked = json.loads(done.stdout)
    assert (done.exit_code, checked["ok"], checked["problems"]) == (0, True, [])
    (warning,) = checked["warnings"]
    assert warning.startswith(f"TRACEPARENT is '{wrong}', which names no span")
    assert ObservabilityConfig().validate() == [warning]
    monkeypatch.setenv("TRACEPARENT", f"00-{'a' * 32}-b7ad6b7169203331-01")
    assert ObservabilityConfig().validate() == []
