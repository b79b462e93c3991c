"""Where frames come from and go to."""

import gzip
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from odibi_core.engines import files
from odibi_core.errors import EngineError, SourceNotFoundError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", ("csv", "")),
        ("a.CSV.GZ", ("csv", ".gz")),
        ("a.csv.zip", ("csv", ".zip")),
        ("a.b.parquet", ("parquet", "")),
        ("a.pq", ("parquet", "")),
        ("a.jsonl", ("jsonl", "")),
        ("a.ndjson.gz", ("jsonl", ".gz")),
        ("a.tsv", ("tsv", "")),
        ("a.json.zip", ("json", ".zip")),
        ("a.feather", ("ipc", "")),
        ("a.arrows", ("ipc_stream", "")),
    ],
)
def test_the_suffix_tells_the_format(path: str, expected: tuple[str, str]) -> None:
    """Capitals do not matter, and compression is distinguished from the format."""
    assert files.target(path) == expected


def test_format_wins_over_the_suffix() -> None:
    """`format=` is for files without a suffix, or with another one."""
    assert files.target("a.txt", "csv") == ("csv", "")
    assert files.target("a.txt.gz", "csv") == ("csv", ".gz")


@pytest.mark.parametrize(
    ("path", "format"), [("a.doc", None), ("a", None), ("a.csv", "exel"), ("a.parquet.gz", None)]
)
def test_an_unknown_format_names_the_known_ones(path: str, format: str | None) -> None:
    """The message lists the formats."""
    with pytest.raises(EngineError, match=r"parquet"):
        files.target(path, format)


def test_a_glob_gives_its_files_in_order() -> None:
    """Sorted by name, folders left out; a file whose own name looks like a pattern is that file."""
    for name in ("b.csv", "a.csv", "x[1].csv"):
        Path(name).touch()
    Path("c.csv").mkdir()
    assert files.sources("[ab].csv") == ["a.csv", "b.csv"]
    assert files.sources("x[1].csv") == ["x[1].csv"]


def test_a_missing_file_names_the_nearest() -> None:
    """The path, the folder and the name that was probably meant."""
    Path("data").mkdir()
    Path("data/flights.csv").touch()
    with pytest.raises(SourceNotFoundError, match=r"'data/fligths.csv'.*did you mean 'flights.csv'"):
        files.sources("data/fligths.csv")
    with pytest.raises(SourceNotFoundError, match="folder"):
        files.sources("dta/flights.csv")
    with pytest.raises(SourceNotFoundError, match="matches"):
        files.sources("data/*.parquet")
    with pytest.raises(SourceNotFoundError, match=r"data/\*\.csv"):
        files.sources("data")


def test_a_failed_write_leaves_what_was_there() -> None:
    """The old file stands, and nothing else is left in the folder."""
    Path("out.csv").write_text("old")

    def write(_: str, target: Any) -> None:
        Path(target).write_text("half")
        raise RuntimeError("disk gone")

    with pytest.raises(EngineError, match=r"out.csv.*disk gone"):
        files.write_one("out.csv", None, write, {})
    assert Path("out.csv").read_text() == "old"
    assert os.listdir() == ["out.csv"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole() -> None:
    """During a write the path has the old content, and so has a reader that opened it before."""
    Path("out.csv").write_text("old")
    with open("out.csv") as reader:
        with files.replacing("out.csv") as beside:
            Path(beside).write_text("new")
            assert Path("out.csv").read_text() == "old"
        assert Path("out.csv").read_text() == "new"
        assert reader.read() == "old", "the file was written over, not replaced"
    assert os.listdir() == ["out.csv"]


def test_a_write_keeps_the_mode_and_the_link() -> None:
    """A private file stays private, and a symbolic link stays one."""
    Path("real.csv").touch(mode=0o600)
    Path("link.csv").symlink_to("real.csv")
    with files.replacing("link.csv") as beside:
        Path(beside).write_text("new")
    assert Path("link.csv").is_symlink()
    assert Path("real.csv").read_text() == "new"
    assert stat.S_IMODE(Path("real.csv").stat().st_mode) == 0o600


def test_the_longest_name_can_be_written() -> None:
    """The file beside is not named after it, or 255 characters would become too many."""
    name = "n" * 251 + ".csv"
    with files.replacing(name) as beside:
        Path(beside).write_text("x")
    assert Path(name).read_text() == "x"


@pytest.mark.parametrize("packed", [".gz", ".zip"])
def test_packed_files_are_what_they_say(packed: str) -> None:
    """Others can unpack them, and the file inside a zip has its own name."""
    files.write_one(f"a.csv{packed}", None, lambda _, stream: stream.write(b"x"), {})
    if packed == ".gz":
        assert gzip.decompress(Path("a.csv.gz").read_bytes()) == b"x"
    else:
        assert zipfile.ZipFile("a.csv.zip").namelist() == ["a.csv"]


def test_the_same_content_packs_to_the_same_bytes() -> None:
    """No name and no time inside a .gz, so that its hash changes only with the data."""
    for name in ("a.csv.gz", "b.csv.gz"):
        files.write_one(name, None, lambda _, stream: stream.write(b"x"), {})
    assert Path("a.csv.gz").read_bytes() == Path("b.csv.gz").read_bytes()
