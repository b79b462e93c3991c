"""The first event of every kind of run has the context, and nothing in it can prevent the run."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment

from odibi_core import Step, node, observe, run
from odibi_core.errors import ConfigurationError
from odibi_core.observability import ObservabilityConfig, Tracker, init_observability
from odibi_core.runtime.run_context import context, git_dirty
from odibi_core.store.runs import RunStore
from odibi_core.store.sources import read_source
from odibi_core.testing import RecordingSink

FIELDS = {
    "params", "tags", "partition", "command", "git", "python", "system", "packages", "environment", "os_user", "pid",
    "host", "process_start",
}  # fmt: skip
GIVEN: dict[str, Any] = {"params": {"limit": 2}, "tags": {"team": "sales"}, "partition": date(2026, 1, 31)}


def rows(limit: int = 1) -> list[dict[str, int]]:
    return [{"n": number} for number in range(limit)]


def first(store: Path | str = ".odibi", kind: str = "pipeline_start") -> dict[str, Any]:
    """The fields of the first event of a kind."""
    return next(event.fields for event in RunStore(store).events() if event.event_type == kind)


def assert_context(fields: dict[str, Any]) -> None:
    assert set(fields) >= FIELDS
    assert (fields["params"], fields["tags"], fields["partition"]) == ({"limit": 2}, {"team": "sales"}, "2026-01-31")
    assert set(fields["git"]) == {"commit", "branch", "dirty", "remote"}
    assert fields["packages"]["odibi_core"]


def test_an_orchestrated_run() -> None:
    """And its result has the three values that it was given."""
    result = run([rows], pipeline_name="p", **GIVEN)
    assert_context(first())
    assert (result.params, result.tags, result["partition"]) == ({"limit": 2}, {"team": "sales"}, "2026-01-31")
    (step,) = first(kind="pipeline_plan")["steps"]
    assert "def rows" in read_source(".odibi", step["source_hash"])
    assert step["source_file"] == __file__


def test_an_observed_run_and_its_nodes() -> None:
    """The source of a function of `@node` is in the plan too."""
    with observe("p", **GIVEN):
        node(rows)()
    assert_context(first())
    (step,) = first(kind="pipeline_plan")["steps"]
    assert "def rows" in read_source(".odibi", step["source_hash"])


@pytest.mark.parametrize(("step", "used"), [(rows, False), (Step(name="q", type="sql", value="select 1 as n"), True)])
def test_only_an_engine_that_a_step_uses_is_among_the_packages(step: Any, used: bool) -> None:
    """A function brings its own frames, so a change of the default engine's library is none of its run."""
    run([step], engine_type="polars")
    assert ("polars" in first()["packages"]) is used


def test_a_tracker(heard: RecordingSink) -> None:
    """An invalid argument is logged, and the run begins without it."""
    Tracker(bus=None).start_pipeline("p")
    tracker = Tracker()
    tracker.bus.subscribe(heard)
    tracker.start_pipeline("p", **GIVEN)
    assert_context(heard.of_kind("pipeline_start")[0].fields)
    tracker.start_pipeline("q", params=5)  # type: ignore[arg-type]
    assert heard.of_kind("pipeline_start")[1].fields["params"] == {}


def test_a_program() -> None:
    """`init_observability` takes the three as well."""
    init_observability(ObservabilityConfig(metrics_enabled=False), **GIVEN).finish()
    assert_context(first())


def test_the_settings_fill_what_code_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of odibi goes before the short one."""
    monkeypatch.setenv("ODIBI_PARTITION", "short")
    monkeypatch.setenv("ODIBI_RUN__TAGS", "team=sales")
    monkeypatch.setenv("ODIBI_RUN__ENVIRONMENT", "TZ, X_*")
    monkeypatch.setenv("X_JOB", "7")
    monkeypatch.delenv("TZ", raising=False)
    with observe("p"):
        pass
    fields = first()
    assert (fields["partition"], fields["tags"], fields["environment"]) == ("short", {"team": "sales"}, {"X_JOB": "7"})
    monkeypatch.setenv("ODIBI_RUN__PARTITION", "long")
    assert run([rows], store=False).partition == "long"


@pytest.mark.parametrize("wrong", [{"params": [1]}, {"tags": "x"}, {"partition": 1.5}])
def test_a_wrong_argument_is_refused_before_anything_runs(wrong: dict[str, Any]) -> None:
    """Construction may raise; observing may not."""
    with pytest.raises(ConfigurationError):
        observe("p", **wrong)
    if "params" not in wrong:
        with pytest.raises(ConfigurationError):
            run([rows], **wrong)
    assert not Path(".odibi/runs").exists()


@pytest.mark.parametrize("part", ["process_facts", "git_state", "_packages"])
def test_a_part_that_fails_is_left_out(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run and the rest of its context stay, and the log has the failure."""

    def fail(*given: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(context, part, fail)
    assert run([rows], pipeline_name="p", params={"limit": 2}).success
    assert first()["params"] == {"limit": 2}


def test_many_runs_of_one_process_look_at_git_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are written once, and one process is started for all runs."""
    subprocess.run(["git", "init", "-q"], check=True)
    started: list[str] = []
    spawn = git_dirty._spawn
    monkeypatch.setattr(git_dirty, "_spawn", lambda tree: spawn(started.append(tree) or tree))  # type: ignore[func-returns-value]
    for _ in range(20):
        run([rows], pipeline_name="p")
    assert len(started) == 1
    assert len([path for path in Path(".odibi/sources").rglob("*") if path.is_file()]) == 1


def test_a_run_on_the_command_line() -> None:
    """`--tag` and `--partition`; the command line is recorded without its secrets."""
    Path("job.py").write_text(
        "def rows(limit=1, password=''):\n    return [{'n': n} for n in range(limit)]\nsteps = [rows]\n"
    )
    arguments = [
        "run", "job.py", "--param", "limit=2", "--param", "password=hunter2", "--tag", "team=sales",
        "--tag", "empty=", "--partition", "2026-01-31", "--no-story",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "odibi_core", *arguments],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    fields = first()
    assert fields["params"] == {"limit": 2, "password": "[REDACTED]"}
    assert (fields["tags"], fields["partition"]) == ({"team": "sales", "empty": ""}, "2026-01-31")
    assert "odibi_core run job.py --param limit=2" in fields["command"]
    assert "hunter2" not in json.dumps([event.fields for event in RunStore(".odibi").events()], default=str)


def test_a_worker_process_stores_the_sources_of_its_nodes(tmp_path: Path) -> None:
    """The function of a node may be called in workers only."""
    Path("job.py").write_text(
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from odibi_core import node, observe\n"
        "from odibi_core.observability import context_for_workers\n\n"
        "@node\ndef in_worker(n):\n    return n + 1\n\n"
        "if __name__ == '__main__':\n"
        "    with observe('pool'):\n"
        "        with ProcessPoolExecutor(1, get_context('spawn'), **context_for_workers()) as pool:\n"
        "            print(list(pool.map(in_worker, [1, 2])))\n"
    )
    done = subprocess.run(
        [sys.executable, "job.py"], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    (step,) = first(kind="pipeline_plan")["steps"]
    assert "def in_worker" in read_source(".odibi", step["source_hash"])
