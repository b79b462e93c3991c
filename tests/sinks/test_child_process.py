"""A child process sends its own errors and measurements to Sentry and Datadog, and nothing of its parent's."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.cli.conftest import environment
from tests.sinks.sentry_server import sentry_server

from odibi_core.store.runs import RunStore

PROGRAM = Path(__file__).resolve().parents[1] / "child_program.py"


@pytest.mark.parametrize("how", ["exit", "_exit", "step", "fork"])
def test_what_a_forked_child_captures_is_delivered_once(how: str) -> None:
    """After `sys.exit`, `os._exit`, a step, and in a process of `multiprocessing`; measurements not after `os._exit`.
    Errors that its parent captured are not sent twice.
    """
    with sentry_server() as sentry, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(0)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(PROGRAM), how],
            env=environment(
                SENTRY_ENABLED="true", SENTRY_DSN=sentry.dsn, DATADOG_ENABLED="true",
                ODIBI_DATADOG__PORT=str(agent.getsockname()[1]), METRICS_ENABLED="false",
            ),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sent = Counter(event["exception"]["values"][0]["value"] for event in sentry.events)
        measured = "".join(_received(agent))
    assert sent == {"before": 1, f"in the child: {how}": 1}
    (run,) = RunStore().ids()
    kept = [event.fields["metric"] for event in RunStore().read(run) if event.event_type == "metric"]
    if how != "_exit":
        assert (measured.count("odibi.of_child:1|c"), kept.count("of_child")) == (1, 1)


def _received(agent: socket.socket) -> list[str]:
    """Return the datagrams that an agent has received so far."""
    received = []
    try:
        while True:
            received.append(agent.recv(65536).decode())
    except BlockingIOError:
        return received
