"""The journal: in the kernel when the call returns, and counted to the unit whatever the system does."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT

from odibi_core.bus.bus import EventBus
from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.events import Event
from odibi_core.store import drop_counter
from odibi_core.store.journal import Journal
from odibi_core.store.segments import ReadErrors, all_segments, read_events
from odibi_core.store.shorten import MAX_LINE
from odibi_core.testing import FakeClock, an_event

Write = Callable[[int, bytes], int]


def numbers(journal: Journal) -> list[int]:
    return [event.seq for event in journal.read()]


def balanced(journal: Journal) -> bool:
    """accepted = written + dropped + waiting, to the unit; and what counts as written can be read."""
    total = journal.written + journal.dropped.total() + journal.waiting
    return journal.accepted == total


class System:
    """The operating system, which a test can make fail: `os.write` through it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real: Write = os.write
        self.answers: list[int | OSError] = []
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, block: bytes) -> int:
        """The next answer: an error to raise, or how many bytes to take at most; else as ever."""
        answer = self.answers.pop(0) if self.answers else len(block)
        if isinstance(answer, OSError):
            raise answer
        return self._real(fd, block[:answer])


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_line_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    """Without flush or close: another process sees it at once."""
    journal = Journal(tmp_path)
    journal(an_event("a", seq=0))
    assert json.loads(journal.path.read_text())["event_type"] == "a"
    assert (journal.accepted, journal.written, journal.waiting) == (1, 1, 0)


def test_a_full_segment_is_left_for_a_new_one_and_never_touched_again(tmp_path: Path) -> None:
    """Names count up, sizes keep the limit, order is kept, and no file is renamed or rewritten."""
    journal = Journal(tmp_path, max_segment_bytes=1000)
    seen: dict[Path, bytes] = {}
    for number in range(100):
        journal(an_event("line", seq=number))
        for path, content in seen.items():
            assert path.read_bytes().startswith(content)
        seen = {path: path.read_bytes() for path in journal.paths()}
    assert [path.name for path in journal.paths()][:3] == [
        "events.jsonl",
        "events.000002.jsonl",
        "events.000003.jsonl",
    ]
    assert all(len(content) <= 1000 for content in seen.values())
    assert numbers(journal) == list(range(100))


def test_a_line_larger_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    """It is not lost, and it does not spin."""
    journal = Journal(tmp_path, max_segment_bytes=10)
    for number in range(3):
        journal(an_event("line", seq=number))
    assert len(journal.paths()) == 3
    assert numbers(journal) == [0, 1, 2]


def test_two_journals_of_one_name_never_share_a_file(tmp_path: Path) -> None:
    """The second takes the next free name, and each knows its own."""
    one, two = Journal(tmp_path, "log"), Journal(tmp_path, "log")
    one(an_event("a", seq=1))
    two(an_event("a", seq=2))
    assert one.path != two.path
    assert (numbers(one), numbers(two)) == ([1], [2])


def test_a_torn_tail_is_never_appended_to_and_is_reported(tmp_path: Path) -> None:
    """The half line of a killed writer stays; the next writer's lines are whole."""
    first = Journal(tmp_path)
    first(an_event("a", seq=0))
    first.close()
    with first.path.open("ab") as file:
        file.write(b'{"timestamp":"2026')
    torn = first.path.read_bytes()
    second, read_errors = Journal(tmp_path), ReadErrors()
    second(an_event("a", seq=1))
    assert first.path.read_bytes() == torn
    assert [event.seq for event in read_events(all_segments(tmp_path), read_errors)] == [0, 1]
    assert (read_errors.torn, read_errors.unreadable) == (1, 0)


def test_a_short_write_is_completed(system: System, tmp_path: Path) -> None:
    """It raises nothing, so what `write` returned is looked at."""
    journal = Journal(tmp_path)
    system.answers = [5, 7]
    for number in range(3):
        journal(an_event("a", seq=number))
    assert numbers(journal) == [0, 1, 2]
    assert (journal.written, journal.dropped) == (3, {})


@pytest.mark.parametrize("second", [FULL, 0], ids=["error", "nothing written"])
def test_a_half_line_is_counted_and_sealed_by_the_next(
    system: System, tmp_path: Path, second: int | OSError
) -> None:
    """Short, then no space: the line is lost and counted, the one after it is whole."""
    journal = Journal(tmp_path)
    system.answers = [50_000, 5, second]
    for number in range(4):
        journal(an_event("a", seq=number))
    read_errors = ReadErrors()
    assert [event.seq for event in journal.read(read_errors)] == [0, 2, 3]
    assert read_errors.unreadable == 1
    assert journal.written == len(numbers(journal))
    assert balanced(journal)


