"""`StoryGenerator`: its input, its error messages, and its atomic writes."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from tests.story.fixture.flights import flights

from odibi_core.errors import StoryError
from odibi_core.story.generator import StoryGenerator


def _refused(lineage: Any, output: Path) -> str:
    with pytest.raises(StoryError) as caught:
        StoryGenerator().generate_story(lineage, output)
    assert not output.exists()
    return str(caught.value)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    """The message has the problem, the given path and the fix."""
    said = _refused(tmp_path / "gone.json", tmp_path / "s.html")
    assert "no such lineage file" in said
    assert "gone.json" in said
    assert "export_lineage" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "holds a list"),
        (b'{"a": 1}', "no list 'steps'"),
        (b'{"steps": {}}', "no list 'steps'"),
    ],
)
def test_a_file_that_is_no_lineage_is_refused_with_the_reason(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    """Empty, torn, binary, too deep, or JSON of something else."""
    path = tmp_path / "lineage.json"
    path.write_bytes(content)
    said = _refused(path, tmp_path / "s.html")
    assert reason in said
    assert "lineage.json" in said


def test_a_directory_is_refused(tmp_path: Path) -> None:
    """It is no file to read."""
    assert "directory" in _refused(tmp_path, tmp_path / "s.html")


def test_an_output_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """A file stands where a directory is needed."""
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(StoryError, match="could not be written"):
        StoryGenerator().generate_story(flights(), tmp_path / "file" / "s.html")


def test_directories_are_made_and_an_older_story_is_replaced_whole(tmp_path: Path) -> None:
    """Atomically: nothing but the story is left beside it."""
    output = tmp_path / "deep" / "down" / "s.html"
    for title in ("first", "second"):
        StoryGenerator().generate_story(flights(), output, title)
    assert "second" in output.read_text("utf-8")
    assert "first</h1>" not in output.read_text("utf-8")
    assert [path.name for path in output.parent.iterdir()] == ["s.html"]


def test_a_failure_while_writing_leaves_the_older_story_and_no_rest(tmp_path: Path) -> None:
    """A file may have no more than 1,000 bytes, as on a full disk: the reader still has yesterday's page."""
    output = tmp_path / "s.html"
    StoryGenerator().generate_story(flights(), output, "yesterday")

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StoryError, match="too large"):
            StoryGenerator().generate_story(flights(), output, "today")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "yesterday" in output.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["s.html"]


def test_the_dict_that_was_given_is_not_touched(tmp_path: Path) -> None:
    """It is the caller's."""
    lineage = flights()
    before = json.dumps(lineage)
    StoryGenerator().generate_story(lineage, tmp_path / "s.html")
    assert json.dumps(lineage) == before


@pytest.mark.parametrize("depth", [10, 500, 5_000])
def test_a_lineage_of_any_depth_is_drawn(depth: int, tmp_path: Path) -> None:
    """The cleaning cuts it; there is no RecursionError."""
    operation: dict[str, Any] = {"name": "leaf", "calls": 1}
    for _ in range(depth):
        operation = {"name": "x", "calls": 1, "total_ms": 1.0, "children": [operation]}
    lineage = {"steps": [], "activity": {"operations": [operation]}}
    assert Path(StoryGenerator().generate_story(lineage, tmp_path / "s.html")).exists()
