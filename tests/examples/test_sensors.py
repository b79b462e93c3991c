"""The streaming example: its run, the states of its breaker, and the queries on its record."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.openlineage.checking import check, exported
from typer.testing import CliRunner

from odibi_core.cli import app
from odibi_core.introspection import discover_stages, inspect_pipeline
from odibi_core.store.runs import RunStore

ROOT = Path(__file__).resolve().parents[2]
SENSORS = ROOT / "examples" / "sensors"

Row = dict[str, Any]


class Ran(NamedTuple):
    """The output of a run of the example, and its record."""

    printed: str
    store: Path

    def query(self, query: str) -> list[Row]:
        """Run `odibi sql` over the run."""
        done = CliRunner().invoke(app, ["sql", query, "--store", str(self.store), "--format", "json"])
        assert done.exit_code == 0, done.output
        rows: list[Row] = json.loads(done.stdout)
        return rows

    def events(self, kind: str) -> list[Row]:
        """Return the events of one kind, in order."""
        store = RunStore(self.store)
        (run_id,) = store.ids()
        return [{**event.fields, "component": event.component, "status": event.status}
                for event in store.read(run_id) if event.event_type == kind]  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return one run, started as a user does."""
    folder = tmp_path_factory.mktemp("sensors")
    ours = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "ODIBI_STORE__DIR": str(folder / "store")}
    done = subprocess.run(
        [sys.executable, str(SENSORS / "pipeline.py")],
        cwd=folder, env=ours, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Ran(done.stdout, folder / "store")


def test_it_ends_with_the_dashboard_s_report(ran: Ran) -> None:
    """All batches passed and the circuit is closed again; the slowest stage depends on the machine."""
    report = dict(line.split(maxsplit=1) for line in ran.printed.splitlines() if line[:1].isalpha())
    assert report["status"] == "HEALTHY"
    assert report["batchCount"] == "120"
    assert report["openCircuits"] == "[]"
    assert report["bottleneckStage"] in ("read", "validate", "enrich", "aggregate")
    assert int(report["totalAlerts"]) > 0
    assert int(report["peakMemoryKb"]) > 0
    assert re.fullmatch(r"\{'sites': 0\.6\d+\}", report["cacheHitRates"])
    assert "00:05:00  site-registry is left alone" in ran.printed


def test_the_breaker_opens_half_opens_and_closes(ran: Ran) -> None:
    """Three failures open it; it tries the registry once a minute, and closes after a success."""
    changes = [(row["oldState"], row["newState"]) for row in ran.events("circuit_state_change")]
    tried = [("open", "half_open"), ("half_open", "open")]
    assert changes == [("closed", "open"), *tried * 4, ("open", "half_open"), ("half_open", "closed")]


def test_all_four_stages_count_the_readings_of_each_batch(ran: Ran) -> None:
    """A stage receives the output of the one before; only torn and impossible readings are lost."""
    by_stage: dict[str, list[Row]] = {}
    for row in ran.events("stage_completed"):
        by_stage.setdefault(row["component"], []).append(row)
    assert list(by_stage) == [
        "read",
        "validate",
        "enrich",
        "aggregate",
    ]  # a generator ends before its consumer does
    assert [len(rows) for rows in by_stage.values()] == [120] * 4
    for read, validate, enrich, aggregate in zip(*by_stage.values(), strict=True):
        assert read["recordsIn"] == 200
        assert read["recordsOut"] == validate["recordsIn"] <= 200
        assert validate["recordsOut"] == enrich["recordsIn"] == enrich["recordsOut"] == aggregate["recordsIn"]
        assert 4 <= aggregate["recordsOut"] <= 5


def test_the_dashboard_was_degraded_while_the_circuit_was_open(ran: Ran) -> None:
    """The run's record has it every tenth batch and at the end."""
    statuses = [row["status"] for row in ran.events("pipeline_health")]
    assert statuses == ["HEALTHY"] * 3 + ["DEGRADED"] * 3 + ["HEALTHY"] * 7


def questions() -> list[str]:
    """Return the queries of the example's README."""
    return re.findall(r"```sql\n(.*?)```", (SENSORS / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_three_questions_of_its_readme_are_answered(ran: Ran) -> None:
    """`odibi sql` answers the questions of the README."""
    slow, opened, share = map(ran.query, questions())
    assert slow[0]["batches"] >= 1
    assert slow[0]["ms"] > 500
    assert opened == [{"circuitName": "site-registry", "opened": 5}]
    assert len(share) == 120
    assert all(0.9 < row["share"] <= 1 for row in share)
    assert [row["timestamp"] for row in share] == sorted(row["timestamp"] for row in share)


def test_inspecting_the_folder_shows_its_four_stages() -> None:
    """The pipeline does not run; the config of the example fits."""
    done = CliRunner().invoke(app, ["inspect", str(SENSORS)])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "Stage",
        "read",
        "Validate",
        "Enrich",
        "Aggregate",
    ]
    done = CliRunner().invoke(app, ["inspect", str(SENSORS), "--config", str(SENSORS / "config.toml")])
    assert (done.exit_code, done.stdout) == (0, f"{SENSORS / 'config.toml'} fits 4 stages\n")


def test_its_stages_are_described_with_their_parameters() -> None:
    """`discover_stages` finds the stages."""
    schema = inspect_pipeline(discover_stages(SENSORS / "pipeline.py")).json_schema()["properties"]
    assert list(schema) == ["read", "Validate", "Enrich", "Aggregate"]
    assert schema["Aggregate"]["properties"]["by"] == {"enum": ["site", "sensor"], "default": "site"}


def test_a_config_that_does_not_fit_ends_it_before_anything_runs(tmp_path: Path) -> None:
    """The reason is printed, and there is no record."""
    (tmp_path / "pipeline.py").write_text(
        (SENSORS / "pipeline.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "config.toml").write_text(
        "[Validate]\nlowset = 1\n[Aggregate]\nby = 'ste'\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "pipeline.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Validate: 'lowset' is no parameter (did you mean 'lowest'?)" in done.stderr
    assert (
        "Aggregate: by must be one of 'site', 'sensor', but it is 'ste' (did you mean 'site'?)" in done.stderr
    )
    assert not (tmp_path / ".odibi").exists()


def test_its_record_is_valid_in_openlineage(ran: Ran) -> None:
    """By the published schemas and the classes of the client library."""
    check(exported(ran.store))
