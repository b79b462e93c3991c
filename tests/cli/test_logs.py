"""`odibi logs` over all runs, with a pattern, and while lines are written."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here, command, environment
from tests.history.stores import START, events_of, write_run, write_runs

from odibi_core.history.compaction import Options, compact
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


def entries(here: Here, *options: str) -> list[dict[str, Any]]:
    done = here("logs", *options, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def ten() -> list[str]:
    return write_runs(Path(".odibi"), 10)


@pytest.mark.parametrize("is_cold", [False, True])
def test_the_last_lines_of_all_runs(here: Here, ten: list[str], is_cold: bool) -> None:
    """The newest lines of the store, whichever run they are of, oldest first; 0 has all."""
    if is_cold:
        compact(RunStore(".odibi"), Options(grace_s=0))
    every = sorted((event for run in ten for event in entries(here, run, "-n", "0")), key=lambda e: e["timestamp"])
    assert entries(here, "--all", "-n", "0") == every
    assert entries(here, "--all", "-n", "12") == every[-12:]
    failed = [event for event in every if event["event_type"] == "node_failed"]
    assert entries(here, "--all", "--event", "node_failed") == failed
    assert len(failed) == 2
    since = entries(here, "--all", "--since", "2026-01-09T00:00:00Z", "--until", "2026-01-09T23:00:00Z")
    assert {event["run_id"] for event in since} == {ten[8]}


def test_only_the_runs_that_may_have_the_last_lines_are_read(
    here: Here, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve lines of the newest of ten runs need two or three of them."""
    read: list[str] = []
    known = RunStore.read_many

    def read_many(store: RunStore, run_ids: Any, errors: Any = None) -> Any:
        names = list(run_ids)
        read.extend(names)
        return known(store, names, errors)

    entries(here, "--all", "-n", "12")
    monkeypatch.setattr(RunStore, "read_many", read_many)
    entries(here, "--all", "-n", "12")
    assert 2 <= len(read) <= 3


def test_the_last_lines_of_runs_side_by_side(here: Here) -> None:
    """The run with the latest line may have few of the last ones."""
    for name, minutes in (("long", (0, 1, 2, 100)), ("short", (50, 51, 52, 53))):
        lines = [an_event("tick", run_id=name, timestamp=START + timedelta(minutes=minute)) for minute in minutes]
        write_run(Path(".odibi"), name, lines)
    found = [(event["run_id"], event["timestamp"][11:16]) for event in entries(here, "--all", "-n", "3")]
    assert found == [("short", "04:52"), ("short", "04:53"), ("long", "05:40")]


def test_all_runs_of_a_pipeline(here: Here, ten: list[str]) -> None:
    """`--all` with a pipeline reads its runs; text has a column with the run."""
    write_run(Path(".odibi"), "other", events_of("other", "weekly", 9))
    assert {event["run_id"] for event in entries(here, "weekly", "--all")} == {"other"}
    shown = here("logs", "daily", "--all", "-n", "3").stdout
    assert "Run" in shown.splitlines()[0]
    assert ten[-1].rpartition("-")[2] in shown
    assert "no event matches" in here("logs", "nothing", "--all").stderr


def test_lines_are_searched(here: Here, ten: list[str]) -> None:
    """`--grep` searches `name=value` of every field; a wrong pattern is exit code 2."""
    assert {event["error"] for event in entries(here, "--all", "--grep", r"^error=row 4\b")} == {"row 4 is bad"}
    assert entries(here, "--all", "--grep", "(?i)ROW 9 IS") != []
    assert entries(here, "--all", "--grep", "nothing like this") == []
    done = here("logs", "--grep", "(")
    assert (done.exit_code, "--grep must be a regular expression, got '('" in done.stderr) == (2, True)


def test_following_one_run_ends_with_it(here: Here) -> None:
    """The lines of a run that has ended are all written, and the command ends."""
    write_run(Path(".odibi"), "r1", events_of("r1"))
    assert entries(here, "r1", "--follow") == entries(here, "r1")
    assert "pipeline_complete" in here("logs", "r1", "-f").stdout


def test_following_all_runs_shows_new_ones(ten: list[str]) -> None:
    """The last lines come first, then each line of a run that begins meanwhile."""
    asked = command("logs", "--all", "--follow", "-n", "2", "--format", "json")
    with subprocess.Popen(asked, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = [json.loads(process.stdout.readline())["run_id"] for _ in range(2)]
            assert first == [ten[-1]] * 2
            events = events_of("new", day=99)
            write_run(Path(".odibi"), "new", events)
            kinds = [json.loads(process.stdout.readline())["event_type"] for _ in events]
            assert kinds == [event.event_type for event in events]
        finally:
            process.kill()
