"""`odibi run --resume`, `--from`, `--until`, `--only` and `--dry-run`, as a user gives them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import Here, command, environment

PIPELINE = """
import os
import time

import pandas as pd

def first(limit: int = 3):
    return pd.DataFrame({"x": range(limit)})

def second(first):
    return first.assign(y=1)

def third(second):
    if os.path.exists("waits"):
        print("READY", flush=True)
        time.sleep(60)
    if not os.path.exists("ready"):
        raise ValueError("not ready")
    return second.tail(1)

steps = [first, second, third]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a pipeline that fails until there is a file `ready`."""
    monkeypatch.chdir(tmp_path)
    Path("three.py").write_text(PIPELINE, encoding="utf-8")


@pytest.mark.parametrize(
    "options", [["three.py", "--resume"], ["--resume", "three.py"], ["three.py", "--resume=three"]]
)
def test_resume_needs_no_run(here: Here, options: list[str]) -> None:
    """`--resume` alone takes the latest failed run, before or behind the file; a name is that of a run."""
    assert here("run", "three.py", "--no-story").exit_code == 1
    Path("ready").touch()
    done = here("run", *options, "--no-story")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("taken from") == 2
    assert "third runs: it failed there" in done.stderr


def test_a_dry_run_shows_and_records_nothing(here: Here) -> None:
    """The plan with what is expected, in 80 columns and as JSON; no run is added."""
    Path("ready").touch()
    assert here("run", "three.py", "--no-story").exit_code == 0
    before = sorted(Path(".odibi/runs").iterdir())
    done = here("run", "three.py", "--dry-run")
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "nothing was run or recorded" in " ".join(done.stdout.split())
    found = json.loads(here("run", "three.py", "--dry-run", "--format", "json").stdout)
    assert [(step["name"], step["action"], step["expected"]["rows"]) for step in found["steps"]] == [
        ("first", "run", [3, 3]),
        ("second", "run", [3, 3]),
        ("third", "run", [1, 1]),
    ]
    assert sorted(Path(".odibi/runs").iterdir()) == before


def test_a_dry_run_of_a_new_pipeline_expects_nothing(here: Here) -> None:
    """Without an earlier run nothing is expected, and no store is made."""
    found = json.loads(here("run", "three.py", "--dry-run", "--format", "json").stdout)
    assert {step["expected"] for step in found["steps"]} == {None}
    assert not Path(".odibi").exists()


def test_some_steps_of_a_failed_run(here: Here) -> None:
    """`--only` takes the kept input of the failed run; a dataset that was not kept is an error that names it."""
    assert here("run", "three.py", "--no-story").exit_code == 1
    Path("ready").touch()
    done = here("run", "three.py", "--only", "third", "--no-story")
    assert done.exit_code == 0, done.stderr
    done = here("run", "three.py", "--from", "second", "--no-story")
    assert done.exit_code == 2
    assert "the selected steps need first" in done.stderr
    assert "--from first" in done.stderr
    assert here("run", "three.py", "--until", "secnd").exit_code == 2


@pytest.mark.parametrize("kept", ["failed", "all"])
def test_a_killed_run_is_resumed(here: Here, kept: str) -> None:
    """After SIGKILL, datasets that were kept when they were made are taken; without them everything runs again."""
    Path("waits").touch()
    process = subprocess.Popen(
        command("run", "three.py", "--no-story"), env=environment(ODIBI_KEEP__FRAMES=kept), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    Path("waits").unlink()
    Path("ready").touch()
    done = here("run", "three.py", "--resume", "--no-story")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("taken from") == (2 if kept == "all" else 0)


def test_a_cancelled_run_is_resumed(here: Here) -> None:
    """After Ctrl-C the inputs of the step that ran are kept."""
    Path("waits").touch()
    process = subprocess.Popen(
        command("run", "three.py", "--no-story"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    process.send_signal(signal.SIGINT)
    process.communicate()
    Path("waits").unlink()
    Path("ready").touch()
    done = here("run", "three.py", "--resume", "--no-story")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("taken from") == 2


def test_nothing_to_resume_is_an_error(here: Here) -> None:
    """No failed run: exit code 3; one that succeeded: exit code 2."""
    Path("ready").touch()
    assert here("run", "three.py", "--no-story").exit_code == 0
    assert here("run", "three.py", "--resume").exit_code == 3
    assert here("run", "three.py", "--resume", "three").exit_code == 2


def test_kept_frames_stay_out_of_an_export(here: Here) -> None:
    """Data as it is stays in its store: an export has the record without it."""
    assert here("run", "three.py", "--no-story").exit_code == 1
    assert here("store", "export", "out").exit_code == 0
    assert list(Path(".odibi").rglob("*.arrow"))
    assert not list(Path("out").rglob("*.arrow"))
