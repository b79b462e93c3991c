"""The cost of OpenTelemetry: the signals of a large run, a real pipeline with them, and one whose collector is dead.

The collector is a process of its own on loopback, which takes everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.flights import steps_of_demo
from benchmarks.harness import Contender, Prepare, Runner, Target, Work

NODES = 10_000
QUICK_NODES = 100
COLLECTOR = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
DEAD = "http://127.0.0.1:9"


@contextmanager
def _collector() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def _config(folder: Path, url: str | None, protocol: str = "http/protobuf") -> Any:
    from odibi_core.observability import ObservabilityConfig

    return ObservabilityConfig(
        store_dir=str(folder / "store"), tracing_enabled=url is not None, tracing_sample_rate=1.0,
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
        with _collector() as url:
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


def _pipeline(url: str | None, *, serve: bool = False) -> Prepare:
    """Return a preparation of the flights example with a collector at `url`; None for no OpenTelemetry."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        steps = steps_of_demo(folder, "pandas")
        if not serve:
            yield _runner(folder, steps, url)
            return
        with _collector() as address:
            yield _runner(folder, steps, address)

    return prepare


def _runner(folder: Path, steps: Any, url: str | None) -> Runner:
    from odibi_core.observability import Orchestrator
    from odibi_core.runtime.exports import close_exports
    from odibi_core.settings import set_config
    from odibi_core.testing import fresh_program

    def run(n: int) -> float:
        with fresh_program(), open(os.devnull, "w", encoding="utf-8") as nowhere:
            set_config(_config(folder, url))
            shown, sys.stderr = sys.stderr, nowhere
            try:
                begun = time.perf_counter()
                for _ in range(n):
                    Orchestrator(steps, "pandas", pipeline_name="flights", store=folder / "store").execute()
                return time.perf_counter() - begun
            finally:
                close_exports()
                sys.stderr = shown
                set_config(None)

    return run


def works(quick: bool) -> list[Work]:
    nodes = QUICK_NODES if quick else NODES
    off = "odibi-core without OpenTelemetry"
    pipelines = [
        Work(
            f"the flights example with OpenTelemetry {how}",
            "s",
            [Contender("odibi-core", ours, "ours"), Contender(off, _pipeline(None), "floor")],
            [Target(1.05, off, "ratio", "on against off")],
            loops=1,
        )
        for how, ours in (("on", _pipeline(None, serve=True)), ("on and a dead collector", _pipeline(DEAD)))
    ]
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
        ),
        *pipelines,
    ]
