"""Two runs of a store: chosen, read, compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import odibi_core
from odibi_core import Orchestrator, Step
from odibi_core.errors import ConfigurationError, RunNotFoundError
from odibi_core.history.compaction import compact
from odibi_core.history.comparison import compare_runs
from odibi_core.history.index import Index
from odibi_core.store.runs import RunStore


def numbers(size: int = 1000) -> Any:
    return pd.DataFrame({"x": range(size), "kind": ["a", "b"] * (size // 2)})


def even(numbers: Any) -> Any:
    return numbers[numbers.x % 2 == 0]


def go(name: str = "daily", **params: Any) -> str:
    """Run the pipeline, and return the id of the run."""
    options: dict[str, Any] = {"raise_on_error": False, "snapshot_level": "stats", "params": params}
    return str(Orchestrator([numbers, even], pipeline_name=name, **options).execute().run_id)


def test_the_latest_run_against_the_last_good_one_of_the_same_parameters() -> None:
    """Not against a failed one, and not against one with other parameters."""
    good = go(size=1000)
    go(size=500)
    assert go(size="x") != good
    latest = go(size=1000)
    found = compare_runs(".odibi")
    assert (found.before["run_id"], found.after["run_id"]) == (good, latest)
    assert found.notable == []


def test_without_a_good_run_of_the_same_parameters_the_last_good_one_is_taken() -> None:
    """And that is stated."""
    good, latest = go(size=1000), go(size=400)
    found = compare_runs(".odibi", latest)
    assert found.before["run_id"] == good
    assert found.not_compared[0] == "no good run of daily before had the same parameters: the last one had others"
    assert found.cause is not None
    assert (found.cause.kind, found.cause.subject) == ("parameter", "size")


def test_two_named_runs_in_any_order() -> None:
    """The earlier one is before."""
    first, second = go(size=1000), go(size=400)
    assert compare_runs(".odibi", first, second).after["run_id"] == second
    assert compare_runs(".odibi", second, first).after["run_id"] == second


def test_what_cannot_be_compared_is_refused() -> None:
    """No other run, the same run twice, an unknown run, another pipeline."""
    one = go()
    with pytest.raises(RunNotFoundError, match="there is no good run of 'daily' before"):
        compare_runs(".odibi")
    with pytest.raises(ConfigurationError, match="two runs are needed"):
        compare_runs(".odibi", one, one)
    with pytest.raises(RunNotFoundError, match="there is no run 'nosuch'"):
        compare_runs(".odibi", one, "nosuch")
    other = go("weekly")
    with pytest.raises(ConfigurationError, match="--anyway compares them"):
        compare_runs(".odibi", one, other)
    assert compare_runs(".odibi", one, other, anyway=True).before["pipeline_name"] == "daily"


def test_runs_in_batches_and_in_journals_have_one_comparison() -> None:
    """Compaction changes no answer."""
    go(size=1000)
    go(size=1000)
    latest = go(size=400)
    hot = compare_runs(".odibi", latest).as_dict()
    compact(RunStore(".odibi"))
    assert RunStore(".odibi").hot_ids() == []
    assert compare_runs(".odibi", latest).as_dict() == hot


def test_a_killed_run_is_compared_as_far_as_it_came() -> None:
    """Its rest is not compared, and no step that did not run counts as equal."""
    go()
    program = """
import os, signal, pandas as pd
from odibi_core import Orchestrator
def numbers():
    return pd.DataFrame({"x": range(1000), "kind": ["a", "b"] * 500})
def even(numbers):
    os.kill(os.getpid(), signal.SIGKILL)
Orchestrator([numbers, even], pipeline_name="daily", params={}, snapshot_level="stats").execute()
"""
    Path("killed.py").write_text(program)
    assert subprocess.run([sys.executable, "killed.py"], check=False).returncode == -signal.SIGKILL
    found = compare_runs(".odibi")
    assert found.after["status"] == "lost"
    assert "the rest of this run: it is lost" in found.not_compared
    assert [(each.node, each.after) for each in found.notable if each.kind == "status"] == [("even", "lost")]


def test_from_a_result_and_from_the_history() -> None:
    """The same comparison by each way."""
    go(size=1000)
    result = Orchestrator([numbers, even], pipeline_name="daily", params={"size": 1000}).execute()
    assert result.compare().as_dict() == odibi_core.history().compare().as_dict()
    with pytest.raises(ConfigurationError, match="store must be a folder"):
        Orchestrator([numbers, even], store=False).execute().compare()


def test_the_source_of_a_changed_step_is_shown() -> None:
    """As the unified diff of the stored texts."""
    go()
    Path("changed.py").write_text("def even(numbers):\n    return numbers[numbers.x % 4 == 0]\n")
    scope: dict[str, Any] = {}
    exec(compile(Path("changed.py").read_text(), os.path.abspath("changed.py"), "exec"), scope)  # noqa: S102
    step = Step(name="even", value=scope["even"], inputs=["numbers"])
    Orchestrator([numbers, step], pipeline_name="daily", params={}, snapshot_level="stats").execute()
    found = compare_runs(".odibi")
    assert found.cause is not None
    assert (found.cause.kind, found.cause.subject) == ("code", "even")
    assert "-    return numbers[numbers.x % 2 == 0]" in str(found.changes[0].detail)


def test_a_run_with_unusual_findings_is_no_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless every earlier run has some."""
    first, second, latest = go(size=1000), go(size=1000), go(size=1000)
    found = Index.runs

    def runs(self: Index, *given: Any, **more: Any) -> list[dict[str, Any]]:
        unusual = {first: 0, second: 3}
        return [{**row, "unusual": unusual.get(row["run_id"])} for row in found(self, *given, **more)]

    monkeypatch.setattr(Index, "runs", runs)
    assert compare_runs(".odibi", latest).before["run_id"] == first
    assert compare_runs(".odibi", second).before["run_id"] == first
