"""Events to Loki: few labels, the rest as structured metadata, and each refused line counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.delivery.loopback import HTML, Reply, dead_url, running
from tests.log_shipping.servers import LokiServer

from odibi_core.delivery import SENT, HttpClient
from odibi_core.events import Event
from odibi_core.log_shipping.loki import MOST_PIPELINES, PATH, LokiReceiver
from odibi_core.testing import an_event

START = datetime(2026, 1, 1, tzinfo=UTC)


def events(count: int = 3) -> list[Event]:
    """The start of a run, and lines of it."""
    first = an_event(
        "pipeline_start", pipeline_name="daily", run_id="r1", host="etl-1", pid=7, seq=0, writer_id="w", timestamp=START
    )
    return [first] + [
        an_event(
            "node_complete", run_id="r1", node_name="clean", seq=number, trace_id="ab", writer_id="w",
            timestamp=START + timedelta(seconds=number), message="Node 'clean' completed",
        )
        for number in range(1, count)
    ]  # fmt: skip


def receiver(server: LokiServer, **options: bool | str) -> LokiReceiver:
    client = HttpClient(server.url + PATH, setting="ODIBI_LOKI__URL", compress=True)
    return LokiReceiver(client, service="etl", **options)  # type: ignore[arg-type]


def test_a_line_has_few_labels_and_all_else_as_metadata() -> None:
    """A run id is no label: each would be a stream. The line is the JSON of the record."""
    with running(LokiServer()) as server:
        assert isinstance(server, LokiServer)
        assert receiver(server, tenant="team-a").send(events(), 5) is SENT
    assert server.labels() == [{"service_name": "etl", "level": "info", "pipeline": "daily"}]
    assert server.requests[0].headers["x-scope-orgid"] == "team-a"
    _, second, _ = server.entries.values()
    assert second == {
        "run_id": "r1", "node_name": "clean", "event_type": "node_complete", "trace_id": "ab", "host": "etl-1",
    }  # fmt: skip
    assert [line["event_type"] for line in server.lines()] == [
        "pipeline_start",
        "node_complete",
        "node_complete",
    ]
    assert [at for _, at, _ in server.entries][1] == str(int((START.timestamp() + 1) * 1e9))


def test_a_batch_that_is_sent_again_is_stored_once() -> None:
    """So a lost answer doubles nothing."""
    with running(LokiServer()) as server:
        assert isinstance(server, LokiServer)
        own = receiver(server)
        for _ in range(2):
            assert own.send(events(), 5) is SENT
    assert len(server.entries) == 3


def test_refused_lines_are_counted_and_the_others_are_there() -> None:
    """Loki answers 400 for the whole request and takes the lines that are not too old."""
    with running(LokiServer(oldest_ns=int((START.timestamp() + 1) * 1e9))) as server:
        assert isinstance(server, LokiServer)
        outcome = receiver(server).send(events(), 5)
    assert (outcome.refused, outcome.reason, outcome.is_unsent) == (1, "http_400", False)
    assert "too far behind" in outcome.detail
    assert len(server.entries) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_gets_it_again(status: int) -> None:
    """After the pause that it asks for."""
    with running(LokiServer(Reply(status, {"Retry-After": "2"}))) as server:
        assert isinstance(server, LokiServer)
        outcome = receiver(server).send(events(), 5)
    assert (outcome.is_unsent, outcome.after_s, outcome.reason) == (True, 2.0, f"http_{status}")


def test_a_web_page_is_no_answer_of_loki() -> None:
    """A proxy that answers 200 with its login page took nothing."""
    with running(LokiServer(HTML)) as server:
        assert isinstance(server, LokiServer)
        outcome = receiver(server).send(events(), 5)
    assert (outcome.refused, outcome.reason) == (3, "web_page")
    outcome = LokiReceiver(HttpClient(dead_url(), setting="ODIBI_LOKI__URL")).send(events(), 1)
    assert outcome.is_unsent
    assert "ODIBI_LOKI__URL" in outcome.detail


def test_labels_and_lines_are_bounded() -> None:
    """Pipelines beyond the bound share a label; a long line is shortened, and a large batch is several requests."""
    starts = [
        an_event("pipeline_start", pipeline_name=f"p{number}", run_id=f"r{number}")
        for number in range(MOST_PIPELINES + 2)
    ]
    long_ones = [an_event("log", message="x" * 400_000, about="y" * 90_000, seq=number) for number in range(30)]
    with running(LokiServer()) as server:
        assert isinstance(server, LokiServer)
        own = receiver(server, has_metadata=False)
        assert own.send(starts, 5) is SENT
        assert own.send(long_ones, 5) is SENT
    pipelines = {labels.get("pipeline") for labels in server.labels()}
    assert len(pipelines - {None, "other"}) == MOST_PIPELINES
    assert "other" in pipelines
    assert len(server.requests) == 3
    assert set(map(len, server.entries.values())) == {0}
    assert "[cut: 400" in server.lines()[-1]["message"]
