"""The rules for Prometheus beside the dashboards: as built, tested by promtool, over metrics that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.architecture.plan import ROOT
from tests.services.promtool import promtool

from odibi_core.exporters.prometheus_names import (
    CACHE_HIT_RATE,
    HELP,
    KNOWN,
    RESIDENT_MEMORY,
    UNREADABLE_PARTS,
    UPTIME,
    prometheus_families,
)
from odibi_core.views.metrics.types import COUNTER, HISTOGRAM, kind_of

FOLDER = ROOT / "prometheus_rules"
RECORDING, ALERTING = "odibi_recording_rules.yml", "odibi_alerting_rules.yml"
CASES = ("odibi_rules_test.yml", "odibi_rules_of_days_test.yml")
_LABELS = re.compile(r"\b(?:by|on|group_left) \([^)]*\)|{[^}]*}")
_NAME = re.compile(r"(?<![\w:])(?:odibi|operation|bigquery|cli|data_quality|health_check)_\w+(?!\w*:)|\bup\b")


def rules(name: str) -> list[dict[str, Any]]:
    found = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    return [
        case
        for name in CASES
        for test in yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]


def served() -> set[str]:
    """Each name that a sample can have."""
    families = [CACHE_HIT_RATE, UPTIME, RESIDENT_MEMORY, UNREADABLE_PARTS]
    families += [family for metric in (*KNOWN, *HELP) for family in prometheus_families(metric, kind_of(metric))]
    suffixes = {COUNTER: ("_total",), HISTOGRAM: ("_bucket", "_count", "_sum")}
    return {family.name + suffix for family in families for suffix in suffixes.get(family.kind, ("",))} | {"up"}


def asked(rule: dict[str, Any]) -> set[str]:
    return set(_NAME.findall(_LABELS.sub("", rule["expr"])))


def test_the_committed_rules_are_what_the_script_builds(tmp_path: Path) -> None:
    """`--check` writes nothing; sabotage: a changed file is a diff and exit code 1."""
    command = [sys.executable, str(FOLDER / "build_rules.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    text = (FOLDER / ALERTING).read_text(encoding="utf-8")
    (tmp_path / ALERTING).write_text(text.replace("93600", "1"), encoding="utf-8")
    done = subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "> 93600" in done.stdout


def test_each_metric_of_a_rule_is_served() -> None:
    """A rule over a metric that does not exist never fires; the recorded names are those of the other file."""
    every = rules(RECORDING) + rules(ALERTING)
    assert len({name for rule in every for name in asked(rule)}) > 15
    assert {name for rule in every for name in asked(rule)} <= served()
    recorded = {rule["record"] for rule in rules(RECORDING)}
    assert {name for rule in every for name in re.findall(r"job\w*:\w+:\w+", rule["expr"])} <= recorded


def test_each_alert_is_tested_and_explained() -> None:
    """There is a case where it fires and one where it does not, and its runbook is a heading of the page."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for rule in rules(ALERTING):
        name = rule["alert"]
        found = {bool(case["exp_alerts"]) for case in cases() if case["alertname"] == name}
        assert found == {True, False}, name
        assert f"### {name}\n" in page
        assert rule["annotations"]["runbook"].endswith(f"#{name.lower()}")
        assert rule["labels"]["severity"] in ("warning", "critical")


@pytest.mark.services
def test_promtool_accepts_the_rules_and_their_cases() -> None:
    """Prometheus' own program reads the files, and each case has its alerts."""
    done = promtool("check", "rules", *(str(FOLDER / name) for name in (RECORDING, ALERTING)))
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", *(str(FOLDER / name) for name in CASES))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.services
@pytest.mark.parametrize(
    ("wrong", "alert"),
    [
        (("odibi_pipeline_last_run_failed == 1", "odibi_pipeline_last_run_failed == 0"), "OdibiPipelineFailed"),
        (("odibi_export_dropped_total offset 15m", "odibi_export_dropped_total"), "OdibiExporterLosesItems"),
    ],
)  # fmt: skip
def test_promtool_finds_a_wrong_rule(tmp_path: Path, wrong: tuple[str, str], alert: str) -> None:
    """Sabotage: a condition turned round, and a counter that appears without being noticed."""
    found = yaml.safe_load((FOLDER / ALERTING).read_text(encoding="utf-8"))
    for group in found["groups"]:
        group["rules"] = [{**rule, "expr": rule["expr"].replace(*wrong)} for rule in group["rules"]]
    (tmp_path / ALERTING).write_text(yaml.safe_dump(found), encoding="utf-8")
    for name in (RECORDING, CASES[0]):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    done = promtool("test", "rules", str(tmp_path / CASES[0]))
    assert done.returncode == 1
    assert alert in done.stdout + done.stderr
