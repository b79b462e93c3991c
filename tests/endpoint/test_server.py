"""The endpoint: its responses and refusals; it never breaks or delays the program."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics import parser as open_metrics_parser
from prometheus_client.parser import text_string_to_metric_families as prometheus
from tests.ports import kept_port

from odibi_core.endpoint.server import MetricsEndpoint, serve_metrics
from odibi_core.endpoint.shared_metrics import collect_from
from odibi_core.errors import ConfigurationError
from odibi_core.metrics.manager import MetricsManager

open_metrics: Any = open_metrics_parser.text_string_to_metric_families
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def metrics() -> MetricsManager:
    manager = MetricsManager()
    manager.increment("error_count", "load", 3, {"engine": "pandas"})
    return manager


@pytest.fixture
def endpoint(metrics: MetricsManager) -> Iterator[MetricsEndpoint]:
    with MetricsEndpoint(lambda accept: collect_from(metrics, accept), port=0) as served:
        yield served


def get(endpoint: MetricsEndpoint, path: str = "/metrics", **options: Any) -> httpx.Response:
    return httpx.request(
        options.pop("method", "GET"),
        f"http://127.0.0.1:{endpoint.port}{path}",
        timeout=30,
        trust_env=False,
        **options,
    )


def counted(text: str) -> list[float]:
    return [
        sample.value
        for family in prometheus(text)
        for sample in family.samples
        if sample.name == "odibi_error_count_total"
    ]


def test_plain_text_is_the_default(endpoint: MetricsEndpoint) -> None:
    """The default is format 0.0.4 with its media type, as the reference parser reads it."""
    response = get(endpoint)
    assert (response.status_code, response.headers["content-type"]) == (200, TEXT)
    assert counted(response.text) == [3]


def test_open_metrics_on_request(endpoint: MetricsEndpoint) -> None:
    """The text has its own media type and its own end."""
    response = get(
        endpoint, headers={"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    )
    assert response.headers["content-type"] == OPEN_METRICS
    assert response.text.endswith("# EOF\n")
    assert "odibi_error_count" in {family.name for family in open_metrics(response.text)}


def test_gzip_if_the_client_accepts_it(endpoint: MetricsEndpoint) -> None:
    """The same text is compressed for a client that accepts it, and plain for others."""
    packed = get(endpoint, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert counted(packed.text) == [3]
    plain = get(endpoint, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert counted(plain.text) == [3]
    assert "Accept-Encoding" in plain.headers["vary"]


def test_each_scrape_is_current(endpoint: MetricsEndpoint, metrics: MetricsManager) -> None:
    """Nothing is cached between two scrapes, on either side."""
    assert counted(get(endpoint).text) == [3]
    metrics.increment("error_count", "load", 1, {"engine": "pandas"})
    response = get(endpoint)
    assert counted(response.text) == [4]
    assert response.headers["cache-control"] == "no-store"


def test_head_is_get_without_a_body(endpoint: MetricsEndpoint) -> None:
    """HEAD has the status and the headers of GET."""
    response = get(endpoint, method="HEAD")
    assert (response.status_code, response.headers["content-type"], response.content) == (200, TEXT, b"")


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/metrics/../../etc/passwd", "/health/x", "/%00"])
def test_every_other_path_is_not_found(endpoint: MetricsEndpoint, path: str) -> None:
    """There is no redirect either."""
    assert get(endpoint, path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/metrics", "/health", "/"])
def test_other_methods_are_not_allowed(endpoint: MetricsEndpoint, method: str, path: str) -> None:
    """The response names the allowed ones."""
    response = get(endpoint, path, method=method)
    assert (response.status_code, "GET" in response.headers["allow"]) == (405, True)


def test_the_root_links_to_both_paths(endpoint: MetricsEndpoint) -> None:
    """A browser gets links to the metrics and the health."""
    response = get(endpoint, "/")
    assert response.status_code == 200
    assert 'href="metrics"' in response.text
    assert response.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("status", [200, 503])
def test_health_answers_with_its_status(status: int) -> None:
    """The checks decide between 200 and 503; the body is their result as JSON, without secrets."""
    said = {"status": "healthy", "checks": [{"password": "canary-1", "nan": float("nan"), "odd": object()}]}
    with MetricsEndpoint(lambda accept: (b"", TEXT), lambda: (status, said), port=0, token="t") as served:
        response = get(served, "/health", headers={"authorization": "Bearer t"})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert response.json()["status"] == "healthy"
    assert len(response.json()["checks"]) == 1
    assert "canary-1" not in response.text


@pytest.mark.parametrize("status", [200, 503])
def test_without_a_token_health_is_its_status_only(status: int) -> None:
    """Any user of the machine can ask: messages and details name paths, free space and dependencies."""
    disk = {"message": "/data has 3 GiB free", "details": {"free_bytes": 3}}
    said = {"status": "degraded", "timestamp": "t", "checks": {"disk": disk}}
    with MetricsEndpoint(lambda accept: (b"", TEXT), lambda: (status, said), port=0) as served:
        response = get(served, "/health")
    assert (response.status_code, response.json()) == (status, {"status": "degraded"})


def test_health_without_checks_is_unknown(endpoint: MetricsEndpoint) -> None:
    """The program answers, but its health is unknown."""
    assert (get(endpoint, "/health").status_code, get(endpoint, "/health").json()["status"]) == (
        200,
        "unknown",
    )


def test_a_failed_collection_is_one_line_to_the_scraper(caplog: pytest.LogCaptureFixture) -> None:
    """The response has no traceback; the log has it; the next scrape is answered."""
    times = iter([RuntimeError("secret-detail"), None])

    def collect(accept: str) -> tuple[bytes, str]:
        if error := next(times):
            raise error
        return b"fine 1\n", TEXT

    with caplog.at_level(logging.ERROR, "odibi_core"), MetricsEndpoint(collect, port=0) as served:
        failed, fine = get(served), get(served)
    assert (failed.status_code, failed.text.count("\n")) == (500, 1)
    assert "Traceback" not in failed.text
    assert "secret-detail" not in failed.text
    assert "secret-detail" in caplog.text
    assert fine.text == "fine 1\n"


def test_a_hanging_check_does_not_block_a_scrape() -> None:
    """Each answer is made on a thread of its own."""
    asked, go = threading.Event(), threading.Event()

    def health() -> tuple[int, dict[str, Any]]:
        asked.set()
        go.wait(30)
        return 200, {}

    with MetricsEndpoint(lambda accept: (b"fine 1\n", TEXT), health, port=0) as served:
        waiting = threading.Thread(target=get, args=(served, "/health"))
        waiting.start()
        assert asked.wait(30)
        assert get(served).text == "fine 1\n"
        go.set()
        waiting.join()


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "10.1.2.3:8000", "LOCALHOST"]
)
def test_a_name_of_this_machine_or_an_address_is_served(endpoint: MetricsEndpoint, host: str) -> None:
    """An address cannot be rebound; any port is accepted."""
    assert get(endpoint, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "[", ":"]
)
def test_a_foreign_name_is_refused(endpoint: MetricsEndpoint, host: str) -> None:
    """DNS rebinding: a page whose name points to this machine sends that name."""
    response = get(endpoint, headers={"host": host})
    assert response.status_code == 400
    assert "odibi_" not in response.text


def test_only_the_token_gives_access(metrics: MetricsManager) -> None:
    """The token is needed on every path; a refusal names the header, and no more."""
    collect = lambda accept: collect_from(metrics, accept)  # noqa: E731
    with MetricsEndpoint(collect, port=0, token="sesam-öffne") as served:
        right = "Bearer sesam-öffne".encode()
        for path in ("/metrics", "/health", "/"):
            assert (
                get(served, path, headers={b"authorization": right, b"host": b"any.name"}).status_code == 200
            )
            for wrong in (
                b"",
                b"Bearer",
                b"Bearer sesam",
                b"Basic c2VzYW0=",
                "sesam-öffne".encode(),
                b"Bearer \xff",
            ):
                refused = get(served, path, headers={b"authorization": wrong})
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == "Bearer"
                assert "sesam" not in refused.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "metrics.example.org"])
def test_other_machines_are_served_with_a_token_only(host: str) -> None:
    """Without a token the endpoint raises at construction, and the message names the fix."""
    with pytest.raises(ConfigurationError, match="token"):
        MetricsEndpoint(lambda accept: (b"", TEXT), host=host)
    MetricsEndpoint(lambda accept: (b"", TEXT), host=host, token="t")


def test_every_address_is_served_if_configured() -> None:
    """The test uses another name of loopback."""
    with MetricsEndpoint(lambda accept: (b"fine 1\n", TEXT), host="0.0.0.0", port=0, token="t") as served:
        assert get(served, headers={"authorization": "Bearer t"}).text == "fine 1\n"


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_invalid_port_is_refused(port: int) -> None:
    """The constructor raises, and the message names the setting."""
    with pytest.raises(ConfigurationError, match="PROMETHEUS_PORT"):
        MetricsEndpoint(lambda accept: (b"", TEXT), port=port)


def test_a_port_in_use_is_a_warning_only(caplog: pytest.LogCaptureFixture) -> None:
    """The warning names the port and the setting; the program continues, and may retry later."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        endpoint = MetricsEndpoint(lambda accept: (b"fine 1\n", TEXT), port=port)
        with caplog.at_level(logging.WARNING, "odibi_core"):
            assert endpoint.start() is False
        assert f"port {port}" in caplog.text
        assert "PROMETHEUS_PORT" in caplog.text
        assert not endpoint.serving
    assert endpoint.start() is True
    assert get(endpoint).text == "fine 1\n"
    endpoint.close()


