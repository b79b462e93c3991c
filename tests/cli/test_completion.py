"""Completion of step names in the shell: from the record, and never with an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Here
from typer.testing import CliRunner

from odibi_core import cli
from odibi_core.cli import app

STEPS = """
def days():
    return ["a"]

def load(days):
    raise ValueError(days)

def loaded(load):
    return load

steps = [days, load, loaded]
"""


def offered(line: str) -> list[str]:
    """Return the words that bash gets at the end of a command line."""
    words = line.split()
    place = len(words) if line.endswith(" ") else len(words) - 1
    variables = {"_ODIBI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place)}
    done = CliRunner().invoke(app, [], env=variables, prog_name="odibi")
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here) -> Path:
    """A folder with a pipeline, of which a run has failed."""
    monkeypatch.chdir(tmp_path)
    Path("shop.py").write_text(STEPS, encoding="utf-8")
    assert here("run", "shop.py", "--no-story").exit_code == 1
    return tmp_path


def test_the_steps_of_the_run_are_offered(shop: Path) -> None:
    """Those of the run on the line, or of the latest run of the file; the ones that begin as the word does."""
    assert offered("odibi replay shop ") == ["days", "load", "loaded"]
    assert offered("odibi replay latest lo") == ["load", "loaded"]
    assert offered("odibi cache why shop da") == ["days"]
    assert offered("odibi run shop.py --from ") == ["days", "load", "loaded"]
    assert offered("odibi run shop.py --resume shop --only loaded --until loa") == ["load", "loaded"]


@pytest.mark.parametrize(
    "line", ["odibi replay nothing ", "odibi run --from ", "odibi run no.py --only ", "odibi replay shop --store no "]
)
def test_nothing_is_offered_where_nothing_is_known(shop: Path, line: str) -> None:
    """Without a run, a file or a store there is no word, and no error."""
    assert not {"days", "load", "loaded"} & set(offered(line))


def test_a_record_that_cannot_be_read_offers_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a traceback, whatever reading raises."""

    def fails(*_: object) -> None:
        raise RuntimeError("unreadable")

    monkeypatch.setattr("odibi_core.store.runs.RunStore.find", fails)
    assert offered("odibi replay shop ") == []


def test_only_the_command_that_is_completed_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading all of them takes longer than reading the record."""
    assert cli._command(["replay", "shop"]) == "replay"
    assert cli._command([]) is None
    monkeypatch.setenv("_ODIBI_COMPLETE", "complete_zsh")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "odibi replay 'open quote")
    assert cli._command([]) == "replay"
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "odibi rep")
    assert cli._command([]) is None
