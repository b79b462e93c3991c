"""Events to Elasticsearch: documents of ECS, created once, with the result of each counted."""

from __future__ import annotations

import pytest
from tests.delivery.loopback import GARBAGE, Reply, running
from tests.log_shipping.servers import ElasticServer
from tests.log_shipping.test_loki import events

from odibi_core.delivery import SENT, HttpClient
from odibi_core.log_shipping.elastic import LONGEST_DOCUMENT, ElasticReceiver
from odibi_core.sinks.line_presets import Service
from odibi_core.testing import an_event


def receiver(server: ElasticServer) -> ElasticReceiver:
    return ElasticReceiver(HttpClient(server.url, setting="ODIBI_ELASTIC__URL"), service=Service("etl", "prod"))


def test_a_document_is_ecs_and_created_once() -> None:
    """With the host of the run, in the data stream; a batch that comes again has ids that exist."""
    with running(ElasticServer()) as server:
        assert isinstance(server, ElasticServer)
        own = receiver(server)
        for _ in range(2):
            assert own.send(events(), 5) is SENT
    assert server.indices == {"logs-odibi-default"}
    found = server.documents["w-1"]
    assert found["service.name"] == "etl"
    assert found["event.action"] == "node_complete"
    assert found["host"] == {"name": "etl-1"}
    assert found["@timestamp"] == "2026-01-01T00:00:01.000000Z"
    assert "w-2" in server.documents


def test_each_refused_document_is_counted() -> None:
    """The others are there; the reason names the kind of error, not the content."""
    with running(ElasticServer(refuses={"node_complete": 400})) as server:
        assert isinstance(server, ElasticServer)
        outcome = receiver(server).send(events(4), 5)
    assert (outcome.refused, outcome.reason) == (3, "rejected")
    assert "document_parsing_exception" in outcome.detail
    assert len(server.documents) == 1


def test_an_overloaded_server_gets_the_batch_again() -> None:
    """A part that was taken is not doubled, because its ids exist."""
    with running(ElasticServer(refuses={"node_complete": 429})) as server:
        assert isinstance(server, ElasticServer)
        own = receiver(server)
        assert own.send(events(), 5).is_unsent
        server.refuses = {}
        assert own.send(events(), 5) is SENT
    assert len(server.documents) == 3


@pytest.mark.parametrize(
    "reply",
    [Reply(200, {}, b'{"errors":true}'), Reply(200, {}, b'{"errors":true,"items":[1]}'), Reply(200, {}, b"[]")],
)
def test_an_answer_that_is_not_understood_is_no_success(reply: Reply) -> None:
    """All documents count as refused."""
    with running(ElasticServer(reply)) as server:
        assert isinstance(server, ElasticServer)
        outcome = receiver(server).send(events(), 5)
    assert (outcome.refused, outcome.reason) == (3, "invalid_answer")


def test_a_missing_result_is_no_success() -> None:
    """One result for three documents; and no HTTP at all is tried again."""
    script = Reply(200, {}, b'{"errors":true,"items":[{"create":{"status":201}}]}'), GARBAGE
    with running(ElasticServer(*script)) as server:
        assert isinstance(server, ElasticServer)
        own = receiver(server)
        assert own.send(events(), 5).refused == 2
        assert own.send(events(), 5).is_unsent


def test_a_long_document_is_shortened() -> None:
    """And a large batch is several requests."""
    long_ones = [an_event("log", about="y" * 1_500_000, writer_id="w", seq=number) for number in range(3)]
    bodies = ElasticReceiver(HttpClient("http://localhost", setting="ODIBI_ELASTIC__URL")).bodies(long_ones)
    assert sum(count for _, count in bodies) == 3
    assert max(len(body) for body, _ in bodies) < 3 * LONGEST_DOCUMENT
    whole = [an_event("log", about="y" * 900_000, writer_id="w", seq=number) for number in range(8)]
    assert [
        count
        for _, count in ElasticReceiver(HttpClient("http://localhost", setting="ODIBI_ELASTIC__URL")).bodies(whole)
    ] == [5, 3]
