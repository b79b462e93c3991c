"""Pruning: runs beyond the limits are gone whole, others are untouched, whenever the process is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.history.killed import killed_after
from tests.history.stores import START, events_of, lines_of, write_run, write_runs

from odibi_core.alerts import log
from odibi_core.errors import StoreError
from odibi_core.events import Event
from odibi_core.events.clock import utc_now
from odibi_core.history import pruning
from odibi_core.history.compaction import Options as Compaction
from odibi_core.history.compaction import compact
from odibi_core.history.index import Index
from odibi_core.history.pruning import Options, PruneReport, empty_trash, prune
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.objects import open_objects
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames
from odibi_core.history.retention import Limits
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore
from odibi_core.store.sources import SourceStore

AT_ONCE = Compaction(grace_s=0, threads=1)
NOW = START + timedelta(days=10)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "utc_now", lambda: NOW)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def do_prune(store: RunStore, limits: Limits, **options: Any) -> PruneReport:
    return prune(RunStore(store.root), limits, Options(**{"grace_s": 0.0, "threads": 1, **options}))


def mixed(store: RunStore) -> list[str]:
    """Ten runs, one a day, of which the first six are in a batch; the third has a story, every fifth failed."""
    ids = write_runs(store.root, 6)
    (store.folder(ids[2]) / "story.html").write_text("story")
    compact(store, AT_ONCE)
    for day in range(6, 10):
        moment = START + timedelta(days=day)
        ids.append(f"{moment:%Y%m%dT%H%M%S}-daily-{day:08x}")
        write_run(store.root, ids[-1], events_of(ids[-1], "daily", day, "failed" if day % 5 == 4 else "success"))
    return ids


@pytest.mark.parametrize("days", [9.5, 6.5, 4.5, 2.5, 1.5])
def test_old_runs_are_gone_and_the_others_are_as_before(store: RunStore, days: float) -> None:
    """Hot, in a batch, and a whole batch; the index, the folders and the files follow."""
    ids = mixed(store)
    before = lines_of(store.root)
    number = int(10 - days)
    report = do_prune(store, Limits(days=days))
    number = len(report.runs)
    assert list(report.runs) == ids[:number]
    assert number >= 1
    assert lines_of(store.root) == {run_id: before[run_id] for run_id in ids[number:]}
    assert (report.kept, report.problems, report.mended) == (10 - number, [], [])
    assert report.bytes > 0
    with Index(store.root) as index:
        index.refresh()
        assert index.count() == 10 - number
    assert not (store.root / "trash").exists()
    if number > 2:
        assert not store.folder(ids[2]).exists()
    assert len(list((store.root / "manifests").iterdir())) == (number < 6)


def test_a_dry_run_reports_the_same_and_changes_nothing(store: RunStore) -> None:
    """With sizes and reasons."""
    mixed(store)
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and "index" not in path.name}
    planned = do_prune(store, Limits(days=3.5), dry_run=True)
    after = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and "index" not in path.name}
    assert after == before
    done = do_prune(store, Limits(days=3.5))
    assert (planned.runs, planned.bytes, planned.kept) == (done.runs, done.bytes, done.kept)
    assert planned.is_dry_run


def test_a_run_with_a_writer_is_kept(store: RunStore) -> None:
    """It may still be written to, whatever its age."""
    run_id = write_runs(store.root, 1)[0]
    writer = store.open(run_id)
    writer(events_of(run_id)[0])
    report = do_prune(store, Limits(days=1, keeps_last_good=False))
    assert (report.runs, report.protected) == ({}, {run_id: "a process writes to it"})
    writer.close()
    assert list(do_prune(store, Limits(days=1, keeps_last_good=False)).runs) == [run_id]


def test_only_one_pipeline(store: RunStore) -> None:
    """The others stay beyond the limit."""
    write_runs(store.root, 3, "a")
    write_runs(store.root, 3, "b")
    report = do_prune(store, Limits(runs=1), pipeline="a")
    assert (len(report.runs), report.kept) == (2, 4)
    assert all("-a-" in run_id for run_id in report.runs)


def test_segments_of_a_pruned_batch_do_not_come_back(store: RunStore) -> None:
    """Compaction leaves segments for a grace time; pruned meanwhile, they are no hot run."""
    ids = write_runs(store.root, 3)
    compact(store, Compaction(grace_s=1e9, threads=1))
    assert all(store.folder(run_id).exists() for run_id in ids)
    report = do_prune(store, Limits(runs=1), grace_s=1e9)
    assert list(report.runs) == ids[:2]
    assert RunStore(store.root).ids() == ids[2:]


def test_a_batch_whose_events_are_missing_is_kept_and_others_are_pruned(store: RunStore) -> None:
    """One missing file does not end the pruning of all other runs."""
    ids = write_runs(store.root, 2)
    compact(store, AT_ONCE)
    (file,) = store.root.glob("tables/logs/*/*.parquet")
    file.unlink()
    for day in (2, 3):
        ids.append(f"{START + timedelta(days=day):%Y%m%dT%H%M%S}-daily-{day:08x}")
        write_run(store.root, ids[-1], events_of(ids[-1], "daily", day))
    report = do_prune(store, Limits(runs=1))
    assert (list(report.runs), set(report.protected)) == (ids[2:3], set(ids[:2]))
    assert "cannot be read whole" in report.problems[0]


def test_a_damaged_batch_is_kept_and_reported(store: RunStore) -> None:
    """Its segments too, which may be the only copy."""
    ids = write_runs(store.root, 3)
    compact(store, Compaction(grace_s=1e9, threads=1))
    (file,) = store.root.glob("tables/logs/*/*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    report = do_prune(store, Limits(runs=1), grace_s=1e9)
    assert report.runs == {}
    assert "cannot be read whole" in report.problems[0]
    assert all((store.folder(run_id) / "events").is_dir() for run_id in ids)


def test_a_batch_is_not_written_again_for_little(store: RunStore) -> None:
    """At the end of a run; the command prunes every one."""
    write_runs(store.root, 10)
    compact(store, AT_ONCE)
    assert do_prune(store, Limits(days=9.5), least_share=0.25).runs == {}
    assert len(do_prune(store, Limits(days=6.5), least_share=0.25).runs) == 4


def _age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (1, 1))


def test_sources_that_no_run_refers_to_are_deleted(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of hot and of compacted runs stay, and every young one."""
    sources, hashes = SourceStore(store.root), {}
    for name in ("cold", "hot", "unused", "young"):
        hashes[name] = sha256(name.encode()).hexdigest()
        sources.add(hashes[name], name)
    for day, name in enumerate(("cold", "hot")):
        run_id = f"{START + timedelta(days=day):%Y%m%dT%H%M%S}-{name}-0000000{day}"
        events = events_of(run_id, name, day)
        plan = next(event for event in events if event.event_type == "pipeline_plan")
        plan.fields["steps"][0]["source_hash"] = hashes[name]
        write_run(store.root, run_id, events)
        if name == "cold":
            compact(store, AT_ONCE)
    _age(*(sources.path(hashes[name]) for name in ("cold", "hot", "unused")))
    assert do_prune(store, Limits()).sources == 1
    left = {path.stem for path in (store.root / "sources").rglob("*.txt")}
    assert left == {hashes[name] for name in ("cold", "hot", "young")}
    do_prune(store, Limits(days=9.5, keeps_last_good=False))
    assert sources.path(hashes["hot"]).exists()
    assert not sources.path(hashes["cold"]).exists()


