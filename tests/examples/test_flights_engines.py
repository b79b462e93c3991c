"""The flights pipeline on every engine of one process: the same rows, columns and checks as on polars."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.runtime.orchestrator import Orchestrator
from odibi_core.testing import RecordingSink

PIPELINE = Path(__file__).resolve().parents[2] / "examples" / "flights" / "pipeline.py"
CHAINED = {"delays_by_hour"}
"""Steps of DuckDB whose relation only the step that writes it takes: the rows are those of that step."""

Facts = tuple[dict[str, Any], dict[Any, Any], dict[Any, Any], int]


@cache
def facts(engine: str, out: str) -> Facts:
    """Return rows by step, results of checks, columns by dataset, and the number of executed plans."""
    from odibi_core.pipeline.loader import load_module

    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    steps = load_module(str(PIPELINE)).build(out_dir=out, engine=engine)
    result = Orchestrator(steps, engine, event_bus=bus, store=False).execute()
    rows = {name: node["row_count"] for name, node in result.nodes.items()}
    checks, columns = {}, {}
    for event in heard.events:
        if event.event_type == "check_result":
            names = ("passed", "failed_rows", "total_rows")
            key = (event.node_name, event.fields["check"], event.fields["column"])
            checks[key] = (*(event.fields[name] for name in names), event.message)
        elif event.event_type == "snapshot" and event.fields["when"] == "after":
            columns[event.node_name, event.fields["dataset"]] = [each["column"] for each in event.fields["schema"]]
    return rows, checks, columns, heard.kinds.count("plan_executed")


@pytest.mark.parametrize("engine", ["polars-lazy", "duckdb", "pyarrow"])
def test_the_facts_are_the_same_on_every_engine(engine: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One execution makes all rows of the lazy engine; the rows of a chained relation are unknown."""
    wanted = facts("polars", str(tmp_path_factory.getbasetemp() / "flights-polars"))
    found = facts(engine, str(tmp_path_factory.mktemp("flights")))
    chained = dict.fromkeys(CHAINED if engine == "duckdb" else ())
    assert found[0] == {**wanted[0], **chained}
    assert found[1] == wanted[1]
    assert found[2] == wanted[2]
    assert found[3] == (engine == "polars-lazy")
