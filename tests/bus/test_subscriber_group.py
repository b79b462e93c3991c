"""Subscribers of several buses."""

from __future__ import annotations

import gc
import os
import signal
import threading

import pytest

from odibi_core.bus import EventBus, SubscriberGroup
from odibi_core.testing import RecordingSink


def test_a_sink_of_a_group_receives_every_event_of_every_bus_once() -> None:
    """In either order of `add` and `join`, and after a second `join`."""
    group, early, late = SubscriberGroup(), RecordingSink(), RecordingSink()
    buses = [EventBus(), EventBus()]
    group.add(early, name="early")
    for bus in (*buses, *buses):
        group.join(bus)
    group.add(late)
    for bus in buses:
        bus.publish("x")
    assert early.kinds == late.kinds == ["x", "x"]
    assert sorted(name for name, _ in group.sinks()) == ["RecordingSink", "RecordingSink", "early", "early"]


def test_a_removed_sink_receives_nothing_more() -> None:
    """On no bus, also on one that joins later; an unknown sink is no error."""
    group, sink, other, bus, later = SubscriberGroup(), RecordingSink(), RecordingSink(), EventBus(), EventBus()
    group.add(sink)
    group.add(other)
    group.join(bus)
    group.remove(sink)
    group.remove(sink)
    group.join(later)
    bus.publish("x")
    later.publish("y")
    assert (sink.kinds, other.kinds) == ([], ["x", "y"])


def test_a_group_keeps_no_bus_alive() -> None:
    """The bus of a run ends with the run."""
    group = SubscriberGroup()
    group.add(RecordingSink())
    group.join(EventBus())
    gc.collect()
    assert group.sinks() == []


def test_a_bus_may_join_several_groups() -> None:
    """The one of the process and those of program logs, each of them once."""
    bus, groups, sinks = EventBus(), [SubscriberGroup(), SubscriberGroup()], [RecordingSink(), RecordingSink()]
    for group, sink in zip(groups, sinks, strict=True):
        group.add(sink)
    for group in (*groups, *groups):
        group.join(bus)
    bus.publish("x")
    assert [sink.kinds for sink in sinks] == [["x"], ["x"]]


@pytest.mark.parametrize("publishes", [False, True])
def test_a_running_sink_may_change_its_group(publishes: bool) -> None:
    """It may remove itself, add another sink, and publish."""
    group, bus, added = SubscriberGroup(), EventBus(), RecordingSink()

    def sink(_: object) -> None:
        group.remove(sink)
        group.add(added)
        if publishes:
            bus.publish("y")

    group.add(sink)
    group.join(bus)
    bus.publish("x")
    assert added.kinds == (["y"] if publishes else [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_uses_a_group_that_another_thread_was_in() -> None:
    """Fork: the lock of the group is held by a thread that the child does not have."""
    group, held, done = SubscriberGroup(), threading.Event(), threading.Event()

    def hold() -> None:
        with group._lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        group.add(RecordingSink())
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    done.set()
    thread.join()
    assert status == 0
