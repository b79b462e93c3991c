"""The example of the lost weather: the summary of the run names the join, its key, the airports and the file."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odibi_core.cli import app

EXAMPLE = Path(__file__).parents[2] / "examples" / "lost_weather.py"


def deliver(folder: Path, *airports: str) -> None:
    spec = importlib.util.spec_from_file_location("lost_weather_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.deliver(*([airports] if airports else []), folder=folder)


def odibi(*arguments: str) -> str:
    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == 0, found.stderr
    return found.stdout


def test_the_summary_names_the_join_the_airports_and_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself at the end of the second run; `odibi why` has the same sentence, and the rows of each step."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")
    run = ("run", str(EXAMPLE), "-p", "rows=25000", "-p", f"folder={tmp_path}", "--no-story")
    deliver(tmp_path)
    assert "begins at" not in odibi(*run)
    deliver(tmp_path, "EWR")
    summary = " ".join(odibi(*run).split())
    found: dict[str, Any] = json.loads(odibi("why", "--format", "json"))
    assert found["sentence"] in summary
    assert "(origin, time_hour) not in read_weather" in found["sentence"]
    assert "it begins at read_weather" in found["sentence"]
    assert found["sentence"].endswith("likely cause: input truncated")
    assert found["blame"]["effect_step"] == "with_weather"
    assert all(airport in summary for airport in ("JFK", "LGA"))
    assert "new since the last good run" in found["sentence"]
    closely = odibi("why", "lost_weather", "with_weather")
    assert "the way of row" in closely
    assert "lost in with_weather" in " ".join(closely.split())
    assert max(map(len, closely.splitlines())) <= 80
