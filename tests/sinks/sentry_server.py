"""A Sentry on loopback: it decodes the envelopes with the SDK's own reader, and answers as a test wants."""

import gzip
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sentry_sdk.envelope import Envelope
from tests.delivery.loopback import running

PATIENT = """
from odibi_core.error_reporting import tracker as error_tracker
from odibi_core.runtime import program as program_observer
error_tracker.close_error_tracking.__defaults__ = (60.0,)
program_observer.END_WITHIN_S = 60.0
"""
"""Put before a program of which all that was sent is asked: on a busy machine its end must not leave some behind."""


class SentryServer:
    """`.events` are the payloads that came; `status` and `headers` are what it answers, `silent` that it never does."""

    def __init__(
        self, status: int = 200, headers: dict[str, str] | None = None, *, silent: bool = False
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.requests = 0
        self.asked, self.over = threading.Event(), threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.requests += 1
                server.asked.set()
                server.take(
                    self.rfile.read(int(self.headers["Content-Length"])), self.headers["Content-Encoding"]
                )
                if silent:
                    server.over.wait(120)
                    return
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.dsn = f"http://publickey@127.0.0.1:{self.http.server_port}/42"

    def take(self, body: bytes, encoding: str | None) -> None:
        """Keep what an envelope holds."""
        if encoding == "gzip":
            body = gzip.decompress(body)
        elif encoding == "br":
            body = importlib.import_module("brotli").decompress(
                body
            )  # the SDK takes it where it is installed
        self.bodies.append(body)
        event: Any = Envelope.deserialize(body).get_event()
        if event is not None:
            self.events.append(event)


@contextmanager
def sentry_server(
    status: int = 200, headers: dict[str, str] | None = None, *, silent: bool = False
) -> Iterator[SentryServer]:
    """A server for the block."""
    with running(SentryServer(status, headers, silent=silent)) as server:
        yield server
