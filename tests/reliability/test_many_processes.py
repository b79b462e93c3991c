"""Many processes that log at once, however they started: every line once, whole, in its writer's order."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.reliability.writers import SEGMENT_BYTES, WRITERS, problems, write

from odibi_core.store.segments import all_segments
from odibi_core.testing import an_event

LINES = 3000


def processes(directory: Path, lines: int, sabotage: str, methods: list[str]) -> dict[str, int]:
    """Start one writer of each method at once; return the number of lines by writer."""
    names = {f"{method}-{number}": method for number, method in enumerate(methods)}
    running: list[tuple[str, multiprocessing.process.BaseProcess | subprocess.Popen[bytes]]] = []
    for name, method in names.items():
        if method == "subprocess":
            command = [
                sys.executable,
                "-m",
                "tests.reliability.writers",
                str(directory),
                name,
                str(lines),
                sabotage,
            ]
            paths = os.pathsep.join(map(str, (ROOT, ROOT / "src")))
            running.append(
                (name, subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}))
            )
        else:
            context: Any = multiprocessing.get_context(method)
            process = context.Process(target=write, args=(directory, name, lines, sabotage))
            process.start()
            running.append((name, process))
    for name, process in running:
        if isinstance(process, subprocess.Popen):
            assert process.wait(120) == 0, name
        else:
            process.join(120)
            assert process.exitcode == 0, name
    return dict.fromkeys(names, lines)


@pytest.mark.slow
def test_eight_processes_with_a_hundred_rotations_lose_and_double_nothing(tmp_path: Path) -> None:
    """fork, spawn and subprocess together: 24,000 lines, each once, in more than a hundred segments."""
    written = processes(tmp_path, LINES, "sound", ["fork", "spawn", "subprocess", "fork"] * 2)
    assert problems(tmp_path, written) == []
    segments = all_segments(tmp_path)
    assert len(segments) > 100
    assert max(path.stat().st_size for path in segments) <= SEGMENT_BYTES


@pytest.mark.parametrize("sabotage", ["dropping", "doubling", "tearing"])
def test_the_same_check_finds_a_broken_writer(sabotage: str, tmp_path: Path) -> None:
    """Sabotage: the check finds a writer that drops, doubles or tears lines."""
    lines = LINES if sabotage != "tearing" else 500
    assert problems(tmp_path, processes(tmp_path, lines, sabotage, ["fork"] * 4)) != []


def forked_with_a_full_buffer(directory: Path, sabotage: str) -> list[str]:
    journal = WRITERS[sabotage](directory, durability="buffered", max_segment_bytes=1 << 20)
    for number in range(100):
        journal(an_event("line", writer_id="parent", seq=number))
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            for number in range(100):
                journal(an_event("line", writer_id=f"child-{child}", seq=number))
            journal.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    for number in range(100, 200):
        journal(an_event("line", writer_id="parent", seq=number))
    journal.close()
    return problems(directory, {"parent": 200, "child-0": 100, "child-1": 100, "child-2": 100})


def test_a_buffer_is_not_doubled_by_a_fork(tmp_path: Path) -> None:
    """Lines buffered in the parent stay the parent's; each child writes a segment of its own."""
    assert forked_with_a_full_buffer(tmp_path, "sound") == []
    assert len(all_segments(tmp_path)) == 4


def test_the_same_check_finds_a_writer_that_shares_its_buffer(tmp_path: Path) -> None:
    """Sabotage: a child that keeps its parent's buffer writes those lines again."""
    assert forked_with_a_full_buffer(tmp_path, "sharing") != []
