"""Pages of a log: together they are the log, in either order, with every filter, whatever a page may read."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, encode, kinds
from odibi_core.history.compaction import Options, compact
from odibi_core.store import segment_scan
from odibi_core.store.log_page import LogFilter, page
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


def test_pages_of_a_run_in_a_batch_are_the_same(tmp_path: Path) -> None:
    """A run that was moved into Parquet has the same pages."""
    written(tmp_path)
    folder = tmp_path / "runs" / RUN / "events"
    about = {"run_id": RUN, "writer_id": "third"}
    ends = [
        an_event("pipeline_start", timestamp=START, seq=0, **about),
        an_event("pipeline_complete", timestamp=START + timedelta(seconds=9), seq=1, status="success", **about),
    ]
    (folder / "third.jsonl").write_bytes(b"".join(map(encode, ends)))
    before = {place: pages(RunStore(tmp_path), wanted, newest=True) for place, wanted in enumerate(FILTERS)}
    compact(RunStore(tmp_path), Options(grace_s=0.0))
    store = RunStore(tmp_path)
    assert store.cold.find(RUN) is not None
    for place, wanted in enumerate(FILTERS):
        found = pages(store, wanted, newest=True, limit=700)
        assert {each.timestamp for each in found} == {each.timestamp for each in before[place]}


def test_a_cursor_of_elsewhere_is_refused(tmp_path: Path) -> None:
    """A text that is no cursor is refused; one that names other files begins at the start, and reads no other file."""
    written(tmp_path)
    store = RunStore(tmp_path)
    for text in ("x", "_w", "é", "wA"):
        with pytest.raises(ConfigurationError, match="after"):
            page(store, RUN, LogFilter(), 5, text, newest=False)
