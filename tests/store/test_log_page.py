"""Pages of a log: together they are the log, in either order, with every filter, whatever a page may read."""

from __future__ import annotations

import random
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.events import Event, encode, kinds
from odibi_core.history import event_fields
from odibi_core.history.compaction import Options, compact
from odibi_core.store import cold_page, segment_scan
from odibi_core.store.cold import connected
from odibi_core.store.log_page import page
from odibi_core.store.log_search import LogFilter
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event

RUN = "20260101T000000-long-00000000"
START = datetime(2026, 1, 1, tzinfo=UTC)
FILTERS = [
    LogFilter(),
    LogFilter(severity=kinds.severity("error")),
    LogFilter(search="NEEDLE"),
    LogFilter(search="message=x"),
    LogFilter(search="vel=INFO"),
    LogFilter(search="needle", step="load", kind="log"),
]


def written(root: Path) -> list[Event]:
    """Write a run of two writers with three segments each, one of which ends in half a line; return its events."""
    rng = random.Random(1)
    folder = root / "runs" / RUN / "events"
    folder.mkdir(parents=True)
    found = []
    for number, writer in enumerate(("first", "second")):
        for segment in (1, 2, 3):
            name = f"{writer}.jsonl" if segment == 1 else f"{writer}.{segment:06d}.jsonl"
            with (folder / name).open("wb") as file:
                for line in range(300):
                    event = an_event(
                        "log", timestamp=START + timedelta(milliseconds=2 * (300 * segment + line) + number),
                        run_id=RUN, writer_id=writer, seq=300 * segment + line, node_name=rng.choice(["load", None]),
                        level="error" if line % 97 == 0 else "info",
                        message="x" * rng.randrange(1, 400) + (" Needle" if line % 51 == 0 else ""),
                    )  # fmt: skip
                    file.write(encode(event))
                    found.append(event)
                file.write(b'{"half' if segment == 3 else b"")
    return sorted(found, key=lambda event: event.timestamp)


def pages(store: RunStore, wanted: LogFilter, *, newest: bool, limit: int = 77) -> list[Event]:
    found: list[Event] = []
    after, more = "", True
    while more:
        part = page(store, RUN, wanted, limit, after, newest=newest)
        assert len(part.events) <= limit
        found += part.events
        after, more = part.next, part.more
    return found


