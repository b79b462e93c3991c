"""Move: a store is whole at one of two places, whenever the process is killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.history.killed import killed_after
from tests.history.stores import events_of, lines_of, write_run, write_runs

from odibi_core.errors import StoreError
from odibi_core.history.compaction import Options, compact
from odibi_core.history.maintenance import moving
from odibi_core.history.maintenance.moving import move
from odibi_core.history.maintenance.verification import verify
from odibi_core.store.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Two compacted runs and a hot one."""
    found = RunStore(tmp_path / "old")
    write_runs(found.root, 2)
    compact(found, Options(grace_s=0, threads=1))
    write_run(found.root, "20260301T000000-daily-00000009", events_of("20260301T000000-daily-00000009"))
    return RunStore(found.root)


def test_a_store_is_at_the_new_place_and_only_there(store: RunStore, tmp_path: Path) -> None:
    """With all files, their modes and times."""
    before = lines_of(store.root)
    files = sorted(path.relative_to(store.root) for path in store.root.rglob("*") if path.is_file())
    modes = {path: (store.root / path).stat().st_mode for path in files}
    result = move(store, tmp_path / "new" / "place")
    new = Path(result.root)
    assert lines_of(new) == before
    assert result.copied == result.files
    assert {path: (new / path).stat().st_mode for path in files if path.name != "compact.lock"} == {
        path: mode for path, mode in modes.items() if path.name != "compact.lock"
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["place"]
    assert verify(RunStore(new)).findings.found == []


@pytest.mark.parametrize("place", ["old", "old/inside", ".", "full"])
def test_a_place_that_cannot_be_is_refused(store: RunStore, tmp_path: Path, place: str) -> None:
    """The store itself, inside or around it, and a folder with files."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    before = lines_of(store.root)
    with pytest.raises(StoreError):
        move(store, (tmp_path / place).resolve())
    assert lines_of(store.root) == before


def test_a_store_that_is_written_to_is_not_moved(store: RunStore, tmp_path: Path) -> None:
    """The run that is being recorded is named."""
    writer = store.open("20260601T000000-daily-99999999")
    writer(events_of("x")[0])
    with pytest.raises(StoreError, match="99999999 is being recorded"):
        move(store, tmp_path / "new")
    writer.close()
    move(store, tmp_path / "new")


def test_a_copy_that_differs_is_found(store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that changes a byte: the store stays, and a second call copies that file again."""
    before, copy = lines_of(store.root), moving._copy_file

    def damaging(source: Path, target: Path) -> None:
        copy(source, target)
        if target.suffix == ".parquet":
            times = target.stat()
            content = bytearray(target.read_bytes())
            content[10] ^= 1
            target.write_bytes(bytes(content))
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))

    monkeypatch.setattr(moving, "_copy_file", damaging)
    with pytest.raises(StoreError, match="not the same in the copy"):
        move(store, tmp_path / "new")
    assert lines_of(store.root) == before
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(moving, "_copy_file", copy)
    for _ in range(20):  # one damaged file is found at a time
        try:
            move(store, tmp_path / "new")
        except StoreError:
            continue
        break
    assert lines_of(tmp_path / "new") == before


def test_a_link_is_refused(store: RunStore, tmp_path: Path) -> None:
    """It leads elsewhere, perhaps to a place that the new one does not reach."""
    (store.root / "notes").mkdir()
    (store.root / "notes" / "link.jsonl").symlink_to(tmp_path / "x")
    with pytest.raises(StoreError, match="is a link"):
        move(store, tmp_path / "new")


def killed_move(store: RunStore, to: Path, number: int) -> bool:
    """Move in a child process that is killed after so many steps; return false if it had fewer."""
    return killed_after(number, lambda step: move(RunStore(store.root), to, step=step))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_after_any_step_leaves_one_whole_store_and_is_continued(store: RunStore, tmp_path: Path) -> None:
    """The same command ends the move."""
    whole, template, to = lines_of(store.root), tmp_path / "template", tmp_path / "new"
    shutil.copytree(store.root, template)
    for number in range(20):
        for path in (store.root, to):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(template, store.root)
        was_killed = killed_move(store, to, number)
        assert whole in (lines_of(store.root), lines_of(to)), f"neither place is whole after step {number}"
        if was_killed:
            move(RunStore(store.root), to)
        assert lines_of(to) == whole
        assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "template"]
        assert not (to / "moved-from.json").exists()
        if not was_killed:
            break
    assert number >= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_that_was_recorded_at_the_old_place_meanwhile_is_not_deleted(store: RunStore, tmp_path: Path) -> None:
    """An interrupted move, then a run into the old place, then the move again."""
    assert killed_move(store, tmp_path / "new", 2)
    assert (tmp_path / "new").is_dir()
    write_run(store.root, "20260401T000000-daily-0000000b", events_of("20260401T000000-daily-0000000b"))
    with pytest.raises(StoreError, match="0000000b was recorded in"):
        move(RunStore(store.root), tmp_path / "new")
    assert "20260401T000000-daily-0000000b" in RunStore(store.root).ids()
