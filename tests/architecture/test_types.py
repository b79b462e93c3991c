"""The types of the whole project, checked beside the other tests, because the check keeps one core busy for a while."""

import subprocess
import sys

import pytest
from tests.architecture.plan import ROOT


@pytest.mark.slow
def test_mypy_finds_nothing() -> None:
    """`mypy --strict` over the package, the tests, the examples and the benchmarks."""
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
