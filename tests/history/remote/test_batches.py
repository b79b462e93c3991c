"""Batches of Parquet in a shared store: each event once, whichever batches and parts are there."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.history.remote.hosts import DEAD_PID, copy_objects, numbers, record_run, recorded, shared, ship_all
from tests.history.remote.killed_objects import KilledAt, is_killed

from odibi_core.errors import RemoteStoreError
from odibi_core.events.clock import host_name
from odibi_core.history.compaction import Options, compact
from odibi_core.history.remote import read_address, sync
from odibi_core.history.remote.resolution import choose
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames
from odibi_core.settings.sections import Store as StoreSettings
from odibi_core.store.manifest import Manifest, RunEntry
from odibi_core.store.runs import RunStore

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def compacted(root: Path) -> None:
    """Move the ended runs of a store into a batch, and delete their segments."""
    compact(RunStore(root), Options(grace_s=0))


def names_in(share: Path) -> list[str]:
    """Return the kinds of objects in a shared folder."""
    found = [os.path.relpath(path, share).split("/") for path in share.rglob("*") if path.is_file()]
    return sorted({each[0] for each in found})


def test_a_batch_takes_the_place_of_its_parts(tmp_path: Path) -> None:
    """Shipped as segments first, as Parquet later: each event once, and the parts are removed."""
    local, share = tmp_path / "local", tmp_path / "share"
    for _ in range(3):
        record_run(local)
    ship_all(local, str(share))
    before = shared(str(share))
    compacted(local)
    ship_all(local, str(share))
    assert names_in(share) == ["manifests", "tables"]
    assert before == shared(str(share)) == recorded(local)
    assert len(before) == 3


def test_a_store_that_was_offline_ships_its_batch(tmp_path: Path) -> None:
    """Runs that were compacted before the first shipment were never parts."""
    local, share = tmp_path / "local", tmp_path / "share"
    record_run(local)
    compacted(local)
    record_run(local)
    ship_all(local, str(share))
    assert shared(str(share)) == recorded(local)
    assert ship_all(local, str(share)) == 0


def test_a_copy_without_parts_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that never saw the parts and one that did have equal answers."""
    local, share = tmp_path / "local", tmp_path / "share"
    for _ in range(2):
        record_run(local)
    ship_all(local, str(share))
    shared(str(share))
    compacted(local)
    ship_all(local, str(share))
    followed = shared(str(share))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other-reader"))
    assert followed == shared(str(share)) == recorded(local)


def test_parts_that_stay_behind_are_not_read_twice(tmp_path: Path) -> None:
    """A host without the permission to delete, or one that was killed: its parts stay beside the batch."""
    local, share = tmp_path / "local", tmp_path / "share"
    record_run(local)
    ship_all(local, str(share))
    compacted(local)
    (kept,) = share.rglob("*.gz")
    content = kept.read_bytes()
    ship_all(local, str(share))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    for _ in range(2):
        assert shared(str(share)) == recorded(local)


def test_late_events_are_read_beside_the_batch(tmp_path: Path) -> None:
    """Another host compacted a run that its own host continued: the new lines are read, and no old one twice."""
    local, share, other = tmp_path / "local", tmp_path / "share", tmp_path / "other"
    run_id = record_run(local, host=host_name(), pid=DEAD_PID, is_open=True)
    segment = RunStore(local).segments(run_id)[0]
    shutil.copytree(local, other)
    compacted(other)
    ship_all(other, str(share))
    assert len(shared(str(share))[run_id]) == 5
    line = segment.read_bytes().splitlines(keepends=True)[1].replace(b'"seq":1', b'"seq":900')
    segment.write_bytes(segment.read_bytes() + line)
    ship_all(local, str(share))
    for _ in range(2):
        found = shared(str(share))[run_id]
        assert len(found) == len(set(found)) == 6


def test_merged_batches_are_read_once(tmp_path: Path) -> None:
    """The store merges its batches: the shared store has the merged one, and the old ones are removed."""
    local, share = tmp_path / "local", tmp_path / "share"
    for _ in range(8):
        record_run(local)
        compacted(local)
        if len(list((local / "manifests").glob("*.json"))) > 1:
            ship_all(local, str(share))
    ship_all(local, str(share))
    assert len(list((share / "manifests").glob("*.json"))) == len(RunStore(local).cold.manifests())
    assert shared(str(share)) == recorded(local)


def test_a_batch_that_is_too_large_for_the_copy_is_counted(tmp_path: Path) -> None:
    """The newest batches are copied; the runs of the others are a number, and not silently missing."""
    local, share = tmp_path / "local", tmp_path / "share"
    for _ in range(2):
        record_run(local)
        compacted(local)
    ship_all(local, str(share))
    size = sum(path.stat().st_size for path in share.rglob("*.parquet"))
    mirror = sync(read_address(str(share)), StoreSettings(cache_mb=size * 0.7 / 2**20))
    assert (mirror.left_out, len(RunStore(mirror.root).ids())) == (1, 1)


