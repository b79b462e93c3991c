"""Running `odibi` as a user does, and a pipeline that takes its time."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Odibi = Callable[..., "subprocess.CompletedProcess[str]"]

SOURCE = Path(__file__).resolve().parents[2] / "src"


def command(*arguments: str) -> list[str]:
    """The command line of a fresh process."""
    return [sys.executable, "-m", "odibi_core", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """Ours, with the source first."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), "COLUMNS": "", **variables}


@pytest.fixture
def odibi() -> Odibi:
    """`odibi("runs", "--format", "json")` in the test's folder."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
        )

    return run
