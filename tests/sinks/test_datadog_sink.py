"""Datadog: through its own client, to a server on this machine that reads the datagrams as the agent does."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from odibi_core.bus.bus import EventBus
from odibi_core.errors import MissingExtraError
from odibi_core.events.clock import monotonic
from odibi_core.metrics.manager import MetricsManager
from odibi_core.sinks.datadog_sink import DatadogSink
from odibi_core.testing import RecordingSink

PATIENCE_S = 30.0


class Line(NamedTuple):
    """`name:value|type|#tags`"""

    name: str
    value: str
    kind: str
    tags: tuple[str, ...]


def read(line: str) -> Line:
    """One line, by the rules of DogStatsD."""
    head, kind, *sections = line.split("|")
    name, _, value = head.partition(":")
    tags = [section[1:].split(",") for section in sections if section.startswith("#")]
    assert len(tags) <= 1, line
    return Line(name, value, kind, tuple(sorted(tags[0])) if tags else ())


class Agent:
    """Listens on UDP, as an agent does."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def lines(self, expected: int) -> list[Line]:
        """So many lines, and no more."""
        found: list[Line] = []
        deadline = monotonic() + PATIENCE_S
        while len(found) < expected:
            self.socket.settimeout(max(0.01, deadline - monotonic()))
            found += [read(line) for line in self.socket.recv(65536).decode().splitlines()]
        self.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            pytest.fail(f"more: {self.socket.recv(65536)!r}")
        return found


@pytest.fixture
def agent() -> Iterator[Agent]:
    listening = Agent()
    yield listening
    listening.socket.close()


@pytest.fixture(autouse=True)
def nothing_of_datadog_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (
        "DD_ENV",
        "DD_SERVICE",
        "DD_VERSION",
        "DD_ENTITY_ID",
        "DATADOG_TAGS",
        "DD_DOGSTATSD_URL",
    ):
        monkeypatch.delenv(variable, raising=False)


def test_every_measurement_arrives_with_every_tag(agent: Agent) -> None:
    """A counter as a count, a gauge as a gauge, a histogram as a histogram; the values to the last digit."""
    metrics = MetricsManager()
    sink = DatadogSink("127.0.0.1", agent.port, tags={"service": "etl", "env": "prod"})
    end = metrics.forward(sink)
    metrics.increment("operation.success", None, 2, {"operation": "load", "team": "data"})
    metrics.set_gauge("health_check.status", None, 1, {"check": "disk"})
    metrics.observe("operation.duration.seconds", None, 0.1 + 0.2, {"operation": "load"})
    metrics.record("row_count", "clean", 12345678901)
    assert end(PATIENCE_S)
    assert agent.lines(4) == [
        Line("operation.success", "2", "c", ("env:prod", "operation:load", "service:etl", "team:data")),
        Line("health_check.status", "1", "g", ("check:disk", "env:prod", "service:etl")),
        Line(
            "operation.duration.seconds",
            "0.30000000000000004",
            "h",
            ("env:prod", "operation:load", "service:etl"),
        ),
        Line("odibi.row_count", "12345678901", "g", ("env:prod", "node:clean", "service:etl")),
    ]
    sink.close()


def test_what_events_measure_arrives_too(agent: Agent) -> None:
    """The toolkit's calls emit events, which a subscribed manager measures."""
    bus, metrics = EventBus(), MetricsManager()
    bus.subscribe(metrics)
    end = metrics.forward(DatadogSink("127.0.0.1", agent.port))
    bus.publish(
        "cost",
        fields={"operation": "load", "bytes_processed": 10, "estimated_cost_usd": 0.5, "tags": {"team": "x"}},
    )
    assert end(PATIENCE_S)
    assert {(line.name, line.value, line.kind) for line in agent.lines(3)} == {
        ("bigquery.bytes_processed", "10", "h"),
        ("bigquery.cost.usd", "0.5", "h"),
        ("bigquery.total_cost.usd", "0.5", "c"),
    }


def test_thousands_are_packed_and_none_is_lost(agent: Agent) -> None:
    """Many lines to a datagram; their sum is what was counted."""
    metrics = MetricsManager()
    end = metrics.forward(DatadogSink("127.0.0.1", agent.port))
    for number in range(3000):
        metrics.increment("operation.success", None, 1, {"shard": str(number % 7)})
    assert end(PATIENCE_S)
    lines = agent.lines(3000)
    assert sum(int(line.value) for line in lines) == 3000
    assert {line.tags for line in lines} == {(f"shard:{number}",) for number in range(7)}