@pytest.mark.parametrize("pattern", ["*.parquet", "*.json"])
def test_a_damaged_object_is_counted(tmp_path: Path, pattern: str) -> None:
    """The batch is not read, and the result is not an empty history that looks complete."""
    local, share = tmp_path / "local", tmp_path / "share"
    record_run(local)
    compacted(local)
    ship_all(local, str(share))
    for path in share.rglob(pattern):
        path.write_bytes(b"x" * path.stat().st_size)
    assert sync(read_address(str(share))).damaged > 0


def test_runs_of_this_machine_in_batches_are_there_without_a_connection(tmp_path: Path) -> None:
    """Compacted and not shipped."""
    local, share = tmp_path / "local", tmp_path / "mnt" / "share"
    record_run(local)
    compacted(local)
    address = read_address(str(share))
    for _ in range(2):
        mirror = sync(address, local=local)
        assert "mount it" in mirror.problem
        assert recorded(mirror.root) == recorded(local)
    with pytest.raises(RemoteStoreError):
        sync(read_address(str(tmp_path / "none" / "share")), local=tmp_path / "no-store")


def test_a_shipper_that_is_killed_with_a_batch_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL at each step of a batch; a reader in between and one afterwards see each event once."""
    local, kills = tmp_path / "local", 0
    for _ in range(2):
        record_run(local)
    first = tmp_path / "first"
    ship_all(local, str(first))
    compacted(local)
    names = next((local / "shipped").iterdir()).read_text()
    for at in range(100):
        share = tmp_path / f"share-{at}"
        copy_objects(first, share)
        address = read_address(str(share))
        ShippedNames(local, address).path.write_text(names)
        if not is_killed(Shipment(local, KilledAt(share, at), ShippedNames(local, address)).all):
            break
        kills += 1
        if at % 3 == 0:
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{at}"))
            assert shared(str(share)) == recorded(local), at
            ship_all(local, str(share))
            assert shared(str(share)) == recorded(local), at
    assert kills >= 8


# Which batch a reader takes a run from.


def manifest(batch: str, *replaces: str, **runs: int) -> Manifest:
    """Return a batch of runs with so many events."""
    entries = [RunEntry(run_id, events=events) for run_id, events in runs.items()]
    return Manifest(version=1, batch=batch, created=NOW, runs=entries, files={}, fields=[], replaces=list(replaces))


def chosen(*manifests: Manifest) -> dict[str, str]:
    """Return the batch of each run, as every reader decides."""
    orders = [list(manifests), list(reversed(manifests))]
    answers = []
    for order in orders:
        choice = choose(order)
        found = {entry.run_id: each.batch for each in choice.whole for entry in each.runs}
        taken = {run_id: each.batch for each, run_ids in choice.partly for run_id in run_ids}
        assert not found.keys() & taken.keys()
        answers.append(found | taken)
    assert answers[0] == answers[1]
    return answers[0]


def test_batches_without_common_runs_are_all_read() -> None:
    """The ordinary case."""
    assert chosen(manifest("1", a=1), manifest("2", b=1)) == {"a": "1", "b": "2"}


def test_a_replaced_batch_is_not_read() -> None:
    """Also if it has runs that the new one lacks: they were deleted on purpose."""
    assert chosen(manifest("1", a=1, b=1), manifest("2", "1", a=1)) == {"a": "2"}


def test_two_compactors_of_the_same_runs_give_each_run_once() -> None:
    """The larger batch wins; runs that only the other has are taken from that."""
    assert chosen(manifest("1", a=1, b=1, c=1), manifest("2", c=1, d=1)) == {"a": "1", "b": "1", "c": "1", "d": "2"}


def test_a_batch_with_late_events_goes_before_a_larger_one() -> None:
    """No event is lost because another compactor did not see it."""
    assert chosen(manifest("1", a=1, b=1, c=1), manifest("2", a=2)) == {"a": "2", "b": "1", "c": "1"}


def test_runs_taken_from_a_batch_in_part_are_read_once(tmp_path: Path) -> None:
    """Two stores with one run in common and one each, both compacted and shipped: three runs, each event once."""
    share = tmp_path / "share"
    here: dict[str, list[tuple[str, int]]] = {}
    common = record_run(tmp_path / "a", "common")
    for host in ("a", "b"):
        if host == "b":
            source = RunStore(tmp_path / "a").segments(common)[0]
            target = tmp_path / "b" / source.relative_to(tmp_path / "a")
            target.parent.mkdir(parents=True)
            target.write_bytes(source.read_bytes())
        record_run(tmp_path / host, f"of-{host}")
        here |= recorded(tmp_path / host)
    for host in ("a", "b"):
        compacted(tmp_path / host)
        ship_all(tmp_path / host, str(share))
        for _ in range(2):
            there = shared(str(share))
            assert there == {run_id: names for run_id, names in here.items() if run_id in there}
    assert there == here
    mirror = sync(read_address(str(share)))
    assert numbers(list(RunStore(mirror.root).read(common))) == here[common]
