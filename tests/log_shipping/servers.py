"""Servers in the process that behave as Loki and Elasticsearch do, and sockets that read as syslog and journald do."""

from __future__ import annotations

import json
import queue
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.delivery.loopback import Loopback, Reply, Request

LONGEST_LINE = 256 * 1024


class LokiServer(Loopback):
    """It keeps an entry once, refuses what is too long or older than `oldest_ns`, and takes the others of a request."""

    def __init__(self, *script: Reply, oldest_ns: int = 0) -> None:
        super().__init__(*script)
        self.entries: dict[tuple[str, str, str], dict[str, str]] = {}
        self.oldest_ns = oldest_ns

    def reply(self, request: Request) -> Reply:
        if self.script:
            return self.script.pop(0)
        if request.path != "/loki/api/v1/push":
            return Reply(404, {}, b"404 page not found\n")
        total = ignored = 0
        for stream in request.json()["streams"]:
            labels = json.dumps(stream["stream"], sort_keys=True)
            assert all(isinstance(value, str) for value in stream["stream"].values())
            for at, line, *metadata in stream["values"]:
                total += 1
                if int(at) < self.oldest_ns or len(line) > LONGEST_LINE:
                    ignored += 1
                    continue
                assert all(isinstance(value, str) for value in (metadata or [{}])[0].values())
                self.entries[labels, at, line] = (metadata or [{}])[0]
        if ignored:
            words = f"entry too far behind, user 'fake', total ignored: {ignored} out of {total} for stream: {{}}"
            return Reply(400, {"Content-Type": "text/plain"}, words.encode())
        return Reply(204, {}, b"")

    def labels(self) -> list[dict[str, str]]:
        """The labels of each stream."""
        return [json.loads(text) for text in sorted({labels for labels, _, _ in self.entries})]

    def lines(self) -> list[dict[str, Any]]:
        """Each line, decoded, in the order of arrival."""
        return [json.loads(line) for _, _, line in self.entries]


class ElasticServer(Loopback):
    """It creates a document once, and refuses those whose action is in `refuses`, one by one."""

    def __init__(self, *script: Reply, refuses: dict[str, int] | None = None) -> None:
        super().__init__(*script)
        self.documents: dict[str, dict[str, Any]] = {}
        self.indices: set[str] = set()
        self.refuses = refuses or {}

    def reply(self, request: Request) -> Reply:
        if self.script:
            return self.script.pop(0)
        assert request.path.startswith("/_bulk?filter_path=errors,")
        assert request.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in request.body.splitlines()]
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            target = action["create"]
            self.indices.add(target["_index"])
            status = self.refuses.get(document["event.action"], 201)
            if status == 201 and self.documents.setdefault(target["_id"], document) is not document:
                status = 409
            error = {} if status == 201 else {"error": {"type": "document_parsing_exception"}}
            items.append({"create": {"status": status, **error}})
        errors = any(item["create"]["status"] != 201 for item in items)
        return Reply(200, {}, json.dumps({"errors": errors, "items": items}).encode())


class Datagrams:
    """A datagram socket on a path, or of UDP, and what came."""

    def __init__(self, path: Path | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(str(path) if path else ("127.0.0.1", 0))
        self.port = 0 if path else self.socket.getsockname()[1]
        self.found: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._receive, daemon=True).start()  # else the sender waits after eleven datagrams

    def _receive(self) -> None:
        with suppress(OSError):
            while datagram := self.socket.recv(1 << 20):
                self.found.put(datagram)

    def read(self, count: int) -> list[bytes]:
        """The next datagrams."""
        return [self.found.get(timeout=5) for _ in range(count)]

    def all(self) -> list[bytes]:
        """Every datagram that came and was not read."""
        return [self.found.get() for _ in range(self.found.qsize())]

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def journal_fields(datagram: bytes) -> dict[str, str]:
    """Return the fields of a datagram by the native protocol of the journal."""
    found = {}
    while datagram:
        head, _, rest = datagram.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, datagram = rest[8 : 8 + size], rest[8 + size + 1 :]
        else:
            datagram = rest
        found[name.decode()] = value.decode()
    return found
