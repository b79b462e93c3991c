"""Sentry, through the SDK's own transport, to a server on loopback that decodes what comes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.integrations.threading import ThreadingIntegration
from tests.error_program import program_heard
from tests.ports import kept_port
from tests.sinks.sentry_server import SentryServer, sentry_server

from odibi_core.errors import ConfigurationError
from odibi_core.observability import LogContext, add_breadcrumb, capture_exception, observe, set_context
from odibi_core.process.state import listen
from odibi_core.sinks import sentry_sink
from odibi_core.sinks.sentry_sink import ALIKE_A_MINUTE, ALL_A_MINUTE, SentrySink, scrub
from odibi_core.testing import FakeClock, RecordingSink, an_event

SOURCE = Path(__file__).resolve().parents[2] / "src"
CANARIES = ("hunter2", "jane@example.org", "4111111111111111", "AKIAIOSFODNN7EXAMPLE")


@pytest.fixture
def heard() -> Iterator[RecordingSink]:
    """A program that just began."""
    with program_heard() as sink:
        yield sink


@pytest.fixture
def server() -> Iterator[SentryServer]:
    """A Sentry that takes everything."""
    with sentry_server() as made:
        yield made


class Received:
    """A client that only remembers."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def capture_event(self, event: Any, /) -> str | None:
        self.events.append(event)
        return None


def connected(server: SentryServer, **options: Any) -> SentrySink:
    return SentrySink.connect(server.dsn, **options)


def load() -> None:
    raise ValueError("no route to postgres://jane:hunter2@db/orders")


def captured(context: dict[str, Any] | None = None) -> str | None:
    try:
        load()
    except ValueError as error:
        return capture_exception(error, context)
    return None


def test_what_is_captured_arrives(heard: RecordingSink, server: SentryServer) -> None:
    """The error with its stack, tags, user, breadcrumbs and contexts, under the id that the log has."""
    sink = connected(server, environment="staging", release="shop@1.2.3", traces_sample_rate=0.5)
    listen(sink)
    with LogContext(operation="nightly", user="ada", correlation_id="c-1", shard=3):
        add_breadcrumb("opened orders.csv", "file", data={"rows": 7})
        set_context("job", {"attempt": 2})
        identity = captured({"batch": 7})
    sink.close()
    (event,) = server.events
    (told,) = heard.of_kind("error")
    assert event["event_id"] == identity == told.fields["error_id"]
    assert (event["environment"], event["release"], event["level"]) == ("staging", "shop@1.2.3", "error")
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert [frame["function"] for frame in exception["stacktrace"]["frames"]] == ["captured", "load"]
    assert event["fingerprint"] == [told.fields["fingerprint"]] == [event["tags"]["fingerprint"]]
    assert {"operation": "nightly", "correlation_id": "c-1"}.items() <= event["tags"].items()
    assert (event["user"], event["extra"]) == ({"id": "ada"}, {"shard": 3})
    (crumb,) = event["breadcrumbs"]["values"]
    assert (crumb["message"], crumb["category"], crumb["data"]) == ("opened orders.csv", "file", {"rows": 7})
    assert (event["contexts"]["error"], event["contexts"]["job"]) == ({"batch": 7}, {"attempt": 2})


def test_what_fails_a_run_arrives_by_itself(heard: RecordingSink, server: SentryServer) -> None:
    """A failed node with the run and the node as tags; the exception that then ends the run is not sent again."""
    from odibi_core.observability import node

    sink = connected(server)
    listen(sink)

    @node
    def clean() -> None:
        load()

    with pytest.raises(ValueError, match="no route"), observe("nightly", store=False) as run:
        clean()
    with pytest.raises(ValueError, match="no route"), observe("hourly", store=False):
        load()
    sink.close()
    of_node, of_run = server.events
    assert (of_node["tags"]["run_id"], of_node["tags"]["node_name"]) == (run.run_id, "clean")
    assert of_run["tags"]["event_type"] == "pipeline_error"


