"""Operation of a store: status, verification, rebuilding, export and diagnosis."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from tests.history.stores import START, events_of, lines_of, write_run, write_runs

from odibi_core.errors import StoreError
from odibi_core.events import decode
from odibi_core.events.clock import utc_now
from odibi_core.history.compaction import Options, compact
from odibi_core.history.index import Index
from odibi_core.history.last_compaction import note_failure
from odibi_core.history.maintenance import diagnosis
from odibi_core.history.maintenance.diagnosis import diagnose
from odibi_core.history.maintenance.exporting import export
from odibi_core.history.maintenance.findings import Findings
from odibi_core.history.maintenance.rebuilding import Parts, rebuild
from odibi_core.history.maintenance.status import status_of
from odibi_core.history.maintenance.verification import verify
from odibi_core.history.retention import Limits
from odibi_core.store.locks import exclusive
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.store.sources import SourceStore

AT_ONCE = Options(grace_s=0, threads=1)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Four compacted runs, one hot run, a source."""
    found = RunStore(tmp_path / "store")
    write_runs(found.root, 4)
    compact(found, AT_ONCE)
    run_id = f"{START + timedelta(days=4):%Y%m%dT%H%M%S}-daily-00000004"
    write_run(found.root, run_id, events_of(run_id, day=4))
    SourceStore(found.root).add(sha256(b"x").hexdigest(), "x")
    return RunStore(found.root)


def again(store: RunStore) -> RunStore:
    """The store as a new process reads it."""
    return RunStore(store.root)


def file_of(store: RunStore, table: str) -> Path:
    (file,) = store.root.glob(f"tables/{table}/*/*.parquet")
    return file


