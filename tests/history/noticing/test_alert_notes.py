"""Files of the events of alerts: read from a cache that loses nothing, and pruned with their runs once all is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.alerts import log
from odibi_core.events import Event, kinds
from odibi_core.events.clock import utc_now
from odibi_core.history.noticing import note_files
from odibi_core.history.noticing.alert_notes import HORIZON, files_to_prune
from odibi_core.history.noticing.note_files import FILE, events_in
from odibi_core.store.lines import ReadErrors, read_lines
from odibi_core.store.runs import NOTES
from odibi_core.store.segments import all_segments, read_events

START = utc_now() - timedelta(minutes=10)
RAISED, RESOLVED = kinds.ALERT_RAISED, kinds.ALERT_RESOLVED


def event(kind: str, at: int, alert: str = "", run: str | None = None, **fields: Any) -> Event:
    about = {"alert_id": alert, "alert_key": f"key of {alert}", "pipeline_name": "daily", **fields}
    when = START + timedelta(seconds=at)
    return Event(timestamp=when, level="info", event_type=kind, run_id=run, fields=about if alert else fields)


def put(root: Path, *events: Event) -> Path:
    """Write a file of a run's end; return it."""
    before = set(all_segments(root / NOTES))
    log.write(root, events)
    (path,) = set(all_segments(root / NOTES)) - before
    return path


def aged(path: Path, days: int) -> str:
    """Rename a file to one that began so many days ago; return its name."""
    day = (utc_now() - timedelta(days=days)).strftime("%Y%m%d")
    prefix, _, rest = path.name.partition("-")
    return path.rename(path.with_name(f"{prefix}-{day}-{rest.partition('-')[2]}")).name


def pruned(root: Path, *runs: str, keep_days: float = 0.0) -> set[str]:
    """Return the files that go while these runs are kept."""
    return set(files_to_prune(root, runs.__contains__, utc_now(), keep_days))


def test_the_cache_has_the_events_of_the_files_and_follows_them(tmp_path: Path) -> None:
    """The answer is that of all files, also after one was appended to, torn or deleted, or the cache was damaged."""
    folder = tmp_path / NOTES

    def same() -> bool:
        wanted = sorted(read_events(all_segments(folder)), key=lambda each: each.timestamp)
        return list(events_in(folder)) == wanted and len(wanted) > 60

    paths = [put(tmp_path, event(RAISED, number % 50, f"a{number}", "run")) for number in range(70)]
    assert not (folder / FILE).exists()
    assert same()
    assert (folder / FILE).exists()
    assert same()
    with paths[0].open("ab") as appended:
        appended.write(paths[1].read_bytes())
    assert same()
    with paths[2].open("ab") as torn:
        torn.write(b'{"half": ')
    assert same()
    paths[3].unlink()
    put(tmp_path, event(RESOLVED, 90, "a4", "run"))
    assert same()
    (folder / FILE).write_bytes(b"damaged")
    assert same()


