"""Names of parts, and how ranges of a segment become the segment again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.history.remote.parts import (
    Part,
    new_parts,
    next_part,
    pack,
    part_name,
    path_of,
    read_part_name,
    segments_in,
    unpack,
)

LINE = b'{"timestamp":"2026-11-30T04:00:00Z","level":"info","event_type":"x","writer_id":"12ab34cd56ef","seq":0}\n'


def test_a_name_is_read_back() -> None:
    """Name and part determine each other."""
    part = Part("runs/20261130T040000-nightly-3fa2/events~12ab.p47.000002", 10, 250)
    assert read_part_name(part_name("date=2026-11-30", part)) == part


@pytest.mark.parametrize(
    "name",
    [
        "hot/date=2026-11-30/runs/../events~1.000000000000-000000000001.jsonl.gz",
        "hot/date=2026-11-30/runs/a/b/events~1.000000000000-000000000001.jsonl.gz",
        "hot/date=2026-11-30/etc/events~1.000000000000-000000000001.jsonl.gz",
        "hot/date=2026-11-30/notes/..000000000000-000000000001.jsonl.gz",
        "cold/date=2026-11-30/notes/n.000000000000-000000000001.jsonl.gz",
        "hot/date=2026-11-30/runs/a/alive",
    ],
)
def test_a_foreign_name_is_no_part(name: str) -> None:
    """A name in a bucket never becomes a path outside of the copy."""
    assert read_part_name(name) is None


def test_the_writer_is_part_of_a_segments_name(tmp_path: Path) -> None:
    """Two hosts that record into one run never write the same name; the main segment is shipped last."""
    for name in ("events.jsonl", "events.p47.jsonl", "events_2.jsonl", "empty.jsonl"):
        (tmp_path / name).write_bytes(b"" if name == "empty.jsonl" else LINE)
    assert [file for _, file in segments_in(tmp_path, "runs/r")] == [
        "runs/r/events~12ab34cd56ef.p47",
        "runs/r/events_2~12ab34cd56ef",
        "runs/r/events~12ab34cd56ef",
    ]
    assert path_of(tmp_path, "runs/r/events~12ab") == tmp_path / "runs/r/events/events~12ab.jsonl"


def test_a_part_has_whole_lines_until_the_writer_has_ended(tmp_path: Path) -> None:
    """A half line of a living writer waits; that of a dead one is shipped, so that readers count it as torn."""
    segment = tmp_path / "events.jsonl"
    segment.write_bytes(b"one\ntwo\nhal")
    assert list(new_parts(segment, "f", 4, is_over=False)) == [(Part("f", 4, 8), b"two\n")]
    assert b"".join(lines for _, lines in new_parts(segment, "f", 0, is_over=True)) == b"one\ntwo\nhal"


def test_a_large_segment_is_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by the size of a part; a longer line is a part of its own."""
    monkeypatch.setattr("odibi_core.history.remote.parts.PART_BYTES", 8)
    segment = tmp_path / "events.jsonl"
    segment.write_bytes(b"ab\ncd\nef\n" + b"x" * 30 + b"\nend\n")
    parts = list(new_parts(segment, "f", 0, is_over=False))
    assert [lines for _, lines in parts] == [b"ab\ncd\n", b"ef\n", b"x" * 30 + b"\n", b"end\n"]
    assert [part.start for part, _ in parts] == [0, 6, 9, 40]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), max_size=12), st.integers(0, 60))
def test_any_ranges_give_each_byte_once(ranges: list[tuple[int, int]], cut: int) -> None:
    """Overlapping and repeated ranges, in any order, after any interruption: a prefix, each byte once."""
    content = bytes(range(60))
    parts = [(str(at), Part("f", start, min(60, start + size))) for at, (start, size) in enumerate(ranges)]
    copied = content[: min(cut, 60)]
    while (following := next_part(parts, len(copied))) is not None:
        part = following[1]
        copied += content[part.start : part.end][len(copied) - part.start :]
    assert copied == content[: len(copied)]
    covered = set().union(*(range(part.start, part.end) for _, part in parts), range(min(cut, 60)))
    assert len(copied) == next(at for at in range(61) if at not in covered)


def test_a_damaged_part_is_refused() -> None:
    """Cut, flipped, of another size, or expanding to gigabytes: never lines that nothing recorded."""
    packed = pack(LINE)
    assert unpack(packed, len(LINE)) == LINE
    assert pack(LINE) == packed
    for content, size in [
        (packed[:-20], len(LINE)),
        (b"junk", 4),
        (packed, len(LINE) - 1),
        (pack(b"x" * 10_000_000), len(LINE)),
    ]:
        with pytest.raises(ValueError, match="damaged"):
            unpack(content, size)
