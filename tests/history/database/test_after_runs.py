"""The export to a database after each run."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.history.stores import write_runs

import odibi_core
from odibi_core.history.database import after_runs
from odibi_core.history.database.after_runs import export_soon, export_until_done, read_note
from odibi_core.history.maintenance.diagnosis import diagnose
from odibi_core.history.retention import Limits
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore

SECRET = "canary-p4ssword"


def orders() -> list[dict[str, int]]:
    return [{"id": 1}]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], Mapping[str, str]]]:
    """Record the processes that would be started, and start none."""
    found: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def start(code: str, given: Sequence[str], environment: Mapping[str, str]) -> bool:
        found.append((given, environment))
        return True

    monkeypatch.setattr(after_runs, "start_detached", start)
    return found


def runs_in(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        (number,) = connection.execute("select count(*) from runs").fetchone()
    connection.close()
    return int(number)


def test_the_end_of_a_run_starts_an_export_by_one_setting(
    started: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the setting none; a relative file is one of the working directory; what was started exports the run."""
    odibi_core.run([orders], pipeline_name="shop")
    assert started == []
    monkeypatch.setenv("ODIBI_STORE__EXPORT_TO", "sqlite:///history.db")
    odibi_core.run([orders], pipeline_name="shop")
    ((given, environment),) = started
    assert environment["ODIBI_STORE__EXPORT_TO"] == f"sqlite:///{os.getcwd()}/history.db"
    export_until_done(Path(given[0]), environment["ODIBI_STORE__EXPORT_TO"])
    assert runs_in(Path("history.db")) == 2
    note = read_note(Path(".odibi"))
    assert note is not None
    assert note.error is None


def test_the_password_is_in_a_variable_and_not_on_the_command_line(started: list[Any], tmp_path: Path) -> None:
    """Every user of the machine sees command lines."""
    (tmp_path / "store").mkdir()
    assert export_soon(tmp_path / "store", f"postgresql://me:{SECRET}@db/x", 0o600)
    ((given, environment),) = started
    assert SECRET not in " ".join(given)
    assert SECRET in environment["ODIBI_STORE__EXPORT_TO"]


def test_a_run_that_ends_during_an_export_is_exported_too(
    started: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the lock held and leaves its mark; sabotage: without a look at the mark it is missing."""
    from odibi_core.history.database.exporting import Export

    root, url = tmp_path / "store", f"sqlite:///{tmp_path}/x.db"
    write_runs(root, 1)
    export = Export.run
    late = iter([2, 3])

    def exported(self: Export) -> Any:
        done = export(self)
        if number := next(late, None):
            write_runs(root, number, f"late{number}")
            assert not export_soon(root, url, 0o600)
        return done

    monkeypatch.setattr(Export, "run", exported)
    export_until_done(root, url)
    assert started == []
    assert runs_in(tmp_path / "x.db") == 6
    monkeypatch.setattr(after_runs, "_is_due_since", lambda *_: False)
    late = iter([4])
    export_until_done(root, url)
    assert runs_in(tmp_path / "x.db") == 6


def test_a_database_that_is_down_is_noted_and_tried_again_later(started: list[Any], tmp_path: Path) -> None:
    """No run is changed; `odibi doctor` has the reason without the password; the next success ends the finding."""
    root = tmp_path / "store"
    write_runs(root, 1)
    export_until_done(root, f"postgresql://me:{SECRET}@127.0.0.1:1/x")
    note = read_note(root)
    assert note is not None
    assert "refused" in str(note.error)
    assert SECRET not in (root / "export.json").read_text()
    assert not export_soon(root, "sqlite:///x.db", 0o600)  # a minute has not passed
    found = [each for each in diagnose(RunStore(root), Limits(), 0o600).found if each.check == "export"]
    assert [each.severity for each in found] == ["problem"]
    earlier = json.loads((root / "export.json").read_text()) | {"ended": "2026-01-01T00:00:00Z"}
    (root / "export.json").write_text(json.dumps(earlier))
    assert export_soon(root, "sqlite:///x.db", 0o600)
    export_until_done(root, f"sqlite:///{tmp_path}/x.db")
    assert not [each for each in diagnose(RunStore(root), Limits(), 0o600).found if each.check == "export"]


def test_one_process_exports_a_store_at_a_time(started: list[Any], tmp_path: Path) -> None:
    """A second one ends at once."""
    write_runs(tmp_path / "store", 1)
    with exclusive(tmp_path / "store", after_runs.LOCK):
        export_until_done(tmp_path / "store", f"sqlite:///{tmp_path}/x.db")
    assert not (tmp_path / "x.db").exists()
