"""Workers of a run: each of their events is in its record once, however they were started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.process.worker_program import CALLS, CASES

from odibi_core.observability import context_for_workers, observe
from odibi_core.process import worker_record

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
PROGRAM = Path(__file__).with_name("worker_program.py")
ORCHESTRATED = [("spawn", "executor", "without"), ("fork", "pool", "without")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the results of every case, from one program."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM)], cwd=tmp_path_factory.mktemp("workers"), env=environment(),
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    cases = [json.loads(line) for line in ran.stdout.splitlines()]
    return {(case["kind"], *case["case"]): case for case in cases}


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_each_event_of_a_worker_is_in_the_run_once(
    done: dict[tuple[str, ...], dict[str, Any]], case: tuple[str, str, str]
) -> None:
    """Nodes, lines, measurements and captured errors, by every start method and kind of pool, with
    `context_for_workers` and without; a node that several processes call is one node, and the run counts each call.
    """
    told = done["observed", *case]
    once = ("line", "operation_complete", "error", "node_start", "node_complete")
    assert {kind: told["said"].get(kind) for kind in once} == dict.fromkeys(once, CALLS)
    assert (told["said"]["pipeline_start"], told["said"]["pipeline_complete"]) == (1, 1)
    assert (told["nodes"], told["counted"], told["row"]) == (1, CALLS, "success")


@pytest.mark.parametrize("case", ORCHESTRATED, ids="-".join)
def test_a_step_may_start_workers(
    done: dict[tuple[str, ...], dict[str, Any]], case: tuple[str, str, str]
) -> None:
    """The events of workers are in the run; its nodes are its steps, as without workers."""
    told = done["orchestrated", *case]
    assert (told["said"]["line"], told["said"]["error"], told["nodes"], told["counted"]) == (CALLS, CALLS, 1, 1)


def left() -> str | None:
    """Return the run that a child of this process would join."""
    process, context = (worker_record._config() or {}).get("odibi_core", (os.getpid(), {}))
    assert process == os.getpid()
    run_id = context.get("run_id")
    return None if run_id is None else str(run_id)


def test_only_a_run_that_is_alone_is_left_for_children() -> None:
    """With two runs at once a child's run is unknown; after a run there is none to join."""
    with observe("one") as one:
        assert left() == one.run_id
        assert worker_record.left_by_parent() == {}  # it is for children only
        (given,) = context_for_workers()["initargs"]
        assert given["odibi_core_store"] == str(one.settings.root)
        with observe("two"):
            assert left() is None
        assert left() == one.run_id
    assert left() is None
    with observe("nothing is kept", store=False):
        assert left() is None
