"""One file for many processes: every line once, whole, and nothing that raises."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from odibi_core.events import Event, encode
from odibi_core.store.log_file import LogFile
from odibi_core.testing import an_event

WRITER = """
import sys
from odibi_core.store.log_file import LogFile
from odibi_core.testing import an_event
file = LogFile("app.jsonl")
for n in range(500):
    file(an_event("said", writer=sys.argv[1], n=n, filler="x" * (n * 7 % 9000)))
assert file.written == 500, file.dropped
"""


def read(path: Path) -> list[str]:
    return [json.loads(line)["event_type"] for line in path.read_text().splitlines() if line]


def test_processes_share_the_file() -> None:
    """Four processes at once, lines of up to 9 kB: each line there once, whole, in its writer's order."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(writer)]) for writer in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = [json.loads(line) for line in Path("app.jsonl").read_text().splitlines() if line]
    for writer in range(4):
        assert [line["n"] for line in lines if line["writer"] == str(writer)] == list(range(500))


def test_a_forked_child_writes_while_another_thread_logs() -> None:
    """A lock that a thread of the parent holds does not hold up the child, whose counts begin at 0."""
    file, held, done = LogFile("app.jsonl"), threading.Event(), threading.Event()
    file(an_event("parent"))

    def hold() -> None:
        with file._lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        file(an_event("child"))
        os._exit(0 if (file.accepted, file.written) == (1, 1) else 1)
    status = os.waitpid(pid, 0)[1]
    done.set()
    thread.join()
    assert status == 0
    assert read(Path("app.jsonl")) == ["parent", "child"]


def test_it_appends_to_exactly_that_file() -> None:
    """Existing lines stay, whatever the name of the file; a second run appends."""
    for kind in ("first", "second"):
        file = LogFile("deep/app.log")
        file(an_event(kind))
        file.close()
    assert read(Path("deep/app.log")) == ["first", "second"]
    assert os.listdir("deep") == ["app.log"]
    assert [event.event_type for event in file.read()] == ["first", "second"]


def test_a_half_line_of_another_is_sealed() -> None:
    """A process was killed while it wrote: its half line is one damaged line, the lines after it are whole."""
    file = LogFile("app.jsonl")
    file(an_event("before"))
    with open("app.jsonl", "ab") as other:
        other.write(encode(an_event("torn"))[:20])
    file(an_event("after"))
    *_, torn, last = Path("app.jsonl").read_text().splitlines()
    assert json.loads(last)["event_type"] == "after"
    with pytest.raises(ValueError, match=r"."):
        json.loads(torn)


@pytest.mark.parametrize("how", ["renamed", "deleted", "folder deleted"])
def test_it_goes_on_when_the_file_is_rotated_away(how: str) -> None:
    """Within a second of the events' time every writer goes on in a new file of that name, its folder made again."""
    from datetime import UTC, datetime

    path = Path("logs/app.jsonl")
    file = LogFile(path)
    file(an_event("before", timestamp=datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)))
    if how == "renamed":
        path.rename("logs/app.jsonl.1")
    else:
        path.unlink()
    if how == "folder deleted":
        path.parent.rmdir()
    file(an_event("after", timestamp=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)))
    assert read(path) == ["after"]
    if how == "renamed":
        assert read(Path("logs/app.jsonl.1")) == ["before"]


def test_what_cannot_be_kept_is_counted_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk: no exception, each line counted by its reason, one notice on stderr."""
    file = LogFile("/dev/full")
    for _ in range(3):
        file(an_event("said"))
    assert file.dropped == {"ENOSPC": 3}
    assert file.written == 0
    assert capsys.readouterr().err.count("odibi-core: 1 line for /dev/full could not be kept") == 1


def test_it_recovers_when_the_way_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands where a folder should be: lost and counted until it is gone."""
    Path("logs").write_text("in the way")
    file = LogFile("logs/app.jsonl")
    file(an_event("lost"))
    assert sum(file.dropped.values()) == 1
    assert "could not be kept" in capsys.readouterr().err
    Path("logs").unlink()
    file(an_event("kept"))
    assert read(Path("logs/app.jsonl")) == ["kept"]


def test_a_pipe_without_a_reader_holds_nobody_up() -> None:
    """Opening it does not wait; the line is counted as lost."""
    os.mkfifo("pipe")
    file = LogFile("pipe")
    file(an_event("said"))
    assert file.dropped == {"ENXIO": 1}


def test_standard_output_is_a_file_too() -> None:
    """`LOG_FILE=/dev/stdout`, as containers want it."""
    code = "from odibi_core.observability import get_logger; get_logger('app').info('said', n=1)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LOG_FILE": "/dev/stdout"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["n"] == 1