def test_a_thousand_files_are_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading opens only those that came since."""
    opened: list[str] = []

    def read(path: Path, errors: ReadErrors) -> Iterator[bytes]:
        opened.append(path.name)
        return read_lines(path, errors)

    monkeypatch.setattr(note_files, "read_lines", read)
    for number in range(100):
        put(tmp_path, event(RAISED, number, f"a{number}", "run"))
    assert len(log.read_states(tmp_path, utc_now()).by_id) == len(opened) == 100
    put(tmp_path, event(RESOLVED, 200, "a7", "run"))
    states = log.read_states(tmp_path, utc_now())
    assert len(opened) == 101
    assert [alert.alert_id for alert in states.by_id.values() if not alert.is_open] == ["a7"]


def test_a_file_goes_with_its_run_once_its_alerts_are_over(tmp_path: Path) -> None:
    """An open alert stays, whatever became of its run; and the end of an alert stays as long as its beginning."""
    first = put(tmp_path, event(RAISED, 2, "a", "run-1"))
    last = put(tmp_path, event(RESOLVED, 9, "a", "run-2"))
    still_open = put(tmp_path, event(RAISED, 1, "b", "run-1"))
    assert pruned(tmp_path, "run-1", "run-2") == set()
    assert pruned(tmp_path, "run-1") == pruned(tmp_path, "run-2") == set()
    assert files_to_prune(tmp_path, bool, utc_now(), 0) == []
    in_order = files_to_prune(tmp_path, lambda run: False, utc_now(), 0)
    assert in_order == [first.name, last.name]  # a kill in between leaves no beginning without its end
    assert still_open.name not in pruned(tmp_path)
    put(tmp_path, event(RAISED, 20, "a", "run-3"))
    assert pruned(tmp_path) == set()


def test_alerts_that_share_a_file_go_together(tmp_path: Path) -> None:
    """Else the state would see the first one open again."""
    put(tmp_path, event(RAISED, 0, "a", "run-1"), event(RAISED, 0, "b", "run-1"))
    put(tmp_path, event(RESOLVED, 9, "a", "run-2"))
    assert pruned(tmp_path) == set()


def test_notifications_and_deliveries_go_with_their_alerts(tmp_path: Path) -> None:
    """Acknowledgements too; an alert of a check, which belongs to no run, stays."""
    raised = put(tmp_path, event(RAISED, 0, "a", "run-1"), event(RESOLVED, 9, "a", "run-1"))
    sent = {"route": "mail", "notification_id": "n1", "alert_ids": ["a"]}
    log.publish(tmp_path, None, [(kinds.ALERT_NOTIFIED, "1 alert", "info", sent)])
    log.publish(tmp_path, None, [(kinds.ALERT_DELIVERED, "sent", "info", {"route": "mail", "notification_id": "n1"})])
    about = event(RAISED, 3, "c").fields | {"found_by": "check"}
    log.publish(tmp_path, None, [(RAISED, "late", "error", about), (RESOLVED, "came", "info", {"alert_id": "c"})])
    *own, of_check = sorted(path for path in all_segments(tmp_path / NOTES) if path.name.startswith("alerts-"))
    names = {path.name for path in (*own, of_check)}
    assert pruned(tmp_path, "run-1") == set()
    going = pruned(tmp_path)
    assert raised.name in going
    assert len(going & names) == 2


def test_behind_the_horizon_only_what_no_record_has_stays(tmp_path: Path) -> None:
    """The record of a run has its alerts; those of checks go when a run of that age would."""
    old = aged(put(tmp_path, event(RAISED, 0, "a", "run-1")), HORIZON.days + 2)
    log.publish(tmp_path, None, [(RAISED, "late", "error", event(RAISED, 0, "c").fields)])
    (of_check,) = [path for path in all_segments(tmp_path / NOTES) if path.name.startswith("alerts-")]
    check = aged(of_check, 50)
    assert pruned(tmp_path, "run-1") == {old}
    assert pruned(tmp_path, "run-1", keep_days=60) == {old}
    assert pruned(tmp_path, "run-1", keep_days=7) == {old, check}


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=14
    ),
    runs=st.sets(st.integers(0, 5)),
)
def test_the_state_of_open_alerts_and_kept_runs_is_the_same(
    steps: list[tuple[str, bool, int, int]], runs: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Pruning opens no alert and closes none, in any order of alerts over runs."""
    root = tmp_path_factory.mktemp("notes")
    files: dict[int, list[Event]] = {}
    for at, (alert, is_raised, number, run) in enumerate(steps):
        kind = RAISED if is_raised else RESOLVED
        files.setdefault(run, []).append(event(kind, at, f"{alert}{number}", f"run-{run}"))
    for events in files.values():
        put(root, *events)

    def state() -> dict[str, bool]:
        return {name: each.is_open for name, each in log.read_states(root, utc_now()).by_id.items()}

    before = state()
    for name in pruned(root, *(f"run-{run}" for run in runs)):
        (root / NOTES / name).unlink()
    after = state()
    assert {name for name, is_open in after.items() if is_open} == {name for name, is_open in before.items() if is_open}
    kept = {f"{alert}{number}" for alert, is_raised, number, run in steps if run in runs and is_raised}
    assert kept <= set(after)
