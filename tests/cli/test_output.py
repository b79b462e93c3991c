"""The output: plain in a pipe, styled on a terminal, without control characters."""

import io
import json
import os
import pty
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from tests.cli.conftest import Apart, Here, command, environment

from odibi_core import observe
from odibi_core.cli import output
from odibi_core.observability import get_logger, track_cost, track_performance

HOSTILE = "[red]x[/red]\x1b[31m\n\u202egnp.exe"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("[red]x[/red]", "[red]x[/red]"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("two\nlines", "two\\nlines"),
        ("\u202eevil", "\\u202eevil"),
        ("\udc80", "\\udc80"),
        ("größe 数 ✓", "größe 数 ✓"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(given: str, seen: str) -> None:
    """Control characters, what turns the writing round and half characters are visible; other signs stay."""
    assert output.shown(given) == seen
    assert output.styled(given).plain == seen


def test_names_of_a_pipeline_cannot_reach_the_terminal(apart: Apart) -> None:
    """A step, a dataset, an error of hostile names, on every command: no escape sequence, no markup taken for such."""
    Path("bad.py").write_text(
        "from odibi_core import Step\n"
        f"N = {HOSTILE!r}\n"
        "def boom(t):\n    raise ValueError(N)\n"
        "pipeline = [Step(name=N, value=lambda: [{'x': 1}], outputs={'out': N}),\n"
        "            Step(name='boom ' + N, value=boom, inputs={'t': N})]\n"
    )
    done = apart("run", "bad.py", "--name", HOSTILE)
    assert done.returncode == 1
    assert "[red]x[/red]" in done.stdout
    for asked in (
        ["runs"],
        ["logs", "--limit", "0"],
        ["metrics"],
        ["sql", "select node_name, error from logs"],
    ):
        answer = apart(*asked)
        assert answer.returncode == 0, answer.stderr
        done.stdout += answer.stdout + answer.stderr
    for obeyed in ("\x1b", "\u202e"):
        assert obeyed not in done.stdout + done.stderr


def test_json_is_valid_whatever_the_values_are() -> None:
    """NaN, huge integers, half characters and objects have no word in JSON: they become null or text."""
    for value in (float("nan"), 10**40, "\udc80", object, {1: 2}, b"x"):
        json.loads(output.as_json({"value": value}))


def test_a_pipe_gets_neither_colour_nor_wrapping(apart: Apart, small: str) -> None:
    """However narrow the terminal was that it came from."""
    done = apart("run", small, COLUMNS="20", TERM="xterm-256color")
    assert "\x1b" not in done.stdout + done.stderr
    assert "1 missing value of customer in 3 rows" in done.stdout
    assert "\x1b[" in apart("runs", FORCE_COLOR="1").stdout


def _on_a_terminal(*arguments: str, **variables: str) -> str:
    """The bytes that a terminal receives from both streams."""
    main, other = pty.openpty()
    with subprocess.Popen(
        command(*arguments), env=environment(**variables), stdout=other, stderr=other
    ) as process:
        os.close(other)
        received = b""
        while True:
            try:
                received += (chunk := os.read(main, 65536))
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
        assert process.wait() == 0
    os.close(main)
    return received.decode()


def test_a_terminal_gets_colour_unless_it_does_not_want_any(small: str) -> None:
    """Live progress and colour; NO_COLOR takes the colour, TERM=dumb everything that moves."""
    green, hide_cursor = "\x1b[32m", "\x1b[?25l"
    colourful = _on_a_terminal("run", small, TERM="xterm-256color")
    assert green in colourful
    assert hide_cursor in colourful
    assert green not in _on_a_terminal("run", small, TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in _on_a_terminal("run", small, TERM="dumb")


@pytest.mark.parametrize(
    "asked",
    [
        ["runs", "--format", "json"],
        ["logs", "--limit", "0", "--format", "json"],
        ["metrics", "--format", "json"],
        ["metrics", "--format", "prometheus"],
        ["errors", "--format", "json"],
        ["timing", "--format", "json"],
        ["costs", "--format", "json"],
        ["sql", "select * from logs", "--format", "csv"],
        ["sql", "select * from logs", "--format", "json"],
        ["sql", "select * from logs"],
    ],
    ids=" ".join,
)
def test_no_format_lets_a_name_reach_the_terminal(asked: list[str]) -> None:
    """Formats for programs as well, when a person looks at them: what arrives has no control character."""
    hostile = HOSTILE + "\x9b31m"
    with observe(hostile), suppress(ValueError), track_performance(hostile):
        get_logger(hostile).info(hostile, text=hostile, nested={hostile: [hostile]})
        track_cost(hostile, 1, 1.0, tags={hostile: hostile})
        raise ValueError(hostile)
    received = _on_a_terminal(*asked, TERM="dumb", NO_COLOR="1", COLUMNS="100")
    assert "[red" in received or "red_x" in received
    assert [line for line in received.split("\r\n") if not line.isprintable()] == []


def test_a_reader_that_goes_away_is_no_error(here: Here, small: str) -> None:
    """`odibi logs | head -1`: nothing on stderr."""
    here("run", small)
    for _ in range(2):
        with subprocess.Popen(
            command("logs", "--limit", "0", "--format", "json"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


def test_an_encoding_without_the_signs_gets_others(apart: Apart, small: str) -> None:
    """On an ASCII terminal the signs are ASCII, and no name is an error."""
    done = apart("run", small, "--name", "größe", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "! gr\\xf6\\xdfe succeeded with 1 failed check" in done.stdout


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0.26, "0.3 ms"), (12.4, "12 ms"), (1240, "1.24 s"), (59_940, "59.9 s"), (125_000, "2 min 05 s"),
        (7_500_000, "2 h 05 min"), (None, ""),
    ],
)  # fmt: skip
def test_a_duration_is_said_in_three_figures(ms: float | None, said: str) -> None:
    """The unit follows the size."""
    assert output.duration(ms) == said


def test_a_narrow_terminal_cuts_names_and_keeps_the_table() -> None:
    """Lines stay within the width."""
    stream = Terminal()
    on = output.console(stream)
    on.width = 40
    listed = output.table("Step", "Rows", right=("Rows",))
    listed.add_row(output.styled("a very long name of a step that does not fit at all"), "1,000")
    output.write(on, listed)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert max(map(len, lines)) <= 40
    assert "1,000" in lines[1]
