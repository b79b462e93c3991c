"""stdout and stderr that are closed, full, or a pipe without a reader: exit codes as documented, never a traceback."""

from __future__ import annotations

import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cli.conftest import Here, command, environment

from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors

COMMANDS = ("--help", "--version", "run small.py --no-story", "run missing.py", "logs --format json", "")
WRITES_NOTHING = "run missing.py"
"""Commands that write to stdout; mistakes go to stderr."""
OUTPUTS = {
    "closed": ">&- 2>err",
    "full": ">/dev/full 2>err",
    "pipe": "2>err | exit 0; exit ${PIPESTATUS[0]}",
    "no stderr": ">out 2>&-",
    "stderr full": ">out 2>/dev/full",
    "neither": ">&- 2>&-",
}


def expected(given: str, output: str) -> int:
    """The code of the command itself, unless its answer could not be written."""
    own = 2 if given in (WRITES_NOTHING, "") else 0
    if given == WRITES_NOTHING:
        return own
    return {"full": 4, "pipe": 141}.get(output, own)


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_stream_makes_a_traceback(output: str, here: Here, small: str, tmp_path: Path) -> None:
    """Of every kind of command: help, answers, JSON, runs and mistakes."""
    assert here("run", small, "--no-story").exit_code == 0
    (tmp_path / "small.py").write_text(Path(small).read_text("utf-8"), encoding="utf-8")

    commands = COMMANDS if output in ("closed", "full", "pipe") else COMMANDS[2:4]

    def run(number: int) -> tuple[str, int, str]:
        folder = tmp_path / str(number)
        folder.mkdir()
        line = f"{' '.join(command(commands[number]))} {OUTPUTS[output]}"
        line = line.replace("small.py", "../small.py")
        env = environment(ODIBI_STORE__DIR=str(Path(".odibi").absolute()))
        done = subprocess.run(["bash", "-c", line], cwd=folder, env=env, timeout=60, check=False)
        told = folder / "err"
        return commands[number], done.returncode, told.read_text("utf-8") if told.exists() else ""

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, range(len(commands))))
    assert [(given, code) for given, code, _ in ended] == [
        (given, expected(given, output)) for given in commands
    ]
    assert not [told for _, _, told in ended if "Traceback" in told or "Exception ignored" in told]


def test_a_record_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Else what a C library, or a child process, writes to its stdout would stand between the lines of the journal."""
    code = """
import os
from odibi_core import observe
from odibi_core.observability import StructuredLogger
with observe("closed") as run:
    StructuredLogger("own").info("line")
    for number in (0, 1, 2):
        try:
            os.write(number, b"not a line of the journal")
        except OSError:
            pass
"""
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", line], env=environment(), timeout=60, check=False).returncode == 0
    (run,) = RunStore().ids()
    read_errors = ReadErrors()
    assert [event.event_type for event in RunStore().read(run, read_errors)][-1] == "pipeline_complete"
    assert not read_errors
