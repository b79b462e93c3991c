"""Compaction: ended runs move into batches, nothing is lost or doubled, and every reader gets the same answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.history.stores import lines_of

from odibi_core.errors import StoreError
from odibi_core.events import Event, decode, encode, from_dict
from odibi_core.history.compaction import CompactionReport, Options, compact
from odibi_core.store.locks import exclusive
from odibi_core.store.manifest import VERSION, encode_manifest, read_manifest
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import FakeClock, an_event

MICROSECONDS = count()
AT_ONCE = Options(grace_s=0, threads=1)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def a_run(store: RunStore, name: str = "nightly", *, ended: bool = True, **fields: Any) -> str:
    """A run of four events, by two writers; no two runs begin at the same time."""
    clock = FakeClock()
    run_id = store.new_run_id(name, clock.now() + timedelta(microseconds=next(MICROSECONDS)))
    main, worker = store.open(run_id), store.open(run_id)
    about = {"run_id": run_id, "pipeline_name": name}
    main(an_event("pipeline_start", timestamp=clock.now(), writer_id="m", seq=0, **about, **fields))
    for seq in range(2):
        clock.advance(1)
        worker(an_event("node_complete", timestamp=clock.now(), writer_id="w", seq=seq, node_name="a", **about))
    clock.advance(1)
    if ended:
        main(an_event("pipeline_complete", timestamp=clock.now(), writer_id="m", seq=1, status="success", **about))
    main.close()
    worker.close()
    return run_id


def test_runs_move_into_a_batch_and_are_read_as_before(store: RunStore) -> None:
    """Ids, events in their order, rows, and parts of an id; the folder of a run without exports is gone."""
    runs = [a_run(store, name) for name in ("nightly", "weekly", "nightly")]
    before, rows = lines_of(store.root), store.rows()
    report = compact(store, AT_ONCE)
    assert (report.runs, report.batches, report.events) == (3, 1, 12)
    assert lines_of(store.root) == before
    assert RunStore(store.root).rows() == store.rows() == rows
    assert store.ids() == list(before) == runs
    assert store.hot_ids() == []
    assert store.find("weekly") == runs[1]
    assert list((store.root / "runs").iterdir()) == []
    assert list(store.events()) == [decode(line) for lines in before.values() for line in lines]


def test_what_else_is_in_the_folder_of_a_run_stays(store: RunStore) -> None:
    """Only the journal goes; the story and the exports stay."""
    run_id = a_run(store)
    (store.folder(run_id) / "story.html").write_text("story")
    compact(store, AT_ONCE)
    assert [path.name for path in store.folder(run_id).iterdir()] == ["story.html"]


def test_files_are_private_and_of_every_table_with_rows(store: RunStore) -> None:
    """A table without rows has no file; the day in the path is that of the first run."""
    a_run(store)
    compact(store, AT_ONCE)
    (manifest,) = store.cold.manifests()
    assert set(manifest.files) == {"logs", "runs", "nodes"}
    for table, entry in manifest.files.items():
        path = store.root / entry.path
        assert store.cold.paths(table) == [path]
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.name == f"date={FakeClock().now():%Y-%m-%d}"
    (run,) = manifest.runs
    assert (run.pipeline_name, run.status, run.events) == ("nightly", "success", 4)
    assert run.started == FakeClock().now()
    assert run.ended == FakeClock().now() + timedelta(seconds=3)


ANY_TEXT = st.text(max_size=6) | st.sampled_from(
    ["", "a\0b", "recordsIn", "RecordsIn", "_rest", "seq", "timestamp", "a.b"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.sampled_from([-0.0, 5e-324, 1.0, 2**53, 2**63])
    | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
RECORDS = st.dictionaries(
    ANY_TEXT | st.sampled_from(["duration_ms", "row_count", "metadata", "writer_id", "event_type", "run_id", "x"]),
    ANYTHING,
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=st.lists(RECORDS, max_size=12))
def test_any_line_comes_back_as_it_was(records: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Byte for byte: types, explicit nulls, huge integers, signs of zero, the order of fields, names of any kind."""
    store = RunStore(tmp_path_factory.mktemp("store"))
    run_id = a_run(store)
    foreign = [from_dict(record) for record in records]
    (store.folder(run_id) / "events" / "foreign.jsonl").write_bytes(b"".join(map(encode, foreign)))
    before = lines_of(store.root)
    assert len(before[run_id]) == 4 + len(records)
    assert compact(store, AT_ONCE).runs == 1
    assert lines_of(store.root) == before


def test_damage_of_a_journal_is_still_reported_and_its_lines_are_kept(store: RunStore) -> None:
    """Torn and unreadable lines count as before; the segments that have them are set aside, not deleted."""
    run_id = a_run(store)
    path = store.folder(run_id) / "events" / "other.jsonl"
    path.write_bytes(b'not json\n{"event_type": "x"}\n{"half')
    compact(store, AT_ONCE)
    read_errors = ReadErrors()
    assert len(list(store.read(run_id, read_errors))) == 5
    assert (read_errors.torn, read_errors.unreadable) == (1, 1)
    assert (store.folder(run_id) / "damaged" / "other.jsonl").read_bytes().startswith(b"not json")


