"""A run that is stopped, politely or not: its record, its exit code, and what the other commands make of it."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Here, command, environment
from tests.cli.pipelines import FORKS, SLOW

from odibi_core import Orchestrator, Step
from odibi_core.cli.interruption import GRACE_S, Interruption
from odibi_core.cli.progress import new_progress
from odibi_core.cli.run_pipeline import _give_up
from odibi_core.events import kinds
from odibi_core.runtime.sigterm import Stopped

PATIENCE_S = 30
"""For a busy machine; a run that waited for its step would take longer."""


@contextmanager
def _running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A run that is in the middle of its second step."""
    Path("slow.py").write_text(SLOW, encoding="utf-8")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a program started with `&` ignores it
    process = subprocess.Popen(
        command("run", *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def here_apart(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command("run", *arguments), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def _only_run(here: Here) -> dict[str, Any]:
    (row,) = json.loads(here("runs", "--format", "json").stdout)
    assert isinstance(row, dict)
    return row


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_run_that_is_stopped_is_recorded_as_cancelled(
    here: Here, number: signal.Signals, code: int, workers: str
) -> None:
    """SIGTERM, SIGHUP and Ctrl-C close the record and draw the story at once, also while threads are busy."""
    with _running("slow.py", "--workers", workers) as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert "slow was cancelled" in out
    row = _only_run(here)
    assert (row["status"], row["success_count"]) == ("cancelled", 1)
    (folder,) = Path(".odibi/runs").iterdir()
    assert (folder / "story.html").is_file()


def test_a_signal_that_is_ignored_stays_ignored(here: Here) -> None:
    """As `nohup` leaves it; a pipe of the shell's `&` ignores Ctrl-C."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _running("slow.py") as process:
            process.send_signal(signal.SIGHUP)
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert process.returncode == 143


def test_a_signal_that_a_forked_child_gets_is_not_its_parents(here: Here) -> None:
    """A pool that is terminated inside a step sends SIGTERM to its workers: they die, and the run goes on."""
    Path("forks.py").write_text(FORKS, encoding="utf-8")
    ended = here_apart("forks.py")
    assert ended.returncode == 0, ended.stderr
    assert "-15 closed" in ended.stdout


@pytest.mark.parametrize("step", ["in_compiled_code", "swallowing"])
def test_a_step_that_does_not_hear_is_stopped_too(here: Here, step: str) -> None:
    """Compiled code holds up the main thread, so another one closes the record; a library that makes an error of its
    own out of the interruption does not turn a cancelled run into a failed one.
    """
    with _running(f"slow.py:{step}") as process:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert GRACE_S < 5, "the record is closed within five seconds"
    assert process.returncode == 143
    row = _only_run(here)
    assert (row["status"], row["success_count"]) == ("cancelled", 1)


def test_a_run_that_was_killed_is_lost_and_still_has_its_log_metrics_and_story(here: Here) -> None:
    """After SIGKILL every earlier event exists, and the next reader marks the run as lost."""
    with _running("slow.py") as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE_S)
    log = here("logs", "--format", "json").stdout.splitlines()
    kinds = [json.loads(line)["event_type"] for line in log]
    assert kinds.count("node_start") == 2
    assert kinds[-1] == "run_lost"
    row = _only_run(here)
    assert (row["status"], row["success_count"]) == ("lost", 1)
    story = here("story", "-o", "story.html")
    assert story.exit_code == 0
    assert '"lost"' in Path("story.html").read_text(encoding="utf-8")
    assert 'odibi_success_count_total{node="first"' in here("metrics", "--format", "prometheus").stdout
    assert here("logs", "--format", "json").stdout.splitlines() == log  # run_lost is emitted once


def test_a_living_run_is_running_and_can_be_looked_at(here: Here) -> None:
    """The record is read while it is written; a living run is never marked as lost."""
    with _running("slow.py"):
        assert _only_run(here)["status"] == "running"
        assert "second" in here("logs").stdout
        assert here("story", "-o", "now.html").exit_code == 0


def test_the_first_signal_raises_and_further_ones_are_ignored() -> None:
    """A second SIGTERM, which supervisors send, must not interrupt the closing of the record."""
    gave_up: list[int] = []
    before = signal.getsignal(signal.SIGTERM)

    def stopped_twice() -> None:
        with Interruption(gave_up.append):
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped, match="SIGTERM"):
        stopped_twice()
    assert (gave_up, signal.getsignal(signal.SIGTERM)) == ([], before)


def test_a_signal_that_does_not_wake_the_main_thread_is_repeated() -> None:
    """A signal just before a system call, as one that another thread gets, does not interrupt that call."""
    gave_up: list[int] = []
    elsewhere = threading.Timer(0.1, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
    began = time.monotonic()

    def sleeps() -> None:
        with Interruption(gave_up.append):
            elsewhere.start()
            time.sleep(PATIENCE_S)

    with pytest.raises(Stopped, match="SIGTERM"):
        sleeps()
    assert gave_up == []
    assert time.monotonic() - began < PATIENCE_S


@pytest.mark.parametrize("is_ending", [False, True])
def test_a_main_thread_that_is_ending_the_record_is_left_to_it(
    here: Here, monkeypatch: pytest.MonkeyPatch, is_ending: bool
) -> None:
    """The second thread ends the record and the process only in place of a main thread that is stuck in a step."""
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)

    def give_up(*_: object) -> None:
        _give_up(plan, new_progress(), signal.SIGTERM)

    def numbers() -> list[dict[str, int]]:
        if not is_ending:
            give_up()
        return [{"n": 1}]

    plan = Orchestrator([Step(name="numbers", value=numbers)], pipeline_name="stopped")
    if is_ending:
        plan.bus.subscribe(give_up, kinds.PIPELINE_ENDS)
    plan.execute()
    assert exits == ([] if is_ending else [128 + signal.SIGTERM])
    assert _only_run(here)["status"] == ("success" if is_ending else "cancelled")
