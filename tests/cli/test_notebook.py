"""`%%odibi record`: a cell of a notebook runs as it is, and is a run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.conftest import Here


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell of IPython with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    made: Any = InteractiveShell.instance()
    made.run_cell("%load_ext odibi_core")
    yield made
    made.run_cell("%unload_ext odibi_core")
    assert "odibi" not in made.magics_manager.magics["cell"]
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """A shell as that of a kernel, whose displays are kept."""
    from IPython.core.interactiveshell import InteractiveShell

    from odibi_core.cli import notebook_progress

    class Shell(InteractiveShell):
        kernel = object()

    shown: list[dict[str, Any]] = []
    made: Any = Shell.instance()
    monkeypatch.setattr(made.display_pub, "publish", lambda **sent: shown.append(sent))
    monkeypatch.setattr(notebook_progress, "_EVERY_S", 0.03)
    made.run_cell("%load_ext odibi_core")
    yield made, shown
    made.run_cell("%unload_ext odibi_core")
    Shell.clear_instance()


RUN = """
import time, odibi_core
def read():
    time.sleep(0.15)
    return [{"a": 1}]
def bad(read):
    raise ValueError("no <b>column</b>")
odibi_core.run([read{more}], pipeline_name="shop")
"""


def test_a_run_shows_its_progress_in_one_display(here: Here, notebook: tuple[Any, list[dict[str, Any]]]) -> None:
    """It is replaced while the run goes on, and at the end by one line; after `%unload_ext` there is none."""
    shell, shown = notebook
    assert shell.run_cell(RUN.replace("{more}", "")).success
    assert [each["update"] for each in shown] == [False, *[True] * (len(shown) - 1)]
    assert len({each["transient"]["display_id"] for each in shown}) == 1
    first, last = shown[0]["data"], shown[-1]["data"]
    assert "shop is running" in first["text/html"]
    assert "0 of 1 step" in first["text/plain"]
    assert last["text/plain"].startswith("✓ shop succeeded in ")
    assert "<table" not in last["text/html"]
    shell.run_cell("%unload_ext odibi_core")
    shown.clear()
    assert shell.run_cell(RUN.replace("{more}", "")).success
    assert shown == []


def test_a_failed_run_shows_the_frames_of_its_own_code(
    here: Here, notebook: tuple[Any, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """And none of odibi-core, with or without the extension."""
    shell, _ = notebook
    for _ in range(2):
        assert not shell.run_cell(RUN.replace("{more}", ", bad")).success
        lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
        assert lines[:2] == ["bad failed", "  ValueError: no <b>column</b>"]
        assert lines[3].strip() == 'raise ValueError("no <b>column</b>")'
        assert lines[4:] == ["PipelineError: pipeline 'shop' failed: bad: no <b>column</b>"]
        shell.run_cell("%unload_ext odibi_core")


def test_a_command_in_a_cell_moves_no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """`!odibi run` has a terminal of the kernel, and writes plain lines there."""
    from rich.console import Console

    from odibi_core.cli import output

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    on = Console(file=Terminal(), force_terminal=True)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.is_live(on)
    monkeypatch.setenv("JPY_PARENT_PID", "17")
    assert not output.is_live(on)


def test_a_cell_ends_with_its_card(here: Here, notebook: tuple[Any, list[dict[str, Any]]]) -> None:
    """In place of its progress, with a link to the story; a quiet one shows nothing."""
    shell, shown = notebook
    shell.run_cell("import pandas as pd, time")
    done = shell.run_cell("%%odibi\ndf = pd.DataFrame({'a': [1, None]})\ntime.sleep(0.1)\nb = df.dropna()\nlen(b)")
    assert done.result == 1
    assert len({each["transient"]["display_id"] for each in shown}) == 1
    card = shown[-1]["data"]["text/html"]
    assert "notebook succeeded" in card
    assert "story.html" in card
    shown.clear()
    shell.run_cell("%%odibi --quiet\nb = df.dropna()")
    assert shown == []


def test_a_cell_is_a_run_and_its_last_value_is_displayed(
    shell: Any, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its variables stay in the notebook, also for a later cell."""
    shell.run_cell("import pandas as pd\nsource = pd.DataFrame({'a': [1, 2, None]})")
    done = shell.run_cell("%%odibi record --name cells\nclean = source.dropna()\nclean['b'] = 1\nlen(clean)")
    shown = capsys.readouterr()
    assert (done.success, done.result) == (True, 2)
    assert "Out[" in shown.out
    assert "cells succeeded" in shown.err
    assert len(shell.user_ns["clean"].columns) == 2
    steps = json.loads(here("show", "cells", "--format", "json").stdout)["steps"]
    assert [(step["name"], step["row_count"]) for step in steps] == [("clean", 2), ("clean[b]", 2)]


def test_an_exception_of_a_cell_is_that_of_the_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With the line of the cell, and without a frame of the recorder."""
    done = shell.run_cell("%%odibi record --quiet\nx = 1\ny = x / 0")
    assert isinstance(done.error_in_exec, ZeroDivisionError)
    shown = capsys.readouterr().out
    assert "y = x / 0" in shown
    assert "notebook.py" not in shown


def test_a_wrong_line_is_a_message_before_the_cell_runs(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the usage, in one line without frames."""
    capsys.readouterr()
    done = shell.run_cell("%%odibi recrod\nran = True")
    shown = capsys.readouterr().out.strip()
    assert shown.startswith("ConfigurationError: unrecognized arguments: recrod; the magic is %%odibi [record]")
    assert "\n" not in shown
    assert "%%odibi [record] [--name NAME]" in str(done.error_in_exec)
    assert "ran" not in shell.user_ns
