"""The help of every command on a terminal of 80 columns."""

import re
from typing import Any

import pytest
from tests.cli.conftest import Here
from typer.main import get_command

from odibi_core.cli import app

PANEL = re.compile(r"^│ (.*?) *│$", re.MULTILINE)


def paths(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the path of a command and of every command below it."""
    inner = getattr(command, "commands", {})
    return [path, *(each for name, sub in inner.items() for each in paths(sub, (*path, name)))]


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("path", paths(get_command(app)), ids=" ".join)
def test_every_row_of_the_help_fits_one_line(here: Here, path: tuple[str, ...]) -> None:
    """Each row begins with an option, an argument or a command; no flag has a type."""
    shown = here(*path, "--help").stdout
    rows = PANEL.findall(shown)
    assert rows
    assert [row for row in rows if not re.match(r"(\* +|  +)?(--?[\w-]+|[A-Z\[\]:]+|[a-z]+) ", row)] == []
    assert "<bool>" not in shown


@pytest.mark.parametrize("path", paths(get_command(app)), ids=" ".join)
def test_the_text_of_a_command_fits_the_terminal(here: Here, path: tuple[str, ...]) -> None:
    """Typer keeps the line breaks of a docstring, so its lines must not be wrapped again."""
    shown = here(*path, "--help").stdout
    assert max(map(len, shown.splitlines())) <= 80
    command = get_command(app)
    for name in path:
        command = getattr(command, "commands")[name]  # noqa: B009  # not known to the type checker
    _, *lines = (command.help or "").split("\n\n")
    for line in "\n".join(lines).splitlines():
        assert line.strip() in shown, f"wrapped: {line}"


def test_the_commands_are_grouped_by_purpose(here: Here) -> None:
    """The panels come in the order of use, and every command is in one of them."""
    shown = here("--help").stdout
    titles = re.findall(r"^╭─ (.*?) ─+╮$", shown, re.MULTILINE)
    assert titles == ["Options", "Run pipelines", "Read one run", "Read all runs", "Check"]
    names = {path[0] for path in paths(get_command(app)) if path}
    assert all(re.search(rf"^│ {name} +[A-Z]", shown, re.MULTILINE) for name in names)
