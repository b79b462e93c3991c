"""`odibi top`: the runs that run now, on a screen, in a pipe and as JSON."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from tests.cli.conftest import Here, command, environment
from tests.history.stores import write_run
from tests.history.test_live import running

from odibi_core.cli import keyboard, shared_store
from odibi_core.cli.top_screen import Screen
from odibi_core.history.live import LiveRun, LiveRuns
from odibi_core.store.runs import RunStore

pytestmark = pytest.mark.usefixtures("two")


@pytest.fixture
def two() -> list[str]:
    """Two live runs in the store of the working folder."""
    names = [f"20260601T0400{place:02}-daily-0000000{place}" for place in (1, 2)]
    for place, name in enumerate(names):
        write_run(Path(".odibi"), name, running(name, timedelta(seconds=100 - 80 * place)))
    return names


def test_a_pipe_has_every_column_once(here: Here) -> None:
    """The newest run first; the JSON document has each run whole."""
    shown = here("top").stdout.splitlines()
    assert shown[0].startswith("odibi top · 2 running · ")
    assert shown[1].split() == [
        "Pipeline", "Run", "Host", "Time", "Of", "usual", "Steps", "Rows", "Memory", "Errors", "Now"
    ]  # fmt: skip
    assert re.search(r"clean 2\d(\.\d)? s$", shown[2])
    assert "quiet for 1 min" in shown[3]
    document = json.loads(here("top", "--format", "json").stdout)
    assert [run["open_steps"][0]["name"] for run in document["runs"]] == ["clean", "clean"]


def test_no_live_run_is_a_notice(here: Here) -> None:
    """And no failure; a pipeline may be chosen."""
    shown = here("top", "other", "--once")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "no run is live in" in shown.stderr
    assert here("top", "--since", "yesterday").exit_code == 2


def screen(width: int = 80, height: int = 24, color: bool = True) -> Screen:
    """Return the screen of a terminal of that size."""
    on = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, no_color=not color, markup=False,
        color_system="standard", highlight=False, legacy_windows=False,
    )  # fmt: skip
    live = LiveRuns(RunStore(".odibi"))
    made = Screen(live, "/a/store", on, lambda: "")
    made.runs = live.poll()
    return made


def lines_of(made: Screen) -> list[str]:
    """Return the drawn screen as lines."""
    with made.on.capture() as captured:
        made.on.print(made.draw())
    return captured.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 14), (200, 50)])
def test_the_screen_fits_the_terminal(width: int, height: int) -> None:
    """The list and the steps of one run; more runs than lines are counted."""
    made = screen(width, height, color=False)
    made.runs = made.runs * 20
    for _ in range(2):
        lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines_of(made)]
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
        made.press(keyboard.ENTER)


def test_the_keys_choose_a_run_and_show_its_steps_and_log(two: Sequence[str]) -> None:
    """The choice stays with its run; a key without a use changes nothing."""
    made = screen()
    assert made.press("x") is False
    for key in (keyboard.DOWN, keyboard.DOWN, keyboard.ENTER):
        made.press(key)
    shown = "\n".join(lines_of(made))
    assert two[0] in shown, "the older run, which is the second"
    assert "Open step" in shown
    assert "node_complete" in shown
    made.runs = made.runs[::-1]
    assert two[0] in "\n".join(lines_of(made))
    made.press(keyboard.BACK)
    assert "Open step" not in "\n".join(lines_of(made))


def test_a_run_that_takes_longer_and_one_that_failed_are_marked() -> None:
    """By words, and by a colour beside them."""
    made = screen()
    first = made.runs[0]
    about: dict[str, Any] = {name: getattr(first, name) for name in first.__struct_fields__}
    slow = LiveRun(**{**about, "usual_ms": 5_000.0})
    failed = LiveRun(**{**about, "status": "failed", "error": "no column\x1b[2J\nmore", "errors": 1, "open_steps": []})
    made.runs = [slow, failed]
    shown = "\n".join(lines_of(made))
    assert re.search(r"33m4\d\d%", shown)
    assert "failed: no column\\x1b" in shown


def test_the_copy_of_a_shared_store_is_kept_fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Until the end of the screen; a problem is shown and is over with the next success. A local store has no copy."""
    answers: list[list[str]] = [["a part is missing"], [], ["last"]]
    asked = threading.Semaphore(0)

    def sync(*_: object, **__: object) -> Any:
        asked.release()
        if not answers:
            raise OSError("the disk")
        return SimpleNamespace(problems=answers.pop(0))

    monkeypatch.setattr(shared_store, "_EVERY_S", 0.001)
    monkeypatch.setattr("odibi_core.history.remote.mirror.sync", sync)
    with shared_store.kept_fresh(None) as problem:
        assert problem() == ""
        assert not asked.acquire(timeout=0.05)
    monkeypatch.setenv("ODIBI_STORE__URL", (tmp_path / "shared").as_uri())
    with shared_store.kept_fresh(None) as problem:
        for _ in range(6):
            assert asked.acquire(timeout=10)
        assert problem() == f"{tmp_path / 'shared'} could not be read: OSError"
    with shared_store.kept_fresh(".odibi") as problem:
        assert problem() == ""


def test_the_keys_of_a_terminal() -> None:
    """Arrows in both modes, letters as in vi, Escape alone, and a sequence without a use."""
    typed = {b"\x1b[A": "up", b"\x1bOB": "down", b"j": "down", b"\r": "enter", b"\x1b": "back", b"q": "q"}
    typed[b"\x1b[5~"] = ""
    assert {sequence: keyboard.key_of(sequence) for sequence in typed} == typed


def test_a_terminal_is_as_before_after_the_screen() -> None:
    """In a terminal of its own: `q` ends it with code 0, the screen of before is back, and lines are read as before."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (24, 80))
    before = termios.tcgetattr(inner)
    process = subprocess.Popen(
        command("top"), stdin=inner, stdout=inner, stderr=inner, env=environment(TERM="xterm-256color")
    )
    shown = b""
    while b"quit" not in shown:
        shown += os.read(outer, 65536)
    os.write(outer, b"q")
    assert process.wait(30) == 0
    os.set_blocking(outer, False)
    while True:
        try:
            shown += os.read(outer, 65536)
        except BlockingIOError:
            break
    assert b"\x1b[?1049h" in shown
    assert b"\x1b[?1049l" in shown.rpartition(b"quit")[2]
    assert termios.tcgetattr(inner) == before
    os.close(outer)
    os.close(inner)

