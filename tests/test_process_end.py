"""Exit codes: those of the program, also while native code still runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, apart, environment

from odibi_core.store.runs import RunStore

__all__ = ["apart"]
PROGRAM = Path(__file__).with_name("native_program.py")


@pytest.mark.parametrize(
    ("work", "place", "end", "code", "status"),
    [
        ("query", "step", "", 0, "failed"),
        ("query", "step", "3", 3, "failed"),
        ("query", "step", "raise", 1, "failed"),
        ("query", "observe", "raise", 1, "failed"),
        ("query", "hook", "", 0, "success"),
        ("query", "beside", "", -signal.SIGINT, "cancelled"),
        ("sleep", "step", "raise", 1, "failed"),
        ("sleep", "beside", "", -signal.SIGINT, "cancelled"),
    ],
)
def test_a_program_ends_with_its_own_code_while_native_code_runs(
    work: str, place: str, end: str, code: int, status: str
) -> None:
    """Past a timeout, after Ctrl-C and at the end the program does not abort, and the record is complete."""
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), work, place, end],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert "terminate called" not in ended.stderr
    assert [row["status"] for row in RunStore().rows()] == [status]


def test_the_command_ends_with_its_own_code_while_native_code_runs(apart: Apart) -> None:
    """A step past its timeout is a failed run with exit code 1."""
    ended = apart("run", str(PROGRAM), "--no-story")
    assert ended.returncode == 1, ended.stderr
    assert "terminate called" not in ended.stderr
