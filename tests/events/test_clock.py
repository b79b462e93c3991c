"""Time, ids and names of the machine and the program."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from odibi_core.events import clock
from odibi_core.events.clock import as_id, iso, new_id, process_start, resident_memory_mb, utc_now
from odibi_core.events.sanitize import sanitize_text


def test_now_is_aware_and_in_utc() -> None:
    """A timestamp without its zone is a guess."""
    assert utc_now().utcoffset() == timedelta(0)


def test_iso_text_is_one_width_whatever_the_zone() -> None:
    """Microseconds always, `Z` always, so that texts sort as times do."""
    assert iso(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
    assert iso(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T00:00:00.000000Z"


def test_ids_are_hexadecimal_and_differ() -> None:
    """Of the length that was asked for."""
    ids = {new_id(n) for n in (3, 6, 12) for _ in range(50)}
    assert len({i for i in ids if len(i) == 12}) == 50
    assert all(set(i) <= set("0123456789abcdef") for i in ids)


def test_a_process_has_a_start_while_it_lives() -> None:
    """Pid and start time name one process; a dead one, a zombie and a number that is none have no start."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_start(child.pid)
    assert started is not None
    assert abs(started - (process_start() or 0)) < 3600
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(child.pid) is None
    child.communicate()
    assert process_start(child.pid) is None
    assert process_start(2**40) is None
    assert process_start(-5) is None


def test_memory_is_a_figure_in_mebibytes() -> None:
    """Of this process."""
    assert (resident_memory_mb() or 0) > 1


def test_this_process_is_as_psutil_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure read from Linux equals that of psutil, which is used elsewhere."""
    started, memory = process_start(), resident_memory_mb()
    assert started == process_start(os.getpid())
    monkeypatch.setattr(clock, "Path", lambda name: Path(f"/nowhere{name}"))
    assert process_start() == pytest.approx(started, abs=1)
    assert resident_memory_mb() == pytest.approx(memory, rel=0.5)


def test_no_id_looks_like_a_secret() -> None:
    """Or it would be redacted: one writer taken for another, and a manager that does not know its own events."""
    account = "be68539007547034"
    assert sanitize_text(account) != account
    for digits in (account, *(new_id(length) for length in (8, 12, 16, 32) for _ in range(20_000))):
        made = as_id(digits)
        assert (sanitize_text(made), len(made)) == (made, len(digits))


def test_an_id_begins_with_a_number_and_has_a_letter_in_every_eight() -> None:
    """Digits change only where they would look like an account's number or a card's."""
    assert as_id("123456789012") == "1234567c9012"
    assert as_id("be71d53d676eef6e") == "1e71d53b676eef6c"
