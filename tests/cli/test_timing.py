"""`odibi timing`: where the time of a run went."""

from __future__ import annotations

import json
import re

import pytest
from rich.console import Console
from tests.cli.conftest import Here

from odibi_core import observe
from odibi_core.cli import output
from odibi_core.observability import track_performance


@pytest.fixture
def run() -> str:
    """A run with a job of two parts, of which one fails."""
    with observe("nightly") as recorded, track_performance("job"):
        for number in range(3):
            with track_performance("load"), track_performance("parse\x1b[31m"):
                pass
            try:
                with track_performance("send"):
                    int("x" * number)
            except ValueError:
                pass
    return str(recorded.run_id)


def test_the_tree_for_people(here: Here, run: str) -> None:
    """One line an operation, its parts below it; names are data."""
    done = here("timing")
    assert done.exit_code == 0
    lines = [line.split()[0:4] for line in done.stdout.splitlines()]
    assert lines[0][:2] == ["Operation", "Calls"]
    assert [line for line in done.stdout.splitlines() if line.startswith("job ")]
    assert "├─ " in done.stdout
    assert "│  └─ parse\\x1b[31m" in done.stdout or "   └─ parse\\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_tree_for_programs(here: Here, run: str) -> None:
    """The view's answer, as it is."""
    (job,) = json.loads(here("timing", run, "--format", "json").stdout)
    assert (job["name"], job["calls"]) == ("job", 1)
    children = {child["name"]: child for child in job["children"]}
    assert (children["send"]["calls"], children["send"]["failures"]) == (3, 3)
    assert children["load"]["children"][0]["calls"] == 3


def test_as_deep_as_asked(here: Here, run: str) -> None:
    """`--depth 1` is the outermost alone."""
    (job,) = json.loads(here("timing", "--depth", "1", "--format", "json").stdout)
    assert job["children"] == []
    (job,) = json.loads(here("timing", "--depth", "2", "--format", "json").stdout)
    assert [child["children"] for child in job["children"]] == [[], []]


def test_nothing_measured_is_an_answer(here: Here) -> None:
    """A sentence on stderr, an empty list for programs, and exit code 0."""
    with observe("empty"):
        pass
    done = here("timing")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing was measured" in done.stderr
    assert json.loads(here("timing", "--format", "json").stdout) == []


def test_the_latest_run_that_measured_anything(here: Here, run: str) -> None:
    """Without RUN it is the latest run that measured anything, with a notice of its id; with RUN it is that run."""
    with observe("empty"):
        pass
    done = here("timing")
    assert "job" in done.stdout
    assert f"the latest run measured nothing; this is {run}" in " ".join(done.stderr.split())
    assert here("timing", "empty").stdout == ""


def test_a_narrow_terminal_shows_names_and_whole_figures(
    here: Here, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`6.9 m` would be minutes: what has no room is left out."""
    monkeypatch.setattr(output, "console", lambda *_: Console(width=40, markup=False))
    header, job, *_ = here("timing").stdout.splitlines()
    assert header.split() == ["Operation", "Calls", "Failed", "Total"]
    assert re.fullmatch(r"job +1 +[\d.]+ m?s *", job)


def test_a_run_that_is_not_there(here: Here, run: str) -> None:
    """Exit code 3, with the nearest that is."""
    assert here("timing", "nightli").exit_code == 3
