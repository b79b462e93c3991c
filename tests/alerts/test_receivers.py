"""The receivers of routes, each on a server of this process: what they get, and what a failure means."""

from __future__ import annotations

import email
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.alerts.test_messages import payload
from tests.delivery.loopback import HTML, REDIRECT, TRICKLE, Reply, dead_url, loopback
from tests.ports import kept_port

from odibi_core.alerts import Route
from odibi_core.alerts.receivers import NotConfiguredError, send_of
from odibi_core.delivery import Outcome
from odibi_core.errors import ConfigurationError

EVIL = "@here <!channel> [x](http://evil) \r\nBcc: a@b.c <b>"


def sent(route: Route, **about: Any) -> Outcome:
    return send_of(route)(payload(**about), 5.0)


def test_a_webhook_gets_the_payload_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact values for programs, with the headers of the route, secrets from variables."""
    monkeypatch.setenv("HOOK_TOKEN", "Bearer abc")
    with loopback() as server:
        route = Route(name="hook", webhook=f"{server.url}/hook", headers={"Authorization": "env:HOOK_TOKEN"})
        assert not sent(route, error="=1+1 @here").is_unsent
    (request,) = server.requests
    assert (request.path, request.headers["authorization"]) == ("/hook", "Bearer abc")
    assert request.json()["alerts"][0]["message"] == "p0 failed: =1+1 @here"


@pytest.mark.parametrize(
    ("reply", "is_unsent", "reason"),
    [
        (Reply(503), True, "http_503"), (Reply(429, {"Retry-After": "7"}), True, "http_429"),
        (Reply(400), False, "http_400"), (REDIRECT, False, "http_302"), (HTML, False, "web_page"),
    ],
)  # fmt: skip
def test_only_what_the_protocol_allows_is_sent_again(reply: Reply, is_unsent: bool, reason: str) -> None:
    """A redirect is refused: it would lead elsewhere."""
    with loopback(reply) as server:
        outcome = sent(Route(name="am", alertmanager=server.url))
    assert (outcome.is_unsent, outcome.reason) == (is_unsent, reason)
    assert server.requests[0].path == "/api/v2/alerts"


def test_a_receiver_that_is_down_is_tried_again_and_named() -> None:
    """The message names the route, which has the address."""
    outcome = sent(Route(name="hook", webhook=dead_url()))
    assert outcome.is_unsent
    assert "check the route 'hook'" in outcome.detail


def test_a_missing_variable_is_named() -> None:
    """Waiting notifications are sent when it is set."""
    with pytest.raises(NotConfiguredError, match="url is env:NO_SUCH, and the variable NO_SUCH is not set"):
        send_of(Route(name="team", url="env:NO_SUCH"))


@pytest.mark.parametrize(("code", "is_unsent", "refused"), [(0, False, 0), (1, True, 0), (65, False, 1)])
def test_a_command_gets_json_on_its_input(tmp_path: Path, code: int, is_unsent: bool, refused: int) -> None:
    """Without a shell: `$(…)` in an argument is a text. 64 and 65 refuse, another code is tried again."""
    program = f"import sys; open('got', 'w').write(sys.argv[1] + sys.stdin.read()); sys.exit({code})"
    outcome = sent(Route(name="c", command=(sys.executable, "-I", "-S", "-c", program, "$(id)")))
    assert (outcome.is_unsent, outcome.refused) == (is_unsent, refused)
    assert Path("got").read_text().startswith('$(id){"notification_id":"n1"')


def test_a_command_that_is_not_there_is_tried_again() -> None:
    """It may be installed later."""
    outcome = sent(Route(name="c", command=("no-such-program",)))
    assert (outcome.is_unsent, outcome.reason) == (True, "not_started")


def test_an_address_that_data_chose_must_be_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """By any name, also by one that changes between the look-up and the connection; nothing is sent."""
    import socket

    from odibi_core.delivery import http

    route, look_up = Route(name="tag", webhook_tag="hook"), socket.getaddrinfo
    with loopback() as server:
        port = server.url.rpartition(":")[2]
        private = ("127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1")
        for host in private:
            outcome = sent(route, tags={"hook": f"http://{host}:{port}/"})
            assert (outcome.refused, outcome.reason) == (1, "private_address"), host
        assert sent(route, tags={"hook": "file:///etc/passwd"}).reason == "invalid"

        def rebinding(*given: Any, **named: Any) -> Any:
            rebound.append(1)
            return [(2, 1, 6, "", ("8.8.8.8", 80))] if len(rebound) == 1 else look_up("127.0.0.1", given[1])

        rebound: list[int] = []
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        assert sent(route, tags={"hook": f"http://evil.example:{port}/"}).reason == "private_address"
        assert len(rebound) == 2
        monkeypatch.undo()
        assert server.requests == []
        monkeypatch.setattr(http, "_refuse_private", lambda addresses: None)  # a public address is sent to
        assert not sent(route, tags={"hook": f"{server.url}/hook"}).is_unsent
    assert server.requests[0].json()["alerts"][0]["tags"] == {"hook": f"{server.url}/hook"}


def test_the_settings_of_the_user_may_name_private_addresses() -> None:
    """An Alertmanager is usually in one."""
    with loopback() as server:
        assert not sent(Route(name="own", webhook=server.url)).refused


@contextmanager
def smtp() -> Iterator[tuple[int, list[Message]]]:
    """A mail server of this process; yields its port and the messages that it gets."""
    from aiosmtpd.controller import Controller

    received: list[Message] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            received.append(email.message_from_bytes(envelope.content, policy=default))
            return "250 OK"

    controller = Controller(Handler(), hostname="127.0.0.1", port=kept_port())
    controller.start()
    try:
        yield controller.port, received
    finally:
        controller.stop()


def test_an_email_has_one_subject_and_no_further_header() -> None:
    """Line ends in data begin no header."""
    with smtp() as (port, received):
        address = f"mailto://127.0.0.1:{port}?from=odibi@example.com&to=team@example.com&mode=insecure"
        assert not sent(Route(name="mail", url=address), error=EVIL, pipeline_name="shop\r\nBcc: a@b.c").is_unsent
    (message,) = received
    assert message["Subject"] == "error: failed (shop Bcc: a@b.c)"
    assert message["Bcc"] is None
    assert "[error] shop Bcc: a@b.c failed: @here <!channel>" in str(message.get_payload(decode=True))


def test_slack_gets_no_mention_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its API receives it."""
    from apprise.plugins.slack import NotifySlack

    with loopback(default=Reply(200, {}, b"ok")) as server:
        monkeypatch.setattr(NotifySlack, "webhook_url", server.url)
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0)
        address = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
        assert not sent(Route(name="slack", url=address), error=EVIL).is_unsent
    (attachment,) = server.requests[0].json()["attachments"]
    assert attachment["title"] == "error: failed (p0)"
    assert "p0 failed: @\u200bhere ‹!channel› [x]\u200b(http://evil)" in attachment["text"]