def test_no_source_is_deleted_if_a_batch_cannot_be_read(store: RunStore) -> None:
    """It may refer to any of them."""
    sources = SourceStore(store.root)
    sources.add("0" * 64, "x")
    _age(sources.path("0" * 64))
    write_runs(store.root, 2)
    compact(store, AT_ONCE)
    for file in store.root.glob("tables/nodes/*/*.parquet"):
        file.write_bytes(b"damaged")
    report = do_prune(store, Limits())
    assert report.sources == 0
    assert any("no source was deleted" in problem for problem in report.problems)
    assert sources.path("0" * 64).exists()


def test_exports_of_a_run_that_is_gone_are_deleted_and_a_new_folder_stays(store: RunStore) -> None:
    """An interrupted pruning leaves the former; a run that begins has the latter for a moment."""
    old, new = store.root / "runs" / "old", store.root / "runs" / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "story.html").write_text("x")
    _age(old)
    moment = NOW.timestamp()
    os.utime(new, (moment, moment))
    report = do_prune(store, Limits())
    assert len(report.mended) == 1
    assert [path.name for path in (store.root / "runs").iterdir()] == ["new"]


def test_one_at_a_time_and_never_a_newer_store(store: RunStore) -> None:
    """Busy is no error; a newer version is."""
    write_runs(store.root, 2)
    with exclusive(store.root):
        assert do_prune(store, Limits(runs=1)).is_busy
    compact(store, AT_ONCE)
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text(manifest.read_text().replace('"version":1', '"version":99'))
    with pytest.raises(StoreError, match="newer version"):
        do_prune(store, Limits(runs=1))


def test_a_store_without_a_folder_has_no_runs(tmp_path: Path) -> None:
    """And none is created."""
    assert prune(RunStore(tmp_path / "none"), Limits(runs=1)).runs == {}
    assert not (tmp_path / "none").exists()


# --- kill -9 after each step ----------------------------------------------------------------------------------


def killed_prune(store: RunStore, number: int, limits: Limits, work: Callable[..., object]) -> bool:
    """Prune in a child process that is killed after so many steps; return false if it had fewer."""
    options = Options(grace_s=1e9, threads=1)
    return killed_after(number, lambda step: work(RunStore(store.root), limits, replace(options, step=step)))


