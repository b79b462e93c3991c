"""`odibi store` and `odibi doctor`: answers, exit codes, and JSON with the same facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here
from tests.history.stores import write_runs

from odibi_core import history
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore


@pytest.fixture
def ids() -> list[str]:
    """Five runs in the store of the working directory."""
    return write_runs(Path(".odibi"), 5)


def test_status_compact_and_verify(here: Here, ids: list[str]) -> None:
    """Before and after compaction."""
    assert "5 hot, 0 cold" in here("store", "status").stdout
    done = here("store", "compact", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["runs"]) == (0, 5)
    found = json.loads(here("store", "status", "--format", "json").stdout)
    assert (found["runs_hot"], found["runs_cold"], found["last_compaction"]["runs"]) == (0, 5, 5)
    verified = here("store", "verify")
    assert verified.exit_code == 0
    assert "5 runs with 45 events, 1 batch in" in verified.stdout
    assert "not checked:" in verified.stdout


def test_damage_is_exit_code_4_and_rebuild_restores(here: Here, ids: list[str]) -> None:
    """In text and in JSON."""
    here("store", "compact")
    (file,) = Path(".odibi").glob("tables/nodes/*/*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    assert here("store", "verify").exit_code == 4
    done = here("store", "verify", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["is_sound"]) == (4, False)
    assert "nodes computed again" in here("store", "rebuild").stdout
    assert here("store", "verify").exit_code == 0


def test_sql_answers_without_a_damaged_file(here: Here, ids: list[str]) -> None:
    """It is set aside and named; the other tables are whole, and rebuild restores it."""
    here("store", "compact")
    (file,) = Path(".odibi").glob("tables/nodes/*/*.parquet")
    content = bytearray(file.read_bytes())
    whole = here("sql", "select count(*) from nodes").stdout
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[4:footer] = bytes(byte ^ 0xFF for byte in content[4:footer])
    file.write_bytes(content)
    done = here("sql", "select (select count(*) from runs) as runs, count(distinct node_name) as nodes from nodes")
    assert (done.exit_code, done.stdout.split()) == (0, ["runs", "nodes", "5", "0"])
    assert "it was set aside as" in done.stderr
    assert "5 runs are not in the table nodes; odibi store rebuild restores it" in done.stderr
    here("store", "rebuild")
    assert here("sql", "select count(*) from nodes").stdout == whole
    (file,) = (each for each in Path(".odibi").glob("tables/nodes/*/*.parquet") if each != file)
    file.write_bytes(file.read_bytes()[:50])
    assert history().sql("select count(*) as n from nodes").rows == [{"n": 0}]
    assert here("sql", "select nothing from nodes").exit_code == 2


def test_prune_shows_and_does(here: Here, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By an option or a setting; a dry run has each run with its reason."""
    shown = here("store", "prune", "--keep-runs", "2", "--dry-run")
    assert shown.exit_code == 0
    assert all(run_id in shown.stdout for run_id in ids[:3])
    assert len(RunStore().ids()) == 5
    monkeypatch.setenv("ODIBI_STORE__KEEP_RUNS", "3")
    done = json.loads(here("store", "prune", "--format", "json").stdout)
    assert (list(done["runs"]), done["kept"]) == (ids[:2], 3)
    assert here("store", "prune", "--keep-runs", "1", "--last-good-too").exit_code == 0
    assert RunStore().ids() == ids[4:]


def test_prune_without_a_limit_is_wrong_usage(here: Here, ids: list[str]) -> None:
    """Nothing is pruned by accident."""
    done = here("store", "prune")
    assert (done.exit_code, len(RunStore().ids())) == (2, 5)
    assert "--keep-days" in done.stderr


@pytest.mark.parametrize("command", ["compact", "prune --keep-runs 1", "rebuild"])
def test_a_busy_store_is_exit_code_4(here: Here, ids: list[str], command: str) -> None:
    """Another process compacts or prunes it."""
    with exclusive(Path(".odibi")):
        done = here("store", *command.split())
    assert done.exit_code == 4
    assert "another process" in done.stderr


@pytest.mark.parametrize("command", ["compact", "prune --keep-runs 1", "rebuild", "verify", "move elsewhere"])
def test_a_store_that_is_not_there_is_an_error(here: Here, command: str) -> None:
    """And none is created."""
    done = here("store", *command.split())
    assert done.exit_code == 4
    assert "there is no store" in done.stderr
    assert not Path(".odibi").exists()
    assert here("store", *command.split(), "--store", "none").exit_code == 2


@pytest.mark.parametrize("command", ["status", "prune --keep-runs 1", "verify", "move elsewhere"])
def test_a_shared_store_is_not_changed_through_its_local_copy(here: Here, command: str) -> None:
    """Each host keeps its own store."""
    done = here("store", *command.split(), "--store", "s3://bucket/prefix")
    assert (done.exit_code, "must be a folder" in done.stderr) == (2, True)


def test_export_and_move(here: Here, ids: list[str]) -> None:
    """One run, a pipeline, all; the new folders are stores."""
    assert here("store", "export", "one", "--run", ids[1]).exit_code == 0
    assert here("store", "export", "all", "--pipeline", "daily").exit_code == 0
    assert (RunStore("one").ids(), RunStore("all").ids()) == (ids[1:2], ids)
    assert here("store", "export", "none", "--pipeline", "weekly").exit_code == 3
    assert here("store", "export", "all").exit_code == 4
    moved = here("store", "move", "moved")
    assert (moved.exit_code, RunStore("moved").ids()) == (0, ids)
    assert "ODIBI_STORE__DIR" in moved.stderr
    assert not Path(".odibi").exists()


def test_doctor(here: Here, ids: list[str]) -> None:
    """Warnings are exit code 0, problems 4; --fix mends."""
    (Path(".odibi") / "trash" / "x").mkdir(parents=True)
    done = here("doctor")
    assert (done.exit_code, "odibi doctor --fix" in done.stdout) == (0, True)
    assert "mended: an interrupted pruning" in here("doctor", "--fix").stdout
    here("store", "compact")
    (manifest,) = Path(".odibi").glob("manifests/*.json")
    manifest.write_text("{")
    found = here("doctor", "--format", "json")
    assert (found.exit_code, json.loads(found.stdout)["is_sound"]) == (4, False)


def test_notices_go_to_stderr(apart: Apart) -> None:
    """stdout is one JSON document."""
    write_runs(Path(".odibi"), 2)
    done = apart("store", "move", "moved", "--format", "json")
    assert json.loads(done.stdout)["files"] > 0
    assert "ODIBI_STORE__DIR" in done.stderr
