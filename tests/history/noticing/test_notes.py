"""Notes in a store: written once, read back, each writer its own file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from odibi_core.errors import StoreError
from odibi_core.events.clock import iso, utc_now
from odibi_core.history.noticing import notes
from odibi_core.history.noticing.notes import Notes


def mute(root: Path, **about: object) -> None:
    """Write a mute."""
    notes.write(root, notes.MUTED, "muted", {"pipeline_name": "nightly", **about})


def test_an_acknowledgement_is_read_back_with_its_note(tmp_path: Path) -> None:
    """The note and its time are kept; a password in a note is not."""
    notes.write(tmp_path, notes.ACKNOWLEDGED, "seen", {"alert_id": "a1", "note": "known, password=hunter2secret"})
    seen = Notes.read(tmp_path).acknowledged["a1"]
    assert seen.note is not None
    assert seen.note.startswith("known")
    assert "hunter2secret" not in seen.note
    assert abs(utc_now() - seen.at) < timedelta(minutes=1)


def test_a_mute_covers_its_pipeline_step_and_family_until_its_end(tmp_path: Path) -> None:
    """A mute without step or family covers all of them; a later one of the same scope replaces it."""
    now = utc_now()
    mute(tmp_path, node_name="load", until=iso(now + timedelta(days=1)))
    mute(tmp_path, family="duration")
    known = Notes.read(tmp_path)
    assert known.is_muted("nightly", "load", "rows", now)
    assert not known.is_muted("nightly", "load", "rows", now + timedelta(days=2))
    assert known.is_muted("nightly", "join", "duration", now + timedelta(days=900))
    assert not known.is_muted("nightly", "join", "rows", now)
    assert not known.is_muted("hourly", "load", "duration", now)
    mute(tmp_path, family="duration", lifted=True)
    assert [each.node_name for each in Notes.read(tmp_path).mutes] == ["load"]


def test_each_writer_has_its_own_file(tmp_path: Path) -> None:
    """Nothing that was written is opened again, so that two hosts never write one file."""
    mute(tmp_path)
    mute(tmp_path, node_name="load")
    assert len(list((tmp_path / "notes").glob("*.jsonl"))) == 2


def test_a_store_without_notes_has_none_and_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    """No folder is created by reading, and a torn line hides no other note."""
    assert Notes.read(tmp_path).mutes == []
    assert not (tmp_path / "notes").exists()
    mute(tmp_path)
    (tmp_path / "notes" / "torn.jsonl").write_text('{"timestamp": "2026-', encoding="utf-8")
    assert len(Notes.read(tmp_path).mutes) == 1


def test_a_missed_run_is_a_row_of_alerts(tmp_path: Path) -> None:
    """The row has the columns of the table `alerts`, acknowledged and muted included."""
    due = utc_now()
    about = {"alert_id": "m1", "pipeline_name": "nightly", "due": iso(due)}
    notes.write(tmp_path, notes.MISSED, "nightly did not run", about, level="warning")
    notes.write(tmp_path, notes.ACKNOWLEDGED, "seen", {"alert_id": "m1"})
    mute(tmp_path, family="cadence")
    (row,) = Notes.read(tmp_path).alerts()
    assert (row["kind"], row["alert_id"], row["message"], row["muted"]) == ("missed", "m1", "nightly did not run", True)
    assert row["acknowledged"] is not None


def test_notes_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    """A note is an order of a person: it is written, or the command fails."""
    (tmp_path / "notes").write_text("a file in the way", encoding="utf-8")
    with pytest.raises((StoreError, OSError)):
        mute(tmp_path)
