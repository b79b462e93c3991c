"""A run on the real orchestrator, with a retry, a failure, SQL, an item and a file, and its recorded events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from odibi_core import Orchestrator, Step
from odibi_core.events import Event
from odibi_core.observability import get_logger, track_performance
from odibi_core.store.runs import RunStore


def pipeline() -> list[Step]:
    """Return the steps; `flaky` fails twice, `bad` always."""
    attempts: list[int] = []

    def load() -> pd.DataFrame:
        get_logger("shop").info("order_loaded", number=3)
        return pd.DataFrame({"a": [1, 2, 3]})

    def flaky(load: pd.DataFrame) -> pd.DataFrame:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError(f"no luck {len(attempts)}")
        with track_performance("inner"):
            return load

    def bad(flaky: pd.DataFrame) -> None:
        raise KeyError("missing")

    def items() -> list[int]:
        return [1, 2]

    def one(item: int) -> dict[str, int]:
        return {"n": item}

    return [
        Step(name="load", value=load),
        Step(name="flaky", value=flaky, inputs=("load",), retries=3),
        Step(name="bad", value=bad, inputs=("flaky",)),
        Step(name="after", value=lambda bad: bad, inputs=("bad",)),
        Step(name="total", type="sql", value="SELECT sum(a) s FROM flaky", inputs=("flaky",)),
        Step(name="items", value=items),
        Step(name="one", value=one, inputs={"item": "items"}, map="item"),
    ]


def run(store: Path, **options: Any) -> str:
    """Run the pipeline and return the id of its run."""
    done = Orchestrator(
        pipeline(), pipeline_name="shop", store=store, raise_on_error=False, **options
    ).execute()
    return str(done["run_id"])


def recorded(store: Path, run_id: str) -> list[Event]:
    """Return the events of a run as the store has them."""
    return list(RunStore(store).read(run_id))
