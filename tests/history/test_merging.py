"""Merging: which batches are merged, and what stays true if one cannot be read or the disk is full."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.history.killed import problems, write_runs

from odibi_core.errors import StoreError
from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.history import commit as commit_module
from odibi_core.history import compaction
from odibi_core.history.batch import sync
from odibi_core.history.compaction import Options, compact
from odibi_core.history.merging import FAN_IN, FULL_BYTES, TARGET_BYTES, choose, rewrite, size_of
from odibi_core.store.locks import exclusive
from odibi_core.store.manifest import VERSION, FileEntry, Manifest, RunEntry
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors, read_events

AT_ONCE = Options(grace_s=0, threads=1)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def a_manifest(number: int, size: int) -> Manifest:
    file = FileEntry("logs", 1, size, "")
    return Manifest(VERSION, f"{number:06}", utc_now(), [RunEntry(f"r{number}")], {"logs": file}, [])


def test_many_compactions_leave_tens_of_files() -> None:
    """500 batches of 60 kB, as 100,000 runs make them: few files at every moment, each event written a few times."""
    manifests: list[Manifest] = []
    written = most = 0
    for number in range(500):
        manifests.append(a_manifest(number, 60_000))
        while group := choose(manifests):
            names = {each.batch for each in group}
            merged = a_manifest(int(group[-1].batch), sum(map(size_of, group)))
            written += size_of(merged)
            manifests = [each for each in manifests if each.batch not in names] + [merged]
            manifests.sort(key=lambda each: each.batch)
        most = max(most, len(manifests))
    assert most <= 4 * FAN_IN
    assert sum(map(size_of, manifests)) == 500 * 60_000
    assert written <= 4 * 500 * 60_000


def test_large_batches_are_left_alone_and_merged_ones_have_the_size_that_is_aimed_at() -> None:
    """A merge ends with the batch that reaches the target."""
    assert choose([a_manifest(number, FULL_BYTES) for number in range(20)]) == []
    group = choose([a_manifest(number, FULL_BYTES - 1) for number in range(20)])
    assert TARGET_BYTES <= sum(map(size_of, group)) < TARGET_BYTES + FULL_BYTES
    assert [each.batch for each in group] == ["000000", "000001"]


def test_a_batch_that_cannot_be_read_whole_is_not_replaced(store: RunStore) -> None:
    """Nothing of what is readable is lost with it."""
    expected: dict[str, int] = {}
    write_runs(store, 3, expected)
    compact(store, AT_ONCE)
    (path,) = store.cold.paths("logs")
    (manifest,) = store.cold.manifests()
    path.write_bytes(b"PAR1" + path.read_bytes()[4:-40] + b"x" * 40)
    with exclusive(store.root):
        assert rewrite(store, [manifest]) is None
    assert [each.batch for each in RunStore(store.root).cold.manifests()] == [manifest.batch]
    assert list(store.root.glob("manifests/*.tmp")) == []


def test_runs_that_are_not_kept_are_gone_at_once(store: RunStore) -> None:
    """Retention writes a batch again without them; without any run the batch itself is gone after the grace time."""
    expected: dict[str, int] = {}
    write_runs(store, 3, expected)
    compact(store, AT_ONCE)
    first, *others = expected
    with exclusive(store.root):
        manifest = rewrite(store, store.cold.manifests(), lambda entry: entry.run_id != first)
    assert manifest is not None
    assert store.ids() == sorted(others)
    assert problems(RunStore(store.root), {run: expected[run] for run in others}) == []
    with exclusive(store.root):
        assert rewrite(store, store.cold.manifests(), lambda _: False) is not None
    assert RunStore(store.root).ids() == []
    compact(store, AT_ONCE)
    assert list(store.root.glob("manifests/*")) == list(store.root.glob("tables/*/*/*")) == []


@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_a_full_disk_gives_the_batch_up(number: int, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any place: the journals stay, no file of the batch does, and the next compaction works."""
    expected: dict[str, int] = {}
    write_runs(store, 2, expected)
    calls = count(1)

    def full(path: Path) -> None:
        if next(calls) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(path)

    monkeypatch.setattr(commit_module, "sync", full)
    with pytest.raises(StoreError, match="No space left"):
        compact(store, AT_ONCE)
    monkeypatch.undo()
    assert len(RunStore(store.root).hot_ids()) == 2
    assert problems(RunStore(store.root), expected) == []
    compact(store, AT_ONCE)
    assert problems(RunStore(store.root), expected) == []
    assert list(store.root.glob("runs/*")) == list(store.root.glob("manifests/*.tmp")) == []


def test_a_run_that_cannot_be_read_stays_and_the_others_move(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk in the middle of a run is not a damaged line: nothing is deleted."""
    expected: dict[str, int] = {}
    write_runs(store, 3, expected)
    bad = list(expected)[1]

    def read_bad(paths: list[Path], read_errors: ReadErrors, raised: type[OSError]) -> Iterator[Event]:
        yield from read_events(paths, read_errors, raised)
        if paths[0].parent.parent.name == bad:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(compaction, "read_events", read_bad)
    report = compact(store, AT_ONCE)
    assert report.not_compacted == {bad: "it cannot be read: Input/output error"}
    assert (report.runs, report.batches) == (2, 1)
    assert store.hot_ids() == [bad]
    assert problems(RunStore(store.root), expected) == []


def test_a_segment_that_cannot_be_opened_keeps_its_run(store: RunStore) -> None:
    """Such as a folder with the name of a segment."""
    expected: dict[str, int] = {}
    write_runs(store, 1, expected)
    (run_id,) = expected
    (store.folder(run_id) / "events" / "odd.jsonl").mkdir()
    report = compact(store, AT_ONCE)
    assert report.runs == 0
    assert "cannot be read" in report.not_compacted[run_id]
