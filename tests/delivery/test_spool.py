"""The spool: what `put` accepted is on disk, and is sent by this process or the next, at least once."""

import os
import signal
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from odibi_core.delivery import SENT, Delivery, Limits, Outcome, Spool, try_again
from odibi_core.delivery.spool import waiting_in


class Taking:
    """A receiver that takes everything, or nothing while `is_down`."""

    def __init__(self, *, is_down: bool = False) -> None:
        self.items: list[int] = []
        self.is_down = is_down

    def send(self, batch: Sequence[int], within_s: float) -> Outcome:
        if self.is_down:
            return try_again("connection_refused")
        self.items += batch
        return SENT


def spool(folder: Path, **options: Any) -> Spool[int]:
    return Spool(folder, lambda item: b"%d" % item, int, **options)


def delivery(folder: Path, receiver: Taking, **options: Any) -> Delivery[int]:
    return Delivery("test", receiver, Limits(batch=4, every_s=0), spool=spool(folder, **options))


def filled(folder: Path, items: Sequence[int], **options: Any) -> Delivery[int]:
    """Return a closed delivery whose items are all in the folder."""
    left = delivery(folder, Taking(is_down=True), **options)
    for item in items:
        left.put(item)
    assert left.close()
    assert left.counts.is_whole
    return left


def test_what_was_not_sent_is_sent_by_the_next_process(tmp_path: Path) -> None:
    """The order stays, the folder is empty afterwards, and the sums of both add up."""
    assert filled(tmp_path, range(10)).counts.spooled == 10
    receiver = Taking()
    later = delivery(tmp_path, receiver)
    later.put(10)
    assert later.close()
    assert receiver.items == list(range(11))
    assert (later.counts.accepted, later.counts.sent, later.counts.spooled) == (11, 11, 0)
    assert not list(tmp_path.iterdir())


def test_items_survive_kill_9(tmp_path: Path) -> None:
    """A process that is killed right after `put` has lost nothing that `put` accepted."""
    pid = os.fork()
    if not pid:
        killed = delivery(tmp_path, Taking(is_down=True))
        for item in range(5):
            killed.put(item)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert waiting_in(tmp_path)[0] == 5
    receiver = Taking()
    assert delivery(tmp_path, receiver).close()
    assert receiver.items == list(range(5))


class NotKept(Spool[int]):
    """Sabotage: items are kept in memory alone."""

    def append(self, item: int) -> None:
        raise OSError


def test_the_check_of_survival_sees_items_that_are_in_memory_alone(tmp_path: Path) -> None:
    """Sabotage twin: a spool that writes nothing loses the items, and the count of what waits shows it."""
    pid = os.fork()
    if not pid:
        killed = Delivery(
            "test",
            Taking(is_down=True),
            Limits(every_s=0),
            spool=NotKept(tmp_path, lambda item: b"%d" % item, int),
        )
        killed.put(1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert waiting_in(tmp_path)[0] == 0


def test_a_position_that_was_not_saved_sends_the_batch_again(tmp_path: Path) -> None:
    """At least once: between the answer and the position a process may be killed."""
    filled(tmp_path, range(6))
    one = spool(tmp_path)
    one.adopt()
    assert one.take(4)[0] == [0, 1, 2, 3]
    one.close()  # as after `kill -9`: no `advance`
    receiver = Taking()
    delivery(tmp_path, receiver).close()
    assert receiver.items == list(range(6))


def test_a_living_process_keeps_its_files(tmp_path: Path) -> None:
    """Several processes share a folder: each sends its own items, and those of processes that ended."""
    filled(tmp_path, [1, 2])
    first = Taking(is_down=True)
    owner = delivery(tmp_path, first)
    owner.put(3)
    second = Taking()
    assert delivery(tmp_path, second).close()
    assert second.items == []
    first.is_down = False
    owner.close()
    assert first.items == [1, 2, 3]


def test_a_forked_child_leaves_the_files_to_its_parent(tmp_path: Path) -> None:
    """Fork: a child that lives on neither sends nor locks the parent's items."""
    owner = delivery(tmp_path, Taking(is_down=True))
    owner.put(1)
    pid = os.fork()
    if not pid:
        owner.put(2)
        left = owner.counts
        owner.close()
        os._exit(0 if (left.accepted, left.spooled) == (1, 1) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    owner.close()
    receiver = Taking()
    delivery(tmp_path, receiver).close()
    assert sorted(receiver.items) == [1, 2]


def test_a_full_spool_drops_the_newest_and_counts_them(tmp_path: Path) -> None:
    """The bound is of bytes on disk, what an ended process left included."""
    filled(tmp_path, [11, 12])
    full = filled(tmp_path, range(10, 20), max_bytes=15)
    assert full.counts.dropped == {"spool_full": 7}
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) == 15


def test_an_item_that_cannot_be_written_waits_in_memory(tmp_path: Path) -> None:
    """A folder that cannot be written: the item is sent from memory while the receiver takes items."""
    (tmp_path / "file").write_text("")
    receiver = Taking()
    odd = delivery(tmp_path / "file" / "below", receiver)
    odd.put(1)
    odd.close()
    assert receiver.items == [1]
    assert odd.counts.is_whole


def test_a_line_that_broke_off_and_a_damaged_one_are_not_sent(tmp_path: Path) -> None:
    """The end of a line was never accepted; a damaged line is dropped as `unreadable`."""
    filled(tmp_path, range(3))
    (path,) = tmp_path.glob("*.spool")
    path.write_bytes(path.read_bytes().replace(b"1\n", b"?\n") + b"4")
    receiver = Taking()
    later = delivery(tmp_path, receiver)
    later.close()
    assert receiver.items == [0, 2]
    assert later.counts.dropped == {"unreadable": 1}
    assert later.counts.is_whole


def test_a_long_spool_is_many_files_that_are_deleted_once_sent(tmp_path: Path) -> None:
    """A file of the set size is followed by the next; none that was sent stays."""
    filled(tmp_path, range(100, 200), file_bytes=40)
    assert len(list(tmp_path.glob("*.spool"))) == 10
    receiver = Taking()
    delivery(tmp_path, receiver).close()
    assert receiver.items == list(range(100, 200))
    assert not list(tmp_path.iterdir())


def test_an_item_longer_than_a_block_is_whole(tmp_path: Path) -> None:
    """Reading is by blocks, and a line may be longer than one."""
    texts: list[bytes] = []
    one: Spool[bytes] = Spool(tmp_path, bytes, bytes)
    for size in (3 << 20, 10):
        one.append(b"x" * size)
    while one.waiting:
        texts += one.take(5)[0]
        one.advance()
    assert [len(text) for text in texts] == [3 << 20, 10]


def test_only_the_owner_reads_a_spool(tmp_path: Path) -> None:
    """Items hold what the record holds: files of 0600 in a folder of 0700."""
    folder = tmp_path / "delivery" / "test"
    filled(folder, [1])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short write is taken back: the next item begins a line of its own."""
    one = spool(tmp_path)
    one.append(1)
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:1]))
        with pytest.raises(OSError, match="full"):
            one.append(22)
    one.append(3)
    assert one.take(5)[0] == [1, 3]
