"""Entries on disk: there whole or not at all, verified on each read, removed when too many."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.cache import entries as module
from odibi_core.cache.building import Right, building
from odibi_core.cache.entries import About, CacheFolder, Entry, Made, Missing, NotPackableError
from odibi_core.cache.key import Key
from odibi_core.engines.digests import Digest
from odibi_core.engines.fingerprint import fingerprint

ABOUT = About("clean", "sales", "run-1", 1.5)
FRAME = pd.DataFrame({"a": [1, 2]})


def key(number: int = 1) -> Key:
    return Key(f"{number:032x}", {"code of clean": str(number)})


def stored(folder: CacheFolder, number: int = 1, **made: Any) -> Entry:
    entry = folder.store(key(number), made or {"out": FRAME}, ABOUT)
    assert entry is not None
    return entry


def loaded(folder: CacheFolder, number: int = 1) -> Made:
    found = folder.load(key(number).hash)
    assert isinstance(found, Made), found
    return found


def missing(folder: CacheFolder, number: int = 1) -> str:
    found = folder.load(key(number).hash)
    assert isinstance(found, Missing)
    return found.reason


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "cache")


def file_of(folder: CacheFolder, number: int = 1) -> Path:
    return next((folder.root / "entries").glob(f"*/{key(number).hash}/0.*"))


def manifest_of(folder: CacheFolder, number: int = 1) -> Path:
    return next((folder.root / "entries").glob(f"*/{key(number).hash}/manifest.json"))


@pytest.mark.parametrize(
    "frame",
    [FRAME, pl.DataFrame({"a": [1, None]}), pa.table({"a": ["x"]}), [{"a": 1, "b": None}], {"a": [1.5]}, None, "text"],
)
def test_frames_come_back_as_they_were(folder: CacheFolder, frame: Any) -> None:
    """The same type and the same content."""
    stored(folder, out=frame, rest=FRAME)
    found = loaded(folder).frames
    assert type(found["out"]) is type(frame)
    assert fingerprint(found["out"]) == fingerprint(frame)
    assert list(found) == ["out", "rest"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1]}, index=pd.date_range("2020", periods=1)),  # Arrow has no frequency of an index
        pl.DataFrame({"a": [1]}).lazy(),
        pd.DataFrame({"a": [object()]}),
        object(),
    ],
)
def test_a_frame_that_would_come_back_changed_is_not_stored(folder: CacheFolder, frame: Any) -> None:
    """Nothing is left of it."""
    with pytest.raises(NotPackableError):
        folder.store(key(), {"out": frame}, ABOUT)
    assert missing(folder) == ""
    assert list((folder.root / "drafts").iterdir()) == []


@pytest.mark.parametrize("place", range(0, 600, 37))
def test_a_flipped_byte_of_a_frame_is_a_miss_and_removes_the_entry(folder: CacheFolder, place: int) -> None:
    """A wrong frame is never returned."""
    stored(folder)
    path = file_of(folder)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)
    assert "damaged" in missing(folder)
    assert missing(folder) == ""


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "no json", "other key", "gone frame"])
def test_a_damaged_manifest_is_a_miss(folder: CacheFolder, damage: str) -> None:
    """Each damage removes the entry, so that the next run builds it."""
    stored(folder)
    stored(folder, 2)
    path = manifest_of(folder)
    content = path.read_bytes()
    if damage == "gone frame":
        file_of(folder).unlink()
    elif damage == "other key":
        path.write_bytes(manifest_of(folder, 2).read_bytes())
    else:
        changed = {"flip": content.replace(b"sales", b"salez"), "cut": content[:50], "empty": b"", "no json": b"{"}
        path.write_bytes(changed[damage])
    assert "damaged" in missing(folder)
    assert folder.store(key(), {"out": FRAME}, ABOUT) is not None
    loaded(folder)


def test_an_entry_of_another_version_is_a_miss_and_stays(folder: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other version may still use it."""
    monkeypatch.setattr(module, "FORMAT", 99)
    text = msgspec.json.encode(msgspec.structs.replace(stored(folder), format=99))
    seal = Digest().bytes(text).hex()
    manifest_of(folder).write_bytes(msgspec.json.encode({"entry": msgspec.Raw(text), "checksum": seal}))
    loaded(folder)
    monkeypatch.setattr(module, "FORMAT", 1)
    assert missing(folder) == "the entry has format 99 and not 1"
    assert manifest_of(folder).exists()


