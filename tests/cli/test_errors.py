"""`odibi errors`: what went wrong, the same failures together, for people and for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.cli.conftest import Here
from tests.error_program import program_heard
from tests.history.stores import START, events_of, write_run

from odibi_core import history
from odibi_core.cli import output
from odibi_core.cli.exits import SUCCESS, UNREADABLE
from odibi_core.history.compaction import Options, compact
from odibi_core.observability import (
    LogContext,
    Orchestrator,
    add_breadcrumb,
    capture_exception,
    capture_message,
    node,
    observe,
    set_context,
    with_error_tracking,
)
from odibi_core.store.runs import RunStore
from odibi_core.testing import an_event


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with program_heard():
        yield


@node
def load(number: int) -> None:
    raise ValueError(f"row {number} of 'orders.csv' is bad\x1b[31m")


def raise_it() -> None:
    raise KeyError("no such column")


@pytest.fixture
def two_runs() -> list[str]:
    """Two runs of a program: one error three times, in two runs, and a message once."""
    ids = []
    for number in range(2):
        with observe("nightly") as run, LogContext(operation="import", user="ada"):
            ids.append(run.run_id)
            add_breadcrumb("opened orders.csv", "file", data={"rows": 7})
            set_context("job", {"attempt": number})
            for row in range(2 - number):
                with with_error_tracking({"batch": row}, reraise=False):
                    load(row)
    with observe("hourly"):
        capture_message("disk is nearly full", level="error")
    return ids


def answer(here: Here, *arguments: str) -> Any:
    return json.loads(here("errors", *arguments, "--format", "json").stdout)


def test_each_error_is_listed_once(here: Here, two_runs: list[str]) -> None:
    """How often, in how many runs, where, and last of all its fingerprint, by which it is asked for."""
    message, error = answer(here)["groups"]
    assert (message["message"], message["count"]) == ("disk is nearly full", 1)
    assert (error["count"], error["run_count"], error["runs"]) == (3, 2, two_runs)
    shown = here("errors").stdout.splitlines()
    assert len(shown) == 3
    assert ["3", "2", error["fingerprint"]] == [
        part for part in shown[2].split() if part in ("3", "2") or len(part) == 16
    ]
    assert "load" in shown[2]
    assert not any("\x1b" in line for line in shown)


def test_a_run_a_time_and_a_limit_narrow_it(here: Here, two_runs: list[str]) -> None:
    """As everywhere."""
    (of_one,) = answer(here, "--run", two_runs[1])["groups"]
    assert (of_one["count"], of_one["runs"]) == (1, [two_runs[1]])
    assert len(answer(here, "--limit", "1")["groups"]) == 1
    assert len(answer(here, "--limit", "0")["groups"]) == 2
    assert answer(here, "--since", "2100-01-01")["groups"] == []
    assert here("errors", "--since", "soon").exit_code == 2


def test_one_error_is_shown_whole(here: Here, two_runs: list[str]) -> None:
    """By the beginning of its fingerprint: its context, what went before, its traceback; as JSON the group."""
    mark = answer(here)["groups"][1]["fingerprint"]
    shown = here("errors", mark[:6]).stdout
    for wanted in (
        "ValueError: row 0 of 'orders.csv' is bad", "3, first", two_runs[0], "import", "ada", '{"batch":0}',
        '{"attempt":1}', "info file: opened orders.csv rows=7", "Traceback (most recent call last):", ", in load",
    ):  # fmt: skip
        assert wanted in shown
    assert "\x1b" not in shown
    assert answer(here, mark)["example"]["breadcrumbs"][0]["message"] == "opened orders.csv"


def test_an_error_that_is_not_there_is_exit_code_3(here: Here, two_runs: list[str]) -> None:
    """With the nearest one; of several that begin so, none is guessed."""
    mark = answer(here)["groups"][0]["fingerprint"]
    wrong = mark[:-1] + ("0" if mark[-1] != "0" else "1")
    done = here("errors", wrong)
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"did you mean '{mark}'" in done.stderr
    several = here("errors", "")
    assert several.exit_code == 3
    assert "2 fingerprints" in several.stderr


def test_no_error_is_an_answer(here: Here) -> None:
    """An empty list, a notice on stderr, exit code 0."""
    done = here("errors")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no error is recorded" in done.stderr
    assert "that matches the options" not in done.stderr
    assert answer(here) == {"total": 0, "groups": [], "forgotten": 0}


def test_no_error_since_then_is_said_so(here: Here, two_runs: list[str]) -> None:
    """There are some, and none of what was asked for."""
    done = here("errors", "--since", "9999-01-01")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "that matches the options" in done.stderr


def test_a_run_that_is_not_there_is_exit_code_3(here: Here, two_runs: list[str]) -> None:
    """As everywhere."""
    assert here("errors", "--run", "nothing").exit_code == 3


def test_a_list_that_is_not_whole_says_so(here: Here, two_runs: list[str]) -> None:
    """The number of errors is shown beside a partial list, and not beside a full one."""
    assert "1 to 1 of 2 errors; --page 2 has the next" in here("errors", "-n", "1").stderr
    assert not here("errors", "-n", "2").stderr


def test_errors_of_a_time_a_pipeline_and_a_page(here: Here) -> None:
    """A failure outside of the time does not count, also if its run has one inside; pages name their range."""
    for number, pipeline in enumerate(("a", "b")):
        about = {"level": "error", "run_id": pipeline}
        events = [
            an_event("error", error=f"no route {n}", timestamp=START + timedelta(hours=n), **about) for n in range(4)
        ]
        write_run(Path(".odibi"), pipeline, [*events_of(pipeline, pipeline)[:1], *events, events_of(pipeline)[-1]])
        capture = an_event("error", level="error", error="x" * number + "other", run_id=pipeline, timestamp=START)
        write_run(Path(".odibi"), pipeline, [capture])
    (group, *_) = answer(here)["groups"]
    assert (group["count"], group["runs"]) == (8, ["a", "b"])
    middle = ("--since", "2026-01-01T05:00:00Z", "--until", "2026-01-01T06:00:00Z")
    (group,) = answer(here, *middle)["groups"]
    assert (group["count"], group["run_count"], group["last_seen"]) == (4, 2, "2026-01-01T06:00:00.000000Z")
    (group,) = answer(here, *middle, "--pipeline", "b")["groups"]
    assert (group["count"], group["runs"]) == (2, ["b"])
    assert here("errors", "--pipeline", "c").exit_code == 3
    assert "1 to 1 of 3 errors; --page 2 has the next" in here("errors", "-n", "1").stderr
    assert len(answer(here, "-n", "1", "--page", "3")["groups"]) == 1


def test_a_report_of_the_failure_of_another_run_is_no_further_failure(here: Here) -> None:
    """The step that failed inside counts, and the program around it, with a run of its own, does not."""

    def program() -> None:
        with observe("outer"), with_error_tracking(reraise=False):
            Orchestrator([failing], pipeline_name="inner").execute()

    program()
    (group,) = answer(here)["groups"]
    assert (group["count"], group["nodes"]) == (1, ["failing"])


def failing() -> None:
    raise ValueError("boom")


def test_where_is_the_line_of_the_program_that_raised_it(here: Here) -> None:
    """For an error outside of any node and operation; an error that was never raised was nowhere."""
    with observe("nightly"):
        with with_error_tracking(reraise=False):
            raise_it()
        capture_exception(KeyError("never raised"))
    never, raised = here("errors").stdout.splitlines()[1:]
    assert f"  test_errors.py:{raise_it.__code__.co_firstlineno + 1}  " in raised
    assert ".py" not in never


def test_long_names_and_messages_are_cut_in_the_list(here: Here) -> None:
    """One that is a hundred kilobytes long would push all others out of sight; by itself it is shown whole."""
    with observe("nightly"), LogContext(operation="o" * 500):
        capture_message("m" * 500, level="error")
    (line,) = here("errors").stdout.splitlines()[1:]
    assert "o" * 40 + "…" in line
    assert "m" * 120 + "…" in line
    assert "m" * 500 in here("errors", line.split()[-1]).stdout.replace("\n", "")


def test_a_narrow_terminal_shows_what_it_is_about(
    here: Here, two_runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its type, where, how often and its fingerprint whole; what has no room is left out."""
    monkeypatch.setattr(output, "console", lambda *_: Console(width=60, markup=False))
    header, _, error = here("errors").stdout.splitlines()
    assert header.split() == ["Error", "Message", "Where", "Times", "Fingerprint"]
    assert re.fullmatch(r"ValueError +row .*… +load +3 +[0-9a-f]{16} *", error)


def test_an_error_whose_record_cannot_be_read_is_reported(here: Here) -> None:
    """The index still lists it; its details are no empty list that looks complete, and no internal error."""
    write_run(Path(".odibi"), "r1", events_of("r1", status="failed"))
    compact(RunStore(".odibi"), Options(grace_s=0, threads=1))
    (listed,) = history(".odibi").sql("select fingerprint from errors").rows
    for path in Path(".odibi/tables/logs").rglob("*.parquet"):
        path.write_bytes(b"damaged")
    one, every = here("errors", listed["fingerprint"]), here("errors", "--format", "json")
    assert (one.exit_code, every.exit_code) == (UNREADABLE, SUCCESS)
    assert json.loads(every.stdout)["groups"] == []
    assert all("1 error left out" in each.stderr for each in (one, every))
