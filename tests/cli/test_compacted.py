"""Every command that reads the record gives the same answer before and after the runs were compacted."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import Here

from odibi_core import observe
from odibi_core.history.compaction import Options, compact
from odibi_core.observability import get_logger, track_cost, track_performance
from odibi_core.store.runs import RunStore

COMMANDS = {
    "runs": [""],
    "show": ["", "toolkit"],
    "logs": ["small", "toolkit --level warning", "small-failing --event node_failed", "--all"],
    "metrics": ["small", "toolkit"],
    "timing": ["toolkit", ""],
    "errors": ["", "--run small-failing"],
    "costs": ["", "--by run"],
    "usage": [""],
    "health": ["--recorded"],
    "history": ["small"],
    "compare": ["small small-failing --anyway"],
    "sql": [
        "'select event_type, count(*) as n from logs group by all order by all'",
        "'select * from logs order by timestamp, writer_id, seq'",
        "'select run_id, status, events, unreadable from runs order by all'",
        "'select run_id, node_name, status, rows_out from nodes order by all'",
        "'select run_id, error_type, message from errors order by all'",
    ],
}


def answers(here: Here) -> dict[str, tuple[int, object]]:
    """The exit code and the JSON of each command; or else its text."""
    found: dict[str, tuple[int, object]] = {}
    for command, asked in COMMANDS.items():
        for arguments in asked:

            done = here(command, *shlex.split(arguments), "--format", "json")
            try:
                answer = json.loads(done.stdout)
            except ValueError:
                answer = [json.loads(line) for line in done.stdout.splitlines()] if done.exit_code == 0 else done.output
            if command == "show":
                answer.pop("files")  # the folder of a run without exports is gone
            found[f"{command} {arguments}"] = (done.exit_code, answer)
    return found


@pytest.mark.slow
def test_every_command_answers_as_before(here: Here, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of reader: by the journal, by the tables, by the index."""
    monkeypatch.setenv("ODIBI_STORE__COMPACT", "off")
    here("run", small)
    here("run", f"{small}:failing")
    with observe("toolkit"), track_performance("load"):
        get_logger("shop").warning("late", orders=3, recordsIn=1)
        track_cost("query", 10, 0.5)
    before = answers(here)
    assert {command: answer for command, answer in before.items() if answer[0] not in (0, 1)} == {}
    compact(RunStore(".odibi"), Options(grace_s=0, threads=1))
    assert list(Path(".odibi/runs").glob("*/events")) == []
    after = answers(here)
    for command, answer in before.items():
        assert after[command] == answer, command