def test_an_invalid_host_is_a_warning_only(caplog: pytest.LogCaptureFixture) -> None:
    """An address of another machine cannot be served."""
    with caplog.at_level(logging.WARNING, "odibi_core"):
        assert (
            MetricsEndpoint(lambda accept: (b"", TEXT), host="192.0.2.1", port=0, token="t").start() is False
        )
    assert "192.0.2.1" in caplog.text


def test_it_starts_again_after_its_end(metrics: MetricsManager) -> None:
    """The endpoint can restart on the same port; a second start or a second end does nothing."""
    endpoint = MetricsEndpoint(lambda accept: collect_from(metrics, accept), port=0)
    for scraped in (True, False, True):
        assert endpoint.start()
        assert endpoint.start()
        if scraped:
            assert counted(get(endpoint).text) == [3]
        endpoint.close()
        endpoint.close()
        with pytest.raises(httpx.ConnectError):
            get(endpoint)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


START = """
import sys, threading
from odibi_core.endpoint.server import MetricsEndpoint, serve_metrics
endpoint = MetricsEndpoint(lambda accept: (b"fine 1\\n", "text/plain"), port=0)
assert endpoint.start()
"""


def test_no_web_server_is_loaded_before_the_first_scrape() -> None:
    """Until the first connection there is a socket, and one thread that sleeps."""
    code = "print(*[name for name in ('asyncio', 'starlette', 'uvicorn', 'psutil') if name in sys.modules])"
    assert run(START + code).split() == []


