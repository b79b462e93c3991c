"""An S3 server on loopback, and a proxy before it that delays, refuses, and answers with errors."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.ports import kept_port
from tests.services import servers

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAODIBITESTS000001",
    "AWS_SECRET_ACCESS_KEY": "c2VjcmV0LWNhbmFyeS1vZi10aGUtdGVzdHMtMTIzNA",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
EXPIRED = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>ExpiredToken</Code>'
    b"<Message>The provided token has expired.</Message><RequestId>1</RequestId></Error>"
)
HEAD = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n" % len(EXPIRED)
)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run moto's S3 server until the block ends; the value is its URL."""
    port = kept_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with servers.serving(command, folder / "moto.txt", lambda: _answers(url), cwd=folder):
        yield url


def _answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/moto-api/", timeout=10):
        return True


class Proxy:
    """Passes connections on to a server, until `mode` is `slow`, `silent` or `expired`, or `stop()` was called."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.server = (host, int(port))
        self.mode = "pass"
        self.requests = 0
        self.port = kept_port()
        self._listener: socketserver.ThreadingTCPServer | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """The address of the proxy, which stays the same."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._handle(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore connections that the other side closed."""

        self._listener = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    start = __enter__

    def stop(self) -> None:
        """Refuse new connections and cut the open ones, as a server that is down."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _handle(self, client: socket.socket) -> None:
        with socket.create_connection(self.server) as server:
            self._open |= {client, server}
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            try:
                while data := client.recv(1 << 16):
                    self.requests += data[:4] in (b"PUT ", b"GET ", b"HEAD", b"POST", b"DELE")
                    if self.mode == "expired":
                        client.sendall(HEAD + EXPIRED)
                        return
                    if self.mode == "silent":
                        continue
                    if self.mode == "slow":
                        time.sleep(0.05)
                    server.sendall(data)
            finally:
                self._open -= {client, server}
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
