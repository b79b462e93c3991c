"""Names of files, and which belong together."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.store.segments import ReadErrors, all_segments, read_lines, safe_name, segment_name, segments_of


@given(st.text(max_size=400))
def test_any_text_gives_one_safe_name(name: str) -> None:
    """Letters, digits, dash and underscore, never empty, never long, the same each time."""
    safe = safe_name(name)
    assert 0 < len(safe) <= 80
    assert safe.isascii()
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert safe_name(name) == safe


def test_two_texts_give_two_names() -> None:
    """Twins in Unicode, separators, case, cut ends."""
    names = [
        "a/b",
        "a\\b",
        "a b",
        "a-b",
        "é",
        "e\u0301",
        "",
        " ",
        ".",
        "..",
        "x" * 300,
        "x" * 301,
        "a\n",
        "a",
    ]
    assert len({safe_name(name) for name in names}) == len(names)


def test_segments_of_one_journal_and_of_no_other(tmp_path: Path) -> None:
    """Its own and its forked children's, each writer's in order; a stem that begins alike is another."""
    own = [
        "a.jsonl",
        "a.000002.jsonl",
        "a.000010.jsonl",
        "a.p12.jsonl",
        "a.p12.000002.jsonl",
        "a.p12_2.jsonl",
    ]
    for name in [*own, "a_2.jsonl", "ab.jsonl", "a.txt", ".a.jsonl.tmp"]:
        (tmp_path / name).write_text("")
    assert [path.name for path in segments_of(tmp_path, "a")] == own
    assert len(all_segments(tmp_path)) == 8
    assert [segment_name("a", number) for number in (1, 2, 10)] == own[:3]


def test_a_file_that_cannot_be_opened_is_damage(tmp_path: Path) -> None:
    """Deleted while we read, or a folder of that name."""
    read_errors = ReadErrors()
    (tmp_path / "x.jsonl").mkdir()
    assert [*read_lines(tmp_path / "gone", read_errors), *read_lines(tmp_path / "x.jsonl", read_errors)] == []
    assert read_errors.unreadable == 2
    assert not ReadErrors()