def test_no_secret_arrives(heard: RecordingSink, server: SentryServer) -> None:
    """Planted in the message, the code, the context, a breadcrumb and the user's fields: none is in the bytes."""
    sink = connected(server, environment="of jane@example.org")
    listen(sink)
    with LogContext(user="jane@example.org", card="4111111111111111"):
        add_breadcrumb("login jane@example.org", data={"password": "hunter2", "key": "AKIAIOSFODNN7EXAMPLE"})
        set_context("session", {"cookie": "hunter2"})
        captured({"authorization": "hunter2", "nested": {"api_key": ["hunter2"]}})
    sink.close()
    sent = b"".join(server.bodies).decode()
    assert server.events
    assert not [canary for canary in CANARIES if canary in sent]


def test_the_last_scrubber_sees_what_the_sdk_added_and_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is redacted once more before it leaves; what cannot be, does not."""
    payload = {"server_name": "db.jane@example.org", "request": {"cookies": "hunter2"}, "release": ""}
    frame = {"context_line": "connect('postgres://jane:hunter2@db')"}
    payload |= {"exception": {"values": [{"stacktrace": {"frames": [frame]}}]}}
    scrubbed = scrub(payload)
    assert not [canary for canary in CANARIES if canary in json.dumps(scrubbed)]
    assert "release" not in scrubbed
    monkeypatch.setattr(sentry_sink, "sanitize_value", lambda value: 1 / 0)
    assert scrub(payload) is None


def test_without_the_scrubber_the_canary_is_found(
    heard: RecordingSink, server: SentryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotage twin: what reaches the client around the log's redactor, and is not scrubbed, is seen here."""
    client_of = sentry_sink._options
    monkeypatch.setattr(sentry_sink, "_options", lambda *told: client_of(*told) | {"before_send": None})
    for sink in (connected(server, environment="of jane@example.org"),):
        sink(an_event("error", level="error", error="bad"))
        sink.close()
    assert "jane@example.org" in b"".join(server.bodies).decode()


def test_an_exception_is_sent_once() -> None:
    """In any order of its events."""
    client = Received()
    sink = SentrySink(client)
    for kind in ("node_failed", "error", "pipeline_error"):
        sink(an_event(kind, error="bad", error_id="a" * 32, run_id="r1"))
    assert len(client.events) == 1


@pytest.mark.parametrize(
    "event",
    [
        an_event("message", level="error", message="from nobody's capture"),
        an_event("bad_day", level="error", error="bad"),
        an_event("node_failed", status="cancelled", error="KeyboardInterrupt"),
        an_event("node_complete"),
    ],
    ids=["no captured message", "a line of a log", "cancelled", "success"],
)
def test_what_is_not_for_sentry_stays(event: Any) -> None:
    """Lines of a log, interruptions and all that succeeds."""
    client = Received()
    SentrySink(client)(event)
    assert client.events == []


def test_a_storm_is_held_back_and_counted() -> None:
    """Ten alike a minute, a hundred in all; the next payload has the number held back. The log has them all."""
    client, clock = Received(), FakeClock()
    sink = SentrySink(client, clock=clock)
    storm = an_event("error", level="error", error="bad", fingerprint="f")
    for _ in range(500):
        sink(storm)
    assert (len(client.events), sink.held_back) == (ALIKE_A_MINUTE, 490)
    clock.advance(61)
    sink(storm)
    assert client.events[-1]["extra"]["not_sent_before"] == 490
    for number in range(500):
        sink(an_event("error", level="error", error="bad", fingerprint=f"other {number}"))
    assert len(client.events) == ALIKE_A_MINUTE + ALL_A_MINUTE


@pytest.mark.parametrize(
    "dsn", ["", "nonsense", "https://sentry.example.org/42", "https://key@host/project", "ftp://k@h/1"]
)
def test_a_dsn_that_cannot_be_one_is_refused(dsn: str) -> None:
    """In a sentence that names the variable and the form of a DSN."""
    with pytest.raises(ConfigurationError, match="SENTRY_DSN"):
        SentrySink.connect(dsn)


