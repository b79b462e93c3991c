"""`odibi compare`."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odibi_core import Orchestrator
from odibi_core.cli import app


def rows(size: int = 1000) -> list[dict[str, int]]:
    return [{"x": each} for each in range(size)]


@pytest.fixture(autouse=True)
def _runs() -> None:
    for size in (1000, 300):
        Orchestrator([rows], pipeline_name="daily", params={"size": size}).execute()


def compare(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["compare", *arguments])


def test_the_default_is_the_latest_run_against_the_last_good_one() -> None:
    """The most important difference, the probable cause, and what was not compared, in 80 columns."""
    found = compare()
    assert found.exit_code == 0, found.output
    assert "rows made 300 rows, and 1,000 before (-70%)" in found.output
    assert "Probable cause: parameter: parameter size is 300, and was 1000" in found.output
    assert "Not compared" in found.output
    assert all(len(line) <= 80 for line in found.output.splitlines() if not line.startswith("    | "))


def test_json_is_one_document() -> None:
    """The comparison as it is in Python."""
    found = json.loads(compare("--format", "json").stdout)
    assert found["cause"]["kind"] == "parameter"


def test_markdown_and_a_page() -> None:
    """On standard output, or into a file whose suffix selects the form."""
    assert compare("--format", "markdown").stdout.startswith("### daily: ")
    found = compare("-o", "out/compared.html")
    assert Path(found.stdout.strip()).read_text(encoding="utf-8").startswith("<!doctype html>")
    compare("-o", "compared.md")
    assert stat.S_IMODE(Path("compared.md").stat().st_mode) == 0o600, "it has values of the data, as a story"
    assert Path("compared.md").read_text(encoding="utf-8").startswith("### daily: ")


def test_an_unknown_run_is_a_message() -> None:
    """With the exit code of a run that is not there."""
    found = compare("nosuch")
    assert found.exit_code != 0
    assert "there is no run 'nosuch'" in found.output
    assert "Traceback" not in found.output


def test_runs_of_two_pipelines_need_a_flag() -> None:
    """The message names it."""
    Orchestrator([rows], pipeline_name="weekly").execute()
    assert "--anyway" in compare("weekly", "daily").output
    assert compare("weekly", "daily", "--anyway").exit_code == 0