def test_a_half_line_is_sealed_when_the_next_breaks_off_too(system: System, tmp_path: Path) -> None:
    """The line end that seals the first half line is not counted as a written line."""
    journal = Journal(tmp_path)
    system.answers = [50_000, 5, FULL, 5, FULL]
    for number in range(5):
        journal(an_event("a", seq=number))
    assert numbers(journal) == [0, 3, 4]
    assert (journal.written, dict(journal.dropped)) == (3, {"ENOSPC": 2})
    assert [line[:2] for line in journal.path.read_bytes().splitlines()] == [b'{"'] * 5


def test_a_refused_seal_is_tried_again(system: System, tmp_path: Path) -> None:
    """A half line stays unsealed while the system takes nothing, and the first line that it takes seals it."""
    journal = Journal(tmp_path)
    system.answers = [50_000, 5, FULL, FULL, 1, FULL]
    for number in range(5):
        journal(an_event("a", seq=number))
    assert numbers(journal) == [0, 4]
    assert (journal.written, dict(journal.dropped)) == (2, {"ENOSPC": 3})
    assert balanced(journal)


def test_of_a_block_that_broke_off_the_whole_lines_count_as_written(system: System, tmp_path: Path) -> None:
    """A buffer of ten lines of which the system took six and a half: six written, four dropped."""
    journal = Journal(tmp_path, durability="buffered")
    for number in range(10):
        journal(an_event("a", seq=number))
    length = len(journal._buffer[0])
    system.answers = [6 * length + length // 2, FULL]
    journal.flush()
    assert (journal.written, dict(journal.dropped)) == (6, {"ENOSPC": 4})
    journal(an_event("a", seq=10))
    assert numbers(journal) == [*range(6), 10]
    assert balanced(journal)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EBADF])
def test_what_the_system_refuses_is_counted_by_reason_and_recovers(
    number: int, system: System, tmp_path: Path
) -> None:
    """No exception, one count for each line, and the next line is kept again."""
    journal = Journal(tmp_path)
    for seq, fails in enumerate([False, True, True, False]):
        system.answers = [OSError(number, "no")] if fails else []
        journal(an_event("a", seq=seq))
    assert dict(journal.dropped) == {errno.errorcode[number]: 2}
    assert numbers(journal) == [0, 3]
    assert b"\n\n" not in journal.path.read_bytes()
    assert balanced(journal)


