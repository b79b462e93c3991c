"""Shipping: each acknowledged line once, whatever stops a shipper and however many there are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.history.remote.hosts import DEAD_PID, record_run, recorded, shared, ship_all
from tests.history.remote.killed_objects import KilledAt, is_killed

from odibi_core.events.clock import host_name
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.objects import FolderObjects
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames
from odibi_core.store.journal import Journal
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


def shipment(root: Path, share: Path, kind: type[Shipment] = Shipment) -> Shipment:
    """Return a shipment of a store to a shared folder."""
    return kind(root, FolderObjects(share), ShippedNames(root, read_address(str(share))))


def test_a_shared_store_has_what_the_local_one_has(tmp_path: Path) -> None:
    """Every event of every run, of several writers, once."""
    for name in ("a", "b"):
        record_run(tmp_path / "local", name, events=20)
    run_id = record_run(tmp_path / "local", "c")
    worker = Journal(RunStore(tmp_path / "local").folder(run_id) / "events")
    worker.close()
    assert ship_all(tmp_path / "local", str(tmp_path / "share")) == 3
    assert shared(str(tmp_path / "share")) == recorded(tmp_path / "local")


def test_nothing_is_shipped_twice(tmp_path: Path) -> None:
    """A second shipment has nothing to do, and makes no request."""
    record_run(tmp_path / "local")
    assert ship_all(tmp_path / "local", str(tmp_path / "share")) == 1

    class NoRequests(FolderObjects):
        def write(self, name: str, content: bytes) -> None:
            raise AssertionError(name)

    notes = ShippedNames(tmp_path / "local", read_address(str(tmp_path / "share")))
    Shipment(tmp_path / "local", NoRequests(tmp_path / "share"), notes).all()


def test_a_growing_run_is_shipped_line_by_line(tmp_path: Path) -> None:
    """Each shipment has the new lines; a half line waits for its end."""
    run_id = record_run(tmp_path / "local", is_open=True)
    segment = RunStore(tmp_path / "local").segments(run_id)[0]
    line = segment.read_bytes().splitlines(keepends=True)[1]
    share = str(tmp_path / "share")
    ship_all(tmp_path / "local", share)
    with segment.open("ab") as file:
        for half in (line[:50], line[50:]):
            before = len(shared(share)[run_id])
            file.write(half)
            file.flush()
            ship_all(tmp_path / "local", share)
    assert before == 4
    assert len(shared(share)[run_id]) == 5


def test_a_late_event_of_an_ended_run_is_shipped(tmp_path: Path) -> None:
    """A run that was shipped to its end may still get a line, of a thread that it abandoned."""
    run_id = record_run(tmp_path / "local")
    one = shipment(tmp_path / "local", tmp_path / "share")
    one.all(ended=[run_id])
    segment = RunStore(tmp_path / "local").segments(run_id)[0]
    segment.write_bytes(segment.read_bytes() + segment.read_bytes().splitlines(keepends=True)[1])
    one.all()
    assert len(shared(str(tmp_path / "share"))[run_id]) == 6


def test_a_copy_of_a_store_ships_the_same_names(tmp_path: Path) -> None:
    """Two machines that were cloned with their store, notes or not, do not double its runs."""
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", str(tmp_path / "share"))
    record_run(tmp_path / "local", "later")
    (tmp_path / "local").rename(tmp_path / "moved")
    for path in (tmp_path / "moved" / "shipped").iterdir():
        path.unlink()
    ship_all(tmp_path / "moved", str(tmp_path / "share"))
    assert shared(str(tmp_path / "share")) == recorded(tmp_path / "moved")


def test_shippers_of_one_store_need_no_lock(tmp_path: Path) -> None:
    """Eight shippers with notes of their own, beside a writer: each line once."""
    root, share = tmp_path / "local", str(tmp_path / "share")
    run_id = record_run(root, is_open=True)
    writer = RunStore(root).open(run_id)

    def ship(number: int) -> None:
        for _ in range(5):
            writer(an_event("line", number=number))
            shipment(root, tmp_path / "share").all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ship, range(8)))
    writer.close()
    ship_all(root, share)
    assert shared(share) == recorded(root)


def test_sources_and_notes_are_shipped(tmp_path: Path) -> None:
    """The source of a step, once by its hash, and the notes on alerts."""
    source = tmp_path / "local" / "sources" / "ab" / "abcdef.txt"
    source.parent.mkdir(parents=True)
    source.write_text("def f(): ...")
    notes = Journal(tmp_path / "local" / "notes", "notes")
    notes(an_event("alert_acknowledged"))
    notes.close()
    record_run(tmp_path / "local")
    assert ship_all(tmp_path / "local", str(tmp_path / "share")) == 3
    assert ship_all(tmp_path / "local", str(tmp_path / "share")) == 0
    shared(str(tmp_path / "share"))
    (copied,) = (tmp_path / "cache").rglob("abcdef.txt")
    assert copied.read_text() == "def f(): ..."
    assert len(list((tmp_path / "cache").rglob("notes/notes~*.jsonl"))) == 1


def test_a_run_whose_process_died_is_shipped_as_lost(tmp_path: Path) -> None:
    """The next shipper of this machine marks it, and ships the half line that the process left."""
    run_id = record_run(tmp_path / "local", host=host_name(), pid=DEAD_PID, is_open=True)
    segment = RunStore(tmp_path / "local").segments(run_id)[0]
    segment.write_bytes(segment.read_bytes() + b'{"timestamp":"20')
    ship_all(tmp_path / "local", str(tmp_path / "share"))
    shared(str(tmp_path / "share"))
    (copy,) = (tmp_path / "cache" / "odibi-core" / "remote").iterdir()
    (row,) = RunStore(copy).runs()
    assert row.status == "lost"
    assert [path for path in copy.rglob("*.jsonl") if path.read_bytes().endswith(b'{"timestamp":"20')]


# A shipper that is killed at each of its steps.


class _KilledNotes(ShippedNames):
    def __init__(self, root: Path, share: Path, step: Callable[[], None]) -> None:
        super().__init__(root, read_address(str(share)))
        self._step = step

    def _append(self, line: bytes) -> None:
        self._step()
        super()._append(line[: len(line) // 2])
        self._step()
        super()._append(line[len(line) // 2 :])


class NotesFirst(Shipment):
    """Sabotage: notes an object before it is written."""

    def _upload(self, name: str, content: bytes, noted: str = "") -> None:
        self.notes.add(noted or name)
        self.objects.write(name, content)


def _ship_and_die(root: Path, share: Path, at: int, kind: type[Shipment]) -> bool:
    """Ship in a child that is killed at a step; return False if it had less steps than that."""
    objects = KilledAt(share, at)
    return is_killed(kind(root, objects, _KilledNotes(root, share, objects.step)).all)


def _lost_and_doubled(tmp_path: Path, kind: type[Shipment]) -> tuple[int, int, int]:
    """Kill a shipper at every step of its way, each time on a new store; return kills, lost and doubled lines."""
    kills = lost = doubled = 0
    for at in range(200):
        root, share = tmp_path / f"local-{at}", tmp_path / f"share-{at}"
        for _ in range(4):
            record_run(root)
        (root / "sources" / "ab").mkdir(parents=True)
        (root / "sources" / "ab" / "abc.txt").write_text("pass")
        if not _ship_and_die(root, share, at, kind):
            break
        kills += 1
        _ship_and_die(root, share, at // 2, kind)
        record_run(root)
        ship_all(root, str(share))
        there, here = shared(str(share)), recorded(root)
        lost += sum(len(set(names) - set(there.get(run_id, []))) for run_id, names in here.items())
        doubled += sum(len(names) - len(set(names)) for names in there.values())
    return kills, lost, doubled


def test_a_killed_shipper_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """SIGKILL before and after each object and each half of a note, and once more in the middle of the next try."""
    kills, lost, doubled = _lost_and_doubled(tmp_path, Shipment)
    assert kills >= 20
    assert (lost, doubled) == (0, 0)


def test_a_shipper_that_notes_first_is_caught(tmp_path: Path) -> None:
    """Sabotage: a note before the object loses the lines of the object."""
    assert _lost_and_doubled(tmp_path, NotesFirst)[1] > 0


def test_kills_at_any_moment_lose_and_double_nothing(tmp_path: Path) -> None:
    """Fifty programs that record and ship, each killed at a moment of its own; then one that ships the rest."""
    root, share = tmp_path / "local", tmp_path / "share"
    kills = 0
    for number in range(50):
        child = os.fork()
        if not child:
            try:
                while True:
                    record_run(root)
                    shipment(root, share).all()
            finally:
                os._exit(0)
        threading.Event().wait(0.001 + number % 25 * 0.0007)
        os.kill(child, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    ship_all(root, str(share))
    acknowledged = {run_id: names for run_id, names in recorded(root).items() if names}
    assert kills == 50
    assert shared(str(share)) == acknowledged
    assert acknowledged


def test_a_long_list_of_names_is_trimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of compacted runs go; those of hot runs stay."""
    monkeypatch.setattr("odibi_core.history.remote.shipped._TRIM_AT", 1)
    notes = ShippedNames(tmp_path, read_address("s3://bucket/x"))
    parts = [f"hot/date=2026-11-30/runs/{run}/e~1.000000000000-000000000009.jsonl.gz" for run in "abc"]
    for name in (*parts, "sources/ab/abc.txt"):
        notes.add(name)
    notes.trim(["b"])
    again = ShippedNames(tmp_path, read_address("s3://bucket/x"))
    assert again.names == {parts[1], "sources/ab/abc.txt"}
    assert again.end_of("runs/b/e~1") == 9
