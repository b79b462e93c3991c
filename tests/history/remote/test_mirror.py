"""The local copy of a shared store: an ordinary store, with each event once, also without a connection."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.history.remote.hosts import DEAD_PID, read_all, record_run, recorded, shared, ship_all

from odibi_core.errors import RemoteStoreError
from odibi_core.events.clock import host_name
from odibi_core.history.remote import Mirror, mirror, read_address, sync
from odibi_core.history.remote.listing import Listing
from odibi_core.history.remote.objects import FolderObjects, Found
from odibi_core.store.runs import RunStore

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def copy_of(share: Path, local: Path | None = None) -> Mirror:
    """Return the local copy of a shared folder, brought up to date."""
    return sync(read_address(str(share)), local=local)


def status_of(share: Path, local: Path | None = None) -> str | None:
    """Return the status of the only run of a shared folder."""
    (row,) = RunStore(copy_of(share, local).root).runs()
    return row.status


def test_runs_of_many_hosts_are_one_history(tmp_path: Path) -> None:
    """Three hosts ship into one prefix, and a fourth reads one list."""
    for host in ("a", "b", "c"):
        record_run(tmp_path / host, f"of-{host}", host=host)
        ship_all(tmp_path / host, str(tmp_path / "share"))
    rows = RunStore(copy_of(tmp_path / "share").root).runs()
    assert {(row.pipeline_name, row.host, row.status) for row in rows} == {
        (f"of-{host}", host, "success") for host in ("a", "b", "c")
    }


def test_only_new_objects_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of the copy is immutable, and is not read again."""
    share = tmp_path / "share"
    record_run(tmp_path / "local", "first")
    ship_all(tmp_path / "local", str(share))
    copy_of(share)
    later = record_run(tmp_path / "local", "later")
    ship_all(tmp_path / "local", str(share))
    read: list[str] = []
    content = FolderObjects.read

    def counted(self: FolderObjects, name: str) -> bytes:
        read.append(name)
        return content(self, name)

    monkeypatch.setattr(FolderObjects, "read", counted)
    assert shared(str(share)) == recorded(tmp_path / "local")
    assert [name.split("/")[3] for name in read] == [later]


@pytest.mark.parametrize("cut", [0, 1, 100, 700])
def test_an_interrupted_copy_continues(tmp_path: Path, cut: int) -> None:
    """A reader that was killed in the middle of a line: the next one appends the rest of it."""
    share = tmp_path / "share"
    record_run(tmp_path / "local", events=10)
    ship_all(tmp_path / "local", str(share))
    (segment,) = copy_of(share).root.rglob("events~*.jsonl")
    os.truncate(segment, cut)
    assert shared(str(share)) == recorded(tmp_path / "local")


def test_runs_of_this_machine_are_there_before_they_are_shipped(tmp_path: Path) -> None:
    """And are not there twice afterwards."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = record_run(local)
    share.mkdir()
    assert list(read_all(str(share), local)) == [run_id]
    ship_all(local, str(share))
    assert shared(str(share)) == recorded(local)
    assert list(read_all(str(share), local)) == [run_id]


def test_without_a_connection_the_copy_answers(tmp_path: Path) -> None:
    """The result has the time of the copy and the reason; the runs of this machine are in it."""
    share, local = tmp_path / "mnt" / "share", tmp_path / "local"
    first = record_run(tmp_path / "other")
    ship_all(tmp_path / "other", str(share))
    synced = copy_of(share).synced
    second = record_run(local)
    (tmp_path / "mnt").rename(tmp_path / "unmounted")
    mirror = copy_of(share, local)
    assert mirror.synced == synced
    assert "mount it" in mirror.problem
    assert set(RunStore(mirror.root).ids()) == {first, second}


def test_without_a_connection_and_without_a_copy_there_is_no_answer(tmp_path: Path) -> None:
    """An empty list would be a wrong one."""
    with pytest.raises(RemoteStoreError):
        copy_of(tmp_path / "mnt" / "share")


def test_a_copy_that_another_process_brings_up_to_date_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first copy of a large store may take longer than a reader waits: its runs are not all there."""
    share = tmp_path / "share"
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", str(share))
    monkeypatch.setattr(mirror, "_LOCK_WITHIN_S", 0.0)
    with mirror.locked(mirror.mirror_folder(read_address(str(share)))):
        busy = copy_of(share)
    assert (RunStore(busy.root).ids(), len(busy.problems)) == ([], 1)
    assert "another process" in busy.problems[0]
    assert copy_of(share).problems == []


def test_a_deleted_copy_is_made_again(tmp_path: Path) -> None:
    """The cache may be deleted at any time, whole or in part."""
    share = tmp_path / "share"
    for _ in range(2):
        record_run(tmp_path / "local")
        ship_all(tmp_path / "local", str(share))
    root = copy_of(share).root
    next(root.rglob("events~*.jsonl")).unlink()
    assert shared(str(share)) == recorded(tmp_path / "local")
    (root / "mirror.json").write_bytes(b"{damaged")
    assert shared(str(share)) == recorded(tmp_path / "local")


def test_a_damaged_part_is_counted(tmp_path: Path) -> None:
    """It is not an empty run: the result has the number, and the other runs are read."""
    share = tmp_path / "share"
    for name in ("a", "b"):
        record_run(tmp_path / "local", name)
    ship_all(tmp_path / "local", str(share))
    next(share.rglob("*.gz")).write_bytes(b"damaged")
    mirror = copy_of(share)
    assert (mirror.damaged, len(RunStore(mirror.root).ids())) == (1, 1)