def test_one_notice_a_minute_on_stderr(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the total and the reason; a thousand losses are not a thousand lines."""
    clock = FakeClock()
    monkeypatch.setattr(drop_counter, "utc_now", clock.now)
    journal = Journal(tmp_path)
    for _ in range(100):
        system.answers = [FULL]
        journal(an_event("a"))
    assert capsys.readouterr().err.count("\n") == 1
    clock.advance(61)
    system.answers = [FULL]
    journal(an_event("a"))
    assert "101 events" in capsys.readouterr().err


@pytest.mark.parametrize("gone", ["file", "folder", "replaced"])
def test_a_deleted_file_is_noticed_and_begun_again(gone: str, tmp_path: Path) -> None:
    """A write to it succeeds into nothing: what went there since the last look is counted as lost."""
    journal, clock = Journal(tmp_path / "log"), FakeClock()
    journal(an_event("a", seq=0, timestamp=clock.now()))
    clock.advance(2)
    journal(an_event("a", seq=1, timestamp=clock.now()))
    if gone == "folder":
        shutil.rmtree(tmp_path / "log")
    else:
        journal.path.unlink()
    if gone == "replaced":
        journal.path.write_text("")
    journal(an_event("a", seq=2, timestamp=clock.now()))
    clock.advance(2)
    journal(an_event("a", seq=3, timestamp=clock.now()))
    assert journal.dropped["deleted"] == 2  # the one that was in it since the look, and the one into nothing
    assert numbers(journal) == [3]
    assert balanced(journal)


@pytest.mark.parametrize("leave", ["close", "rotate"])
def test_a_deleted_file_is_noticed_before_it_is_left(leave: str, tmp_path: Path) -> None:
    """At close and at rotation too: nothing counts as written that went into nothing."""
    journal = Journal(tmp_path, max_segment_bytes=500)
    journal(an_event("a", seq=0))
    journal.path.unlink()
    journal(an_event("a", seq=1))
    if leave == "rotate":
        journal(an_event("a", seq=2, padding="x" * 450))
    journal.close()
    assert journal.dropped["deleted"] == 2
    assert balanced(journal)


def test_a_folder_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    """That is configuration, so it raises, with what to do; so do settings that cannot be right."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="give a folder"):
        Journal(tmp_path / "file" / "log")
    with pytest.raises(ConfigurationError, match="durability must be one of"):
        Journal(tmp_path, durability="eternal")
    with pytest.raises(ConfigurationError, match="max_segment_bytes"):
        Journal(tmp_path, max_segment_bytes=0)


def test_a_working_directory_that_is_gone_loses_events_and_raises_nothing(tmp_path: Path) -> None:
    """A service whose folder was removed goes on; its events are counted as lost."""
    script = """
import os, sys
from odibi_core.store.journal import Journal
from odibi_core.testing import an_event
os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
journal = Journal("log")
journal(an_event("a"))
print(journal.accepted, journal.written, dict(journal.dropped))
"""
    assert in_python(script, tmp_path / "gone") == "1 0 {'ENOENT': 1}\n"


def test_out_of_descriptors_loses_only_what_came_meanwhile(tmp_path: Path) -> None:
    """EMFILE at a rotation: counted, and kept again once there are some."""
    script = """
import os, resource, sys
from odibi_core.store.journal import Journal
from odibi_core.testing import an_event
journal = Journal(sys.argv[1], max_segment_bytes=300)
journal(an_event("a", seq=0, text="x" * 200))
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
os.open = lambda *a, real=os.open: real("/dev/null", 0) and real(*a)  # another takes the one that is let go
journal(an_event("a", seq=1, text="x" * 200))
for fd in held:
    os.close(fd)
journal(an_event("a", seq=2, text="x" * 200))
print(journal.accepted, journal.written, sum(journal.dropped.values()), [e.seq for e in journal.read()])
"""
    assert in_python(script, tmp_path).split(" ", 3) == ["3", "2", "1", "[0, 2]\n"]


def in_python(script: str, *arguments: object) -> str:
    """Return the output of a program of its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_size_limit_stands_for_a_full_disk(tmp_path: Path) -> None:
    """The system itself gives a short write and then EFBIG: counted, sealed, and all goes on in the next segment."""
    script = """
import resource, signal, sys
from odibi_core.store.journal import Journal
from odibi_core.testing import an_event
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
journal = Journal(sys.argv[1])
for seq in range(200):
    journal(an_event("a", seq=seq, text="x" * 100))
kept = [e.seq for e in journal.read()]
print(journal.accepted == journal.written + sum(journal.dropped.values()), end=" ")
print(journal.written == len(kept), dict(journal.dropped))
"""
    assert in_python(script, tmp_path).startswith("True True {'EFBIG':")


def test_a_full_disk_and_its_recovery(system: System, tmp_path: Path) -> None:
    """The lines before and after are there, those between are counted, at each level of durability."""
    for durability in ("written", "synced", "buffered"):
        journal = Journal(tmp_path / durability, durability=durability)
        for seq in range(30):
            system.answers = [FULL] * 5 if 10 <= seq < 20 else []
            journal(an_event("a", seq=seq, level="error"))
        assert numbers(journal) == [*range(10), *range(20, 30)]
        assert dict(journal.dropped) == {"ENOSPC": 10}
        assert balanced(journal)


def test_synced_asks_the_disk_and_counts_what_it_could_not_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One `fsync` a line; where that fails the line does not count as written."""
    asked: list[int] = []

    def fsync(fd: int) -> None:
        asked.append(fd)
        if len(asked) == 2:
            raise OSError(errno.EIO, "the disk said no")

    monkeypatch.setattr(os, "fsync", fsync)
    journal = Journal(tmp_path, durability="synced")
    for seq in range(3):
        journal(an_event("a", seq=seq))
    assert len(asked) == 3
    assert (journal.written, dict(journal.dropped)) == (2, {"EIO": 1})
    assert balanced(journal)
    Journal(tmp_path, "plain")(an_event("a"))
    assert len(asked) == 3


def test_buffered_waits_but_never_with_an_error(tmp_path: Path) -> None:
    """Info may wait; error and above take everything before them along; so do flush, read and close."""
    journal = Journal(tmp_path, durability="buffered")
    journal(an_event("a", seq=0))
    assert (journal.waiting, journal.path.stat().st_size) == (1, 0)
    for seq, level in ((1, "error"), (3, "critical")):
        journal(an_event("a", seq=seq, level=level))
        assert journal.waiting == 0
        journal(an_event("a", seq=seq + 1))
        assert journal.waiting == 1
    assert balanced(journal)
    assert numbers(journal) == [0, 1, 2, 3, 4]
    journal(an_event("a", seq=5))
    journal.close()
    assert (journal.waiting, journal.written) == (0, 6)


def test_a_full_buffer_is_written(tmp_path: Path) -> None:
    """At 64 KiB, also without an error, a flush or a close; the next buffer begins empty."""
    journal = Journal(tmp_path, durability="buffered")
    waiting = []
    for seq in range(100):
        journal(an_event("a", seq=seq, text="x" * 1500))
        waiting.append(journal.waiting)
    assert 30 < max(waiting) < 50
    assert waiting.count(0) == 2
    assert balanced(journal)


def test_buffered_is_written_at_exit(tmp_path: Path) -> None:
    """A program that ends without closing anything loses nothing, and events of other exit handlers are kept, too."""
    script = """
import atexit, sys
from odibi_core.store.journal import Journal
from odibi_core.testing import an_event
journal = Journal(sys.argv[1], durability="buffered")
atexit.register(lambda: journal(an_event("last", seq=2)))
journal(an_event("a", seq=0)); journal(an_event("a", seq=1))
"""
    in_python(script, tmp_path)
    assert [event.seq for event in read_events(all_segments(tmp_path))] == [0, 1, 2]


def test_buffered_is_written_at_exit_by_a_journal_that_a_daemon_thread_holds(tmp_path: Path) -> None:
    """Its thread never lets it go, so that it is not closed when the interpreter ends."""
    script = """
import sys, threading
from odibi_core.store.journal import Journal
from odibi_core.testing import an_event
begun = threading.Event()

def work():
    journal = Journal(sys.argv[1], durability="buffered")
    journal(an_event("a", seq=0))
    begun.set()
    threading.Event().wait()

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    in_python(script, tmp_path)
    assert [event.seq for event in read_events(all_segments(tmp_path))] == [0]


def test_a_line_over_the_limit_is_shortened_and_says_so(tmp_path: Path) -> None:
    """1 MB a line: the longest values go first, the standard fields stay."""
    journal = Journal(tmp_path)
    journal(an_event("a", seq=0, node_name="n", huge="x" * (2 << 20), small="s"))
    journal(an_event("a", seq=1, node_name="n", **{f"k{n}": n for n in range(200_000)}))
    first, second = journal.read()
    assert first.fields["huge"].startswith("[cut:")
    assert (first.fields["small"], first.node_name, second.node_name) == ("s", "n", "n")
    assert all(len(line) < MAX_LINE for line in journal.path.read_bytes().splitlines())


def test_an_event_that_cannot_be_encoded_is_counted(tmp_path: Path) -> None:
    """One that came past the bus with a value that is not plain: dropped by reason, and the sum is right."""
    journal = Journal(tmp_path)
    journal(an_event("a", thing=object()))
    journal(an_event("a", thing="\ud800"))
    journal(an_event("a", seq=3))
    assert numbers(journal) == [3]
    assert journal.dropped.total() == 2
    assert balanced(journal)


def test_after_close_what_comes_is_counted(tmp_path: Path) -> None:
    """Silently, and closing twice is no error."""
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    journal(an_event("a"))
    journal.flush()
    assert dict(journal.dropped) == {"closed": 1}
    assert balanced(journal)


@pytest.mark.parametrize("seconds", [-86_400, -1, 86_400, 10**9])
def test_a_clock_that_jumps_changes_neither_order_nor_rotation(seconds: float, tmp_path: Path) -> None:
    """Order comes from the file; a segment ends by its size and by nothing else."""
    journal, clock = Journal(tmp_path, max_segment_bytes=2000), FakeClock()
    for seq in range(100):
        if seq == 50:
            clock.advance(seconds)
        journal(an_event("a", seq=seq, timestamp=clock.now()))
        clock.advance(0.001)
    assert numbers(journal) == list(range(100))
    assert len(journal.paths()) == sum(path.stat().st_size for path in journal.paths()) // 2000 + 1
    assert journal.dropped == {}


def test_threads_share_a_journal(tmp_path: Path) -> None:
    """Each line whole and once, each thread's in its order, across rotations."""
    journal = Journal(tmp_path, max_segment_bytes=5000)

    def work(number: int) -> None:
        for seq in range(300):
            journal(an_event("a", writer_id=str(number), seq=seq))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = list(journal.read())
    assert len(found) == 1800 == journal.written
    for number in range(6):
        assert [event.seq for event in found if event.writer_id == str(number)] == list(range(300))


@pytest.fixture
def alarms() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, lambda *_: None)  # and not ignored: of one that is on its way Python complains
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarms")
@pytest.mark.parametrize("durability", ["written", "buffered"])
def test_a_signals_handler_may_log(durability: str, tmp_path: Path) -> None:
    """At any moment, also while the same thread is logging: no deadlock, and every event is kept once."""
    journal, bus = Journal(tmp_path, max_segment_bytes=20_000, durability=durability), EventBus()
    bus.subscribe(journal)
    said = [0]

    def handler(*_: object) -> None:
        said[0] += 1
        bus.publish("from_handler", level="error")
        journal.flush()
        signal.setitimer(signal.ITIMER_REAL, 0.0005)  # not before: a slow machine would do nothing else

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    for _ in range(5000):
        bus.publish("from_program")
        journal.flush()
    signal.signal(signal.SIGALRM, lambda *_: None)
    bus.publish("end")
    found = [event.event_type for event in journal.read()]
    assert said[0] > 5
    assert (found.count("from_program"), found.count("from_handler")) == (5000, said[0])
    assert balanced(journal)


