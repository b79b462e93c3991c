"""Fresh interpreters, for the cost of an import and of memory."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Prepare, Runner

HOME = Path(__file__).resolve().parent.parent


def seconds_of(code: str, n: int) -> float:
    """Wall time of n interpreters that run the code, one after the other, isolated from PYTHON* variables."""
    started = time.perf_counter()
    for _ in range(n):
        subprocess.run([sys.executable, "-I", "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def answer_of(function: Callable[[int, str], Any], n: int, folder: Path) -> Any:
    """Return the answer of `function(n, folder)` (as JSON) in a fresh interpreter.

    If it dies, its last words are the error.
    """
    where = f"{function.__module__}:{function.__qualname__}"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", where, str(n), str(folder)],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or ["the child died"])[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_child(function: Callable[[int, str], float]) -> Prepare:
    """Return a contender whose figure is the answer of the function in a fresh interpreter."""

    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        yield lambda n: float(answer_of(function, n, folder))

    return prepare


def resident_bytes() -> int:
    """Return the resident bytes of this process now, not at its peak."""
    import psutil

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(module), name)(int(sys.argv[2]), sys.argv[3])))
