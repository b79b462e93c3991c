"""A failed run's page shows the commands that go on from it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odibi_core.history.for_story import story_history
from odibi_core.store.runs import RunStore
from odibi_core.story.background import read_background
from odibi_core.story.commands import commands
from odibi_core.views.lineage import LineageView

PIPELINE = """
def orders(region="north", password="x"):
    return [{"id": 1, "region": region}]

def total(orders):
    raise ValueError("no")

steps = [orders, total]
"""


def shown(run_id: str) -> list[dict[str, str]]:
    store, view = RunStore(".odibi"), LineageView(run_id)
    for event in store.read(run_id):
        view(event)
    return commands(view.answer(), read_background(story_history(store, run_id)))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `odibi` in the test's folder, which has a pipeline that fails."""
    from odibi_core.cli import app

    monkeypatch.chdir(tmp_path)
    Path("sales 1.py").write_text(PIPELINE, encoding="utf-8")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_the_commands_of_a_failed_run_work(run: Any) -> None:
    """Both are complete: file, name, parameters and run; a secret is left open."""
    run("run", "sales 1.py", "--param", "region=it's south", "--param", "password=hunter2")
    (run_id,) = RunStore(".odibi").ids()
    resume, replay = (shlex.split(command["text"]) for command in shown(run_id))
    assert resume[:3] == ["odibi", "run", str(Path("sales 1.py").resolve())]
    assert {"region=it's south", "password=…"} <= set(resume)
    assert run(*resume[1:], "--dry-run").exit_code == 0
    assert run(*replay[1:], "--param", "password=x").exit_code == 0
    page = next(Path(".odibi").glob("runs/*/story.html")).read_text(encoding="utf-8")
    assert re.search(r'"commands":\s*\[\s*\{"label":\s*"Resume the run"', page)
    assert "hunter2" not in page


def test_a_text_parameter_that_reads_as_another_value_stays_a_text(run: Any) -> None:
    """Otherwise the resumed run would have another parameter, and run every step that takes it."""
    run("run", "sales 1.py", "--param", 'region="7"', "--no-story")
    (run_id,) = RunStore(".odibi").ids()
    assert 'region="7"' in shlex.split(shown(run_id)[0]["text"])


def test_a_run_that_succeeded_has_no_commands(run: Any) -> None:
    """Nor has one whose record is in no store."""
    Path("good.py").write_text("def orders():\n    return [{'id': 1}]\n\nsteps = [orders]\n", encoding="utf-8")
    run("run", "good.py", "--no-story")
    (run_id,) = RunStore(".odibi").ids()
    assert shown(run_id) == []
    assert commands(LineageView("x").answer(), read_background(None)) == []