def test_a_run_that_lasts_or_has_a_writer_stays(store: RunStore) -> None:
    """A running run, an ended run with an open worker, a run without events; each with its reason."""
    running = a_run(store, "running", ended=False, pid=os.getpid())
    worked_on = a_run(store, "worked-on")
    worker = store.open(worked_on)
    (store.root / "runs" / "empty" / "events").mkdir(parents=True)
    report = compact(store, AT_ONCE)
    assert report.runs == 0
    assert report.not_compacted == {
        running: "it has not ended",
        worked_on: "a process writes to it",
        "empty": "it has no events",
    }
    worker.close()
    assert compact(store, AT_ONCE).runs == 1


def test_a_lost_run_is_marked_and_compacted(store: RunStore) -> None:
    """A run whose process died is ended by compaction as by any reader."""
    from odibi_core.events.clock import host_name

    run_id = a_run(store, ended=False, pid=2**22 + 1, host=host_name(), process_start=1.0)
    assert compact(store, AT_ONCE).runs == 1
    assert [event.event_type for event in store.read(run_id)][-1] == "run_lost"
    assert store.rows()[0]["status"] == "lost"


def test_a_late_event_is_read_at_once_and_compacted_later(store: RunStore) -> None:
    """A process that outlived its run writes a segment of a known name: it is neither lost nor doubled."""
    run_id = a_run(store)
    compact(store, AT_ONCE)
    late = store.open(run_id)
    late(an_event("late", timestamp=FakeClock().now(), writer_id="l", seq=0, run_id=run_id))
    assert (store.late_ids(), store.hot_ids()) == ([run_id], [])
    kinds = ["pipeline_start", "late", "node_complete", "node_complete", "pipeline_complete"]
    assert [event.event_type for event in store.read(run_id)] == kinds
    assert [event.event_type for event in store.events()] == kinds
    assert compact(store, AT_ONCE).merged == 0  # its writer lives
    late.close()
    assert compact(store, AT_ONCE).merged == 1
    assert store.late_ids() == []
    assert not store.folder(run_id).exists()
    assert [event.event_type for event in RunStore(store.root).read(run_id)] == kinds


def test_small_batches_become_one(store: RunStore) -> None:
    """Eight batches of a size are replaced by one; no event is lost, doubled or moved."""
    for _ in range(8):
        a_run(store)
        report = compact(store, AT_ONCE)
    assert report.merged == 8
    (manifest,) = store.cold.manifests()
    assert len(manifest.runs) == 8
    assert [len(lines) for lines in lines_of(store.root).values()] == [4] * 8
    assert len(list(store.root.glob("manifests/*"))) == len(list(store.root.glob("tables/logs/*/*"))) == 1


def test_files_stay_for_the_grace_time(store: RunStore) -> None:
    """A reader that listed segments or Parquet files can open them; nothing is read twice meanwhile."""
    for _ in range(8):
        a_run(store)
        compact(store, Options(grace_s=3600, threads=1))
    before = lines_of(store.root)
    assert len(list(store.root.glob("runs/*/events/*.jsonl"))) == 16
    assert len(list(store.root.glob("tables/logs/*/*.parquet"))) == 9
    assert len(store.cold.manifests()) == 1
    assert store.hot_ids() == store.late_ids() == []
    assert [len(lines) for lines in before.values()] == [4] * 8
    compact(store, AT_ONCE)
    assert lines_of(store.root) == before
    assert list(store.root.glob("runs/*")) == []
    assert len(list(store.root.glob("tables/logs/*/*.parquet"))) == 1


def test_a_reader_goes_on_while_its_run_moves(store: RunStore) -> None:
    """Begun in the journal, ended in the batch: each event once, also with several segments of a writer."""
    run_id = a_run(store)
    small = store.open(run_id, segment_bytes=1)
    for seq in range(50):
        small(an_event("more", timestamp=FakeClock().now(), writer_id="s", seq=seq, run_id=run_id))
    small.close()
    expected = lines_of(store.root)[run_id]
    reading = RunStore(store.root).read(run_id)
    found = [next(reading) for _ in range(5)]
    compact(store, AT_ONCE)
    found += reading
    assert [encode(event) for event in found] == expected


def test_a_folder_that_a_killed_deletion_left_empty_is_removed(store: RunStore) -> None:
    """The folder of a compacted run, after its journal is gone; that of a run with a story stays."""
    run_id = a_run(store)
    compact(store, AT_ONCE)
    store.folder(run_id).mkdir()
    (store.root / "runs" / "of something else").mkdir()
    compact(store, AT_ONCE)
    assert [path.name for path in store.root.glob("runs/*")] == ["of something else"]


