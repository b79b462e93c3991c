"""The table of hooks."""

from __future__ import annotations

import pytest

from odibi_core.errors import ConfigurationError
from odibi_core.hooks import EventPriority, HookTable, RegisteredHook


def test_the_route_of_a_kind_is_made_once_and_anew_after_every_change() -> None:
    """Who hears is looked up once a kind, and is right after register, switch and remove."""
    table = HookTable()
    one = table.add(RegisteredHook("one", print, EventPriority.LOW, "x"))
    assert table.route("x") is table.routes["x"]
    two = table.add(RegisteredHook("two", print, EventPriority.HIGH))
    assert table.route("x") == (two, one)
    table.switch("x", "one", False)
    assert table.route("x") == (two,)
    table.remove("*")
    assert table.route("x") == ()


def test_kinds_without_end_do_not_fill_the_memory() -> None:
    """A program may make up a kind for each event."""
    table = HookTable()
    for number in range(5000):
        table.route(f"kind-{number}")
    assert len(table.routes) < 2000


def test_a_hook_tells_about_itself_whatever_its_priority_was_given_as() -> None:
    """An int that is a priority is one; what is none is refused and not kept."""
    table = HookTable()
    hook = table.add(RegisteredHook("one", print, 1, "x"))  # type: ignore[arg-type]
    assert repr(hook) == "RegisteredHook('one', 'x', HIGH, enabled)"
    with pytest.raises(ConfigurationError):
        table.add(RegisteredHook("two", print, 7, "x"))  # type: ignore[arg-type]
    assert table.of_kind("x") == [hook]
