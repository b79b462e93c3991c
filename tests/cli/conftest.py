"""Running `odibi`: in this process where that will do, and in one of its own where it must be real."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.cli.pipelines import SMALL
from typer.testing import CliRunner, Result

SOURCE = Path(__file__).resolve().parents[2] / "src"

Here: TypeAlias = Callable[..., Result]
Apart: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


def command(*arguments: str) -> list[str]:
    """The command line of a separate process."""
    return [sys.executable, "-m", "odibi_core", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """The environment of this process, with this source first on the path."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **variables}


@pytest.fixture
def here() -> Here:
    """`here("runs")`: quick, in this process; `.stdout`, `.stderr`, `.exit_code`."""
    from odibi_core.cli import app

    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def apart() -> Apart:
    """`apart("runs", NO_COLOR="1")`: as a user runs it, in the test's folder."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def small() -> str:
    """A small pipeline in `small.py`: two steps, one warning; `small.py:failing` fails."""
    Path("small.py").write_text(SMALL, encoding="utf-8")
    return "small.py"