def test_one_at_a_time(store: RunStore) -> None:
    """A second compaction does nothing while one holds the lock."""
    a_run(store)
    with exclusive(store.root) as is_locked:
        assert is_locked
        report = compact(store, AT_ONCE)
        assert report == CompactionReport(is_busy=True, duration_ms=report.duration_ms)
    assert compact(store, AT_ONCE).runs == 1


def test_a_store_without_a_folder_is_left_alone(store: RunStore) -> None:
    """Nothing is created."""
    assert compact(store).runs == 0
    assert not store.root.exists()


def test_the_time_limit_ends_between_two_batches(store: RunStore) -> None:
    """Batches that are done are committed; the others wait for the next compaction."""
    for _ in range(3):
        a_run(store)
    report = compact(store, Options(grace_s=0, limit_s=0, batch_bytes=1))
    assert (report.runs, report.is_complete) == (0, False)
    assert compact(store, Options(grace_s=0, batch_bytes=1)).batches == 3


def rewritten(store: RunStore, **changes: Any) -> Path:
    """Change the only manifest of a store."""
    (path,) = store.root.glob("manifests/*.json")
    manifest = read_manifest(path)
    path.write_bytes(encode_manifest(manifest).replace(b'"version":1', b'"version":%d' % changes["version"]))
    return path


def test_a_newer_store_is_read_and_not_changed(store: RunStore) -> None:
    """The reader works, the problem is stated, and compaction is refused."""
    run_id = a_run(store)
    compact(store, AT_ONCE)
    rewritten(store, version=VERSION + 1)
    reader = RunStore(store.root)
    assert len(list(reader.read(run_id))) == 4
    assert "newer version" in reader.cold.problems[0]
    with pytest.raises(StoreError, match="newer version"):
        compact(reader, AT_ONCE)


def test_a_newer_store_whose_manifest_cannot_be_read_is_not_changed(store: RunStore) -> None:
    """Its runs are unknown here, so nothing is moved or deleted; the problem is stated, and nothing is set aside."""
    a_run(store)
    compact(store, AT_ONCE)
    (path,) = store.root.glob("manifests/*.json")
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":99').replace(b'"runs":', b'"rows":'))
    reader = RunStore(store.root)
    assert reader.cold.is_newer
    assert "newer version" in reader.cold.problems[0]
    with pytest.raises(StoreError, match="newer version"):
        compact(reader, AT_ONCE)
    assert path.exists()


def test_a_damaged_manifest_is_set_aside_and_restored_by_the_next_compaction(store: RunStore) -> None:
    """Meanwhile the rest is read; the restored one differs in nothing but the segments, which are gone."""
    first = a_run(store)
    compact(store, AT_ONCE)
    (path,) = store.root.glob("manifests/*.json")
    whole = read_manifest(path)
    second = a_run(store)
    compact(store, AT_ONCE)
    before = lines_of(store.root)
    path.write_bytes(path.read_bytes()[:100])
    reader = RunStore(store.root)
    assert reader.ids() == [second] != [first]
    assert "is damaged" in reader.cold.problems[0]
    assert path.with_name(path.name + ".damaged").exists()
    assert not path.exists()
    report = compact(reader, AT_ONCE)
    assert "was restored" in report.mended[0]
    restored = read_manifest(path)
    assert restored.runs == [replace(entry, segments=()) for entry in whole.runs]
    assert replace(restored, runs=whole.runs) == whole
    assert lines_of(store.root) == before


def test_a_manifest_damaged_before_its_journals_are_deleted(store: RunStore) -> None:
    """Runs that are in both places are read once, before and after the restoration."""
    a_run(store)
    before = lines_of(store.root)
    compact(store, Options(threads=1))
    (path,) = store.root.glob("manifests/*.json")
    path.write_bytes(b"")
    assert lines_of(store.root) == before
    compact(store, Options(threads=1))
    assert lines_of(store.root) == before
    assert path.exists()
    assert store.hot_ids() == store.late_ids() == []


@pytest.fixture(params=["cut", "flipped", "gone"])
def damage(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        content = path.read_bytes()
        if request.param == "cut":
            path.write_bytes(content[: len(content) // 2])
        elif request.param == "flipped":
            path.write_bytes(content[:40] + bytes(byte ^ 0xFF for byte in content[40:200]) + content[200:])
        else:
            path.unlink()

    return spoil


def test_a_damaged_file_is_set_aside_and_the_rest_is_read(store: RunStore, damage: Callable[[Path], None]) -> None:
    """Its events count as unreadable; the runs of other batches are read."""
    first = a_run(store)
    compact(store, AT_ONCE)
    (path,) = store.cold.paths("logs")
    second = a_run(store)
    compact(store, AT_ONCE)
    damage(path)
    reader, read_errors = RunStore(store.root), ReadErrors()
    found: list[Event] = list(reader.events(read_errors=read_errors))
    assert [event.run_id for event in found if event.run_id != first] == [second] * 4
    assert read_errors.unreadable == 8 - len(found)
    assert len(reader.cold.problems) == 1
    assert not path.exists()
