"""Sources are stored once, by the hash of their text, and a deleted one is stored again."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from odibi_core.errors import SourceTextNotFoundError
from odibi_core.store.sources import SourceStore, read_source

TEXT = "def f():\n    return 'Ünï'\n"
HASH = sha256(TEXT.encode()).hexdigest()


def test_a_text_is_stored_once_and_only_its_owner_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand runs write one file, and after the first they do not look at it."""
    store = SourceStore(tmp_path)
    assert store.add(HASH, TEXT)
    file = store.path(HASH)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setattr(os, "utime", lambda *given: pytest.fail("it looked at the file again"))
    assert all(SourceStore(tmp_path).add(HASH, TEXT) for _ in range(100))
    assert [path for path in (tmp_path / "sources").rglob("*") if path.is_file()] == [file]
    assert read_source(tmp_path, HASH) == TEXT


def test_a_store_that_was_deleted_meanwhile_gets_the_source_again(tmp_path: Path) -> None:
    """A notebook may delete its store between two runs; a clean-up touches the folder."""
    store = SourceStore(tmp_path)
    store.add(HASH, TEXT)
    store.path(HASH).unlink()
    os.utime(store.folder, (1, 1))
    assert store.add(HASH, TEXT)
    assert store.read(HASH) == TEXT


def test_a_source_in_use_is_young(tmp_path: Path) -> None:
    """The first use in a process renews its time, so that a clean-up keeps it."""
    SourceStore(tmp_path).add(HASH, TEXT)
    file = SourceStore(tmp_path).path(HASH)
    os.utime(file, (1, 1))
    os.utime(tmp_path / "sources", (1, 1))
    SourceStore(tmp_path).add(HASH, TEXT)
    assert file.stat().st_mtime > 1


@pytest.mark.parametrize("content_hash", ["", "..", "../" * 22, "A" * 64, "0" * 64])
def test_an_unknown_hash_is_an_error_and_never_a_path(tmp_path: Path, content_hash: str) -> None:
    """The message names the store or the form of a hash."""
    with pytest.raises(SourceTextNotFoundError):
        read_source(tmp_path, content_hash)


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    """It is not returned as the source."""
    SourceStore(tmp_path).add(HASH, TEXT)
    SourceStore(tmp_path).path(HASH).write_text("other")
    with pytest.raises(SourceTextNotFoundError, match="damaged"):
        read_source(tmp_path, HASH)
