"""The prompt of `odibi sql`: it answers, keeps its history for its owner, and survives every error."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import command, environment
from tests.history.stores import write_runs

from odibi_core.cli.sql_formats import SqlFormat
from odibi_core.cli.sql_prompt import HISTORY, Completer, Prompt, prompt
from odibi_core.errors import ConfigurationError
from odibi_core.store.runs import RunStore


@pytest.fixture
def kept(tmp_path: Path) -> RunStore:
    """A store of two runs."""
    write_runs(tmp_path / "s", 2)
    return RunStore(tmp_path / "s")


def typed(kept: RunStore, monkeypatch: pytest.MonkeyPatch, *lines: str | type[BaseException]) -> None:
    """Read these lines; an exception stands for Ctrl-C or Ctrl-D."""
    given: Iterator[str | type[BaseException]] = iter((*lines, EOFError))

    def read(_: str) -> str:
        line = next(given)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", read)
    Prompt(kept, None, 60).run()


def test_a_query_of_several_lines_ends_with_a_semicolon(
    kept: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And only then is it asked."""
    typed(kept, monkeypatch, "", "select count(*) as n", "from runs", ";", "select 1 as a")
    assert capsys.readouterr().out.split() == ["n", "2"]


def test_an_error_keeps_the_prompt(
    kept: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a query, of a command, and Ctrl-C, which drops the lines typed so far."""
    wrong = ["select nosuch from runs;", "\\x", "\\d nodse", "select"]
    typed(kept, monkeypatch, *wrong, KeyboardInterrupt, "select 2 as two;")
    shown = capsys.readouterr()
    assert shown.out.split() == ["two", "2"]
    for problem in ("runs has no field 'nosuch'", "there is no command \\x", "did you mean 'nodes'"):
        assert problem in shown.err


def test_the_commands_show_tables_macros_and_help(
    kept: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And `\\f` sets the form of the answers."""
    lines = ["\\d", "\\d nodes", "\\m", "\\h", "\\f jsonl", "select 1 as a;", "\\f xml", "\\q", "never;"]
    typed(kept, monkeypatch, *lines)
    shown = capsys.readouterr()
    for text in ("snapshots", "selectivity", "slowest(run)", '{"a":1}\n'):
        assert text in shown.out
    assert "Ctrl-D" in shown.err
    assert "the format must be one of table, json, jsonl, csv, got xml" in shown.err
    assert "never" not in shown.err


def test_the_form_of_the_command_line_is_that_of_the_prompt(
    kept: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A form for files is refused before the first line is read."""
    lines = iter(["select 1 as a;"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines, "\\q"))
    prompt(kept, None, 60, SqlFormat.csv)
    assert capsys.readouterr().out.split() == ["a", "1"]
    with pytest.raises(ConfigurationError, match="must be one of table, json, jsonl, csv, got parquet"):
        prompt(kept, None, 60, SqlFormat.parquet)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nod", ["nodes", "node_name"]),
        ("slow", ["slowest", "slower"]),
        ("SELEC", ["selection", "selectivity", "select"]),
        ("zzz", []),
    ],
)
def test_tab_completes_tables_columns_macros_and_keywords(text: str, expected: list[str]) -> None:
    """In this order, whatever the case."""
    complete = Completer()
    found = [complete(text, state) for state in range(len(expected) + 1)]
    assert found == [*expected, None]


def test_on_a_terminal_it_completes_and_keeps_its_history(kept: RunStore) -> None:
    """As a person uses it: Tab, an answer, the end of the input. The history is a file of its owner alone."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command("sql", "--store", str(kept.root)), env=environment(TERM="dumb", NO_COLOR="1"), stdin=child,
        stdout=child, stderr=child, start_new_session=True,
    )  # fmt: skip
    os.close(child)
    shown = _until(parent, b"odibi> ")
    os.write(parent, b"select count(*) as n, min(selectiv\t) as s from nodes;\n")
    shown = _until(parent, b"odibi> ", after=b"from nodes;")
    assert b"min(selectivity) as s" in shown
    assert b"4  0.99" in shown
    os.write(parent, b"\x04")
    assert process.wait(30) == 0
    os.close(parent)
    path = kept.root / HISTORY
    assert path.read_text() == "select count(*) as n, min(selectivity) as s from nodes;\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _until(descriptor: int, text: bytes, after: bytes = b"") -> bytes:
    shown = b""
    while text not in shown[max(0, shown.find(after)) :] or after not in shown:
        shown += os.read(descriptor, 4096)
    return shown