@pytest.mark.parametrize("bytes_of_a_page", [48 << 20, 20_000])
@pytest.mark.parametrize("newest", [False, True])
def test_pages_are_the_log(tmp_path: Path, newest: bool, bytes_of_a_page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is missing or twice, also if a page ends because it may read no more."""
    monkeypatch.setattr(segment_scan, "MOST_BYTES", bytes_of_a_page)
    monkeypatch.setattr(segment_scan, "_BLOCK", 4_000)
    events = written(tmp_path)
    for wanted in FILTERS:
        expected = [event for event in events if wanted.matches(event)]
        found = pages(RunStore(tmp_path), wanted, newest=newest)
        assert [event.seq for event in found] == [event.seq for event in (expected[::-1] if newest else expected)]
        assert len(expected) > 1


@pytest.mark.parametrize("newest", [False, True])
def test_a_writer_without_room_in_a_page_is_read_by_the_next_one(
    tmp_path: Path, newest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of a writer are there if those of another one take all that the page may read."""
    monkeypatch.setattr(segment_scan, "MOST_BYTES", 20_000)
    monkeypatch.setattr(segment_scan, "_BLOCK", 4_000)
    folder = tmp_path / "runs" / RUN / "events"
    folder.mkdir(parents=True)
    for writer, message in (("first", "x"), ("second", "Needle")):
        lines = (
            encode(an_event("log", timestamp=START, run_id=RUN, writer_id=writer, seq=seq, message=message))
            for seq in range(300)
        )
        (folder / f"{writer}.jsonl").write_bytes(b"".join(lines))
    found = pages(RunStore(tmp_path), LogFilter(search="needle"), newest=newest)
    assert sorted(each.seq for each in found) == list(range(300))


def compacted(root: Path, run_id: str) -> RunStore:
    """Compact the store; return it, with the run in a batch."""
    compact(RunStore(root), Options(grace_s=0.0))
    store = RunStore(root)
    assert store.cold.find(run_id) is not None
    return store


def test_pages_of_a_run_in_a_batch_are_the_same(tmp_path: Path) -> None:
    """A run that was moved into Parquet has the same pages; a cursor of before is refused, and begins nothing again."""
    written(tmp_path)
    folder = tmp_path / "runs" / RUN / "events"
    about = {"run_id": RUN, "writer_id": "third"}
    ends = [
        an_event("pipeline_start", timestamp=START, seq=0, **about),
        an_event("pipeline_complete", timestamp=START + timedelta(seconds=9), seq=1, status="success", **about),
    ]
    (folder / "third.jsonl").write_bytes(b"".join(map(encode, ends)))
    before = {place: pages(RunStore(tmp_path), wanted, newest=True) for place, wanted in enumerate(FILTERS)}
    cursor = page(RunStore(tmp_path), RUN, LogFilter(), 5, newest=False).next
    store = compacted(tmp_path, RUN)
    for place, wanted in enumerate(FILTERS):
        found = pages(store, wanted, newest=True, limit=700)
        assert {each.timestamp for each in found} == {each.timestamp for each in before[place]}
    with pytest.raises(ConfigurationError, match="moved into a batch"):
        page(store, RUN, LogFilter(), 5, cursor, newest=False)


SEARCHES = [
    "needle", "message=", "ssage=a n", "=", "x", "Ü", "row_count=1", "row_count=12", "12", "-7", "rate=", "rate=0.5",
    "rate=1e-7", "1e-7", "ok=true", "true", "ok=f", "null", "note=null", "note=n", "gone=null", "note", "nested={",
    '"deep":[1', "mixed=", "mixed=2", "two words", "a=b", "a=b=c", "2026-01-01t00:00", "timestamp=2026", "level=warn",
    "quote\"d", "line\nbreak", "big=9", "big=98765432109876543210", "f_30=v", "f_3", "duration_ms=2", "seq=10",
    "none of these",
]  # fmt: skip


def of_all_kinds(seq: int) -> dict[str, Any]:
    """Return the fields of a line: values of every kind, in few lines of each."""
    found: dict[str, Any] = {"message": "x", "row_count": seq, "ok": seq % 2 == 0, "level": "info"}
    rare: dict[int, dict[str, Any]] = {
        3: {"message": "a Needle, ÜBER"}, 4: {"rate": 0.5}, 5: {"rate": 1e-7}, 6: {"rate": 3}, 7: {"note": None},
        8: {"note": "Two Words"}, 9: {"nested": {"deep": [1, 2]}}, 10: {"mixed": 2}, 11: {"mixed": "two"},
        12: {"mixed": True}, 13: {"a=b": "c"}, 14: {"message": 'quote"d line\nbreak'},
        15: {"big": 98765432109876543210}, 16: {"gone": None}, 17: {f"f_{place}": f"v{place}" for place in range(32)},
        18: {"level": "warning"}, 19: {"level": "strange"}, 20: {"row_count": -7}, 21: {"duration_ms": 2.0},
        22: {"duration_ms": 2},
    }  # fmt: skip
    return found | rare.get(seq % 40, {})


def test_a_search_in_a_batch_finds_what_the_filter_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a batch have each line that the filter matches, once and in order, whatever the values are."""
    monkeypatch.setattr(cold_page, "MOST_LINES", 70)
    monkeypatch.setattr(event_fields, "MAX_COLUMNS", 16)
    folder = tmp_path / "runs" / RUN / "events"
    folder.mkdir(parents=True)
    about = {"run_id": RUN, "writer_id": "only"}
    lines = [an_event("log", timestamp=START, seq=seq, **about, **of_all_kinds(seq)) for seq in range(1, 119)]
    ends = [
        an_event("pipeline_start", timestamp=START, seq=0, **about),
        an_event("pipeline_complete", timestamp=START, seq=119, status="success", **about),
    ]
    (folder / "only.jsonl").write_bytes(b"".join(map(encode, [ends[0], *lines, ends[1]])))
    store = compacted(tmp_path, RUN)
    every = list(store.read(RUN))
    filters = [LogFilter(search=text) for text in SEARCHES]
    with connected() as connection:
        monkeypatch.setattr(cold_page, "connected", lambda: nullcontext(connection))  # opening one takes 30 ms
        for wanted in [*filters, LogFilter(), LogFilter(severity=kinds.severity("warning")), LogFilter(kind="log")]:
            expected = [event.seq for event in every if wanted.matches(event)]
            assert [event.seq for event in pages(store, wanted, newest=False, limit=40)] == expected, wanted
            assert bool(expected) == (wanted.search != "none of these"), wanted
        for wanted in (LogFilter(), LogFilter(search="needle"), LogFilter(search="row_count=1")):
            expected = [event.seq for event in every[::-1] if wanted.matches(event)]
            assert [event.seq for event in pages(store, wanted, newest=True, limit=2)] == expected, wanted


def test_a_damaged_file_of_a_batch_is_named(tmp_path: Path) -> None:
    """A page of a run whose file cannot be read is an error with the path, and no empty page."""
    written(tmp_path)
    (tmp_path / "runs" / RUN / "events" / "third.jsonl").write_bytes(
        encode(an_event("pipeline_complete", timestamp=START, run_id=RUN, writer_id="third", seq=0, status="success"))
    )
    store = compacted(tmp_path, RUN)
    (file,) = store.cold.paths("logs")
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match="parquet could not be read"):
        page(store, RUN, LogFilter(), 5, newest=False)


def test_a_cursor_of_elsewhere_is_refused(tmp_path: Path) -> None:
    """A text that is no cursor is refused; one that names other files begins at the start, and reads no other file."""
    written(tmp_path)
    store = RunStore(tmp_path)
    for text in ("x", "_w", "é", "wA"):
        with pytest.raises(ConfigurationError, match="after"):
            page(store, RUN, LogFilter(), 5, text, newest=False)
