"""The registry of forks: the calls in the child, their order, and the report of their failures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import gc, os, sys
from odibi_core import _fork

def print(*words):  # a line in one call: parent and child write at the same time, whatever the buffering
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def fork(in_child=lambda: None):
    pid = os.fork()
    if pid == 0:
        in_child()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

class Owner:
    def __init__(self, name):
        self.name = name
        _fork.in_child(self.reset)
    def reset(self):
        print("reset", self.name)
"""


def run(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PREAMBLE + code], cwd=cwd, capture_output=True, text=True, check=True)


def test_a_method_is_called_in_the_child_while_its_object_lives(tmp_path: Path) -> None:
    """In the order of registration and never in the parent; a function is always called, a dropped object never."""
    code = """
first, dropped = Owner("first"), Owner("dropped")
_fork.in_child(lambda: print("function"))
last = Owner("last")
del dropped
gc.collect()
fork()
print("parent")
"""
    assert run(code, tmp_path).stdout.split("\n")[:-1] == ["reset first", "function", "reset last", "parent"]


def test_a_fork_is_prepared_before_and_released_after_every_reset(tmp_path: Path) -> None:
    """Later registrations prepare first; the release comes last, in both processes."""
    code = """
_fork.around(lambda: print("before 1"), lambda: print("after 1", os.getpid() == parent))
_fork.around(lambda: print("before 2"), lambda: print("after 2", os.getpid() == parent))
parent = os.getpid()
owner = Owner("x")
fork()
"""
    lines = run(code, tmp_path).stdout.splitlines()
    assert lines[:2] == ["before 2", "before 1"]
    assert [line for line in lines if not line.endswith("True")][2:] == ["reset x", "after 1 False", "after 2 False"]
    assert [line for line in lines if line.endswith("True")] == ["after 1 True", "after 2 True"]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_reset_that_fails_stops_no_other_and_is_reported(failing: int, tmp_path: Path) -> None:
    """As Python reports each handler of its own registry; of several failures none is left out."""
    code = f"""
for number in range({failing}):
    _fork.in_child(lambda number=number: [].index(f"lost {{number}}"))
owner = Owner("other")
fork()
"""
    done = run(code, tmp_path)
    assert "reset other" in done.stdout
    assert done.stderr.count("is not in list") == failing
    assert "Exception ignored" in done.stderr
