"""The examples, run and recorded as a user runs them."""

import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from odibi_core import Orchestrator
from odibi_core.errors import PipelineError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BOTH = pytest.mark.parametrize("engine", ["pandas", "polars"])

NEED_WEATHER = {"add_weather", "delays_by_weather", "publish_delays_by_weather", "publish_flights_weather"}

Modules = dict[str, ModuleType]


def steps_of(result: Any) -> dict[str, dict[str, Any]]:
    return {step["step_name"]: step for step in result["tracker"].export_lineage()["steps"]}


@BOTH
def test_the_record_of_a_good_run_has_the_known_facts_of_the_data(
    flights: Modules, tmp_path: Path, engine: str
) -> None:
    """All steps succeed; rows, columns and failed checks are in the lineage, and the answers on disk."""
    steps = flights["pipeline"].build(out_dir=str(tmp_path), engine=engine)
    result = Orchestrator(steps, engine, pipeline_name="flights", max_workers=2).execute()
    recorded = steps_of(result)
    assert result["status"] == "success"
    assert {step["state"] for step in recorded.values()} == {"success"}
    assert recorded["read_flights"]["row_count"] == 336_776
    assert recorded["drop_impossible"]["row_count"] == 328_521
    assert "wind_mph" in recorded["add_weather"]["schema_diff"]["added_columns"]
    (plane,) = recorded["add_planes"]["checks"]
    assert (plane["passed"], plane["failed_rows"], plane["severity"]) == (False, 50_094, "warn")
    assert {path.stem for path in tmp_path.glob("*.parquet")} == set(flights["pipeline"].PUBLISHED)


@BOTH
def test_a_renamed_column_fails_the_weather_and_only_the_weather(
    flights: Modules, tmp_path: Path, engine: str
) -> None:
    """The failed step names the column; dependent steps are skipped; all others run and publish."""
    steps = flights["pipeline"].build(out_dir=str(tmp_path), engine=engine, fail=True)
    with pytest.raises(PipelineError) as raised:
        Orchestrator(steps, engine, pipeline_name="flights", max_workers=2).execute()
    recorded = steps_of(raised.value.result)
    states = {name: step["state"] for name, step in recorded.items()}
    assert {name for name, state in states.items() if state == "skipped"} == NEED_WEATHER
    assert {name for name, state in states.items() if state == "failed"} == {"clean_weather"}
    assert "wind_speed" in recorded["clean_weather"]["error_message"]
    assert "wind_spd" in recorded["clean_weather"]["error_message"]
    published = {"cancellations", "delays_by_airline", "delays_by_hour"}
    assert {path.stem for path in tmp_path.glob("*.parquet")} == published


def test_the_first_example_prints_the_amount_of_each_country(capsys: pytest.CaptureFixture[str]) -> None:
    """The unpaid order and the customer without a country are left out."""
    runpy.run_path(str(EXAMPLES / "run_pipeline.py"), run_name="__main__")
    printed = [line.split()[-2:] for line in capsys.readouterr().out.splitlines()]
    assert ["NO", "80.0"] in printed
    assert ["UK", "12.5"] in printed


def test_observing_changes_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    """The nodes return the same averages, observed or not."""
    observed = runpy.run_path(str(EXAMPLES / "observe_pipeline.py"), run_name="__main__")
    plain = observed["main"]()
    assert plain.to_dict("records") == [{"sensor": "a", "celsius": 20.25}, {"sensor": "b", "celsius": 18.0}]
    assert plain.to_string() in capsys.readouterr().out


def test_the_file_is_a_program_too(tmp_path: Path) -> None:
    """Run by Python it prints its result in a line and sets the exit code; a failure has a reason and no traceback."""
    command = [sys.executable, str(EXAMPLES / "flights" / "pipeline.py"), "--engine", "polars", "--fail"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout.startswith("failed in ")
    assert "clean_weather: unable to find column" in ended.stderr
    assert "Traceback" not in ended.stderr