def test_a_handler_that_logs_while_the_file_is_looked_at_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may begin the next segment: that the one looked at is no longer in use does not mean that it was deleted."""
    journal, stat, interrupted = Journal(tmp_path, max_segment_bytes=200), os.stat, list[bool]()
    journal(an_event("a", seq=0, text="x" * 100))

    def interrupted_stat(path: Any, **options: Any) -> os.stat_result:
        found = stat(path, **options)
        if path == journal.path and not interrupted:
            interrupted.append(True)
            journal(an_event("from_handler", seq=1, text="x" * 100))
        return found

    monkeypatch.setattr(os, "stat", interrupted_stat)
    journal(an_event("a", seq=2, text="x" * 100))
    assert interrupted
    assert numbers(journal) == [0, 1, 2]
    assert journal.dropped == {}


def test_fork_while_another_thread_logs(tmp_path: Path) -> None:
    """Locks that are held in the parent do not hold up the child, which writes a segment of its own."""
    journal, bus, stop = Journal(tmp_path), EventBus(), threading.Event()
    bus.subscribe(journal)

    def chatter() -> None:
        while not stop.is_set():
            bus.publish("parent")

    threads = [threading.Thread(target=chatter) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                bus.publish("child", fields={"number": number})
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    children = [event for event in journal.read() if event.event_type == "child"]
    assert sorted(event.fields["number"] for event in children) == list(range(10))
    assert len({event.writer_id for event in children}) == 10
    names = [path.name for path in journal.paths() if path.name.startswith("events.p")]
    assert len(names) == len({name.split(".")[1] for name in names}) == 10
    assert all(name.count(".") == 2 for name in names)  # the first segment of each
    assert all(event.seq == 0 for event in children)


def test_a_merge_of_writers_is_by_time_and_keeps_each_ones_order(tmp_path: Path) -> None:
    """Also when one of their clocks was set back."""
    clock = FakeClock()
    for name in ("a", "b"):
        journal = Journal(tmp_path, name)
        for seq in range(3):
            moment = clock.now() + timedelta(
                seconds=seq * 2 + (name == "b") - (10 if seq == 2 and name == "a" else 0)
            )
            journal(Event(timestamp=moment, level="info", event_type=name, writer_id=name, seq=seq))
    merged = [(event.writer_id, event.seq) for event in read_events(all_segments(tmp_path))]
    assert merged[:3] == [("a", 0), ("b", 0), ("a", 1)]
    assert [seq for name, seq in merged if name == "a"] == [0, 1, 2]


@pytest.mark.parametrize("durability", ["written", "buffered"])
def test_a_journal_that_is_dropped_open_leaves_no_descriptor_and_loses_nothing(
    tmp_path: Path, durability: str
) -> None:
    """A service makes a logger for each task and forgets to close it: as a file of Python, it is closed."""
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        Journal(tmp_path, f"task{number}", durability=durability)(an_event())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(list(read_events(all_segments(tmp_path)))) == 20
