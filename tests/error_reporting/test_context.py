"""Breadcrumbs and contexts of error reports: kept for a thread or task, bounded, and clean from the first."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.error_program import program_heard
from tests.hostile import VALUES

from odibi_core.error_reporting.context import (
    MAX_BREADCRUMBS,
    MAX_CONTEXTS,
    REPORTED,
    _crumbs,
    add_breadcrumb,
    breadcrumbs,
    contexts,
    set_context,
)
from odibi_core.observability import wrap


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with program_heard():
        yield


class Hostile:
    """Refuses to be looked at."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


HOSTILE: list[Any] = [
    Hostile(), None, {1: Hostile()}, {"x" * 10_000: "y" * 1_000_000}, [[]] * 1000, float("nan"), "\ud800\0", b"\xff",
]  # fmt: skip


def test_a_breadcrumb_is_what_was_said() -> None:
    """When, of which category and severity, what, and its data."""
    add_breadcrumb("opened orders.csv", "file", "warning", {"rows": 7, "ok": True, "path": "/data"})
    (crumb,) = breadcrumbs()
    assert crumb.pop("at").endswith("Z")
    assert crumb == {
        "category": "file",
        "severity": "warning",
        "message": "opened orders.csv",
        "data": {"rows": 7, "ok": True, "path": "/data"},
    }


def test_the_last_hundred_are_kept_and_the_last_twenty_told() -> None:
    """However long the program runs."""
    for number in range(MAX_BREADCRUMBS + 50):
        add_breadcrumb(f"step {number}")
    assert len(_crumbs.get()) == MAX_BREADCRUMBS
    assert [crumb["message"] for crumb in breadcrumbs()] == [f"step {n}" for n in range(150 - REPORTED, 150)]


def test_twenty_of_the_largest_fit_in_one_field() -> None:
    """So that the latest of them are never what is cut."""
    data = {f"{number}{'k' * 150}": "v" * 10_000 for number in range(50)}
    for _ in range(REPORTED):
        add_breadcrumb("m" * 10_000, "c" * 10_000, data=data)
    assert len(json.dumps(breadcrumbs())) < 128 * 1024
    assert len(breadcrumbs()[-1]["data"]) == 10


def test_secrets_do_not_enter() -> None:
    """Neither by a field's name nor by a value's shape."""
    add_breadcrumb("login jane@example.org", data={"password": "hunter2", "url": "db://jane:hunter2@db"})
    set_context("job", {"token": "hunter2", "owner": "jane@example.org"})
    written = json.dumps([breadcrumbs(), contexts()])
    assert "hunter2" not in written
    assert "jane@example.org" not in written


def test_a_task_takes_what_is_here_and_gives_nothing_back() -> None:
    """As the log's context does; a thread of one's own begins with nothing, unless it is wrapped."""
    heard: dict[str, list[str]] = {}

    def look(name: str) -> None:
        add_breadcrumb(name)
        heard[name] = [crumb["message"] for crumb in breadcrumbs()]

    async def task(name: str) -> None:
        await asyncio.sleep(0)
        look(name)

    async def both() -> None:
        await asyncio.gather(task("one"), task("two"))

    add_breadcrumb("before")
    asyncio.run(both())
    for name, target in (("bare", look), ("wrapped", wrap(look))):
        thread = threading.Thread(target=target, args=(name,))
        thread.start()
        thread.join()
    assert heard == {
        "one": ["before", "one"],
        "two": ["before", "two"],
        "bare": ["bare"],
        "wrapped": ["before", "wrapped"],
    }
    assert [crumb["message"] for crumb in breadcrumbs()] == ["before"]


@pytest.mark.filterwarnings("error:NotImplemented:DeprecationWarning")
@pytest.mark.parametrize("name", VALUES)
def test_whatever_its_data_a_breadcrumb_is_kept(name: str) -> None:
    """Also an object without a truth value: a frame, `NotImplemented`, a dict that lies."""
    add_breadcrumb("opened", data=VALUES[name]())
    (crumb,) = breadcrumbs()
    assert crumb["message"] == "opened"
    assert len(json.dumps(crumb)) < 20_000


def test_a_context_is_set_replaced_and_taken_away() -> None:
    """By its name; there is an end to how many."""
    set_context("job", {"n": 1})
    set_context("job", {"n": 2})
    assert contexts() == {"job": {"n": 2}}
    set_context("job", None)
    assert contexts() == {}
    for number in range(MAX_CONTEXTS + 5):
        set_context(f"c{number}", {"n": number})
    assert len(contexts()) == MAX_CONTEXTS


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_anything_may_be_given(value: Any) -> None:
    """Wherever it is given, nothing is raised, and what is kept is valid JSON."""
    add_breadcrumb(value, value, value, value)
    add_breadcrumb("m", data={"field": value})
    set_context(value, value)
    set_context("c", {"field": value})
    json.dumps([breadcrumbs(), contexts()], allow_nan=False)


@given(
    st.dictionaries(
        st.text(), st.text() | st.floats() | st.integers() | st.lists(st.text(), max_size=3), max_size=12
    )
)
def test_any_data_becomes_a_few_plain_values(data: dict[str, Any]) -> None:
    """Numbers stay numbers, everything else is a short text."""
    add_breadcrumb("m", data=data)
    kept = breadcrumbs()[-1].get("data", {})
    assert len(kept) <= 10
    assert all(value is None or isinstance(value, (bool, int, float, str)) for value in kept.values())