ENDS = {
    "unscraped": "",
    "scraped": "import urllib.request as u; u.urlopen(f'http://127.0.0.1:{endpoint.port}/metrics').read()",
    "half a request": "import socket; s = socket.create_connection(('127.0.0.1', endpoint.port)); s.send(b'GET /m')",
    "an answer that hangs": """
import socket
asked = threading.Event()
endpoint._collect = lambda accept: (asked.set(), threading.Event().wait())
s = socket.create_connection(("127.0.0.1", endpoint.port))
s.send(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
assert asked.wait(30)
""",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_program_ends_when_it_is_done(how: str) -> None:
    """The program ends for any state of a scrape, and nothing is printed."""
    assert run(f"{START}{ENDS[how]}\nprint('done')") == "done\n"


def test_a_forked_child_does_not_serve() -> None:
    """Only the parent has the port: it is free when the parent closes it, also while the child lives."""
    endpoint = MetricsEndpoint(lambda accept: (b"fine 1\n", TEXT), port=0)
    endpoint.start()
    get(endpoint)
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.close(there)
        os.read(here, 1)  # until the parent is done
        os._exit(0 if not endpoint.serving else 1)
    os.close(here)
    assert get(endpoint).text == "fine 1\n"
    endpoint.close()
    with pytest.raises(httpx.ConnectError):
        get(endpoint)
    os.close(there)
    assert os.waitpid(child, 0)[1] == 0


def test_concurrent_scrapes_are_all_answered(endpoint: MetricsEndpoint) -> None:
    """Scrapes that arrive while the server is being loaded are answered too."""
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(get(endpoint).status_code)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"X" * 100_000,
        b"GET /" + b"a" * 90_000,
    ],
)
def test_garbage_does_not_stop_the_server(endpoint: MetricsEndpoint, garbage: bytes) -> None:
    """After TLS to a plain port, half a line or a line without end the next scrape is answered."""
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass  # refused in the middle of it
    assert get(endpoint).status_code == 200


