"""`make dist`: the changelog must have the version of the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.plan import ROOT


@pytest.mark.parametrize("changelog", ["## [Unreleased]\n", "## [Unreleased]\n## [9.9.9] - 2026-01-01\n## [1.2.3]\n"])
def test_a_changelog_without_the_version_is_refused(tmp_path: Path, changelog: str) -> None:
    """Only its newest version counts, and nothing is built."""
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(ROOT / "scripts" / "build_dist", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    done = subprocess.run([script, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the newest version of CHANGELOG.md must be 1.2.3, got" in done.stderr
    assert not (tmp_path / "dist").exists()