def test_sabotaged_without_the_checksum_a_wrong_frame_is_returned(
    folder: CacheFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of flipped bytes fails on a reader that does not verify."""
    stored(folder)
    path = file_of(folder)
    path.write_bytes(path.read_bytes().replace((2).to_bytes(8, "little"), (3).to_bytes(8, "little")))
    monkeypatch.setattr(CacheFolder, "_check", lambda *_: None)
    assert not loaded(folder).frames["out"].equals(FRAME)


def test_an_entry_is_not_replaced(folder: CacheFolder) -> None:
    """The first of two processes wins: consumers may have its checksum in their keys."""
    first = stored(folder)
    assert folder.store(key(), {"out": FRAME + 1}, ABOUT) is None
    assert loaded(folder).entry == first


def test_the_entries_that_were_not_used_for_longest_are_removed(folder: CacheFolder) -> None:
    """A use makes an entry young; the manifest has the time."""
    for number in (1, 2, 3):
        stored(folder, number)
        os.utime(manifest_of(folder, number), (number, number))
    loaded(folder, 1)
    size = folder.size(key(1).hash)
    assert folder.prune(size * 2) == [key(2).hash]
    assert folder.prune(size) == [key(3).hash]
    assert folder.prune(0) == [key(1).hash]
    assert list(folder.all_keys()) == []


def test_the_latest_entry_of_a_step_is_known_after_it_is_evicted(folder: CacheFolder) -> None:
    """The reason of a miss is computed from it."""
    stored(folder)
    folder.prune(0)
    latest = folder.latest("sales", "clean")
    assert latest is not None
    assert latest.parts == key().parts
    assert folder.latest("sales", "other") is None


@pytest.mark.parametrize("where", ["pack", "rename"])
def test_a_full_disk_leaves_nothing(folder: CacheFolder, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """The error is raised, and the cache is as it was."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((module, "pack") if where == "pack" else (os, "rename")), full)
    with pytest.raises(OSError, match="No space"):
        folder.store(key(), {"out": FRAME}, ABOUT)
    monkeypatch.undo()
    assert missing(folder) == ""
    assert list((folder.root / "drafts").iterdir()) == []


WRITER = """
import os, sys
from pathlib import Path
import pandas as pd
from odibi_core.cache import entries
from odibi_core.cache.entries import About, CacheFolder
from odibi_core.cache.key import Key
from odibi_core.cache.building import building
from threading import Event
with building(Path(sys.argv[1]), sys.argv[2], ("run", "step"), 0, Event()) as right:
    assert right.held
    write = entries.pack
    def pack(value, path):
        done = write(value, path)
        print("written", flush=True)
        sys.stdin.read()
    entries.pack = pack
    about = About("s", "p", "r", 1)
    CacheFolder(Path(sys.argv[1])).store(Key(sys.argv[2], {}), {"out": pd.DataFrame({"a": [1]})}, about)
"""


def test_a_writer_that_is_killed_leaves_no_entry_and_no_lock(folder: CacheFolder) -> None:
    """The next process gets the lock at once and builds; the draft is removed when it is old."""
    killed = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder.root), key().hash], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"written\n"
        with building(folder.root, key().hash, ("run", "step"), 0, threading.Event()) as right:
            assert not right.held
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    assert missing(folder) == ""
    with building(folder.root, key().hash, ("run", "step"), 0, threading.Event()) as right:
        assert right.held
        stored(folder)
    (draft,) = (folder.root / "drafts").iterdir()
    folder.prune(1e9)
    assert draft.exists()
    os.utime(draft, (1, 1))
    folder.prune(1e9)
    assert not draft.exists()
    loaded(folder)


def _overlap(folder: Path) -> int:
    """Return the most threads that were inside the lock of one key at one time."""
    inside, most, lock = [0], [0], threading.Lock()

    def work() -> None:
        with building(folder, key().hash, ("run", "step"), 20, threading.Event()):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most[0]


def test_one_builds_a_key_at_a_time(tmp_path: Path) -> None:
    """Threads of one process and processes are alike: each opens the lock file itself."""
    assert _overlap(tmp_path) == 1


def test_sabotaged_without_the_lock_several_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the lock fails if the kernel is not asked."""
    monkeypatch.setattr("odibi_core.store.locks._locked", lambda _: True)
    assert _overlap(tmp_path) > 1


def test_the_wait_is_bounded_and_names_the_owner(tmp_path: Path) -> None:
    """After the wait the step runs without the lock, and the reason is recorded."""
    with (
        building(tmp_path, key().hash, ("run-1", "clean"), 0, threading.Event()) as first,
        building(tmp_path, key().hash, ("run-2", "clean"), 0.1, threading.Event()) as second,
    ):
        assert first.held
        assert not second.held
        assert "another process still builds" in second.reason
        assert second.owner is not None
        assert (second.owner.run_id, second.owner.pid) == ("run-1", os.getpid())


def test_a_folder_without_locks_is_no_error(tmp_path: Path) -> None:
    """The step runs, and its result is not stored."""
    (tmp_path / "locks").write_text("a file")
    with building(tmp_path, key().hash, ("run", "step"), 0, threading.Event()) as right:
        assert right == Right(False, right.reason, None, right.waited_s)
        assert right.reason


def test_verify_names_what_is_damaged_and_removes_nothing(folder: CacheFolder) -> None:
    """Removing is the decision of the command's user."""
    stored(folder)
    assert folder.verify(key().hash) is None
    file_of(folder).write_bytes(b"x")
    assert "checksum" in str(folder.verify(key().hash))
    assert file_of(folder).exists()
