"""The objects of a shared store: one body of tests for a folder and for S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.errors import RemoteStoreError
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.objects import FolderObjects, Objects, open_objects


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    url = request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path / "share")
    return open_objects(read_address(url))


def test_an_object_is_read_as_it_was_written(objects: Objects) -> None:
    """Content, size and time are those of the last writing; nothing is cached between."""
    objects.write("hot/date=2026-11-30/a", b"one")
    objects.write("hot/date=2026-11-30/a", b"three")
    (found,) = objects.find("hot")
    assert objects.read("hot/date=2026-11-30/a") == b"three"
    assert (found.name, found.size) == ("hot/date=2026-11-30/a", 5)
    assert found.modified > 1e9


def test_folders_and_objects_are_listed(objects: Objects) -> None:
    """`folders` are direct; `find` goes down, in the order of names."""
    for name in ("hot/date=2/b/c", "hot/date=1/a", "manifests/m.json"):
        objects.write(name, b"x")
    assert objects.folders("hot") == ["date=1", "date=2"]
    assert [each.name for each in objects.find("hot")] == ["hot/date=1/a", "hot/date=2/b/c"]


def test_nothing_there_is_an_empty_listing(objects: Objects) -> None:
    """A store without a run is no error."""
    assert objects.folders("hot") == []
    assert objects.find("hot") == []


def test_a_missing_object_is_no_failure_of_the_store(objects: Objects) -> None:
    """A reader may look for an object that was compacted meanwhile."""
    objects.write("hot/a", b"x")
    with pytest.raises(FileNotFoundError):
        objects.read("hot/b")


def test_removed_objects_are_gone(objects: Objects) -> None:
    """Removing one that is not there is no error."""
    for name in ("a/1", "a/2"):
        objects.write(name, b"x")
    objects.remove(["a/1", "a/none"])
    objects.remove([])
    assert [each.name for each in objects.find("a")] == ["a/2"]


def test_files_go_up_and_down(objects: Objects, tmp_path: Path) -> None:
    """The content of a file is the same after both ways."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"\x00line\n" * 1000)
    objects.upload("tables/t.parquet", source)
    objects.download("tables/t.parquet", target)
    assert target.read_bytes() == source.read_bytes()


def test_drafts_in_a_folder_are_not_listed(tmp_path: Path) -> None:
    """A writer that was killed leaves a draft, which no reader sees."""
    objects = FolderObjects(tmp_path)
    objects.write("hot/a", b"x")
    (tmp_path / "hot" / ".b.1234.tmp").write_bytes(b"half")
    assert [each.name for each in objects.find("hot")] == ["hot/a"]


def test_a_share_that_is_not_mounted_is_reported(tmp_path: Path) -> None:
    """A missing folder is no empty store."""
    with pytest.raises(RemoteStoreError, match="mount it"):
        FolderObjects(tmp_path / "mnt" / "share").folders("hot")
