"""Runs of the examples, recorded once for the tests of the export."""

import runpy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.pauses import shorten_pauses
from tests.openlineage.checking import exported

from odibi_core import Orchestrator
from odibi_core.errors import PipelineError
from odibi_core.pipeline.loader import load_module

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DAY = date(2013, 11, 5)

Runs = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The small examples, and one day of the flights that succeeds and one whose weather is missing."""
    folder = tmp_path_factory.mktemp("examples")
    store = folder / ".odibi"
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        here.setenv("ODIBI_STORE__DIR", str(store))
        for name in ("run_pipeline.py", "observe_pipeline.py", "step_cache.py"):
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        daily = load_module(str(EXAMPLES / "flights" / "daily.py"))
        daily.deliver(folder / "delivered", [DAY])
        for place in ("delivered", "nowhere"):
            steps = daily.build(str(folder / "out"))
            parameters = daily.parameters(DAY, folder / place)
            try:
                Orchestrator(steps, pipeline_name=f"daily {place}", partition=str(DAY), params=parameters).execute()
            except PipelineError:
                assert place == "nowhere"
    return exported(store)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for, none of which is waited for."""
    return shorten_pauses(monkeypatch)
