"""`odibi export`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import odibi_core
from odibi_core.cli import app


def numbers() -> list[dict[str, int]]:
    return [{"n": 1}]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    odibi_core.run([numbers], pipeline_name="count", store=tmp_path / "store")
    return tmp_path / "store"


def test_a_run_is_written_to_stdout_or_to_a_file_in_the_same_lines(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event a line; the namespace is that of the option, else that of the standard variable."""
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "sales")
    printed = CliRunner().invoke(app, ["export", "openlineage", "count", "--store", str(store)])
    target = tmp_path / "events.jsonl"
    done = CliRunner().invoke(app, ["export", "openlineage", "count", "--store", str(store), "-o", str(target)])
    assert (printed.exit_code, done.exit_code) == (0, 0)
    assert printed.stdout == target.read_text("utf-8")
    events = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [event["eventType"] for event in events] == ["START", "START", "COMPLETE", "COMPLETE"]
    assert {event["job"]["namespace"] for event in events} == {"sales"}


def test_a_run_that_is_not_there_is_an_error(store: Path) -> None:
    """As in every command on one run."""
    assert CliRunner().invoke(app, ["export", "openlineage", "nothing", "--store", str(store)]).exit_code != 0
