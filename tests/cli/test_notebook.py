"""`%%odibi record`: a cell of a notebook runs as it is, and is a run."""

from __future__ import annotations

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
    InteractiveShell.clear_instance()


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


def test_a_wrong_line_is_a_message_before_the_cell_runs(shell: Any) -> None:
    """It names the usage."""
    done = shell.run_cell("%%odibi recrod\nran = True")
    assert "%%odibi record [--name NAME]" in str(done.error_in_exec)
    assert "ran" not in shell.user_ns