def test_a_missing_part_is_counted(tmp_path: Path) -> None:
    """Lines after the gap are not read: they would follow a line that they do not follow."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = record_run(local, is_open=True)
    ship_all(local, str(share))
    segment = RunStore(local).segments(run_id)[0]
    segment.write_bytes(segment.read_bytes() * 2)
    ship_all(local, str(share))
    min(share.rglob("*.gz")).unlink()
    assert copy_of(share).incomplete == 1


# Runs of other hosts: alive or lost.


def test_a_silent_run_of_another_host_is_lost_after_a_while(tmp_path: Path) -> None:
    """By the time of its last object, because its process cannot be seen from here."""
    share, local = tmp_path / "share", tmp_path / "local"
    record_run(local, pid=DEAD_PID, is_open=True)
    ship_all(local, str(share))
    assert status_of(share) == "running"
    _age(share, 1000)
    assert status_of(share) == "lost"


def test_a_sign_of_life_keeps_a_run_running(tmp_path: Path) -> None:
    """A long step records nothing; its host writes an object without content."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = _silent_run(local, share)
    day = next((share / "hot").iterdir()).name
    FolderObjects(share).write(f"hot/{day}/runs/{run_id}/alive", b"")
    assert status_of(share) == "running"


def test_a_lost_run_that_continues_is_not_lost(tmp_path: Path) -> None:
    """Its host was without a connection for longer: the mark of the copy is withdrawn."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = _silent_run(local, share)
    assert status_of(share) == "lost"
    segment = RunStore(local).segments(run_id)[0]
    segment.write_bytes(segment.read_bytes() + segment.read_bytes().splitlines(keepends=True)[1])
    ship_all(local, str(share))
    assert status_of(share) == "running"


def test_a_run_of_a_host_with_the_same_name_is_judged_by_its_lease(tmp_path: Path) -> None:
    """Machines of one image may share a name: a process id of the other one means nothing here."""
    share, local = tmp_path / "share", tmp_path / "local"
    record_run(local, host=host_name(), pid=DEAD_PID, is_open=True)
    objects = FolderObjects(share)
    ship_all(local, str(share))
    for each in objects.find("hot"):
        if "/lost~" in each.name:
            objects.remove([each.name])
    assert status_of(share) == "running"


def _silent_run(local: Path, share: Path) -> str:
    """Record and ship a run of another host of which nothing came for a while; return its id."""
    run_id = record_run(local, pid=DEAD_PID, is_open=True)
    ship_all(local, str(share))
    _age(share, 1000)
    return run_id


def _age(share: Path, seconds: float) -> None:
    for path in share.rglob("*.gz"):
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


# Days, and clocks that are wrong.


class Days(FolderObjects):
    """A store of days, which notes those that are listed."""

    def __init__(self, *days: str) -> None:
        super().__init__(Path("/nowhere"))
        self.days = [f"date={day}" for day in days]
        self.listed: list[str] = []

    def folders(self, name: str) -> list[str]:
        return self.days

    def find(self, name: str) -> list[Found]:
        self.listed.append(name.removeprefix("hot/date="))
        return []


def listed(listing: Listing, store: Days, now: datetime) -> list[str]:
    """Return the days that a listing asks for."""
    store.listed = []
    listing.new(store, now)
    return store.listed


def test_only_days_that_may_grow_are_listed_again() -> None:
    """Today and yesterday, and days that are new; once a day all of them."""
    store, listing = Days("2026-11-01", "2026-11-28", "2026-11-29", "2026-11-30"), Listing()
    assert len(listed(listing, store, NOW)) == 4
    assert listed(listing, store, NOW) == ["2026-11-29", "2026-11-30"]
    store.days.append("date=2026-10-05")
    assert listed(listing, store, NOW) == ["2026-11-29", "2026-11-30", "2026-10-05"]
    assert len(listed(listing, store, NOW + timedelta(days=1))) == 5


def test_a_clock_in_the_future_hides_nothing() -> None:
    """One host of the year 2099 does not make today an old day."""
    store, listing = Days("2026-11-29", "2026-11-30", "2099-01-01"), Listing()
    listed(listing, store, NOW)
    assert listed(listing, store, NOW) == ["2026-11-29", "2026-11-30", "2099-01-01"]


def test_a_reader_whose_clock_was_set_back_lists_all() -> None:
    """A time of the last listing in the future is not believed."""
    store, listing = Days("2026-11-01", "2026-11-30"), Listing()
    listed(listing, store, NOW + timedelta(days=30))
    assert len(listed(listing, store, NOW)) == 2


def test_hosts_with_wrong_clocks_are_one_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month back, right, and years ahead: every run is read at once, with the times that its host recorded."""
    share = tmp_path / "share"
    for host, now in (("back", NOW - timedelta(days=31)), ("right", NOW), ("ahead", NOW + timedelta(days=3000))):
        record_run(tmp_path / host, host)
        monkeypatch.setattr("odibi_core.history.remote.shipment.utc_now", lambda now=now: now)
        ship_all(tmp_path / host, str(share))
        assert any(host in run_id for run_id in shared(str(share)))
    assert len(shared(str(share))) == 3
