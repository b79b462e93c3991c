"""Notes on alerts in a shared store: written on one host, read on the others, and never lost."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.history.remote.hosts import ship_all
from tests.services.s3_server import Proxy

from odibi_core.bus.bus import EventBus
from odibi_core.history.noticing import notes
from odibi_core.history.noticing.notes import Notes
from odibi_core.history.remote import read_address, sync
from odibi_core.history.remote.opening import open_copy
from odibi_core.history.remote.overlay import move_notes
from odibi_core.settings import read_settings
from odibi_core.store.journal import Journal
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


class Host:
    """A machine with a store and a cache of its own; each command is a process."""

    def __init__(self, folder: Path, url: str, **variables: str) -> None:
        folder.mkdir()
        self.store = folder / ".odibi"
        self.cache = folder / "cache"
        self._folder = folder
        own = {"ODIBI_STORE__URL": url, "ODIBI_STORE__SHIP_WAIT_S": "60", "XDG_CACHE_HOME": str(self.cache)}
        self._environment = environment(**{**own, **variables})

    def odibi(self, *arguments: str, code: int = 0) -> str:
        """Run a command, and return what it wrote to stdout."""
        done = subprocess.run(
            [sys.executable, "-m", "odibi_core", *arguments], cwd=self._folder, env=self._environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        self.messages = done.stderr
        return done.stdout

    def alerts(self, code: int) -> list[dict[str, Any]]:
        """Return the alerts of `odibi watch --all`, which ends with that exit code."""
        found: list[dict[str, Any]] = json.loads(self.odibi("watch", "--all", "--format", "json", code=code))["alerts"]
        return found


def fail_a_run(root: Path, name: str = "nightly") -> None:
    """Record a failed run."""
    store, bus = RunStore(root), EventBus()
    run_id = store.new_run_id(name)
    journal = store.open(run_id)
    bus.subscribe(journal)
    about = {"run_id": run_id, "pipeline_name": name}
    bus.publish("pipeline_start", fields=about | {"status": "running"})
    bus.publish("pipeline_complete", fields=about | {"status": "failed", "duration_ms": 1.0})
    journal.close()


def test_a_note_of_one_host_is_read_on_the_others(tmp_path: Path) -> None:
    """Acknowledged on one, muted on another; the copy of the third is older than both."""
    url = str(tmp_path / "share")
    a, b, c = (Host(tmp_path / name, url) for name in "abc")
    fail_a_run(a.store)
    ship_all(a.store, url)
    (alert,) = c.alerts(5)
    b.odibi("ack", alert["alert_id"], "--note", "known")
    a.odibi("mute", "nightly", "--family", "rows")
    (seen,) = c.alerts(0)
    assert (seen["note"], seen["acknowledged"] is None) == ("known", False)
    assert "rows" in c.odibi("mute", "--list")


def test_a_note_without_a_connection_is_shipped_later(tmp_path: Path) -> None:
    """It counts at once on this host, from any folder; the next command with the same store ships it."""
    share = tmp_path / "mnt" / "share"
    share.parent.mkdir()
    a, b = (Host(tmp_path / name, str(share)) for name in "ab")
    fail_a_run(a.store)
    ship_all(a.store, str(share))
    (alert,), _ = b.alerts(5), a.alerts(5)
    share.parent.rename(tmp_path / "unmounted")
    b.odibi("ack", alert["alert_id"])
    assert "mount it" in b.messages
    b.alerts(0)
    elsewhere = Host(tmp_path / "elsewhere", str(share), XDG_CACHE_HOME=str(b.cache))
    elsewhere.alerts(0)
    (tmp_path / "unmounted").rename(share.parent)
    b.alerts(0)
    a.alerts(0)


def test_a_note_on_s3_is_shipped_at_once_and_after_an_outage(tmp_path: Path, bucket: str, proxy: Proxy) -> None:
    """Its command waits for shipping, though programs do not; without a server the note stays in the local store."""
    a, b = (Host(tmp_path / name, bucket, ODIBI_STORE__SHIP_WAIT_S="0") for name in "ab")
    for name in ("nightly", "hourly"):
        fail_a_run(a.store, name)
    ship_all(a.store, bucket)
    first, second = b.alerts(5)
    b.odibi("ack", first["alert_id"])
    assert [each["acknowledged"] is None for each in a.alerts(5)] == [False, True]
    proxy.stop()
    b.odibi("ack", second["alert_id"])
    assert "no connection" in b.messages
    proxy.start()
    b.odibi("mute", "nightly", "--family", "rows")
    assert [each["acknowledged"] is None for each in a.alerts(0)] == [False, False]


def write_note(root: Path, alert: str) -> None:
    """Write a note as a command does, into the copy of a shared store."""
    notes.write(root, notes.ACKNOWLEDGED, "acknowledged", {"alert_id": alert})


def test_a_note_that_is_being_written_is_not_moved(tmp_path: Path) -> None:
    """On another file system the rest of it would be written to a deleted file."""
    root, local = tmp_path / "copy", tmp_path / "local"
    journal = Journal(root / "notes")
    journal(an_event(notes.ACKNOWLEDGED, alert_id="1"))
    assert not move_notes(root, local)
    journal.close()
    assert move_notes(root, local)
    assert set(Notes.read(local).acknowledged) == {"1"}


def test_a_note_is_moved_to_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of a user and the folder of a project need not be on one disk."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    root, local = tmp_path / "copy", tmp_path / "local"
    write_note(root, "1")
    monkeypatch.setattr(Path, "rename", refuse)
    assert move_notes(root, local)
    assert set(Notes.read(local).acknowledged) == {"1"}
    assert Notes.read(root).acknowledged == {}


def test_a_store_that_cannot_take_a_note_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note stays in the copy, where it counts, and is moved as soon as the store can be written."""
    share, local = tmp_path / "share", tmp_path / "local"
    share.mkdir()
    monkeypatch.setenv("ODIBI_STORE__URL", str(share))
    monkeypatch.setenv("ODIBI_STORE__DIR", str(local))
    root = open_copy(read_settings(), pytest.fail).root
    write_note(root, "1")
    local.mkdir()
    (local / "notes").write_text("a file in the way", encoding="utf-8")
    reports: list[str] = []
    assert set(Notes.read(open_copy(read_settings(), reports.append).root).acknowledged) == {"1"}
    assert len(reports) == 1
    assert "not shipped" in reports[0]
    (local / "notes").unlink()
    assert set(Notes.read(open_copy(read_settings(), pytest.fail).root).acknowledged) == {"1"}
    assert set(Notes.read(local).acknowledged) == {"1"}


def test_two_hosts_that_find_a_missed_run_at_once_are_one_alert(tmp_path: Path) -> None:
    """There is no lock between hosts, so both write it; readers count it once, from the first time on."""
    about = {"alert_id": "m1", "pipeline_name": "nightly", "due": "2026-11-30T04:00:00Z"}
    for host in "ab":
        notes.write(tmp_path / host, notes.MISSED, "nightly did not run", about)
        ship_all(tmp_path / host, str(tmp_path / "share"))
    known = Notes.read(sync(read_address(str(tmp_path / "share"))).root)
    (first,) = Notes.read(tmp_path / "a").missed.values()
    assert list(known.missed.values()) == [first]
    assert len(known.alerts()) == 1
