"""Compaction in the background: started when it is due, detached, silent, and noted if it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from tests.history.killed import problems, write_runs
from tests.history.stores import write_runs as write_old_runs

from odibi_core.history import background
from odibi_core.history.background import compact_soon, is_due, is_pruning_due
from odibi_core.history.compaction import Options, compact
from odibi_core.history.last_compaction import NOTE, note_failure, read_note
from odibi_core.settings.sections import Store
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def written(store: RunStore, count: int) -> dict[str, int]:
    expected: dict[str, int] = {}
    write_runs(store, count, expected)
    return expected


def test_it_is_due_by_the_number_of_runs_since_the_last_time(store: RunStore) -> None:
    """Folders that a compaction leaves, such as stories, do not count again."""
    settings = Store(compact_runs=3)
    for run_id in written(store, 2):
        (store.folder(run_id) / "story.html").write_text("story")
    assert not is_due(store.root, settings)
    written(store, 1)
    assert is_due(store.root, settings)
    compact(store, Options(grace_s=0, threads=1))
    assert not is_due(store.root, settings)
    written(store, 2)
    assert not is_due(store.root, settings)
    written(store, 1)
    assert is_due(store.root, settings)


def test_it_is_due_by_bytes(store: RunStore) -> None:
    """The sum counts; after a small run it is not computed."""
    *_, large = written(store, 3)
    settings = Store(compact_mb=300 / 2**20, compact_runs=100)
    assert is_due(store.root, settings)
    assert is_due(store.root, settings, large)
    assert not is_due(store.root, Store(compact_mb=300 / 2**20, compact_runs=1_000_000), "no such run")
    assert not is_due(store.root, Store(compact_mb=1))


def test_it_is_not_due_while_one_runs_or_after_a_failure(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is free again with its process; a failure is retried after an hour."""
    written(store, 3)
    settings = Store(compact_runs=3)
    with exclusive(store.root):
        assert not is_due(store.root, settings)
    assert is_due(store.root, settings)
    note_failure(store.root, OSError("no room"))
    assert not is_due(store.root, settings)
    monkeypatch.setattr(background, "RETRY_AFTER", background.RETRY_AFTER * 0)
    assert is_due(store.root, settings)


def test_off_is_off(store: RunStore) -> None:
    """The setting switches it off."""
    written(store, 1)
    assert not compact_soon(store.root, Store(compact="off", compact_runs=1))


def waited_for(condition: Any) -> bool:
    end = monotonic() + 60
    while not condition() and monotonic() < end:
        sleep(0.02)
    return bool(condition())


PARENT = """
import os, sys
from pathlib import Path
from odibi_core.history.background import compact_soon
from odibi_core.settings.sections import Store
print(compact_soon(Path(sys.argv[1]), Store(compact_runs=1, file_mode="640")), flush=True)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("no child", flush=True)
os.kill(os.getpid(), 9)
"""


def test_the_process_is_detached_and_outlives_its_parent(store: RunStore) -> None:
    """It is no child of the program, and works on after the program was killed."""
    expected = written(store, 2)
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(store.root)], capture_output=True, text=True, cwd=store.root, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-9, "True\nno child\n", "")
    assert waited_for(lambda: read_note(store.root))
    note = read_note(store.root)
    assert note is not None
    assert (note.runs, note.error) == (2, None)
    assert problems(RunStore(store.root), expected) == []
    assert [path.stat().st_mode & 0o777 for path in store.root.glob("manifests/*.json")] == [0o640]


def test_a_failure_is_noted_and_not_shown(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`odibi doctor` finds it in the store; a later success replaces the note."""
    written(store, 1)
    (store.root / "tables").write_text("not a folder")
    monkeypatch.setattr(sys, "argv", ["-c", str(store.root), "600", '{"limits":null,"compacts":true}'])
    monkeypatch.setattr(os, "nice", lambda _: 0)
    background.main()
    note = read_note(store.root)
    assert note is not None
    assert note.error is not None
    assert "cannot be compacted" in note.error
    assert capfd.readouterr() == ("", "")
    (store.root / "tables").unlink()
    compact(store, Options(grace_s=0, threads=1))
    note = read_note(store.root)
    assert note is not None
    assert note.error is None
    (store.root / NOTE).write_text("damaged")
    assert read_note(store.root) is None


def test_a_run_that_makes_it_due_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run starts the compaction of its store, and is not changed by a failure to start it."""
    import odibi_core

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODIBI_STORE__COMPACT_RUNS", "2")

    def rows() -> list[dict[str, int]]:
        return [{"x": 1}]

    odibi_core.run([rows])
    assert read_note(tmp_path / ".odibi") is None
    odibi_core.run([rows])
    assert waited_for(lambda: read_note(tmp_path / ".odibi"))
    store = RunStore(".odibi")
    assert (len(store.ids()), len(store.hot_ids())) == (2, 0)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: 1 / 0)
    assert odibi_core.run([rows])["success"]
    assert odibi_core.run([rows])["success"]


def test_a_store_that_is_deleted_meanwhile_is_not_created_again(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process waits for the end of the grace time; a store that is gone then stays gone."""
    written(store, 1)
    monkeypatch.setattr("odibi_core.history.compaction.sleep", lambda _: shutil.rmtree(store.root))
    assert compact(store, Options(waits=True, threads=1)).runs == 1
    note_failure(store.root, OSError("gone"))
    assert not store.root.exists()


def test_a_pruning_is_started_if_a_limit_is_set_and_once_an_hour(store: RunStore) -> None:
    """Also without a compaction; without a limit nothing is started."""
    write_old_runs(store.root, 3)
    off = Store(compact="off")
    assert not compact_soon(store.root, off)
    limited = Store(compact="off", keep_runs=1)
    assert compact_soon(store.root, limited)
    until = monotonic() + 60
    while len(RunStore(store.root).ids()) > 1 and monotonic() < until:
        sleep(0.05)
    assert len(RunStore(store.root).ids()) == 1
    assert not compact_soon(store.root, limited)
    os.utime(store.root / background.PRUNED, (1, 1))
    assert is_pruning_due(store.root)
    os.utime(store.root / background.PRUNED, (4e9, 4e9))
    assert is_pruning_due(store.root)