def check_kills(store: RunStore, work: Callable[..., object] = prune) -> int:
    """Kill a pruning after each of its steps; return the number of steps.

    Of four runs three go: two of a batch of three, which still have their segments, and a hot one of two segments.
    Of one in the batch, an interrupted clean-up has deleted one of two segments.
    """
    ids = write_runs(store.root, 3)
    first = store.folder(ids[0]) / "events" / "events.jsonl"
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(lines[:4]))
    first.with_name("events.2.jsonl").write_bytes(b"".join(lines[4:]))
    compact(store, Compaction(grace_s=1e9, threads=1))
    first.unlink()
    ids.append(f"{START + timedelta(days=1, hours=1):%Y%m%dT%H%M%S}-daily-00000009")
    events = events_of(ids[3], "daily", 1)
    for place, part in enumerate((events[:4], events[4:])):
        write_run(store.root, ids[3], part, f"events.{place}.jsonl")
    template, whole = store.root.with_name("template"), lines_of(store.root)
    shutil.copytree(store.root, template)
    limits = Limits(days=8.5)
    expected = {ids[2]: whole[ids[2]]}
    for number in range(100):
        shutil.rmtree(store.root)
        shutil.copytree(template, store.root)
        was_killed = killed_prune(store, number, limits, work)
        found = lines_of(store.root)
        assert all(found[run_id] == whole[run_id] for run_id in found), f"a run is damaged after step {number}"
        assert expected.items() <= found.items(), f"a run is lost after step {number}"
        do_prune(store, limits, grace_s=1e9)
        assert lines_of(store.root) == expected, f"step {number} could not be continued"
        assert not (store.root / "trash").exists()
        if not was_killed:
            return number
    raise AssertionError("it never ended")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_after_any_step_loses_nothing_and_is_continued(store: RunStore) -> None:
    """After each step every run is whole or gone, the kept ones are there, and the next pruning ends the work."""
    assert check_kills(store) >= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_pruning_without_the_rename_is_found(store: RunStore) -> None:
    """Sabotage: segments that are deleted one by one leave a part of a run."""

    def sabotaged(store: RunStore, limits: Limits, options: Options) -> None:
        for run_id in store.hot_ids():
            for path in sorted((store.folder(run_id) / "events").iterdir()):
                path.unlink()
                options.step("half")

    with pytest.raises(AssertionError, match="damaged after step 0"):
        check_kills(store, sabotaged)


def test_the_trash_is_emptied(store: RunStore) -> None:
    """Of an interrupted pruning; its number is returned."""
    (store.root / "trash" / "a" / "b").mkdir(parents=True)
    assert (empty_trash(store.root), empty_trash(store.root)) == (1, 0)


def test_the_time_of_a_file_is_no_matter_of_a_time_zone() -> None:
    """The ages of files are in UTC."""
    assert datetime.fromtimestamp(0, UTC) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_run_that_the_shared_store_lacks_is_kept(store: RunStore, tmp_path: Path) -> None:
    """Hot or in a batch; after it is shipped it is pruned."""
    (tmp_path / "shared").mkdir()
    url = str(tmp_path / "shared")
    ids = write_runs(store.root, 3)
    compact(store, AT_ONCE)
    ids.append(f"{START + timedelta(days=1, hours=1):%Y%m%dT%H%M%S}-daily-00000009")
    write_run(store.root, ids[3], events_of(ids[3], "daily", 1))
    report = do_prune(store, Limits(days=8.5), url=url)
    assert report.runs == {}
    assert set(report.protected.values()) == {"the shared store does not have it yet"}
    address = read_address(url)
    shipment = Shipment(store.root, open_objects(address), ShippedNames(store.root, address))
    shipment.all(ended=[ids[3]])
    assert set(do_prune(store, Limits(days=8.5), url=url).runs) == {*ids[:2], ids[3]}


def test_notes_of_alerts_go_with_their_run(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a run that stays do not; a shared store must have them first."""
    monkeypatch.setattr(pruning, "utc_now", utc_now)
    ids = write_runs(store.root, 2)
    for run_id in ids:
        fields = {"alert_id": f"alert of {run_id}", "alert_key": run_id}
        raised, resolved = (
            Event(timestamp=utc_now(), level="info", event_type=kind, run_id=run_id, fields=fields)
            for kind in ("alert_raised", "alert_resolved")
        )
        log.write(store.root, [raised, resolved])
    notes = store.root / "notes"
    assert do_prune(store, Limits(runs=1), dry_run=True).notes == 1
    assert len(list(notes.glob("raised-*"))) == 2
    shared = store.root.with_name("shared")
    shared.mkdir()
    assert do_prune(store, Limits(runs=1), url=str(shared)).notes == 0
    assert do_prune(store, Limits(runs=1)).notes == 1
    (left,) = notes.glob("raised-*")
    assert ids[-1] in left.read_text()
