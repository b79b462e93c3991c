"""`odibi exec`: a command runs as a shell runs it, and its output, exit code and resources are in the record."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import command, environment

from odibi_core import history
from odibi_core.integrations.shell.output_lines import BURST, HELD, MAX_BYTES, OutputLines

pytestmark = pytest.mark.xdist_group("exec")  # in the order of the file: the latest run is that of the test before
BYTES = bytes(range(256)) * 300
SCRIPT = """
import os, sys, subprocess
sys.stdout.buffer.write(bytes(range(256)) * 300 + b"end without a newline")
print("Zeile \\x1b[31mrot\\x1b[0m", file=sys.stderr)
held = bytearray(200 * 2**20)
code = "import odibi_core\\nwith odibi_core.observe('inner'): pass"
subprocess.run([sys.executable, "-c", code], check=True)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the commands of this module and their store."""
    return tmp_path_factory.mktemp("exec")


def execute(there: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command("exec", "--quiet", *arguments), cwd=there, env=environment(), timeout=60, check=False,
        **{"capture_output": True, **options},
    )  # fmt: skip


def last(there: Path, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query over the latest run of exec."""
    store = history(there / ".odibi")
    latest = "(select max_by(run_id, started) from runs where integration = 'exec')"
    return store.sql(query.replace("LAST", f"run_id = {latest}")).rows


@pytest.fixture(scope="module")
def failed(there: Path) -> subprocess.CompletedProcess[bytes]:
    """A command with binary output, a run of its own, much memory, and exit code 7, from a larger process."""
    larger = b"\1" * (600 * 2**20)
    assert larger
    return execute(there, "--name", "job", "--tag", "team=sales", "--", sys.executable, "-c", SCRIPT)


def test_output_and_exit_code_are_those_of_the_command(failed: subprocess.CompletedProcess[bytes]) -> None:
    """Byte for byte, also what is no text, and without a newline at the end."""
    assert failed.returncode == 7
    assert failed.stdout == BYTES + b"end without a newline"
    assert failed.stderr == b"Zeile \x1b[31mrot\x1b[0m\n"


@pytest.mark.usefixtures("failed")
def test_the_record_has_the_end_of_the_command_and_what_it_used(there: Path) -> None:
    (run,) = last(there, "select pipeline_name, status, error, peak_memory_mb from runs where LAST")
    assert (run["pipeline_name"], run["status"]) == ("job", "failed")
    assert run["error"] == "exit code 7: Zeile rot"
    assert 200 < run["peak_memory_mb"] < 400
    (node,) = last(there, "select status, error_type, memory_mb from nodes where LAST")
    assert (node["status"], node["error_type"]) == ("failed", "CommandFailed")
    assert node["memory_mb"] == run["peak_memory_mb"]
    lines = last(there, "select message, stream from logs where LAST")
    assert {"message": "Zeile rot", "stream": "stderr"} in lines
    assert any("bytes of the output are no text" in str(line["message"]) for line in lines)


@pytest.mark.usefixtures("failed")
def test_a_run_that_the_command_starts_has_it_as_its_parent(there: Path) -> None:
    (outer,) = last(there, "select run_id from runs where LAST")
    (inner,) = last(there, "select parent_run_id, parent_node from runs where pipeline_name = 'inner'")
    assert inner["parent_run_id"] == outer["run_id"]
    assert str(inner["parent_node"]).startswith("python")


def test_a_command_that_is_not_there_is_named(there: Path) -> None:
    """As in a shell: 127; 126 if it cannot be executed."""
    ended = execute(there, "--", "no-such-command")
    assert (ended.returncode, ended.stderr) == (127, b"error: no-such-command: command not found\n")
    assert execute(there, "--", "/").returncode == 126


@pytest.mark.parametrize(("given", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_signals_reach_the_command(there: Path, given: signal.Signals, code: int) -> None:
    """The run is cancelled, and the exit code is that of a shell."""
    line = command("exec", "--quiet", "--", "sh", "-c", "echo ready; exec sleep 60")
    with subprocess.Popen(line, cwd=there, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(given)
        assert process.wait(timeout=30) == code
    (run,) = last(there, "select status, error from runs where LAST")
    assert run == {"status": "cancelled", "error": f"ended by {given.name}"}


def test_a_stream_for_both_outputs_keeps_their_order(there: Path) -> None:
    """As `2>&1` and cron have it."""
    text = "for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done"
    both = {"capture_output": False, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    ended = execute(there, "--", "sh", "-c", text, **both)
    assert ended.stdout.decode().split("\n")[:-1] == [f"{to} {i}" for i in range(1, 9) for to in ("out", "err")]


def test_a_terminal_is_one_for_the_command_too(there: Path) -> None:
    """So a program writes at once, in color, and in the width of the terminal."""
    ours, end = pty.openpty()
    try:
        text = "import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty())"
        ended = execute(there, "--", sys.executable, "-c", text, capture_output=False, stdout=end)
        assert ended.returncode == 0
        assert os.read(ours, 100).startswith(b"True ")
    finally:
        os.close(ours)
        os.close(end)


def test_a_command_runs_also_if_it_cannot_be_recorded(there: Path) -> None:
    """One notice names the reason."""
    (there / "file").write_text("")
    ended = execute(there, "--store", "file", "--", "echo", "done")
    assert (ended.returncode, ended.stdout) == (0, b"done\n")
    assert b"echo is not recorded: " in ended.stderr


def test_lines_are_bounded_and_what_is_left_out_is_stated() -> None:
    """First a burst, then the last lines; a long line states its length."""
    found: list[tuple[str, str | None]] = []
    lines = OutputLines(lambda text, stream: found.append((text, stream)))
    lines("stdout", b"".join(b"%d\n" % i for i in range(10_000)))
    lines("stdout", b"x" * (MAX_BYTES + 5))
    lines.end()
    assert len(found) == BURST + 1 + HELD
    assert found[BURST] == (f"{10_000 + 1 - BURST - HELD:,} lines of the output are not in the record", None)
    assert found[-1] == ("x" * MAX_BYTES + " … (5 more bytes)", "stdout")
    assert found[-2] == ("9999", "stdout")


def test_a_line_is_as_a_terminal_shows_it() -> None:
    """Without colors, and with the last state of a progress bar; blank lines are left out."""
    found: list[str] = []
    lines = OutputLines(lambda text, stream: found.append(text))
    lines("stderr", b" 10 %\r 50 %\r100 %\r\n\n\x1b]0;title\x07ab")
    lines("stderr", b"\x1b[1mc\x1b[0m \xe9t\xe9, more\n")
    assert found == ["100 %", "abc \\xe9t\\xe9, more"]
