"""A search finds the events that reading all of them and comparing each finds, in both directions."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import Event, decode, encode
from odibi_core.store import search as module
from odibi_core.store.search import Filter, search
from odibi_core.store.segments import all_segments, read_events
from odibi_core.testing import an_event

START = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = st.sampled_from(["a", "info", "log", "error", "nodé", 'q"x', "a b", "True", ""])
FILTERS = st.dictionaries(st.sampled_from(["event_type", "node_name", "level"]), VALUES, max_size=2)
MOMENTS = st.none() | st.integers(0, 40).map(lambda half: START + timedelta(seconds=half / 2))
LINES = st.fixed_dictionaries(
    {"event_type": VALUES, "level": VALUES, "node_name": VALUES | st.none(), "note": st.text(max_size=3)}
)


def written(folder: Path, lines: list[dict[str, Any]], writers: int) -> list[Path]:
    """Segments of some writers, with times that rise, and a half line at the end of each."""
    files: dict[str, bytes] = {}
    for number, fields in enumerate(lines):
        name = f"w{number % writers}" + (".000002" if number >= len(lines) // 2 else "")
        event = an_event(timestamp=START + timedelta(seconds=number // 2), **{"seq": number, **fields})
        files[name] = files.get(name, b"") + encode(event)
    for name, content in files.items():
        (folder / f"{name}.jsonl").write_bytes(content + b'{"event_type":"a"')
    return all_segments(folder)


def expected(paths: list[Path], wanted: Filter, newest_first: bool) -> list[Event]:
    found = [event for event in read_events(paths) if wanted.matches(event)]
    return found[::-1] if newest_first else found


@given(st.lists(LINES, max_size=12), st.integers(1, 3), FILTERS, MOMENTS, MOMENTS, st.sampled_from([1, 7, 64, 1 << 18]))
def test_a_search_finds_what_a_comparison_of_every_event_finds(
    lines: list[dict[str, Any]],
    writers: int,
    values: dict[str, str],
    since: datetime | None,
    until: datetime | None,
    block: int,
) -> None:
    """For any values, times and writers, however the file is cut into blocks."""
    wanted = Filter(values, since, until)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        paths = written(Path(folder), lines, writers)
        for newest_first in (False, True):
            found = list(search(paths, wanted, newest_first=newest_first))
            assert found == expected(paths, wanted, newest_first)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b'{"event":"a"}', {"event_type": "a", "level": "info"}),
        (b"{}", {"event_type": "log"}),
        (b'{"event_type":"\\u0061"}', {"event_type": "a"}),
        (b'{"event_type":true}', {"event_type": "True"}),
        (b'{"event_type":null,"level":null}', {"event_type": "log", "level": "info"}),
        (b'{"event_type":"a","timestamp":"2026-01-01T02:00:00+02:00"}', {"event_type": "a"}),
    ],
)
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_line_of_another_writer_is_found_too(
    line: bytes, values: dict[str, str], newest_first: bool, tmp_path: Path
) -> None:
    """Values that are spelled in another way, or that are implied."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'no json\n{"event_type":"other"}\n' + line + b"\n\n")
    since = START if b"timestamp" in line else None
    assert len(list(search([path], Filter(values, since), newest_first=newest_first))) == 1


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_line_without_end_is_passed_over(newest_first: bool, tmp_path: Path) -> None:
    """It is not held, and the lines around it are found."""
    path = tmp_path / "events.jsonl"
    huge = b'{"event_type":"a","x":"' + b"x" * 9_000_000 + b'"}\n'
    path.write_bytes(b'{"event_type":"a"}\n' + huge + b'{"event_type":"a"}\n')
    assert len(list(search([path], Filter({"event_type": "a"}), newest_first=newest_first))) == 2


def test_no_file_no_events(tmp_path: Path) -> None:
    """A segment that was deleted has none."""
    for newest_first in (False, True):
        assert list(search([tmp_path / "gone.jsonl"], Filter({}), newest_first=newest_first)) == []


def test_few_lines_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those with the words of the filter, and none after the last that is asked for."""
    lines = [{"event_type": "rare" if number % 100 == 0 else "usual"} for number in range(1000)]
    paths = written(tmp_path, lines, 1)
    decoded: list[bytes] = []

    def counted(line: bytes) -> Event:
        decoded.append(line)
        return decode(line)

    monkeypatch.setattr(module, "decode", counted)
    assert len(list(search(paths, Filter({"event_type": "rare"})))) == len(decoded) == 10
    decoded.clear()
    assert next(search(paths, Filter({"level": "info"}), newest_first=True)).seq == 999
    assert len(decoded) == 1
