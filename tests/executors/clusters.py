"""Runs on the cluster of a test session, which tests of Dask and of Ray share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.runtime import step_runner
from odibi_core.runtime.orchestrator import Orchestrator, Result
from odibi_core.testing import RecordingSink

PATIENCE = 60  # seconds that a correct run never needs


class Cluster(NamedTuple):
    executor: str
    address: str | None = None

    def run(
        self, *steps: Any, bus: EventBus | None = None, more: dict[str, Any] | None = None, **options: Any
    ) -> Result:
        options = {"store": False, "raise_on_error": False, "max_workers": 2, **options}
        given: dict[str, Any] = {"address": self.address} if self.address else {}
        given |= more or {}
        return Orchestrator(
            list(steps), event_bus=bus, executor=self.executor, executor_options=given, **options
        ).execute()


def recorded() -> tuple[RecordingSink, EventBus]:
    heard, bus = RecordingSink(), EventBus()
    bus.subscribe(heard)
    return heard, bus


def without_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make the workers see no folder of the run, as on another host."""
    from odibi_core.logs.context import worker_context as known

    elsewhere = {"odibi_core_store": str(tmp_path / "elsewhere")}
    monkeypatch.setattr(step_runner, "worker_context", lambda: {**known(), **elsewhere})
