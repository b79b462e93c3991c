"""Every command that reads takes the URL of a shared store, by option or by setting."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from tests.history.remote.hosts import DEAD_PID, record_run, recorded, shared, ship_all
from typer.testing import CliRunner, Result

import odibi_core
from odibi_core.cli import app
from odibi_core.history.noticing import notes
from odibi_core.history.remote import mirror_folder, read_address, shipper
from odibi_core.history.remote.opening import open_copy
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore


def odibi(*arguments: str) -> Result:
    """Run the command and return its result."""
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A shared folder with a run of each of two hosts."""
    for host in ("a", "b"):
        record_run(tmp_path / host, f"of-{host}", host=host)
        ship_all(tmp_path / host, str(tmp_path / "mnt" / "share"))
    return tmp_path / "mnt" / "share"


@pytest.mark.parametrize(
    "command",
    [
        ("runs",), ("logs", "of-a"), ("sql", "select count(*) as n from logs"), ("errors",), ("metrics", "of-b"),
        ("story", "of-a"), ("timing", "of-a"), ("costs",), ("usage",), ("show", "of-a"), ("history", "of-a"),
        ("health", "--recorded"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_command_answers_from_a_shared_store(share: Path, command: tuple[str, ...]) -> None:
    """The exit code and the answer are those of a local store with the same runs."""
    result = odibi(*command, "--store", share.as_uri())
    assert result.exit_code in (0, 3), result.output
    assert "Traceback" not in result.output
    if command[0] in ("runs", "logs"):
        assert "of-a" in result.output or "pipeline_complete" in result.output


def test_the_runs_of_all_hosts_are_one_list(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the setting alone."""
    monkeypatch.setenv("ODIBI_STORE__URL", str(share))
    rows = json.loads(odibi("runs", "--format", "json").stdout)
    assert {row["pipeline_name"] for row in rows} == {"of-a", "of-b"}


def test_a_folder_goes_before_the_setting(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--store DIR` reads this folder alone."""
    monkeypatch.setenv("ODIBI_STORE__URL", str(share))
    rows = json.loads(odibi("runs", "--format", "json", "--store", str(tmp_path / "a")).stdout)
    assert [row["pipeline_name"] for row in rows] == ["of-a"]


def test_without_a_connection_a_notice_has_the_reason_and_the_age(share: Path) -> None:
    """The answer is that of the copy; without one it is an error."""
    odibi("runs", "--store", share.as_uri())
    share.parent.rename(share.parent.with_name("unmounted"))
    result = odibi("runs", "--store", share.as_uri())
    assert result.exit_code == 0
    assert "mount it" in result.output
    assert "ago" in result.output
    assert "of-a" in result.output
    missing = odibi("runs", "--store", f"file://{share.parent}/other")
    assert missing.exit_code == 4
    assert "mount it" in missing.output


def test_python_reads_a_shared_store(share: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`odibi_core.history(url)` is the history of all hosts; what is missing is a warning."""
    query = "select pipeline_name, status from runs order by 1"
    wanted = [{"pipeline_name": f"of-{host}", "status": "success"} for host in "ab"]
    assert odibi_core.history(share.as_uri()).sql(query).rows == wanted
    share.parent.rename(share.parent.with_name("unmounted"))
    with caplog.at_level(logging.WARNING, "odibi_core"):
        assert odibi_core.history(share.as_uri()).sql(query).rows == wanted
    assert "mount it" in caplog.text


def test_the_command_ships_what_is_left(tmp_path: Path, share: Path) -> None:
    """The answer has the number of objects; a second time there are none."""
    record_run(tmp_path / "local", "left")
    variables = {"ODIBI_STORE__DIR": str(tmp_path / "local"), "ODIBI_STORE__URL": str(share)}
    for objects in (1, 0):
        result = CliRunner().invoke(app, ["store", "ship", "--format", "json"], env=variables)
        assert json.loads(result.stdout)["objects"] == objects


def test_the_command_compacts_a_shared_store(share: Path) -> None:
    """Runs of living hosts are left to them; those of a week ago move, and the answers stay."""
    before = shared(str(share))
    command = ("store", "compact", "--store", share.as_uri(), "--format", "json")
    assert json.loads(odibi(*command).stdout)["uploaded"] == 0
    for path in share.rglob("*.gz"):
        os.utime(path, (1e9, 1e9))
    report = json.loads(odibi(*command).stdout)
    assert (report["compaction"]["runs"], report["uploaded"], report["removed"]) == (2, 1, 2)
    assert "0 runs compacted" in odibi(*command[:-2]).output
    assert shared(str(share)) == before


def test_ship_without_a_url_is_an_error(tmp_path: Path) -> None:
    """The message has the variable."""
    result = odibi("store", "ship")
    assert result.exit_code == 2
    assert "ODIBI_STORE__URL" in result.output


def test_a_reader_ships_what_is_left_at_its_end(
    share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that an outage left in the local store, and notes that a command wrote into the copy."""
    local = tmp_path / "local"
    record_run(local, "left")
    monkeypatch.setenv("ODIBI_STORE__URL", str(share))
    monkeypatch.setenv("ODIBI_STORE__DIR", str(local))
    copy = open_copy(read_settings(), pytest.fail)
    assert len(copy.ids()) == 3
    notes.write(copy.root, notes.ACKNOWLEDGED, "acknowledged", {"alert_id": "1"})
    open_copy(read_settings(), pytest.fail)
    shipper._at_exit(30)
    assert {run_id.split("-")[1] for run_id in shared(str(share))} >= {"left"}
    assert set(recorded(local)) <= set(shared(str(share)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    shared(str(share))
    another = mirror_folder(read_address(str(share)))
    assert "1" in notes.Notes.read(another).acknowledged


def _status_of(share: Path) -> str:
    (row,) = json.loads(odibi("runs", "--store", share.as_uri(), "--format", "json").stdout)
    return str(row["status"])


def test_the_list_follows_a_run_of_another_host(tmp_path: Path) -> None:
    """Running, lost without a sign of life, running again with its next line, ended: also through the index."""
    share, local = tmp_path / "share", tmp_path / "local"
    run_id = record_run(local, pid=DEAD_PID, is_open=True)
    ship_all(local, str(share))
    assert _status_of(share) == "running"
    for path in share.rglob("*.gz"):
        os.utime(path, (path.stat().st_mtime - 1000,) * 2)
    assert _status_of(share) == "lost"
    segment = RunStore(local).segments(run_id)[0]
    line = segment.read_bytes().splitlines(keepends=True)[1]
    segment.write_bytes(segment.read_bytes() + line.replace(b'"seq":1', b'"seq":900'))
    ship_all(local, str(share))
    assert _status_of(share) == "running"
    end = line.replace(b'"event_type":"line"', b'"event_type":"pipeline_complete","status":"success"')
    segment.write_bytes(segment.read_bytes() + end.replace(b'"seq":1', b'"seq":901'))
    ship_all(local, str(share))
    assert _status_of(share) == "success"
