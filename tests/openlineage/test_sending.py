"""Live events of OpenLineage: to a receiver that behaves as Marquez does, through a spool, and to a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from tests.delivery.loopback import Reply, dead_url, running
from tests.openlineage.checking import exported
from tests.openlineage.client_classes import event_of_client
from tests.openlineage.marquez import Marquez

from odibi_core import Orchestrator, Step
from odibi_core.delivery import HttpClient, close_all
from odibi_core.errors import ConfigurationError
from odibi_core.openlineage.sending import Sender, sender_of
from odibi_core.settings import read_settings
from odibi_core.store.sources import SourceStore

STORE = Path(".odibi")


@pytest.fixture
def marquez(monkeypatch: pytest.MonkeyPatch) -> Iterator[Marquez]:
    server = Marquez()
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "tests")
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    with running(server):
        yield server


def orders() -> pd.DataFrame:
    return pd.DataFrame({"customer": ["ada", "bob"], "amount": [1.5, 2.0]})


def run(*, store: bool = True) -> Any:
    sql = "select customer as buyer, sum(amount) as total from orders group by customer"
    steps = [
        Step(name="orders", value=orders, layer="ingest"),
        Step(name="total", type="sql", value=sql, inputs=["orders"]),
        Step(name="out", layer="publish", value="total.csv", inputs=["total"]),
    ]
    return Orchestrator(steps, pipeline_name="shop", store=STORE if store else False).execute()


def sent_again(root: Path | None = None) -> Sender:
    """The sender that the next process would make."""
    folder = (root or STORE).resolve()
    made = Sender(read_settings().openlineage, folder, SourceStore(folder).text_of)
    assert close_all()
    return made


def test_a_receiver_gets_the_events_of_the_record(marquez: Marquez) -> None:
    """Each is valid, they come in order, and jobs, datasets and runs can be asked for."""
    run()
    assert close_all()
    (events,) = exported(STORE).values()
    assert marquez.events == events
    asked = HttpClient(marquez.url, setting="test")

    def found(path: str) -> Any:
        return json.loads(asked.request("GET", url=f"{marquez.url}/api/v1/{path}").body)

    job = found("namespaces/tests/jobs/shop.total")
    assert (job["inputs"], job["outputs"]) == (["shop.orders.orders"], ["shop.total.total"])
    assert found(f"jobs/runs/{job['latestRun']}")["state"] == "COMPLETED"
    frame = quote("inmemory://", safe="")
    assert found(f"namespaces/{frame}/datasets/shop.total.total")["fields"] == ["buyer", "total"]
    assert found(f"namespaces/file/datasets/{quote(str(Path('total.csv').resolve()), safe='')}")["fields"] == [
        "buyer",
        "total",
    ]


def test_what_a_dead_receiver_did_not_take_is_sent_by_the_next_process(
    marquez: Marquez, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    """The run succeeds, every event waits on disk, and each arrives once."""
    monkeypatch.setenv("OPENLINEAGE_URL", dead_url())
    assert run()["success"]
    close_all()
    sender = sender_of(read_settings().openlineage, STORE.resolve())
    assert sender is not None
    assert sender.http is not None
    (events,) = exported(STORE).values()
    assert (sender.http.counts.spooled, sender.http.counts.is_whole) == (len(events), True)
    monkeypatch.setenv("OPENLINEAGE_URL", marquez.url)
    later = sent_again()
    assert marquez.events == events
    assert later.http is not None
    assert later.http.counts.as_dict() == {
        "accepted": len(events), "sent": len(events), "queued": 0, "spooled": 0, "dropped": {},
    }  # fmt: skip


def test_an_event_that_is_refused_is_counted_and_the_others_arrive(
    marquez: Marquez, capsys: pytest.CaptureFixture[str], pauses: list[float]
) -> None:
    """400 is not sent again, 503 is."""
    marquez.script = [Reply(400), Reply(503)]
    run()
    assert close_all()
    (events,) = exported(STORE).values()
    assert marquez.events == events[1:]
    assert "openlineage" in capsys.readouterr().err


def test_the_key_and_the_path_are_those_of_the_standard_variables(
    marquez: Marquez, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is a header, and is in no event and in no spool."""
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "k3y-of-the-test")
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "/api/v1/lineage")
    run()
    assert close_all()
    assert {request.headers["authorization"] for request in marquez.requests} == {"Bearer k3y-of-the-test"}
    assert "k3y-of-the-test" not in "".join(request.body.decode() for request in marquez.requests)
    assert not [path for path in STORE.rglob("*") if path.is_file() and b"k3y-of-the-test" in path.read_bytes()]


def test_a_file_has_the_same_events_and_disabled_sends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """One a line, appended; the standard variable for off wins."""
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "tests")
    monkeypatch.setenv("ODIBI_OPENLINEAGE__FILE", "lineage/events.jsonl")
    run()
    close_all()
    written = [json.loads(line) for line in Path("lineage/events.jsonl").read_text("utf-8").splitlines()]
    assert [written] == list(exported(STORE).values())
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert sender_of(read_settings().openlineage, None) is None


def test_a_wrong_address_is_an_error_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable and the form of a URL."""
    monkeypatch.setenv("OPENLINEAGE_URL", "marquez:5000")
    with pytest.raises(ConfigurationError, match="OPENLINEAGE_URL is 'marquez:5000'"):
        run()


def test_the_client_library_delivers_the_events(marquez: Marquez, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own transport sends what its own classes hold: the receiver has the same events."""
    monkeypatch.delenv("OPENLINEAGE_URL")
    run()
    (events,) = exported(STORE).values()
    auth = ApiKeyTokenProvider({"apiKey": "key"})
    transport = HttpTransport(HttpConfig(url=marquez.url, auth=auth))
    for event in events:
        transport.emit(event_of_client(event))
    assert marquez.events == events
