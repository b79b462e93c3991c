"""Compaction of a shared store: without a lock, by any host, and each event once at every moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.history.remote.hosts import copy_objects, record_run, recorded, shared, ship_all
from tests.history.remote.killed_objects import KilledAt, is_killed

from odibi_core.history.compaction import Options, compact
from odibi_core.history.remote import read_address, shared_compaction
from odibi_core.history.remote.shared_compaction import SharedReport, compact_shared
from odibi_core.settings.sections import Store as StoreSettings
from odibi_core.store.manifest import Manifest
from odibi_core.store.runs import RunStore

Names = dict[str, list[tuple[str, int]]]


def compacted_by(share: Path, host: str, after_s: float = 0.0) -> SharedReport:
    """Compact a shared folder on a host with a cache of its own."""
    settings = StoreSettings(cache_dir=str(share.parent / f"cache-{host}"))
    return compact_shared(read_address(str(share)), settings, adopt_after_s=after_s)


def objects_in(share: Path) -> list[str]:
    """Return the first part of each object's name in a shared folder."""
    return sorted(os.path.relpath(path, share).split("/")[0] for path in share.rglob("*") if path.is_file())


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A shared folder with four runs of two hosts."""
    for host in ("a", "b"):
        for _ in range(2):
            record_run(tmp_path / host, f"of-{host}", host=host)
        ship_all(tmp_path / host, str(tmp_path / "share"))
    return tmp_path / "share"


@pytest.fixture
def here(share: Path, tmp_path: Path) -> Names:
    """The events of these runs."""
    return {**recorded(tmp_path / "a"), **recorded(tmp_path / "b")}


def test_runs_of_all_hosts_become_one_batch(share: Path, here: Names) -> None:
    """The parts are removed, and the answers stay the same, also for a reader that followed."""
    assert shared(str(share)) == here
    report = compacted_by(share, "cron")
    assert (report.compaction.runs, report.uploaded, report.removed) == (4, 1, 4)
    assert objects_in(share) == ["manifests", "tables", "tables"]
    assert shared(str(share)) == here
    again = compacted_by(share, "cron")
    assert (again.uploaded, again.removed) == (0, 0)


def test_runs_of_living_hosts_are_left_to_them(share: Path, here: Names) -> None:
    """Their own host compacts them; this one takes those of hosts that were silent for a week."""
    assert compacted_by(share, "cron", after_s=600).uploaded == 0
    for path in share.rglob("*.gz"):
        if "of-a" in str(path):
            os.utime(path, (1e9, 1e9))
    assert compacted_by(share, "cron", after_s=600).compaction.runs == 2
    assert shared(str(share)) == here


def test_small_batches_of_many_hosts_become_a_large_one(tmp_path: Path) -> None:
    """Eight hosts that compacted for themselves: one batch, and their objects are removed."""
    share, here = tmp_path / "share", {}
    for host in "abcdefgh":
        record_run(tmp_path / host, f"of-{host}")
        here.update(recorded(tmp_path / host))
        compact(RunStore(tmp_path / host), Options(grace_s=0))
        ship_all(tmp_path / host, str(share))
    assert len(list((share / "manifests").iterdir())) == 8
    assert compacted_by(share, "cron").compaction.merged == 8
    assert len(list((share / "manifests").iterdir())) == 1
    assert len(list((share / "tables" / "logs").rglob("*.parquet"))) == 1
    assert shared(str(share)) == here


def test_two_compactors_at_once_give_each_event_once(
    share: Path, here: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one works from the first listing to the last removal while the first is about to upload.

    One of the two also sees a run that the other does not see.
    """
    upload, is_first = shared_compaction._Compaction._upload, [True]

    def in_between(self: shared_compaction._Compaction, manifest: Manifest) -> None:
        if is_first[0]:
            is_first[0] = False
            record_run(tmp_path / "c", "of-c")
            here.update(recorded(tmp_path / "c"))
            ship_all(tmp_path / "c", str(share))
            compacted_by(share, "second")
        upload(self, manifest)

    monkeypatch.setattr(shared_compaction._Compaction, "_upload", in_between)
    compacted_by(share, "first")
    assert len(list((share / "manifests").iterdir())) == 2
    assert shared(str(share)) == here
    for host in ("third", "first", "second"):
        compacted_by(share, host)
        assert shared(str(share)) == here
    assert len(list((share / "manifests").iterdir())) == 1


