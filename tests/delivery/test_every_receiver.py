"""Each receiver against each bad answer: nothing counts as taken, the time is bounded, the message leads to the fix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.alerts.test_messages import payload
from tests.delivery.loopback import CLOSE, GARBAGE, HTML, REDIRECT, SILENT, TRICKLE, Reply, dead_url, loopback

from odibi_core.alerts import Route
from odibi_core.alerts.receivers import send_of
from odibi_core.delivery import HttpClient, Outcome
from odibi_core.events import Event
from odibi_core.events.clock import monotonic, utc_now
from odibi_core.log_shipping.targets import TARGETS
from odibi_core.metrics_push.pushgateway import PushgatewayReceiver
from odibi_core.metrics_push.remote_write import RemoteWriteReceiver
from odibi_core.metrics_push.run_metrics import RunText
from odibi_core.openlineage.sending import HttpReceiver
from odibi_core.otlp.model import Span, resource
from odibi_core.otlp.receiver import OtlpReceiver
from odibi_core.settings import ObservabilityConfig
from odibi_core.settings.sections import OpenLineage

WITHIN_S = 0.15
TOKEN = "canary-t0ken-of-the-receiver"
Send = Callable[[str], Outcome]
"""Sends one item to a URL."""
EVENT = Event(timestamp=utc_now(), level="info", event_type="node_start", message="m", run_id="r", writer_id="w", seq=1)
RUN = RunText("shop", "odibi_rows_total 3\n", 1)
SPAN = Span("a" * 32, "b" * 16, "", "load", 1, 2, {})


def client(url: str) -> HttpClient:
    return HttpClient(url, setting="ODIBI_TEST__URL", headers={"Authorization": f"Bearer {TOKEN}"})


def of_log(name: str) -> Send:
    config = ObservabilityConfig(loki_token=TOKEN, elastic_api_key=TOKEN)
    return lambda url: TARGETS[name].receiver(config, url).send([EVENT], WITHIN_S)


def of_otlp(*, as_json: bool) -> Send:
    def send(url: str) -> Outcome:
        about = resource("shop", "", "", {})
        receiver: OtlpReceiver[Span] = OtlpReceiver("traces", client(url), about, as_json=as_json)
        return receiver.send([SPAN], WITHIN_S)

    return send


def of_route(**where: str) -> Send:
    (kind, path), *_ = where.items()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return lambda url: send_of(Route(name="ODIBI", headers=headers, **{kind: url + path}))(payload(), WITHIN_S)  # type: ignore[arg-type]


RECEIVERS: dict[str, Send] = {
    "openlineage": lambda url: HttpReceiver(OpenLineage(url=url, api_key=TOKEN)).send([{"job": {}}], WITHIN_S),
    "otlp protobuf": of_otlp(as_json=False),
    "otlp json": of_otlp(as_json=True),
    "loki": of_log("loki"),
    "elastic": of_log("elastic"),
    "pushgateway": lambda url: PushgatewayReceiver(client(url), "job").send([RUN], WITHIN_S),
    "remote write": lambda url: RemoteWriteReceiver(client(url), "job").send([RUN], WITHIN_S),
    "alertmanager": of_route(alertmanager=""),
    "webhook": of_route(webhook="/hook"),
}  # fmt: skip
FAULTS: dict[str, Reply] = {
    "garbage": GARBAGE, "close": CLOSE, "silence": SILENT, "a byte at a time": TRICKLE, "redirect": REDIRECT,
    "web page": HTML, "500": Reply(500, {}, b"<html>error</html>"), "401": Reply(401), "404": Reply(404),
}  # fmt: skip
NAMED = {"redirect", "web page", "401", "404"}
"""Faults whose message names the setting, because another value of it is the fix."""


CASES = [(name, fault) for name in RECEIVERS for fault in FAULTS if (name, fault) != ("webhook", "web page")]
"""A webhook may answer with any text."""


@pytest.mark.parametrize(("receiver", "fault"), CASES)
def test_no_bad_answer_counts_as_taken(receiver: str, fault: str) -> None:
    """Refused with a reason, or to be sent again; within the time, with the address, and without the token."""
    with loopback(default=FAULTS[fault]) as server:
        began = monotonic()
        outcome = RECEIVERS[receiver](server.url)
        assert monotonic() - began < 5
    assert len(server.requests) == 1
    assert outcome.is_unsent or outcome.refused == 1
    assert outcome.reason
    assert server.url.removeprefix("http://") in outcome.detail
    assert TOKEN not in outcome.detail
    assert TOKEN in server.requests[0].headers["authorization"]
    if fault in NAMED:
        assert "ODIBI" in outcome.detail or "OPENLINEAGE_URL" in outcome.detail


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_dead_receiver_is_tried_again(receiver: str) -> None:
    """Nothing listens: the message names the address."""
    url = dead_url()
    outcome = RECEIVERS[receiver](url)
    assert (outcome.is_unsent, outcome.reason) == (True, "connection_refused")
    assert url.removeprefix("http://") in outcome.detail
