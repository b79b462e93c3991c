"""The page of a pipeline: since when it fails, and the steps that failed among many."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.history.stores import START, write_run
from tests.history.stores import event_with_seq as numbered

from odibi_core.history.grid import grid_of
from odibi_core.history.grid_page import document
from odibi_core.history.index import Index
from odibi_core.testing import an_event

GOOD, BAD, RUNNING = "success", "failed", "running"


def sentence(root: Path, states: list[str]) -> str:
    """Return the sentence of a page with a run in each of these states, one a day."""
    for day, state in enumerate(states):
        run_id, start = f"r{day}", START + timedelta(days=day)
        kinds = [("pipeline_start", {}), *([] if state == RUNNING else [("pipeline_complete", {"status": state})])]
        write_run(root, run_id, [
            numbered(an_event(kind, timestamp=start, run_id=run_id, writer_id=run_id, pipeline_name="p", **fields), seq)
            for seq, (kind, fields) in enumerate(kinds)
        ])  # fmt: skip
    with Index(root) as index:
        index.refresh()
        return str(document(grid_of(index, "p", 60))["sentence"])


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([GOOD, BAD, GOOD], ": 1 did not succeed."),
        ([BAD, GOOD, BAD, BAD], "Failing since 2026-01-03 04:00 (2 runs); the last good run was at 2026-01-02 04:00."),
        ([GOOD, BAD, RUNNING], "Failing since 2026-01-02 04:00 (1 run); the last good run was at 2026-01-01 04:00."),
        ([BAD, BAD], "None of 2 runs succeeded."),
    ],
)
def test_the_sentence_states_since_when_no_run_succeeded(states: list[str], expected: str, tmp_path: Path) -> None:
    """From the runs that ended: one that goes on is no success and no failure."""
    assert sentence(tmp_path, states).endswith(expected)


def test_of_many_steps_those_that_failed_come_first(tmp_path: Path) -> None:
    """They would be below hundreds of others, or left out; a few steps stay in the order of the plan."""
    def order(steps: int) -> list[str]:
        run_id = f"r{steps}"
        same: dict[str, Any] = {"timestamp": START, "run_id": run_id, "writer_id": run_id, "pipeline_name": run_id}
        events: list[Any] = [
            an_event(kind, **same, node_name=f"s{step}", status=state)
            for step in range(steps)
            for state in (BAD if step == steps - 1 else GOOD,)
            for kind in ("node_start", "node_failed" if state == BAD else "node_complete")
        ]
        events.insert(0, an_event("pipeline_start", **same))
        write_run(tmp_path, run_id, [numbered(event, seq) for seq, event in enumerate(events)])
        with Index(tmp_path) as index:
            index.refresh()
            return [step.node_name for step in grid_of(index, run_id, 9).steps]

    assert order(60)[0] == "s59"
    assert order(5)[-1] == "s4"
