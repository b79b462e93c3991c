"""The runs of a worker process that serves several runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from odibi_core.events import decode
from odibi_core.process import worker_record
from odibi_core.process.state import current_bus
from odibi_core.process.worker_runs import _IDLE, end_run, joined


def test_the_lines_of_an_idle_run_are_returned_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although it was closed here before, for other runs; with all its lines received, none are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runs = [f"run-{number}" for number in range(_IDLE + 1)]
    for run_id in runs:
        with joined(run_id, {worker_record.STORE: str(tmp_path / "elsewhere")}):
            current_bus().publish("from_a_run", fields={"run_id": run_id})
    for run_id in (runs[0], runs[-1]):
        (line,) = end_run(run_id, received=0)
        assert (decode(line).event_type, decode(line).run_id) == ("from_a_run", run_id)
        assert end_run(run_id, received=0) == []
    assert end_run(runs[1], received=1) == []
