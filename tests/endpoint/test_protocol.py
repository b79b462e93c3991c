"""The connections of the endpoint: other clients never block a scrape."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from odibi_core.endpoint import protocol as endpoint_protocol
from odibi_core.endpoint.protocol import ConnectionLimit
from odibi_core.endpoint.server import MetricsEndpoint

TEXT = "text/plain; version=0.0.4; charset=utf-8"
MANY = 300
BEGINNINGS = pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"G",
        b"GET /metr",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /metrics HTTP/1.1\r\nX: ",
    ],
)


@pytest.fixture
def endpoint() -> Iterator[MetricsEndpoint]:
    with MetricsEndpoint(lambda accept: (b"fine 1\n", TEXT), port=0) as served:
        assert scrape(served).status_code == 200  # the web server is loaded, and takes connections at once
        yield served


def scrape(endpoint: MetricsEndpoint) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=30, trust_env=False)


@contextmanager
def connections(endpoint: MetricsEndpoint, count: int, begun: bytes) -> Iterator[list[socket.socket]]:
    """Open this many connections, each with the beginning of a request."""
    with ExitStack() as opened:
        found = []
        for _ in range(count):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", endpoint.port))
            with suppress(OSError):  # it had to make room already
                connection.sendall(begun)
            found.append(connection)
        yield found


@BEGINNINGS
def test_unfinished_requests_block_no_scrape(
    endpoint: MetricsEndpoint, begun: bytes
) -> None:
    """With three hundred of them the oldest are closed, and each scrape is answered."""
    with connections(endpoint, MANY, begun):
        assert [scrape(endpoint).status_code for _ in range(3)] == [200, 200, 200]


def test_unread_answers_block_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is larger than the system's buffer for a client that does not read."""
    monkeypatch.setattr(endpoint_protocol, "CONNECTIONS", 4)
    body = b"fine 1\n" * 1_000_000
    with MetricsEndpoint(lambda accept: (body, TEXT), port=0) as served:
        assert len(scrape(served).content) == len(body)
        with ExitStack() as held:
            for _ in range(12):
                request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
                (asked,) = held.enter_context(connections(served, 1, request))
                assert asked.recv(12) == b"HTTP/1.1 200"  # and no more of it
            assert scrape(served).status_code == 200


def test_a_request_that_is_not_finished_in_time_is_closed(
    endpoint: MetricsEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time runs from the start of the connection, however often a byte arrives."""
    monkeypatch.setattr(endpoint_protocol, "REQUEST_S", 0.1)
    with connections(endpoint, 1, b"GET /metr") as (slow,), suppress(ConnectionResetError):
        assert slow.recv(100) == b""


def test_an_answer_has_more_time_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that take longer to collect than a request may take are still answered."""
    monkeypatch.setattr(endpoint_protocol, "REQUEST_S", 0.05)

    def collect(accept: str) -> tuple[bytes, str]:
        with connections(served, 1, b"GET") as (slow,), suppress(ConnectionResetError):
            slow.recv(1)  # returns when the time of a connection is over that came after the scrape's
        return b"fine 1\n", TEXT

    with MetricsEndpoint(collect, port=0) as served:
        assert scrape(served).text == "fine 1\n"


class Held:
    """A connection with nothing but a state."""

    def __init__(self, idle: bool) -> None:
        self.idle = idle
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


def test_the_oldest_idle_connection_is_closed() -> None:
    """A connection that is being answered stays; if all are, the new one is accepted too."""
    limit = ConnectionLimit(limit=3)
    answered, first, second, new = Held(False), Held(True), Held(True), Held(False)
    for each in (answered, first, second, new):
        limit.add(each)
    assert [each.dropped for each in (answered, first, second, new)] == [False, True, False, False]
    limit.add(Held(False))
    assert second.dropped
    limit.add(last := Held(True))
    assert not any(each.dropped for each in (answered, new, last))


def test_an_ended_connection_does_not_count() -> None:
    """An ended connection is not counted."""
    limit = ConnectionLimit(limit=1)
    first, second = Held(True), Held(True)
    limit.add(first)
    limit.remove(first)
    limit.add(second)
    assert not first.dropped
    assert not second.dropped