FORGERIES = [
    "x|c|#a:b\nadmin.count:1|c",
    "a,admin:true",
    "a#b",
    "a\r\nb:1|g",
    "a|#admin:true",
    "\x00\u2028\x85",
    "a:b:c",
    "",
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_value_forges_a_measurement(agent: Agent, forgery: str) -> None:
    """In the metric's name, in a node's, in a label and its value: one line comes, with as many tags as were given.

    A label without a value is none.
    """
    metrics = MetricsManager()
    sink = DatadogSink("127.0.0.1", agent.port, tags={"service": f"s{forgery}"})
    end = metrics.forward(sink)
    metrics.increment(f"m{forgery}", f"n{forgery}", 1, {f"l{forgery}": forgery, "token": "s3cr3t-canary"})
    assert end(PATIENCE_S)
    (line,) = agent.lines(1)
    assert (line.value, line.kind, len(line.tags)) == ("1", "c", 4 if forgery else 3)
    assert line.name.startswith("odibi.m") or line.name.startswith("m")
    assert not any(tag.startswith("admin") for tag in line.tags)
    assert "s3cr3t-canary" not in str(line)


def test_what_is_not_finite_is_no_value(agent: Agent) -> None:
    """Counted, and left out; what comes after it is sent."""
    sink = DatadogSink("127.0.0.1", agent.port)
    sink([("gauge", "a.b", "", {}, value) for value in (float("nan"), float("inf"), 1.5)])
    assert [line.value for line in agent.lines(1)] == ["1.5"]
    assert (sink.sent, sink.refused) == (1, 2)


def test_our_tags_go_before_the_environments(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DD_ENV` and its like are the library's own: they are added where odibi sets nothing."""
    monkeypatch.setenv("DD_ENV", "staging")
    monkeypatch.setenv("DD_VERSION", "1.2")
    DatadogSink("127.0.0.1", agent.port, tags={"env": "prod", "service": ""})([("counter", "a.b", "", {}, 1)])
    assert agent.lines(1)[0].tags == ("env:prod", "version:1.2")


def test_each_tag_is_sent_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library adds its own of `DATADOG_TAGS`; a key with several values keeps them, a tag may be only a name."""
    monkeypatch.setenv("DATADOG_TAGS", "team:a,te am:x,urgent,floor:2")
    pairs = [("team", "a"), ("team", "b"), ("team", "a"), ("te am", "x"), ("urgent", None), ("empty", "")]
    DatadogSink("127.0.0.1", agent.port, tags=pairs)([("counter", "a.b", "", {}, 1)])
    assert agent.lines(1)[0].tags == ("floor:2", "te_am:x", "team:a", "team:b", "urgent")


def test_nobody_listening_costs_nothing_and_is_not_heard_of() -> None:
    """Neither an agent that is not there, nor a host that has no address; the program ends as ever."""
    code = """
from odibi_core.metrics.manager import MetricsManager
from odibi_core.sinks.datadog_sink import DatadogSink
metrics = MetricsManager()
sinks = [DatadogSink("127.0.0.1", 1), DatadogSink("no-such-host.invalid", 8125)]
ends = [metrics.forward(sink) for sink in sinks]
for _ in range(1000):
    metrics.increment("operation.success")
for end, sink in zip(ends, sinks):
    end()
    sink.close()
print(metrics.counters["operation.success"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")


def test_closed_and_used_again(agent: Agent) -> None:
    """A batch after the close opens the way again; closing what was never used does nothing."""
    sink = DatadogSink("127.0.0.1", agent.port)
    sink.close()
    for _ in range(2):
        sink([("counter", "a.b", "", {}, 1)])
        sink.close()
    assert len(agent.lines(2)) == 2


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is made, and not when the first measurement comes."""
    monkeypatch.setattr("odibi_core.sinks.datadog_sink.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"odibi-core\[datadog\]"):
        DatadogSink()


def test_the_library_is_loaded_by_who_sends_first() -> None:
    """Making a sink loads nothing."""
    code = "import sys; from odibi_core.sinks.datadog_sink import DatadogSink; DatadogSink()"
    code += "; print('datadog' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
    assert importlib.util.find_spec("datadog")


def test_a_host_that_nobody_resolves_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is left where it hangs, and the socket it makes after all is closed behind it."""
    asked, answered = threading.Event(), threading.Event()
    resolve = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        asked.set()
        answered.wait(PATIENCE_S)
        return resolve(*arguments, **options)

    sink = DatadogSink("localhost", 9)
    client = sink._connected()
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    sending = threading.Thread(target=sink, args=([("counter", "mine", "", {}, 1.0)],))
    sending.start()
    assert asked.wait(PATIENCE_S)
    sink.close()
    assert not answered.is_set()
    answered.set()
    sending.join(PATIENCE_S)
    assert client.socket is None


def test_a_host_that_cannot_be_found_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, with the fix; a later batch resolves the name again, and may succeed."""
    resolve = socket.getaddrinfo

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    bus, told = EventBus(), RecordingSink()
    bus.subscribe(told)
    metrics, sink = MetricsManager(bus=bus), DatadogSink("localhost", 9)
    for find in (unknown, resolve):
        monkeypatch.setattr(socket, "getaddrinfo", find)
        end = metrics.forward(sink)
        metrics.increment("cache_hit")
        assert end(PATIENCE_S)
    (said,) = told.of_kind("hook_failed")
    assert "'localhost', which cannot be found (Name or service not known): set DD_AGENT_HOST" in str(said.error)
    assert sink.sent == 1
