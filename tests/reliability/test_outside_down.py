"""Everything outside is down, in every way there is: the program does its work, its record is whole, and it ends.

Each program is a process of its own, observed by `init_observability()` as a user has it, with Sentry's own SDK and
Datadog's own client.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.ports import kept_port
from tests.sinks.sentry_server import sentry_server

from odibi_core.health.checks import check_log_writer
from odibi_core.process import state as program
from odibi_core.process.state import get_metrics
from odibi_core.sinks.sentry_sink import SentrySink
from odibi_core.store.runs import RunStore

PATIENCE_S = 60
"""For a process of its own on a busy machine; what hangs would take for ever, or a minute for each error."""
ERRORS = 30

PROGRAM = f"""
import json
from odibi_core.observability import capture_exception, get_logger, get_metrics, init_observability, track_performance

init_observability()
log = get_logger("shop")
for number in range({ERRORS}):
    with track_performance("load"):
        log.info("order_loaded", number=number)
        get_metrics().increment("orders")
    try:
        raise LookupError(f"there is no order {{chr(97 + number % 26) * 5}}")
    except LookupError as error:
        assert capture_exception(error)
print(json.dumps({{"orders": get_metrics().counters["orders"]}}))
"""


@contextmanager
def _trickling() -> Iterator[int]:
    """A server that reads everything and answers one byte a second, for the whole test."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connections = []
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                break
            connections.append(connection)
            threading.Thread(target=trickle, args=(connection,), daemon=True).start()

    def trickle(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
            try:
                connection.send(bytes([byte]))
            except OSError:
                return
            if over.wait(1.0):
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()


@contextmanager
def _garbage() -> Iterator[int]:
    """A server that does not answer in HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.send(b"\x00\xff garbage \r\n\r\n" * 10)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _sentry(stack: ExitStack, how: str) -> str:
    """The DSN of a Sentry with this kind of failure."""
    if how == "refused":
        port = kept_port()
    elif how == "no such host":
        return "http://key@no-such-host.invalid/1"
    elif how == "a byte a second":
        port = stack.enter_context(_trickling())
    elif how == "garbage":
        port = stack.enter_context(_garbage())
    else:
        kinds: dict[str, Any] = {
            "429": {"status": 429, "headers": {"Retry-After": "60"}},
            "500": {"status": 500},
            "silent": {"silent": True},
        }
        return stack.enter_context(sentry_server(**kinds[how])).dsn
    return f"http://key@127.0.0.1:{port}/1"


def run(program: str = PROGRAM, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in its own process to its end."""
    Path("program.py").write_text(program, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "program.py"],
        env=environment(METRICS_ENABLED="false", **variables),
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def check(done: subprocess.CompletedProcess[str]) -> None:
    """Check that the program ended well, its record is whole, and its counts are right."""
    assert done.returncode == 0, done.stderr
    assert "Exception" not in done.stderr  # in a thread, or ignored: nobody's fault is to be seen
    (row,) = RunStore(".odibi").rows()
    assert row["status"] == "success"
    kinds = [event.event_type for event in RunStore(".odibi").events()]
    for kind in ("order_loaded", "operation_complete", "error"):
        assert kinds.count(kind) == ERRORS, (kind, kinds.count(kind))
    assert json.loads(done.stdout) == {"orders": ERRORS}


@pytest.mark.parametrize(
    "how", ["refused", "no such host", "silent", "a byte a second", "garbage", "429", "500"]
)
def test_no_failure_of_sentry_affects_the_program_or_its_record(how: str) -> None:
    """All errors are in the record, failed sends are reported at most once, and the program ends."""
    with ExitStack() as stack:
        done = run(SENTRY_ENABLED="true", SENTRY_DSN=_sentry(stack, how))
    check(done)
    assert done.stderr.count("did not accept an error") <= 1


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_no_failure_of_datadog_affects_the_program_or_its_record(host: str) -> None:
    """No agent on the port, or no such host: no effect on the program."""
    done = run(DATADOG_ENABLED="true", ODIBI_DATADOG__HOST=host, ODIBI_DATADOG__PORT=str(kept_port()))
    check(done)
    assert " warning " not in done.stderr


SCRAPED = """
from odibi_core.observability import get_logger, get_metrics, init_observability
import sys

init_observability()
for number in range(2000):
    get_metrics().increment("orders", None, 1, {"shop": str(number)})
print("ready", flush=True)
sys.stdin.readline()
get_logger("shop").info("done")
"""


def test_a_slow_scraper_blocks_nothing() -> None:
    """Neither the next scraper nor the program's end waits for it."""
    Path("program.py").write_text(SCRAPED, encoding="utf-8")
    port = kept_port()
    variables = environment(METRICS_ENABLED="true", PROMETHEUS_PORT=str(port))
    process = subprocess.Popen(
        [sys.executable, "program.py"],
        env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with _asking(port, 4096) as slow, _asking(port) as quick:
            assert slow.recv(1) == b"H"
            received = b""
            while b"odibi_uptime_seconds" not in received:
                part = quick.recv(65536)
                assert part, received[:500]
                received += part
            slow.recv(1)
            _, errors = process.communicate("\n", timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
    assert RunStore(".odibi").rows()[0]["status"] == "success"


@contextmanager
def _asking(port: int, buffer: int = 1 << 20) -> Iterator[socket.socket]:
    """Return a scraper that has sent its request and reads no answer; its receive buffer has this many bytes."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(PATIENCE_S)
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        yield connection


BLOCKING = """
import threading
from odibi_core.runtime import program as program_observer

class Blocking:
    def __init__(self, *_, **__): pass
    def __call__(self, measurements): threading.Event().wait()
    def close(self, timeout=0): pass

program_observer.DatadogSink = Blocking
"""
IN_THE_CALLERS_THREAD = """
from odibi_core.metrics.recorder import MetricsRecorder
def forward(self, to):
    self._pending = type("Direct", (list,), {"append": lambda self, sample: to([sample])})()
    return lambda timeout: True
MetricsRecorder.forward = forward
"""


def test_a_receiver_that_never_returns_blocks_nothing() -> None:
    """A blocking receiver runs on a thread of its own; the exit waits for it at most two seconds."""
    check(run(BLOCKING + PROGRAM, DATADOG_ENABLED="true"))


def test_the_check_sees_a_receiver_in_the_callers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: the same receiver, called in the caller's thread, blocks the program."""
    monkeypatch.setattr("tests.reliability.test_outside_down.PATIENCE_S", 8)
    with pytest.raises(subprocess.TimeoutExpired):
        check(run(BLOCKING + IN_THE_CALLERS_THREAD + PROGRAM, DATADOG_ENABLED="true"))


def test_the_check_sees_a_record_that_is_not_whole() -> None:
    """Sabotage: a missing line is found."""
    done = run(PROGRAM.replace('log.info("order_loaded"', 'number and log.info("order_loaded"'))
    with pytest.raises(AssertionError):
        check(done)


def test_events_that_sentry_did_not_take_are_counted() -> None:
    """Lost events are counted by the sink and by the health of the log's writers, which names the sink."""
    sink = SentrySink.connect(f"http://key@127.0.0.1:{kept_port()}/1")
    program.listen(sink, name="sentry")
    for number in range(3):
        program.current_bus().publish(
            "error", level="error", fields={"error": "bad", "fingerprint": f"f{number}"}
        )
    sink.close(PATIENCE_S)
    assert (sink.sent, sink.dropped) == (3, 3)
    assert check_log_writer().details["lost"] == {"sentry": 3}


def test_metrics_over_the_bound_of_datadogs_queue_are_counted() -> None:
    """The queue is bounded; events over the bound are dropped, counted, and reported by the same check."""
    hangs, go = threading.Event(), threading.Event()

    def never(batch: object) -> None:
        hangs.set()
        go.wait(PATIENCE_S)

    metrics = get_metrics()
    end = metrics.forward(never)
    metrics.increment("orders")
    assert metrics.counters["orders"] == 1
    assert hangs.wait(PATIENCE_S)
    (forward,) = metrics._forwarders
    forward._bound = 10
    for _ in range(50):
        metrics.increment("orders")
        assert metrics.counters
    assert forward.accepted - forward.done <= 10
    assert metrics.dropped == 51 - forward.accepted
    assert check_log_writer().details["lost"] == {"metrics": metrics.dropped}
    go.set()
    end()
