"""The HTTP client: bounded in time and size, and its messages name the setting and hold no secret."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.delivery.loopback import CLOSE, ENDLESS, GARBAGE, REDIRECT, SILENT, TRICKLE, Reply, dead_url, loopback

from odibi_core.delivery import HttpClient, HttpError
from odibi_core.delivery.http import LONGEST_ANSWER, Tls
from odibi_core.delivery.urls import shown_url
from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import monotonic

SETTING = "ODIBI_TEST__URL"


def client(url: str, **options: object) -> HttpClient:
    return HttpClient(url, setting=SETTING, **options)  # type: ignore[arg-type]


def test_a_request_has_its_headers_and_keeps_its_connection() -> None:
    """Headers of the client and of the request are sent; a second request uses the same connection."""
    with loopback() as server:
        one = client(f"{server.url}/v1/items", headers={"Authorization": "Bearer t"})
        for number in range(2):
            assert one.post(b"{}", headers={"X-Number": str(number)}).status == 200
        assert one._pool is not None
        (pool,) = (one._pool.pools[key] for key in one._pool.pools.keys())  # noqa: SIM118 (no mapping)
        assert pool.num_connections == 1
    assert [
        (each.path, each.headers["authorization"], each.headers["x-number"]) for each in server.requests
    ] == [("/v1/items", "Bearer t", "0"), ("/v1/items", "Bearer t", "1")]


def test_credentials_of_a_url_are_a_header_and_in_no_message() -> None:
    """User and password become `Authorization`; neither they nor a query are shown."""
    with loopback() as server:
        one = client(server.url.replace("://", "://me:hunter2secret@") + "/path?token=abc")
        one.post(b"{}")
        assert server.requests[0].headers["authorization"] == "Basic bWU6aHVudGVyMnNlY3JldA=="
        assert one.shown == f"{server.url}/path"
    with pytest.raises(HttpError) as failure:
        client(dead_url().replace("://", "://me:hunter2secret@")).post(b"{}")
    assert "hunter2" not in str(failure.value)
    assert shown_url("me:pw@host") == "****"


@pytest.fixture
def not_http() -> Iterator[str]:
    """An address whose server accepts a connection and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(TRICKLE, "timeout"), (SILENT, "timeout"), (CLOSE, "connection_failed"), (GARBAGE, "connection_failed")],
)
def test_a_wrong_answer_is_an_error_within_the_time(reply: Reply, reason: str) -> None:
    """The time is of the whole request: a byte at a time does not stretch it."""
    with loopback(default=reply) as server:
        began = monotonic()
        with pytest.raises(HttpError) as failure:
            client(server.url).post(b"{}", within_s=0.15)
        assert monotonic() - began < 5
    assert failure.value.reason == reason
    assert failure.value.is_retryable
    assert server.url in str(failure.value)


def test_a_trickle_before_the_headers_are_whole_ends_too() -> None:
    """The status line itself may come a byte at a time."""
    slow = Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, every_s=0.02)
    with loopback(default=slow) as server, pytest.raises(HttpError, match=r"within 0\.15 s"):
        client(server.url).post(b"{}", within_s=0.15)


def test_an_answer_is_read_up_to_the_bound() -> None:
    """The rest of an endless answer is not read, and the next request works."""
    with loopback(ENDLESS) as server:
        one = client(server.url)
        assert len(one.post(b"{}").body) == LONGEST_ANSWER
        assert one.post(b"{}").body == b"{}"


def test_no_redirect_is_followed() -> None:
    """A redirect is an answer like any other."""
    with loopback(REDIRECT) as server:
        assert client(server.url).post(b"{}").status == 302
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://no-such-host.invalid:4318", "unknown_host"),
        ("dead", "connection_refused"),
        ("https://dead", "connection_refused"),
    ],
)
def test_an_unreachable_server_names_the_setting(url: str, reason: str) -> None:
    """Nothing listens, or the host is not known: which address, and which setting has it."""
    address = dead_url()
    url = url.replace("http://dead", address).replace("https://dead", address.replace("http:", "https:"))
    with pytest.raises(HttpError, match=SETTING) as failure:
        client(address if url == "dead" else url).post(b"{}", within_s=5)
    assert failure.value.reason == reason


def test_https_to_a_server_without_it_is_an_error_about_certificates_or_the_protocol(not_http: str) -> None:
    """TLS against silence ends at the deadline."""
    with pytest.raises(HttpError) as failure:
        client(f"https://{not_http}").post(b"{}", within_s=0.2)
    assert failure.value.reason == "timeout"


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Anything else is as if it were not there."""
    with loopback(Reply(429, {"Retry-After": text})) as server:
        assert client(server.url).post(b"").retry_after_s == seconds


def test_a_long_body_is_compressed_if_asked() -> None:
    """gzip from 512 bytes on; a short body stays plain."""
    with loopback() as server:
        one = client(server.url, compress=True)
        for body in (b"x" * 5000, b"short"):
            one.post(body)
    long, short = server.requests
    assert (long.headers["content-encoding"], long.body) == ("gzip", b"x" * 5000)
    assert int(long.headers["content-length"]) < 100
    assert "content-encoding" not in short.headers


@pytest.mark.parametrize("url", ["", "ftp://host", "host:4318", "http://"])
def test_a_wrong_url_is_an_error_at_once(url: str) -> None:
    """Before anything is sent: the setting, what was given, what would be right."""
    with pytest.raises(ConfigurationError, match=f"{SETTING} must be a URL"):
        client(url)


def test_a_file_of_certificates_that_cannot_be_read_is_an_error_at_once(tmp_path: Path) -> None:
    """The message names the setting and the file."""
    with pytest.raises(ConfigurationError, match=r"no-such\.pem"):
        client("https://host", tls=Tls(ca_file=str(tmp_path / "no-such.pem")))


def test_two_threads_may_use_one_client() -> None:
    """Each request has a deadline of its own."""
    with loopback(default=Reply(raw=b"HTTP/1.1 200 OK\r\n\r\n", every_s=0.001)) as server:
        one = client(server.url)
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(one.post(b"", within_s=10).status))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 4