def flip(path: Path, place: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0xFF
    path.write_bytes(bytes(content))


def texts(findings: Findings, severity: str = "problem") -> str:
    return "\n".join(finding.message for finding in findings.found if finding.severity == severity)


# --- status --------------------------------------------------------------------------------------------------


def test_status(store: RunStore) -> None:
    """Counts, times and sizes; what is not known is null."""
    found = status_of(store, Limits(days=3))
    assert (found.runs_hot, found.runs_cold, found.batches, found.events_cold) == (1, 4, 1, 36)
    assert (found.oldest, found.newest) == (START, START + timedelta(days=4))
    assert found.sizes.total == sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert min(found.sizes.journals, found.sizes.tables, found.sizes.sources) > 0
    assert (found.limits["days"], found.problems, found.is_newer) == (3, [], False)
    assert found.last_compaction is not None
    assert (found.last_compaction.runs, found.last_compaction.error) == (4, None)


def test_status_of_no_store(tmp_path: Path) -> None:
    """Nothing is created."""
    assert not status_of(RunStore(tmp_path / "none"), Limits()).exists
    assert not (tmp_path / "none").exists()


def test_status_shows_a_failed_compaction(store: RunStore) -> None:
    """With its reason."""
    note_failure(store.root, OSError("no room"))
    found = status_of(store, Limits()).last_compaction
    assert found is not None
    assert "no room" in str(found.error)


# --- verify --------------------------------------------------------------------------------------------------


def test_a_sound_store_is_verified_whole(store: RunStore) -> None:
    """Every run and event counts; what was not checked is listed, and nothing is changed."""
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    result = verify(store)
    assert (result.runs, result.batches, result.sources) == (5, 1, 1)
    assert result.events == sum(map(len, lines_of(store.root).values()))
    assert result.findings.found == []
    assert len(result.findings.not_checked) == 3
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_a_run_with_late_events_counts_once(store: RunStore) -> None:
    """Its events in the batch and in the late segment are all examined."""
    run_id = store.ids()[0]
    late = store.open(run_id)
    late(events_of(run_id)[0])
    late.close()
    result = verify(again(store))
    assert result.runs == 5
    assert result.events == sum(map(len, lines_of(store.root).values()))


def _more_rows(store: RunStore) -> None:
    (path,) = store.root.glob("manifests/*.json")
    path.write_text(path.read_text().replace('"events":9', '"events":10', 1))


def _damage_notes(store: RunStore) -> None:
    (store.root / "notes").mkdir()
    (store.root / "notes" / "events.jsonl").write_text("no json\n")


DAMAGES: dict[str, Callable[[RunStore], object]] = {
    "has another checksum": lambda store: flip(file_of(store, "logs")),
    "table nodes": lambda store: flip(file_of(store, "nodes")),
    "bytes, not": lambda store: os.truncate(file_of(store, "edges"), 10),
    "cannot be read": lambda store: file_of(store, "runs").unlink(),
    "of 10 events": _more_rows,
    "lines of its journal": lambda store: flip(next(store.root.glob("runs/*/events/*.jsonl")), 0.3),
    "lines of the notes": lambda store: _damage_notes(store),
    "the source": lambda store: flip(next(store.root.glob("sources/*/*.txt"))),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_each_damage_is_found(store: RunStore, message: str) -> None:
    """A flipped byte, a cut file, a missing file, a count that does not fit."""
    DAMAGES[message](store)
    found = verify(again(store)).findings
    assert not found.is_sound
    assert message in texts(found)


def test_a_torn_line_is_a_warning(store: RunStore) -> None:
    """As after a kill; every line before it is read."""
    (segment,) = store.root.glob("runs/*/events/*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"torn')
    found = verify(again(store)).findings
    assert found.is_sound
    assert "incomplete" in texts(found, "warning")


def test_a_run_with_a_writer_is_said_not_to_be_checked_whole(store: RunStore) -> None:
    """Its events so far are."""
    writer = store.open("20260601T000000-daily-99999999")
    writer(events_of("x")[0])
    assert any("have a writer" in sentence for sentence in verify(again(store)).findings.not_checked)
    writer.close()


# --- rebuild -------------------------------------------------------------------------------------------------


def test_a_damaged_table_is_computed_again(store: RunStore) -> None:
    """From the events; the answer of every reader is as before."""
    before = lines_of(store.root)
    flip(file_of(store, "nodes"))
    result = rebuild(again(store))
    assert (result.batches, result.lost, result.runs_indexed) == (1, [], 5)
    assert "nodes computed again" in result.restored[0]
    assert lines_of(store.root) == before
    assert verify(again(store)).findings.found == []


def test_all_tables_are_computed_again_if_asked(store: RunStore) -> None:
    """Without damage too."""
    before = lines_of(store.root)
    (manifest,) = store.root.glob("manifests/*.json")
    assert rebuild(store).batches == 0
    assert rebuild(store, Parts(tables=True)).batches == 1
    assert manifest.stem not in {each.batch for each in again(store).cold.manifests()}
    assert lines_of(store.root) == before


def test_a_damaged_manifest_is_restored(store: RunStore) -> None:
    """From the Parquet files."""
    before = lines_of(store.root)
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text("{")
    assert len(lines_of(store.root)) == 1
    result = rebuild(again(store))
    assert "restored" in (result.restored + result.mended)[0]
    assert lines_of(store.root) == before
    assert verify(again(store)).findings.found == []


def test_a_damaged_manifest_that_cannot_be_restored_is_reported_as_lost(store: RunStore) -> None:
    """Its file of logs is gone too; each call reports it, also when the manifest was set aside before."""
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text("{")
    file_of(store, "logs").unlink()
    for _ in range(2):
        result = rebuild(again(store))
        assert (result.restored, len(result.lost)) == ([], 1)
        assert manifest.stem in result.lost[0]


def test_damaged_events_are_restored_from_the_journal_if_it_is_there(tmp_path: Path) -> None:
    """Compaction leaves it for a grace time."""
    store = RunStore(tmp_path / "store")
    write_runs(store.root, 3)
    before = lines_of(store.root)
    compact(store, Options(grace_s=1e9, threads=1))
    flip(file_of(store, "logs"))
    list(again(store).events())  # a reader sets the file aside
    result = rebuild(again(store))
    assert result.lost == []
    assert lines_of(store.root) == before
    assert verify(again(store)).findings.found == []


def test_what_is_left_of_damaged_events_is_restored_and_the_loss_is_stated(store: RunStore) -> None:
    """A flipped byte destroys a part of the file at most; nothing that is read is wrong."""
    before = lines_of(store.root)
    flip(file_of(store, "logs"), 0.3)
    result = rebuild(again(store))
    after = lines_of(store.root)
    assert result.restored or result.lost
    for run_id, lines in after.items():
        assert set(lines) <= set(before[run_id])
    errors = ReadErrors()
    for run_id in after:
        list(again(store).read(run_id, errors))
    lost = sum(map(len, before.values())) - sum(map(len, after.values()))
    assert errors.unreadable == lost or result.lost


def test_a_file_without_a_readable_event_is_reported_as_lost(store: RunStore) -> None:
    """The batch stays as it is, for a backup."""
    file_of(store, "logs").write_bytes(b"PAR1 destroyed PAR1")
    result = rebuild(again(store))
    assert "restore its file of logs from a backup" in result.lost[0]
    assert len(list(store.root.glob("manifests/*.json"))) == 1


def test_the_index_is_built_anew(store: RunStore) -> None:
    """Also if something else is in its place."""
    (store.root / "index.sqlite").write_bytes(b"damaged")
    assert rebuild(store).runs_indexed == 5
    with Index(store.root) as index:
        assert index.count() == 5


def test_rebuilding_needs_the_lock_and_a_known_version(store: RunStore) -> None:
    """Busy is no error; a newer version is."""
    with exclusive(store.root):
        assert rebuild(store).is_busy
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text(manifest.read_text().replace('"version":1', '"version":99'))
    with pytest.raises(StoreError, match="newer version"):
        rebuild(again(store))
    with pytest.raises(StoreError, match="there is no store"):
        rebuild(RunStore(store.root / "none"))


# --- export --------------------------------------------------------------------------------------------------


def test_an_export_is_json_lines_and_a_store(store: RunStore, tmp_path: Path) -> None:
    """Hot and cold runs, with their stories and sources; readers give the same answers."""
    ids = store.ids()
    (store.folder(ids[0])).mkdir(parents=True)
    (store.folder(ids[0]) / "story.html").write_text("story")
    content_hash = sha256(b"x").hexdigest()
    run_id = f"{START + timedelta(days=5):%Y%m%dT%H%M%S}-daily-00000005"
    events = events_of(run_id, day=5)
    events[1].fields["steps"][0]["source_hash"] = content_hash
    write_run(store.root, run_id, events)
    result = export(again(store), tmp_path / "out", [*ids, run_id])
    exported = RunStore(tmp_path / "out")
    assert (result.runs, result.files, result.sources, result.problems) == (6, 1, 1, [])
    assert lines_of(exported.root) == lines_of(store.root)
    assert exported.rows() == again(store).rows()
    for each in (*ids, run_id):
        lines = (tmp_path / "out" / "jsonl" / f"{each}.jsonl").read_bytes().splitlines()
        assert [decode(line) for line in lines] == list(again(store).read(each))
    assert (exported.folder(ids[0]) / "story.html").read_text() == "story"
    assert SourceStore(exported.root).read(content_hash) == "x"
    assert verify(exported).findings.found == []


def test_an_export_of_one_run(store: RunStore, tmp_path: Path) -> None:
    """No other run is in it."""
    export(store, tmp_path / "out", store.ids()[1:2])
    assert RunStore(tmp_path / "out").ids() == store.ids()[1:2]


def test_unreadable_lines_and_missing_sources_are_reported(store: RunStore, tmp_path: Path) -> None:
    """They are not in the export."""
    run_id = f"{START + timedelta(days=6):%Y%m%dT%H%M%S}-daily-00000006"
    events = events_of(run_id, day=6)
    events[1].fields["steps"][0]["source_hash"] = "0" * 64
    segment = write_run(store.root, run_id, events)
    with segment.open("ab") as file:
        file.write(b"no json\n")
    result = export(store, tmp_path / "out", [run_id])
    assert result.unreadable == 1
    assert "is not in" in result.problems[0]


def test_an_export_never_writes_over_files(store: RunStore, tmp_path: Path) -> None:
    """A folder with files is refused."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("x")
    with pytest.raises(StoreError, match="must be a new or an empty folder"):
        export(store, tmp_path / "out", store.ids())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]


# --- doctor --------------------------------------------------------------------------------------------------


def examine(store: RunStore, *, fix: bool = False, limits: Limits | None = None) -> Findings:
    return diagnose(again(store), limits or Limits(), 0o600, fix=fix)


def test_a_sound_store_has_no_finding(store: RunStore) -> None:
    """But its number of runs."""
    for name in ("", "runs", "tables", "manifests", "sources"):
        (store.root / name).chmod(0o700)
    found = examine(store)
    assert texts(found, "warning") + texts(found) == ""
    assert "5 runs" in texts(found, "ok")


def test_interrupted_work_is_found_and_mended(store: RunStore) -> None:
    """A batch without a manifest, the trash, exports of no run; a second look finds nothing."""
    (store.root / "manifests" / "20260101T000000-0a0a0a0a.tmp").touch()
    (store.root / "trash" / "x").mkdir(parents=True)
    (store.root / "runs" / "gone").mkdir()
    os.utime(store.root / "runs" / "gone", (1, 1))
    assert texts(examine(store), "warning").count("an interrupted") == 3
    assert texts(examine(store, fix=True), "mended").count("an interrupted") == 3
    assert "an interrupted" not in texts(examine(store), "warning")
    assert len(lines_of(store.root)) == 5


def test_lost_runs_are_found_and_marked(store: RunStore) -> None:
    """Examining alone does not mark them."""
    run_id = f"{START + timedelta(days=7):%Y%m%dT%H%M%S}-daily-00000007"
    from odibi_core.events.clock import host_name

    write_run(store.root, run_id, events_of(run_id, day=7, status="running", pid=2**22 + 1, host=host_name()))
    assert "have no process and no end" in texts(examine(store), "warning")
    assert not (store.folder(run_id) / "events" / "lost.jsonl").exists()
    assert run_id in texts(examine(store, fix=True), "mended")
    row = again(store).row(run_id)
    assert row is not None
    assert row.status == "lost"


def test_a_damaged_index_is_found_and_built_anew(store: RunStore) -> None:
    """It is a cache, so this is only a warning."""
    (store.root / "index.sqlite").write_bytes(b"x" * 5000)
    assert "the index is damaged" in texts(examine(store), "warning")
    assert "5 runs are in a new one" in texts(examine(store, fix=True), "mended")
    connection = sqlite3.connect(store.root / "index.sqlite")
    assert connection.execute("pragma quick_check").fetchone() == ("ok",)
    connection.close()


def test_damage_of_files_is_a_problem_or_a_warning(store: RunStore) -> None:
    """A file that is too short, a missing one, and one that was set aside."""
    table = file_of(store, "nodes")
    table.write_bytes(table.read_bytes()[:-1])
    assert "table nodes" in texts(examine(store))
    table.unlink()
    assert "No such file" in texts(examine(store))
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text("{")
    assert not examine(store).is_sound
    assert "set aside" in texts(examine(store), "warning")


def test_open_folders_are_found_and_closed(store: RunStore) -> None:
    """By the mode of the settings."""
    store.root.chmod(0o755)
    assert "open to more users" in texts(examine(store), "warning")
    examine(store, fix=True)
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_a_failed_compaction_a_full_disk_and_the_future(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with what to do."""
    note_failure(store.root, OSError("no room"))
    run_id = f"{utc_now() + timedelta(days=365):%Y%m%dT%H%M%S}-daily-0000000a"
    write_run(store.root, run_id, events_of(run_id))
    monkeypatch.setattr(diagnosis, "free_bytes", lambda root: 5)
    found = examine(store)
    assert "the last compaction failed" in texts(found)
    assert "5 B of the disk are free" in texts(found, "warning")
    assert run_id in texts(found, "warning")
    assert all(finding.fix for finding in found.found if finding.severity != "ok")
    monkeypatch.setattr(diagnosis, "free_bytes", lambda root: None)
    assert any("free space is unknown" in sentence for sentence in examine(store).not_checked)


def test_a_store_of_a_newer_version_is_not_mended(store: RunStore) -> None:
    """It is read, and its files are as before."""
    (manifest,) = store.root.glob("manifests/*.json")
    manifest.write_text(manifest.read_text().replace('"version":1', '"version":99'))
    (store.root / "trash" / "x").mkdir(parents=True)
    found = examine(store, fix=True)
    assert "newer version" in texts(found, "warning")
    assert (store.root / "trash" / "x").is_dir()


def test_another_store_above_is_named(tmp_path: Path) -> None:
    """Runs of another working directory went there."""
    for root in (tmp_path / ".odibi", tmp_path / "a" / "b" / ".odibi"):
        write_runs(root, 1)
    assert str(tmp_path / ".odibi") in texts(examine(RunStore(tmp_path / "a" / "b" / ".odibi")), "ok")


def test_no_store(tmp_path: Path) -> None:
    """A warning, and no folder."""
    assert "there is no store" in texts(examine(RunStore(tmp_path / "none")), "warning")
    assert not (tmp_path / "none").exists()


def test_a_copy_that_was_deleted_in_part_is_read_as_far_as_it_goes(store: RunStore) -> None:
    """A store without its tables has its hot runs, and reports that the others are missing."""
    shutil.rmtree(store.root / "tables")
    assert not verify(again(store)).findings.is_sound
    assert len(lines_of(store.root)) == 5


@pytest.mark.parametrize("table", ["nodes", "runs", "edges"])
def test_the_index_of_a_batch_with_a_damaged_table_is_computed_from_the_events(store: RunStore, table: str) -> None:
    """The answer is the same, and the damage is reported."""
    with Index(store.root) as index:
        index.refresh()
        whole = index.runs()
    (store.root / "index.sqlite").unlink()
    os.truncate(file_of(store, table), 100)
    with Index(store.root) as index:
        index.refresh()
        assert index.runs() == whole
        assert "is damaged" in index.problems[0]
