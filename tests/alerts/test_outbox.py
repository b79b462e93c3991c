"""The way out: what is queued, delivered and failed, over faults and restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.alerts.test_end_of_run import run
from tests.delivery.loopback import Reply, dead_url, loopback
from tests.ports import kept_port

from odibi_core.alerts import Route, Rulebook, configure_alerts, log, outbox, read_rules
from odibi_core.alerts.outbox import Left
from odibi_core.alerts.state import states_of
from odibi_core.delivery import Delivery, Spool, try_again
from odibi_core.events.clock import utc_now
from odibi_core.history.noticing import notes
from odibi_core.rules import FailureRule, RowsRule


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def configure(url: str, **options: str) -> Rulebook:
    """Set one route to a webhook."""
    routes = [Route(name="hook", webhook=url, interval="0s", **options)]  # type: ignore[arg-type]
    configure_alerts([FailureRule(name="failed"), RowsRule(name="few", min=3)], routes)
    return read_rules()


def finish(root: Path, book: Rulebook) -> list[Left]:
    return outbox.finish(root, book, 5.0)


def status(root: Path) -> list[str]:
    """Return the state of the delivery of each alert."""
    states = log.read_states(root, utc_now())
    return [f"{sent.reason} {sent.status}" for alert in states.by_id.values() for sent in alert.sent.values()]


def test_a_run_hands_over_its_alerts_and_their_end(root: Path) -> None:
    """The state has the delivery of each."""
    with loopback() as server:
        book = configure(server.url)
        run(root, 1)
        finish(root, book)
        assert status(root) == ["raised delivered"]
        run(root, 5)
        assert finish(root, book) == []
    assert [request.json()["reason"] for request in server.requests] == ["raised", "resolved"]
    assert status(root) == ["resolved delivered"]


def lost_while_down(root: Path) -> list[str]:
    """Return the alerts that a receiver never gets that was down during two of three runs, and the process restarted.

    It comes up at the address at which nothing listened.
    """
    port = kept_port()
    book = configure(f"http://127.0.0.1:{port}")
    raised = []
    for rows in (1, -1):
        run(root, rows)
        raised += [alert.alert_id for alert in log.read_states(root, utc_now()).by_id.values()]
        (left,) = outbox.finish(root, book, 0.1)  # the end of the process
        assert left.route == "hook"
    assert set(status(root)) == {"raised queued"}
    with loopback() as server:
        up = Rulebook(book.rules, (Route(name="hook", webhook=server.url, interval="0s"),))
        finish(root, up)
        arrived = {alert["alert_id"] for request in server.requests for alert in request.json()["alerts"]}
    return sorted(set(raised) - arrived)


def test_nothing_is_lost_while_the_receiver_is_down(root: Path) -> None:
    """Alerts that were raised meanwhile arrive when it is up, from another process."""
    assert lost_while_down(root) == []
    assert status(root) == ["raised delivered", "raised delivered"]


def test_an_outbox_in_memory_loses_alerts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: without the spool the same check fails."""
    monkeypatch.setattr(outbox, "Spool", lambda *_, **__: None)
    monkeypatch.setattr(outbox, "waiting_in", lambda folder: (1, 1))
    assert lost_while_down(root)


def test_a_process_that_is_killed_before_its_notes_has_sent_its_alerts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the spool first: sent twice at worst, and never not at all."""

    def killed(*_: object) -> None:
        raise OSError("killed")

    with loopback() as server:
        book = configure(server.url)
        with monkeypatch.context() as patch:
            patch.setattr(log, "write", killed)
            run(root, 1)
        run(root, 1)
        finish(root, book)
    assert [request.json()["reason"] for request in server.requests] == ["raised", "raised"]
    assert status(root) == ["raised delivered"]


def test_a_delivery_may_be_recorded_before_its_notification(root: Path) -> None:
    """Each has a file of its own, and the clocks of two threads differ by less than a receiver needs."""
    with loopback() as server:
        book = configure(server.url)
        run(root, 1)
        finish(root, book)
    events = sorted(notes.events(root), key=lambda event: event.event_type != "alert_delivered")
    assert events[0].event_type == "alert_delivered"
    (alert,) = states_of(events).by_id.values()
    assert alert.sent["hook"].status == "delivered"


def test_a_refused_notification_is_shown_as_failed_with_the_reason(root: Path) -> None:
    """It is not sent again."""
    with loopback(default=Reply(400)) as server:
        book = configure(server.url)
        run(root, 1)
        assert finish(root, book) == []
    (alert,) = log.read_states(root, utc_now()).open()
    assert alert.sent["hook"].status == "failed"
    assert "answered 400" in (alert.sent["hook"].problem or "")


def test_a_receiver_that_raises_loses_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in a library is no reason to drop an alert."""

    def broken(route: Route) -> Callable[..., None]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("odibi_core.alerts.receivers.send_of", broken)
    book = configure(dead_url())
    run(root, 1)
    (left,) = outbox.finish(root, book, 0.1)
    assert (left.notifications, "can't start new thread" in left.reason) == (1, True)


def test_a_notification_that_nothing_takes_expires(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds up the others no longer."""
    book = configure(dead_url())
    run(root, 1)
    outbox.finish(root, book, 0.1)
    monkeypatch.setattr(outbox, "EXPIRES", timedelta(seconds=-1))
    assert finish(root, book) == []
    assert status(root) == ["raised failed"]


def test_a_dead_receiver_does_not_hold_up_the_end_of_a_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run only writes to the spool: no receiver is called in its thread."""
    from threading import current_thread, main_thread

    callers = []

    def attempt(self: object, payload: object, within_s: float) -> object:
        callers.append(current_thread())
        return try_again("down")

    monkeypatch.setattr(outbox.RouteReceiver, "_attempt", attempt)
    book = configure(dead_url())
    run(root, 1)
    outbox.finish(root, book, 0.2)
    assert callers
    assert main_thread() not in callers


def test_counts_add_up(root: Path) -> None:
    """The deliveries of routes are those of every exporter."""
    with loopback(Reply(400)) as server:
        book = configure(server.url)
        run(root, 1)
        run(root, -1)
        delivery: Delivery[object] = outbox.delivery_of(root, book.routes[0])  # type: ignore[assignment]
        delivery.close(5.0)
    counts = delivery.counts
    assert counts.is_whole
    assert (counts.accepted, counts.sent, counts.dropped.total()) == (2, 1, 1)
    assert isinstance(delivery._spool, Spool)
