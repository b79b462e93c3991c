"""The cost of OpenTelemetry: the signals of a large run.

The receivers are a process of their own on loopback, which takes everything.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work

NODES = 10_000
QUICK_NODES = 100
COLLECTOR = """
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"errors": false}' if "/_bulk" in self.path else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(server.server_address)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def receivers() -> Iterator[str]:
    """Run the receivers until the block ends; the value is their address."""
    with subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def _config(folder: Path, url: str, protocol: str) -> Any:
    from odibi_core.observability import ObservabilityConfig

    return ObservabilityConfig(
        store_dir=str(folder / "store"), tracing_enabled=True, tracing_sample_rate=1.0,
        otel_endpoint=url, otel_protocol=protocol,
    )  # fmt: skip


def _signals(nodes: int, protocol: str) -> Prepare:
    """Return the processor time for all signals of a recorded run: folded, encoded and sent, in one thread."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core.observability import Orchestrator, Step
        from odibi_core.otlp.live import OtlpSink
        from odibi_core.store.runs import RunStore

        steps = [Step(name=f"node_{number}", value=_nothing) for number in range(nodes)]
        result = Orchestrator(steps, pipeline_name="large", store=folder / "store").execute()
        events = list(RunStore(folder / "store").read(str(result["run_id"])))
        with receivers() as url:
            config = _config(folder, url, protocol)

            def run(n: int) -> float:
                took = 0.0
                for _ in range(n):
                    sink = OtlpSink(config)
                    begun = time.process_time()
                    for event in events:
                        sink(event)
                    whole = sink.close(600)
                    took += time.process_time() - begun
                    assert whole, "something was lost"
                return took

            yield run

    return prepare


def _nothing() -> int:
    return 1


def works(quick: bool) -> list[Work]:
    nodes = QUICK_NODES if quick else NODES
    return [
        Work(
            f"all spans and log records of a run of {nodes:,} nodes, in processor time",
            "s",
            [
                Contender("odibi-core", _signals(nodes, "http/protobuf"), "ours", "HTTP with protobuf"),
                Contender("odibi-core, as JSON", _signals(nodes, "http/json"), "ours", "HTTP with JSON"),
            ],
            [Target(2.0, label="off the run's thread")],
            loops=1,
            rounds=5,
            note="Folded, encoded and sent to a collector on loopback",
        )
    ]