def test_invalid_requests_are_not_logged(
    endpoint: MetricsEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """A port scanner would fill the log."""
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as stranger:
        stranger.sendall(b"\x16\x03\x01garbage\r\n\r\n")
        assert stranger.recv(100).startswith(b"HTTP/1.1 400")
    assert caplog.records == []


def test_the_programs_own_uvicorn_keeps_its_log(endpoint: MetricsEndpoint) -> None:
    """Scrapes are in no access log, and no logger of uvicorn is changed."""
    access, heard = logging.getLogger("uvicorn.access"), list[str]()

    class Hears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    handler = Hears()
    access.addHandler(handler)
    try:
        before = (access.handlers[:], access.propagate, access.level)
        assert get(endpoint).status_code == 200
        assert (access.handlers, access.propagate, access.level) == before
    finally:
        access.removeHandler(handler)
    assert heard == []


def test_a_program_with_many_open_files_is_served_too(metrics: MetricsManager) -> None:
    """The number of the listening socket may be larger than `select` can handle."""
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1500, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with MetricsEndpoint(lambda accept: collect_from(metrics, accept), port=0) as served:
            assert get(served).status_code == 200
    finally:
        for descriptor in opened:
            os.close(descriptor)


def test_an_error_in_serving_is_reported_once(
    metrics: MetricsManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is one warning; the endpoint retries, and serves again afterwards."""
    troubles = [OSError("no thread"), OSError("no thread")]
    serve = MetricsEndpoint._serve

    def serve_at_last(endpoint: MetricsEndpoint, listener: socket.socket) -> None:
        if troubles:
            raise troubles.pop()
        serve(endpoint, listener)

    monkeypatch.setattr(MetricsEndpoint, "_serve", serve_at_last)
    with MetricsEndpoint(lambda accept: collect_from(metrics, accept), port=0) as served:
        assert get(served).status_code == 200
    assert [record.levelname for record in caplog.records if "cannot be served" in record.message] == [
        "WARNING"
    ]


def test_a_system_without_file_locks_serves_one_process(
    metrics: MetricsManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """As on Windows: all imports work, one warning names the missing part, and the scrape is answered."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with serve_metrics(metrics, tmp_path, port=kept_port()) as served:
        assert counted(get(served).text) == [3]
    assert [record.levelname for record in caplog.records if "cannot share" in record.message] == ["WARNING"]