def test_compactors_with_a_run_each_give_each_event_once(
    share: Path, here: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch has a run that the other lacks: both are read, and the common runs once; then one batch has all."""
    for host, hidden in (("first", "c"), ("second", "d")):
        record_run(tmp_path / hidden, f"of-{hidden}")
        here.update(recorded(tmp_path / hidden))
        other = tmp_path / f"share-{host}"
        copy_objects(share, other)
        ship_all(tmp_path / hidden, str(other))
        compacted_by(other, host)
    for path in share.rglob("*.gz"):
        path.unlink()
    for other in (tmp_path / "share-first", tmp_path / "share-second"):
        copy_objects(other, share)
    assert shared(str(share)) == here
    compacted_by(share, "third")
    assert shared(str(share)) == here
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another-reader"))
    assert shared(str(share)) == here


def test_a_run_that_continues_after_compaction_is_merged(tmp_path: Path) -> None:
    """Its late events are read beside the batch, and in it after the next compaction."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = record_run(local)
    ship_all(local, str(share))
    compacted_by(share, "cron")
    segment = RunStore(local).segments(run_id)[0]
    line = segment.read_bytes().splitlines(keepends=True)[1].replace(b'"seq":1', b'"seq":900')
    segment.write_bytes(segment.read_bytes() + line)
    ship_all(local, str(share))
    for _ in range(2):
        assert shared(str(share)) == recorded(local)
        compacted_by(share, "cron")
    assert shared(str(share)) == recorded(local)
    assert not list(share.rglob("*.gz"))


def _compact_and_die(share: Path, at: int, *, removes_first: bool) -> bool:
    """Compact in a child that is killed at a step; return False if it had less steps than that."""

    def compact_in_child() -> None:
        shared_compaction.open_objects = lambda address: KilledAt(share, at)  # type: ignore[attr-defined]
        if removes_first:
            _remove_first()
        compacted_by(share, "killed")

    return is_killed(compact_in_child)


def _remove_first() -> None:
    """Sabotage: remove what a batch replaces before the batch has a manifest."""
    upload = shared_compaction._Compaction._upload

    def wrong(self: shared_compaction._Compaction, manifest: Manifest) -> None:
        names = [each.name for each in self.objects.find("hot")]
        self.objects.remove(names)
        upload(self, manifest)

    shared_compaction._Compaction._upload = wrong  # type: ignore[method-assign]


def _kill_everywhere(share: Path, tmp_path: Path, here: Names, *, removes_first: bool = False) -> tuple[int, int]:
    """Kill a compaction at every step; return the kills, and the wrong answers right after and after the next one."""
    kills = wrong = 0
    for at in range(100):
        copy = tmp_path / f"killed-{at}" / "share"
        copy_objects(share, copy)
        if not _compact_and_die(copy, at, removes_first=removes_first):
            break
        kills += 1
        wrong += shared(str(copy)) != here
        if not removes_first:
            compacted_by(copy, "killed")
            wrong += shared(str(copy)) != here
            wrong += len(list((copy / "tables" / "logs").rglob("*.parquet"))) != 1
    return kills, wrong


def test_a_killed_compactor_loses_and_doubles_nothing(share: Path, here: Names, tmp_path: Path) -> None:
    """SIGKILL at each upload and removal: right at once, and no file of the killed one is left by the next."""
    kills, wrong = _kill_everywhere(share, tmp_path, here)
    assert kills >= 8
    assert wrong == 0


def test_a_compactor_that_removes_first_is_caught(share: Path, here: Names, tmp_path: Path) -> None:
    """Sabotage: a kill between the removal and the manifest loses the runs."""
    assert _kill_everywhere(share, tmp_path, here, removes_first=True)[1] > 0
