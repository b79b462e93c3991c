"""A receiver on loopback with programmable faults, for the tests of every exporter.

    with loopback(Reply(429, {"Retry-After": "1"}), CLOSE) as server:
        ...                       # the first request gets 429, the second a closed connection, all others 200
    assert server.requests[0].json() == ...

A dead receiver is the address `dead_url()`.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar

from tests.ports import kept_port


@dataclass(frozen=True)
class Reply:
    """An answer; with `raw` these bytes instead, and with `hangs` no further byte until the end of the test."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    raw: bytes | None = None
    hangs: bool = False
    every_s: float = 0.0
    """Send one byte of `raw` each time."""


CLOSE = Reply(raw=b"")
"""The connection ends without an answer."""
SILENT = Reply(raw=b"", hangs=True)
GARBAGE = Reply(raw=b"\x00\xff garbage \r\n\r\n" * 10)
HTML = Reply(200, {"Content-Type": "text/html"}, b"<html><title>Welcome</title></html>")
REDIRECT = Reply(302, {"Location": "http://127.0.0.1:9/stolen"})
TRICKLE = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, every_s=0.05)
"""A byte each 50 ms: no read takes long, and the answer takes a minute."""
ENDLESS = Reply(200, {}, b"x" * (1 << 20))
"""An answer much longer than any that is read."""


@dataclass(frozen=True)
class Request:
    """A request as it came; `body` is decompressed."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Loopback:
    """`.requests` are those that came, `.url` is the address; `.script` are the next answers, then `.default`."""

    def __init__(self, *script: Reply, default: Reply = Reply()) -> None:
        self.script = list(script)
        self.default = default
        self.requests: list[Request] = []
        self.asked, self.over = threading.Event(), threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def reply(self, request: Request) -> Reply:
        """Return the answer to a request; a subclass may look at it."""
        return self.script.pop(0) if self.script else self.default


class Served(Protocol):
    """A server of tests: its HTTP server, and the event that ends its waits."""

    http: ThreadingHTTPServer
    over: threading.Event


T = TypeVar("T", bound=Served)


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            reply = server.reply(request)
            server.requests.append(request)
            server.asked.set()
            if reply.raw is None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                with suppress(OSError):  # the client stops reading at its bound
                    self.wfile.write(reply.body)
                return
            self.close_connection = True
            step = 1 if reply.every_s else max(1, len(reply.raw))
            with suppress(OSError):
                for start in range(0, len(reply.raw), step):
                    self.wfile.write(reply.raw[start : start + step])
                    if reply.every_s and server.over.wait(reply.every_s):
                        return
            if reply.hangs:
                server.over.wait(120)

        do_POST = do_GET = do_PUT = _answer

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def running(server: T) -> Iterator[T]:
    """Serve inside the block."""
    threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        server.http.shutdown()
        server.http.server_close()


@contextmanager
def loopback(*script: Reply, default: Reply = Reply()) -> Iterator[Loopback]:
    """A receiver inside the block, which answers by the script and then by `default`."""
    with running(Loopback(*script, default=default)) as server:
        yield server


def dead_url() -> str:
    """Return an address at which nothing listens, for the whole test."""
    return f"http://127.0.0.1:{kept_port()}"