def test_nothing_of_the_process_is_touched(server: SentryServer) -> None:
    """No hook, no handler of logging, no client for others: the SDK's integrations stay off."""
    before = sys.excepthook, logging.root.handlers[:], logging.Logger.callHandlers
    sink = connected(server)
    assert before == (sys.excepthook, logging.root.handlers[:], logging.Logger.callHandlers)
    assert not sentry_sdk.get_client().is_active()
    sink.close()


def test_the_programs_own_sentry_is_used_where_there_is_one(server: SentryServer) -> None:
    """And reported; its tags and its options are its own."""
    said: list[str] = []
    sentry_sdk.init(server.dsn, default_integrations=False, auto_enabling_integrations=False)
    try:
        sentry_sdk.set_tag("team", "orders")
        sink = SentrySink.connect(server.dsn, report=said.append)
        sink(an_event("error", level="error", error="bad"))
        sentry_sdk.flush(5)
        sink.close()
        assert sentry_sdk.get_client().is_active()
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
        sentry_sdk.get_isolation_scope().clear()
    (event,) = server.events
    assert event["tags"]["team"] == "orders"
    assert "initialised by the program" in said[0]


def test_what_nobody_caught_is_left_to_the_programs_own_sentry(server: SentryServer) -> None:
    """Its hooks send that already; without such a hook, or if the exception was caught, the sink sends it."""
    told = {"level": "critical", "error": "bad", "handled": False}
    sentry_sdk.init(server.dsn, default_integrations=False, integrations=[ThreadingIntegration()])
    try:
        sink = SentrySink.connect("")
        for number, (where, handled) in enumerate(
            [("a thread", False), ("a thread", True), ("the program", False), (None, False)]
        ):
            about = {"handled": handled, "context": {"uncaught_in": where}, "fingerprint": f"f{number}"}
            sink(an_event("error", **{**told, **about}))
        sentry_sdk.flush(5)
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
    assert {event["fingerprint"][0] for event in server.events} == {"f1", "f2", "f3"}


@pytest.mark.parametrize(
    ("status", "headers", "requests"),
    [(429, {"Retry-After": "60"}, 1), (500, {}, 3), (404, {}, 3), (200, {}, 3)],
    ids=["429", "500", "404", "200"],
)
def test_a_server_in_trouble_costs_errors_and_nothing_else(
    status: int, headers: dict[str, str], requests: int
) -> None:
    """After 429 nothing is sent until its time; the first loss is reported once, and no event is sent again."""
    said: list[str] = []
    with sentry_server(status, headers) as server:
        sink = connected(server, report=said.append)
        for number in range(3):
            sink(an_event("error", level="error", error="bad", fingerprint=f"f{number}"))
            assert isinstance(sink._client, sentry_sdk.Client)
            sink._client.flush(10)
        sink.close()
        assert server.requests == requests
    assert len(said) == (status != 200)
    assert all(str(status) in line and "127.0.0.1" in line for line in said)


def test_a_host_that_cannot_be_reached_is_said_once() -> None:
    """With the host and the reason."""
    said: list[str] = []
    sink = SentrySink.connect(f"http://key@127.0.0.1:{kept_port()}/1", report=said.append)
    for number in range(3):
        sink(an_event("error", level="error", error="bad", fingerprint=f"f{number}"))
    sink.close(20)
    assert len(said) == 1
    assert "did not accept an error" in said[0]


SCRIPT = """
import sys
from odibi_core.observability import capture_exception, init_error_tracking

assert init_error_tracking()
for letter in "abcdefghijklmnopqrst":
    assert capture_exception(LookupError(f"there is no {letter * 5}"))
print("done")
sys.stdin.read()
"""


def test_a_server_that_never_answers_holds_up_nothing() -> None:
    """Neither the program nor its end: twenty errors would otherwise wait for ten seconds each."""
    with sentry_server(silent=True) as server:
        environment = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "SENTRY_ENABLED": "true",
            "SENTRY_DSN": server.dsn,
        }
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as program:  # fmt: skip
            assert server.asked.wait(60)
            said, complained = program.communicate(timeout=60)
        assert (program.returncode, said) == (0, "done\n"), complained
        assert server.requests == 1
