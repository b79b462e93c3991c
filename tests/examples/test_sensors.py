"""The streaming example: it runs, its breaker really opens and closes again, and its record answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
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

    def ask(self, query: str) -> list[Row]:
        """`odibi sql` over the run."""
        done = CliRunner().invoke(app, ["sql", query, "--store", str(self.store), "--format", "json"])
        assert done.exit_code == 0, done.output
        rows: list[Row] = json.loads(done.stdout)
        return rows

    def events(self, kind: str) -> list[Row]:
        """Those of one kind, in order."""
        store = RunStore(self.store)
        (run_id,) = store.ids()
        return [{**event.fields, "component": event.component, "status": event.status}
                for event in store.read(run_id) if event.event_type == kind]  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run, as a user starts it."""
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
    """All batches through, the circuit closed again; which stage is slowest, the machine decides."""
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
    """Three failures open it; it looks once a minute whether the registry is back, and closes when it is."""
    changes = [(row["oldState"], row["newState"]) for row in ran.events("circuit_state_change")]
    tried = [("open", "half_open"), ("half_open", "open")]
    assert changes == [("closed", "open"), *tried * 4, ("open", "half_open"), ("half_open", "closed")]


def test_all_four_stages_say_what_went_in_and_out_of_each_batch(ran: Ran) -> None:
    """A stage takes what the one before it gave; torn and impossible readings are lost on the way, and no others."""
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


def test_the_dashboard_said_degraded_while_the_circuit_was_open(ran: Ran) -> None:
    """In the run's record, every tenth batch and at the end."""
    statuses = [row["status"] for row in ran.events("pipeline_health")]
    assert statuses == ["HEALTHY"] * 3 + ["DEGRADED"] * 3 + ["HEALTHY"] * 7


def questions() -> list[str]:
    """The queries of the example's README."""
    return re.findall(r"```sql\n(.*?)```", (SENSORS / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_three_questions_of_its_readme_are_answered(ran: Ran) -> None:
    """The contract's questions, in the words of the README, by `odibi sql`."""
    slow, opened, share = map(ran.ask, questions())
    assert slow[0]["batches"] >= 1
    assert slow[0]["ms"] > 500
    assert opened == [{"circuitName": "site-registry", "opened": 5}]
    assert len(share) == 120
    assert all(0.9 < row["share"] <= 1 for row in share)
    assert [row["timestamp"] for row in share] == sorted(row["timestamp"] for row in share)


def test_inspecting_the_folder_shows_its_four_stages() -> None:
    """Without running the pipeline; and the config that comes with it fits."""
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


def test_its_stages_are_described_with_what_a_config_may_say() -> None:
    """As `discover_stages` finds them."""
    schema = inspect_pipeline(discover_stages(SENSORS / "pipeline.py")).json_schema()["properties"]
    assert list(schema) == ["read", "Validate", "Enrich", "Aggregate"]
    assert schema["Aggregate"]["properties"]["by"] == {"enum": ["site", "sensor"], "default": "site"}


def test_a_config_that_does_not_fit_ends_it_before_anything_runs(tmp_path: Path) -> None:
    """With the reason, and without a record."""
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
