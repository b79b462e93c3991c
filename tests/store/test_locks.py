"""Locks: a segment is in use as long as a process can write to it, and one process at a time changes a store."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import StoreError
from odibi_core.store import locks
from odibi_core.store.journal import Journal
from odibi_core.store.locks import exclusive, is_in_use, mark_in_use
from odibi_core.testing import an_event

FORK = multiprocessing.get_context("fork")


def write_and_wait(journal: Journal, ready: Any) -> None:
    journal(an_event("from a child"))
    ready.put(None)
    signal.pause()


def test_a_segment_is_in_use_until_its_journal_is_closed(tmp_path: Path) -> None:
    """Also one that was full and has a successor is free."""
    journal = Journal(tmp_path, max_segment_bytes=1)
    for _ in range(2):
        journal(an_event("x"))
    first, second = journal.paths()
    assert (is_in_use(first), is_in_use(second)) == (False, True)
    journal.close()
    assert not is_in_use(second)


def test_a_forked_child_holds_its_own_segment_and_kill_9_frees_it(tmp_path: Path) -> None:
    """The parent's segment is free when the parent closes it, whatever the child does."""
    journal, ready = Journal(tmp_path), FORK.Queue()
    child = FORK.Process(target=write_and_wait, args=(journal, ready))
    child.start()
    ready.get(timeout=30)
    parents, childs = journal.paths()
    journal.close()
    assert (is_in_use(parents), is_in_use(childs)) == (False, True)
    child.kill()
    child.join()
    assert not is_in_use(childs)


def test_one_at_a_time(tmp_path: Path) -> None:
    """The second gets False, and the lock is free after the block; the file is private."""
    with exclusive(tmp_path / "store") as first, exclusive(tmp_path / "store") as second:
        assert (first, second) == (True, False)
    with exclusive(tmp_path / "store") as third:
        assert third
    assert (tmp_path / "store" / locks.LOCK).stat().st_mode & 0o777 == 0o600


def test_a_lock_of_another_name_and_a_lock_that_is_waited_for(tmp_path: Path) -> None:
    """The locks of two names are two; a process waits for one until its holder is gone, or the time is over."""
    with exclusive(tmp_path) as first, exclusive(tmp_path, "mirror.lock") as other:
        assert (first, other) == (True, True)
        with exclusive(tmp_path, within_s=0.01) as second:
            assert not second
    with exclusive(tmp_path) as held:
        descriptor = os.open(tmp_path / locks.LOCK, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    threading.Timer(0.01, os.close, [descriptor]).start()
    with exclusive(tmp_path, within_s=30) as third:
        assert (held, third) == (True, True)


def test_a_system_without_locks_is_refused_and_writers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows: a store is not compacted, with a message; a journal is written as ever."""
    monkeypatch.setattr(locks, "fcntl", None)
    with pytest.raises(StoreError, match="no flock"), exclusive(tmp_path):
        pass
    journal = Journal(tmp_path)
    journal(an_event("x"))
    assert journal.written == 1


def test_a_file_system_without_locks_is_refused_and_writers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network file systems refuse the call."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match="has no locks"), exclusive(tmp_path):
        pass
    descriptor = os.open(tmp_path, os.O_RDONLY)
    mark_in_use(descriptor)
    os.close(descriptor)


def test_a_folder_that_is_removed_as_a_segment_begins_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compaction removes the empty folder of a run at the moment in which a late process begins its segment."""
    from odibi_core import private_files

    real, left = private_files.create, [True]

    def create(path: Path, flags: int) -> int:
        if left:
            left.pop()
            path.parent.rmdir()
        return real(path, flags)

    monkeypatch.setattr(private_files, "create", create)
    journal = Journal(tmp_path / "events")
    journal(an_event("x"))
    assert (journal.written, len(journal.paths())) == (1, 1)
