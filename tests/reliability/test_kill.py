"""`kill -9` at random moments: every acknowledged line is there once, and torn lines are counted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.reliability.writers import problems

from odibi_core.events import Event, decode, encode
from odibi_core.store.journal import Journal
from odibi_core.store.segments import ReadErrors, all_segments, read_events
from odibi_core.testing import an_event


def killed(directory: Path, sabotage: str, after: int) -> int:
    """Run a writer, kill it after about `after` acknowledgements, and return their number."""
    command = [
        sys.executable,
        "-m",
        "tests.reliability.writers",
        str(directory),
        "w",
        "10000000",
        sabotage,
        "ack",
    ]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "src")))
    child = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    acknowledged = b""
    while acknowledged.count(b"\n") <= after:
        chunk = os.read(child.stdout.fileno(), 4096)
        assert chunk, "the writer ended by itself"
        acknowledged += chunk
    child.send_signal(signal.SIGKILL)
    acknowledged += child.stdout.read()
    child.wait()
    child.stdout.close()
    return acknowledged.count(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_every_acknowledged_line_survives_kill_9(seed: int, tmp_path: Path) -> None:
    """All lines survive across rotations; a new writer in the same folder starts its own file."""
    count = killed(tmp_path, "sound", random.Random(seed).randrange(1, 2500))
    assert problems(tmp_path, {"w": count}, acknowledged_only=True) == []
    before = {path: path.read_bytes() for path in all_segments(tmp_path)}
    with_another = Journal(tmp_path)
    with_another(an_event("line", writer_id="next", seq=0))
    assert {path: path.read_bytes() for path in before} == before
    assert problems(tmp_path, {"w": count, "next": 1}, acknowledged_only=True) == []


@pytest.mark.parametrize("sabotage", ["dropping", "doubling"])
def test_the_same_check_finds_a_broken_writer(sabotage: str, tmp_path: Path) -> None:
    """Sabotage: a lost or a doubled acknowledged line is found."""
    count = killed(tmp_path, sabotage, 1500)
    assert problems(tmp_path, {"w": count}, acknowledged_only=True) != []


def small_journal(directory: Path, lines: int = 6) -> Path:
    journal = Journal(directory)
    for number in range(lines):
        journal(an_event("line", writer_id="w", seq=number, text="ünï"))
    journal.close()
    return journal.path


def test_every_truncation_gives_the_intact_lines_and_counts_the_torn_one(tmp_path: Path) -> None:
    """A cut at any byte of a file leaves all whole lines and at most one torn line; nothing raises."""
    path = small_journal(tmp_path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        read_errors = ReadErrors()
        found = [event.seq for event in read_events([path], read_errors)]
        assert found == list(range(content[:length].count(b"\n")))
        assert read_errors.torn == (content[:length][-1:] not in (b"\n", b""))
        assert read_errors.unreadable == 0


Reader = Callable[[list[Path], ReadErrors], Iterable[Event]]


def check_flips(directory: Path, read: Reader) -> None:
    path = small_journal(directory, lines=4)
    content = path.read_bytes()
    ends = [place for place, byte in enumerate(content) if byte == 10]
    for place in range(len(content)):
        hit = sum(end < place for end in ends)
        spoilt = {hit, hit + 1} if place in ends else {hit}  # without its end a line takes the next with it
        for flip in (0x01, 0x80, 0xFF):
            path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
            found = [event.seq for event in read([path], ReadErrors())]
            assert set(range(4)) - spoilt <= set(found)


def test_every_flipped_byte_leaves_all_other_lines(tmp_path: Path) -> None:
    """A change at any byte of a file, in three ways, leaves all other lines; nothing raises."""
    check_flips(tmp_path, read_events)


def stops_at_damage(paths: list[Path], read_errors: ReadErrors) -> Iterable[Event]:
    """Sabotage: a reader that stops at the first unreadable line."""
    for line in paths[0].read_bytes().splitlines():
        try:
            yield decode(line)
        except ValueError:
            return


def test_the_same_check_finds_a_reader_that_stops_at_damage(tmp_path: Path) -> None:
    """Sabotage: the missing lines after a bad one are found."""
    with pytest.raises(AssertionError):
        check_flips(tmp_path, stops_at_damage)


def test_a_file_that_is_one_endless_line_is_read_without_holding_it(tmp_path: Path) -> None:
    """A segment without line ends, or of zeros, is a read error and does not fill the memory."""
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.truncate(100 << 20)
        file.seek(0, 2)
        file.write(b"\n" + encode(an_event("after")))
    read_errors = ReadErrors()
    assert [event.event_type for event in read_events([path], read_errors)] == ["after"]
    assert (read_errors.unreadable, read_errors.torn) == (1, 0)
