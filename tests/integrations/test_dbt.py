"""dbt: `odibi dbt` around the command, `odibi import dbt` from its files, on a small project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.integrations.hosts import ROOT, Ended, python_of

from odibi_core import history
from odibi_core.errors import ConfigurationError
from odibi_core.integrations.dbt import import_invocation
from odibi_core.integrations.dbt_files import read_invocation

pytestmark = pytest.mark.xdist_group("host dbt")

FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nvars: {fault: ''}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}}\n",
    "seeds/load.csv": "\n".join(["id,amount", *(f"{number},{number % 4}" for number in range(100))]) + "\n",
    "models/clean.sql": "{{ config(materialized='table') }} select * from {{ ref('load') }} where amount > 0"
    "{% if var('fault') %} and no_such_column = 1{% endif %}\n",
    "models/total.sql": "select sum(amount) as total from {{ ref('clean') }}\n",
    "models/schema.yml": """
models:
  - name: clean
    columns:
      - {name: id, data_tests: [unique]}
      - name: amount
        data_tests: [{accepted_values: {arguments: {values: [1, 2]}, config: {severity: warn}}}]
""",
}


def dbt(folder: Path, arguments: Sequence[str], *, recorded: bool = True) -> Ended:
    """Run dbt in a project, which is written if it is not there, by `odibi dbt` or bare."""
    place = python_of("dbt").parent
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    program = [sys.executable, "-m", "odibi_core", "dbt"] if recorded else [str(place / "dbt")]
    variables = {
        **os.environ, "PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src"), "DO_NOT_TRACK": "1",
        "DBT_PROFILES_DIR": str(folder), "ODIBI_STORE__DIR": str(folder / ".odibi"),
    }  # fmt: skip
    done = subprocess.run(
        [*program, *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=200, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr, folder / ".odibi")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A build of the project, and then one of its tests alone."""
    folder = tmp_path_factory.mktemp("dbt")
    done = dbt(folder, ["--no-use-colors", "build"])
    dbt(folder, ["test", "--select", "unique_clean_id"])
    return done


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A build in which the model `clean` fails."""
    return dbt(tmp_path_factory.mktemp("dbt-failed"), ["build", "--vars", "fault: yes"])


def test_models_and_seeds_are_steps_with_rows_edges_and_times(built: Ended) -> None:
    """Rows are those that the database reports, and unknown where it reports none."""
    assert (built.returncode, built.run()["status"], built.run()["integration"]) == (0, "success", "dbt")
    nodes = built.nodes()
    assert list(nodes) == ["load", "clean", "total"]
    assert {name: (row["status"], row["rows_out"], row["type"]) for name, row in nodes.items()} == {
        "load": ("success", 100, "seed"), "clean": ("success", None, "table"), "total": ("success", None, "view"),
    }  # fmt: skip
    assert (nodes["clean"]["depends_on"], nodes["total"]["depends_on"]) == ('["load"]', '["clean"]')
    sources = [text.read_text() for text in built.store.glob("sources/*/*.txt")]
    assert any('select * from "shop"."main"."load" where amount > 0' in text for text in sources)


def test_tests_are_checks_with_their_severity(built: Ended) -> None:
    run_id = built.run()["run_id"]
    rows = built.sql(f"select * from checks where run_id = '{run_id}' order by check_name")
    assert [(row["check_name"], row["column_name"], row["passed"], row["severity"]) for row in rows] == [
        ("accepted_values", "amount", False, "warn"), ("unique", "id", True, "error"),
    ]  # fmt: skip
    assert rows[0]["failed_rows"] == 1


def test_a_failed_model_fails_the_run_and_skips_what_needs_it(failed: Ended) -> None:
    nodes = failed.nodes()
    assert (failed.returncode, failed.run()["status"]) == (1, "failed")
    assert [nodes[name]["status"] for name in ("load", "clean", "total")] == ["success", "failed", "skipped"]
    assert "no_such_column" in str(nodes["clean"]["error"])
    assert failed.sql("select name, value from params") == [{"name": "fault", "value": "true"}]


def test_tests_alone_are_a_pipeline_of_their_own(built: Ended) -> None:
    """A run of selected tests has the selection, and is compared with no build."""
    (run,) = built.sql("select run_id, selection from runs where pipeline_name = 'shop test'")
    assert run["selection"] == '{"select":["unique_clean_id"]}'
    rows = built.sql(f"select node_name, status from nodes where run_id = '{run['run_id']}'")
    assert rows == [{"node_name": "clean", "status": "success"}]


def test_the_output_is_that_of_dbt(built: Ended, tmp_path: Path) -> None:
    bare = dbt(tmp_path, ["--no-use-colors", "build"], recorded=False)
    known = (bare.returncode, sorted(shown(bare)))
    assert (built.returncode, sorted(shown(built))) == known


def shown(ended: Ended) -> list[str]:
    """Return the lines of the output without times, durations and the dots between, which differ."""
    varying = re.compile(r"\d\d:\d\d:\d\d|[\d.]+ ?s(econds)?\b|\.\.+|^ *\d of|\d of 5")
    return [varying.sub("", line) for line in ended.stdout.splitlines()]


def test_an_import_has_the_times_of_dbt_and_happens_once(built: Ended, tmp_path: Path) -> None:
    """The latest invocation in the folder is that of the test."""
    shutil.copytree(built.store.parent / "target", tmp_path / "target")
    invocation = read_invocation(tmp_path / "target")
    assert invocation is not None
    run_id, is_new = import_invocation(invocation, tmp_path / "store")
    assert is_new
    assert import_invocation(invocation, tmp_path / "store") == (run_id, False)
    (run,) = history(tmp_path / "store").sql("select started, status from runs").rows
    assert (run["started"].replace(tzinfo=None), run["status"]) == (invocation.began.replace(tzinfo=None), "success")


def test_freshness_of_sources_is_a_check(built: Ended, tmp_path: Path) -> None:
    shutil.copy(built.store.parent / "target" / "manifest.json", tmp_path)
    result = {
        "unique_id": "source.shop.raw.orders", "status": "warn", "max_loaded_at_time_ago_in_s": 7200.0, "timing": [],
        "criteria": {}, "thread_id": "Thread-1", "execution_time": 0.1,
    }  # fmt: skip
    about = {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json", "dbt_version": "1.10.23",
        "generated_at": "2026-01-31T04:05:06Z", "invocation_id": "x-1",
    }  # fmt: skip
    (tmp_path / "sources.json").write_text(json.dumps({"metadata": about, "results": [result], "elapsed_time": 0.1}))
    invocation = read_invocation(tmp_path)
    assert invocation is not None
    import_invocation(invocation, tmp_path / "store")
    (row,) = history(tmp_path / "store").sql("select pipeline_name, node_name, severity, message from checks").rows
    assert row == {
        "pipeline_name": "shop source freshness", "node_name": "raw.orders", "severity": "warn",
        "message": "the newest row is 7,200 s old: warn",
    }  # fmt: skip


def test_a_schema_that_is_not_known_is_one_sentence(tmp_path: Path) -> None:
    about = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v9.json"}
    (tmp_path / "run_results.json").write_text(json.dumps({"metadata": about}))
    with pytest.raises(ConfigurationError, match="has the schema run-results v9; odibi-core reads run-results v5, v6"):
        read_invocation(tmp_path)
    (tmp_path / "run_results.json").write_text("{")
    with pytest.raises(ConfigurationError, match="is no file of dbt"):
        read_invocation(tmp_path)
