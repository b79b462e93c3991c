"""Files and SQL texts as parts of a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from odibi_core.cache import files as module
from odibi_core.cache.files import Guard, local_parts
from odibi_core.cache.sql_text import sql_parts, without_comments
from odibi_core.errors import EngineError, OdibiError


def parts(path: Any, **options: Any) -> dict[str, str]:
    return local_parts(str(path), options.get("format"), None, Guard())


def test_a_file_of_the_same_size_and_times_is_another_one_if_its_content_is(tmp_path: Path) -> None:
    """Size and times can be set; only the content counts."""
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    state, before = path.stat(), parts(path)
    path.write_text("a\n2\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert parts(path) != before


def test_the_same_content_elsewhere_and_later_is_the_same_part(tmp_path: Path) -> None:
    """Neither the folder nor the times of a file have a part in the key."""
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("a\n1\n")
    os.utime(tmp_path / "y" / "a.csv", (1, 1))
    assert parts(tmp_path / "x" / "a.csv") == parts(tmp_path / "y" / "a.csv")
    assert parts(tmp_path / "x" / "*.csv") == parts(tmp_path / "y" / "*.csv")


def test_each_file_of_a_pattern_counts_by_its_name(tmp_path: Path) -> None:
    """A file more, a file less, two contents exchanged, another folder of a partition."""
    found: list[dict[str, str]] = []
    for files in (
        {"d=1/a": "1", "d=2/a": "2"},
        {"d=1/a": "2", "d=2/a": "1"},
        {"d=1/a": "1"},
        {"d=1/a": "1", "d=3/a": "2"},
    ):
        folder = tmp_path / str(len(found))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True)
            (folder / f"{name}.csv").write_text(text)
        found.append(parts(folder / "*" / "*.csv"))
    assert len({str(each) for each in found}) == 4


def test_the_guard_sees_a_change_between_the_key_and_the_end(tmp_path: Path) -> None:
    """Also one that keeps the size, right after the key was computed."""
    path, guard = tmp_path / "a.csv", Guard()
    path.write_text("1")
    local_parts(str(path), None, None, guard)
    assert guard.is_unchanged()
    state = path.stat()
    path.write_text("2")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not guard.is_unchanged()
    path.unlink()
    assert not guard.is_unchanged()


def test_a_young_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change within the resolution of the file system leaves the same times."""
    path, guard = tmp_path / "a.csv", Guard()
    path.write_text("1")
    monkeypatch.setattr(module, "_state", lambda path: (1, os.stat(path).st_mtime_ns, 0, 0, 0))
    fixed = os.stat(path)
    local_parts(str(path), None, None, guard)
    path.write_text("2")
    os.utime(path, ns=(fixed.st_atime_ns, fixed.st_mtime_ns))
    assert not guard.is_unchanged()


@pytest.mark.parametrize("path", ["https://example.com/a.csv", "nothing.csv", "sqlite:///x.db"])
def test_what_has_no_version_is_an_error(path: str) -> None:
    """Such a step is not cached, and the reason is recorded."""
    with pytest.raises(OdibiError):
        parts(path)


def test_a_file_of_a_store_counts_by_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the ETag; without one there is no key."""
    system = fsspec.filesystem("memory")
    system.pipe_file("/bucket/a.csv", b"a\n1\n")
    with pytest.raises(EngineError, match="neither an ETag nor a version"):
        parts("memory://bucket/a.csv")
    tags = iter(["one", "two"])
    info = type(system).info
    monkeypatch.setattr(type(system), "info", lambda self, path, **_: {**info(self, path), "ETag": next(tags)})
    assert parts("memory://bucket/a.csv") != parts("memory://bucket/a.csv")


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("select a from t", "select  a\n -- why\nfrom t /* here */", True),
        ("select a from t", "select A from t", False),
        ("select 'a  b' from t", "select 'a b' from t", False),
        ("select '-- a' from t", "select '-- b' from t", False),
        ("select e'it\\'s -- a' from t", "select e'it\\'s -- b' from t", False),
        ("select $x$ -- a $x$ from t", "select $x$ -- b $x$ from t", False),
        ('select "a  b" from t', 'select "a b" from t', False),
        ("select 1 /* a /* b */ c */ + 1", "select 1 /* a /* d */ c */ + 1", False),
        ("select a-b from t", "select a --b from t", False),
    ],
)
def test_comments_and_spaces_of_sql_do_not_count_but_texts_do(one: str, two: str, same: bool) -> None:
    """In doubt the texts differ."""
    assert (without_comments(one) == without_comments(two)) is same


@pytest.mark.parametrize(
    "text",
    [
        "select now()",
        "select random() from t",
        "select * from t using sample 3",
        "select uuid()",
        "select current_date",
        "copy t to 'x.csv'",
        "select getenv('HOME')",
    ],
)
def test_sql_that_depends_on_more_is_an_error(text: str) -> None:
    """The clock, chance, the environment, and what writes."""
    with pytest.raises(EngineError):
        sql_parts(text, {}, Guard())


def test_files_that_sql_reads_count(tmp_path: Path) -> None:
    """By their content, as those of a step that reads."""
    path = tmp_path / "a.csv"
    text, found = f"select * from read_csv('{path}')", []
    for content in ("a\n1", "a\n2"):
        path.write_text(content)
        found.append(sql_parts(text, {}, Guard()))
    assert found[0] != found[1]
