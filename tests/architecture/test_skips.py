"""Skips in CI: a skipped test is a failed one, because the machine is set up for every test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.plan import ROOT

SUITE = """
import pytest

def test_that_runs(): ...

def test_that_skips(): pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="no service here")
def test_that_is_marked(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_that_is_known_to_fail(): assert False
"""


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", "1 failed, 1 passed, 1 xfailed, 1 error"), ("", "1 passed, 2 skipped")]
)
def test_a_skip_is_a_failure_in_ci_only(ci: str, outcome: str, tmp_path: Path) -> None:
    """If CI=true, a skip fails and prints its reason; an expected failure stays one; elsewhere a skip stays a skip."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT)}  # conftest.py imports a module of the tests
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}"], env=environment, capture_output=True, text=True, check=False
    )
    assert outcome in done.stdout
    assert ("could not run, which CI does not allow" in done.stdout) is (ci == "true")