def test_a_line_is_bounded() -> None:
    """At most 1 MB, and the line names the cut."""
    file = LogFile("app.jsonl")
    file(an_event("huge", text="x" * 3_000_000))
    assert Path("app.jsonl").stat().st_size <= 1 << 20
    assert "[cut: 3000002 bytes]" in Path("app.jsonl").read_text()


def an_event_later(seconds: int) -> Event:
    """One so many seconds from now: a log file looks at its name when a second has passed."""
    event = an_event("kept")
    return structs.replace(event, timestamp=event.timestamp + timedelta(seconds=seconds))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder to which every user may write, as `/tmp`."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence for a log file to which two lines were written in vain."""
    file = LogFile(path)
    for _ in range(2):
        file(an_event("said"))
    assert (file.written, file.dropped.total()) == (0, 2)
    (sentence,) = capsys.readouterr().err.splitlines()
    return sentence


@pytest.mark.parametrize("target", ["there", "not there", "folder", "loop", "/dev/null"])
def test_a_link_in_a_folder_that_all_may_write_to_is_refused(
    shared: Path, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another user's link would have lines appended to this user's file; one notice states it."""
    (tmp_path / "there").write_text("mine")
    (tmp_path / "folder").mkdir()
    link = shared / "app.jsonl"
    link.symlink_to(link if target == "loop" else tmp_path / target)
    sentence = refused(link, capsys)
    assert "is a symbolic link in" in sentence
    assert "LOG_FILE" in sentence
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "not there").exists()


def test_a_link_on_the_way_is_refused_too(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of that name that another user made as a link."""
    (tmp_path / "mine").mkdir()
    (shared / "logs").symlink_to(tmp_path / "mine")
    assert "is a symbolic link in" in refused(shared / "logs" / "app.jsonl", capsys)
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("how", ["a second name", "another owner"])
def test_another_users_file_in_a_shared_folder_is_refused(
    shared: Path, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hard link does what a symbolic one does; a file of another's is another's to read."""
    (tmp_path / "mine").write_text("mine")
    if how == "a second name":
        os.link(tmp_path / "mine", shared / "app.jsonl")
    else:
        (shared / "app.jsonl").write_text("")
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    before = len(os.listdir("/proc/self/fd"))
    assert "every user may write" in refused(shared / "app.jsonl", capsys)
    assert (tmp_path / "mine").read_text() == "mine"
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_that_takes_the_files_place_is_not_followed(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within the second in which a rotation would be noticed; the lines go on when it is gone."""
    (tmp_path / "mine").write_text("mine")
    path = shared / "app.jsonl"
    file = LogFile(path)
    file(an_event("kept"))
    path.unlink()
    path.symlink_to(tmp_path / "mine")
    file(later := an_event_later(1))
    assert file.dropped == {"ELOOP": 1}
    assert (tmp_path / "mine").read_text() == "mine"
    path.unlink()
    file(an_event_later(3))
    assert read(path) == [later.event_type]


def test_a_link_between_the_check_and_the_opening_is_not_followed(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system itself refuses it, however late it comes."""
    (tmp_path / "mine").write_text("mine")
    (shared / "app.jsonl").symlink_to(tmp_path / "mine")
    monkeypatch.setattr("odibi_core.private_files.shared_link", lambda path: None)
    file = LogFile(shared / "app.jsonl")
    file(an_event("said"))
    assert file.dropped == {"ELOOP": 1}
    assert (tmp_path / "mine").read_text() == "mine"


def test_elsewhere_a_link_is_followed(tmp_path: Path) -> None:
    """An operator's own, to another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "app.jsonl").symlink_to(tmp_path / "disk" / "today.jsonl")
    LogFile(tmp_path / "logs" / "app.jsonl")(an_event("kept"))
    assert read(tmp_path / "disk" / "today.jsonl") == ["kept"]


def test_a_file_of_ones_own_in_a_shared_folder_is_kept(shared: Path) -> None:
    """As ever, also by a second program, and with folders that it makes there."""
    for path in (shared / "app.jsonl", shared / "app.jsonl", shared / "logs" / "app.jsonl"):
        LogFile(path)(an_event("kept"))
    assert read(shared / "app.jsonl") == ["kept", "kept"]
    assert read(shared / "logs" / "app.jsonl") == ["kept"]


def test_a_log_file_that_is_dropped_open_leaves_no_descriptor(tmp_path: Path) -> None:
    """A program that sets up its log again and again keeps one open."""
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        LogFile(tmp_path / "app.jsonl")(an_event())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
