"""Subscriptions: their filters, their forms of delivery, and the table of routes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from odibi_core.bus import EventBus, EventPriority
from odibi_core.bus.subscriptions import FAILURES_ALLOWED, Subscription, SubscriptionTable
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, bind
from odibi_core.testing import FailingSink, RecordingSink


def test_the_route_of_a_kind_is_made_once_and_anew_after_every_change() -> None:
    """The subscribers of a kind are looked up once, and are right after add, enable and remove."""
    table = SubscriptionTable()
    one = table.add(Subscription(print, "x", as_dict=True, name="one", priority=EventPriority.LOW))
    assert table["x"] is table["x"]
    two = table.add(Subscription(print, as_dict=True, name="two", priority=EventPriority.HIGH))
    assert list(table["x"].hooks) == [(two, "x"), (one, "x")]
    table.enable(table.hooks("x", "one"), False)
    assert list(table["x"].hooks) == [(two, "x")]
    table.remove(table.hooks("*"))
    assert table["x"] == ((), ())


def test_the_sinks_of_a_bus_are_its_enabled_handlers_of_events() -> None:
    """Neither hooks nor a sink that is disabled."""
    bus, failing = EventBus(), FailingSink()
    bus.register_hook("x", print)
    bus.subscribe(failing, name="broken")
    bus.subscribe(print, name="sound")
    assert [name for name, _ in bus.sinks()] == ["broken", "sound"]
    for _ in range(FAILURES_ALLOWED):
        bus.publish("y")
    assert [name for name, _ in bus.sinks()] == ["sound"]


def test_kinds_without_end_do_not_fill_the_memory() -> None:
    """A program may make up a kind for each event."""
    table = SubscriptionTable()
    for number in range(5000):
        assert table[f"kind-{number}"] == ((), ())
    assert len(table) < 2000


def test_a_subscription_describes_itself_whatever_its_priority_was_given_as() -> None:
    """An int that is a priority is one."""
    hook = Subscription(print, "x", name="one", priority=1)  # type: ignore[arg-type]
    assert repr(hook) == "Subscription('one', 'x', HIGH, enabled)"


@pytest.mark.parametrize("wrong", [{"priority": 7}, {"kinds": ""}, {"kinds": 5}, {"kinds": ["x", 5]}, {"kinds": []}])
def test_a_subscription_that_cannot_be_right_is_refused(wrong: dict[str, Any]) -> None:
    """When it is made; nothing of it is kept."""
    bus = EventBus()
    with pytest.raises(ConfigurationError, match="got"):
        bus.subscribe(print, **wrong)
    assert bus.sinks() == []


@pytest.mark.parametrize("as_dict", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_only_what_the_filters_let_through_is_delivered(as_dict: bool, background: bool) -> None:
    """Kinds and run, in every form of delivery; a kind under the name that was given."""
    bus, heard = EventBus(max_workers=1), list[Any]()
    form: dict[str, Any] = {"as_dict": as_dict, "background": background}
    bus.subscribe(heard.append, ["node_error", "x"], run_id="r1", **form)
    for run in ("r1", "r2"):
        with bind(run_id=run):
            for kind in ("x", "y", "node_failed"):
                bus.emit(kind)
    bus.emit("x")
    assert bus.shutdown(20)
    kinds = [event["event_type"] if as_dict else event.event_type for event in heard]
    assert kinds == ["x", "node_error" if as_dict else "node_failed"]
    assert all(isinstance(event, dict if as_dict else Event) for event in heard)


def test_a_background_handler_of_events_delays_nobody() -> None:
    """It waits for what comes after the call that published its event."""
    bus, published, heard = EventBus(), threading.Event(), RecordingSink()

    def slow(event: Event) -> None:
        assert published.wait(10)
        heard(event)

    bus.subscribe(slow, background=True)
    bus.publish("x")
    published.set()
    assert bus.shutdown(20)
    assert heard.kinds == ["x"]


@pytest.mark.parametrize("as_dict", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_failures_are_counted_alike_in_every_form(as_dict: bool, background: bool) -> None:
    """Ten in a row disable the subscription; `hook_failed` is published for the first."""
    bus, heard, failing = EventBus(max_workers=1), RecordingSink(), FailingSink()
    bus.subscribe(heard, "hook_failed")
    form: dict[str, Any] = {"as_dict": as_dict, "background": background}
    bus.subscribe(failing, "x", name="broken", **form)
    for _ in range(30):
        bus.emit("x")
        assert bus.shutdown(20)
    assert failing.calls == bus.failures["broken"] == 10 == FAILURES_ALLOWED
    assert [event.fields["hook"] for event in heard.events] == ["broken"]


def test_unsubscribe_ends_every_subscription_of_a_handler() -> None:
    """In every form."""
    bus, heard = EventBus(), list[Any]()
    append = heard.append
    bus.subscribe(append)
    bus.register_hook("x", append)
    bus.unsubscribe(append)
    bus.emit("x")
    assert (heard, bus.sinks(), bus.get_hooks("x")) == ([], [], [])