def test_a_failure_of_apprise_has_its_status_and_no_token(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """403 is refused, 503 and a closed connection are tried again; Apprise's own lines, with addresses, go nowhere."""
    with loopback(Reply(403), Reply(503), REDIRECT) as server, caplog.at_level(logging.INFO):
        route = Route(name="json", url=f"{server.url.replace('http', 'json')}/secret-token")
        outcomes = [sent(route) for _ in range(3)]
    assert [(each.is_unsent, each.reason) for each in outcomes] == [
        (False, "http_403"), (True, "http_503"), (False, "http_302"),
    ]  # fmt: skip
    assert sent(route).is_unsent
    assert "secret-token" not in caplog.text + capsys.readouterr().err + str(outcomes)


def test_a_byte_a_second_holds_up_one_thread_and_no_delivery() -> None:
    """The second attempt starts no second call while the first one hangs."""
    with loopback(default=TRICKLE) as server:
        send = send_of(Route(name="json", url=server.url.replace("http", "json")))
        outcomes = [send(payload(), 0.2) for _ in range(2)]
        assert [(each.is_unsent, each.reason) for each in outcomes] == [(True, "timeout")] * 2
    assert len(server.requests) == 1


def test_an_address_that_apprise_cannot_read_is_refused_without_it() -> None:
    """The scheme is named, and nothing behind it."""
    with pytest.raises(ConfigurationError, match="got slak://…") as caught:
        send_of(Route(name="team", url="slak://secret-token"))
    assert "secret-token" not in str(caught.value)
