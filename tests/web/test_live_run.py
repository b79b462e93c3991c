"""A real run that is watched over HTTP until its end: the page has then what the saved story has."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from loopback_server import served
from tests.web.test_live import applied

from odibi_core.bus.bus import EventBus
from odibi_core.checks import not_null
from odibi_core.cli.run_pipeline import write_files
from odibi_core.orchestrator import Orchestrator, Step
from odibi_core.web import live


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve an empty store on a free port of the loopback, in a thread."""
    with served(tmp_path) as found:
        yield found


def pipeline(root: Path, is_watched: threading.Event, started: Queue[str]) -> Orchestrator:
    """Return a pipeline whose second step waits until the run is watched, and whose last one fails."""
    pandas = pytest.importorskip("pandas")

    def orders() -> Any:
        return pandas.DataFrame({"customer": ["ada", "bob", None], "amount": [20.0, 35.5, 12.0]})

    def paid(orders: Any) -> Any:
        assert is_watched.wait(20)
        return orders[orders.amount > 15]

    def total(paid: Any) -> Any:
        return paid["amout"].sum()

    bus = EventBus()
    bus.subscribe(lambda event: started.put(event.run_id or ""), kinds="pipeline_start")
    steps = [
        Step(name="orders", layer="ingest", value=orders, outputs={"out": "orders"},
             checks=[not_null("customer", severity="warn")]),
        Step(name="paid", layer="transform", value=paid, inputs={"orders": "orders"}, outputs={"out": "paid"}),
        Step(name="total", layer="publish", value=total, inputs={"paid": "paid"}),
    ]  # fmt: skip
    return Orchestrator(steps, event_bus=bus, pipeline_name="shop", store=str(root), raise_on_error=False)


def watched(url: str, on_first: threading.Event) -> dict[str, Any]:
    """Follow the events of a run as a page does; return the document at the end."""
    document: dict[str, Any] = {}
    with httpx.stream("GET", url, timeout=30) as response:
        kind = ""
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind != "end":
                document = applied(document, kind, json.loads(value))
                on_first.set()
    return document


def digest(document: dict[str, Any]) -> str:
    """Return the hash of a document, whatever the order of its members."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def test_a_watched_run_ends_with_the_document_of_its_saved_story(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal hashes: of the document that the events made, of the file, and of the answer afterwards."""
    monkeypatch.setattr(live, "_POLL_S", 0.02)
    is_watched, started = threading.Event(), Queue[str]()
    plan = pipeline(tmp_path, is_watched, started)
    running = threading.Thread(target=plan.execute)
    running.start()
    run_id = started.get(timeout=20)
    document = watched(f"{address}/api/runs/{run_id}/events", is_watched)
    running.join(20)
    assert plan.tracker is not None
    files = write_files(plan, plan.tracker.lineage(), story=True)
    page = Path(files["story"]).read_text("utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    saved = json.loads(found[1])
    assert [step["state"] for step in document["steps"]] == ["success", "success", "failed"]
    assert {name for name in document.keys() | saved if document.get(name) != saved.get(name)} == set()
    answer = httpx.get(f"{address}/api/runs/{run_id}").json()
    assert digest(document) == digest(saved) == digest(answer)
