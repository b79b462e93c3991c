"""The cost of `odibi record` for a script: `python -m benchmarks.recorded_cost FOLDER [--rounds 5]`.

Processor time of whole processes, the script alone and recorded in turn. A recorded process has three parts: the start
of the command, which is the same for each script; the script with the calls of the recorder in it (the hooks); and the
end of the run. The first run of a script explains its lost rows, and is a column of its own; the others are medians.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

_clock: Final = time.process_time
PARTS: Final = ("start", "script", "hooks", "end")


def record_one(script: str, store: str, to: Path) -> None:
    """Record a script in this process as the command does, and write the seconds of its parts to a file."""
    from odibi_core.cli import main as odibi
    from odibi_core.runtime.recording.hooks import Hook
    from odibi_core.runtime.recording.recorder import Recorder

    took = dict.fromkeys(PARTS, 0.0)
    execute = Recorder.execute
    outermost = [True]

    def counted(self: Hook, number: int) -> Any:
        if not outermost[0]:
            return self._call(number, sys._getframe(1))
        began, outermost[0] = _clock(), False
        try:
            return self._call(number, sys._getframe(1))
        finally:
            outermost[0] = True
            took["hooks"] += _clock() - began

    def executed(self: Recorder) -> Any:
        took["start"] = began = _clock()
        try:
            return execute(self)
        finally:
            took["script"] = _clock() - began - took["hooks"]

    def finish() -> None:
        took["end"] = _clock() - sum(took.values())
        to.write_text(json.dumps(took), encoding="utf-8")

    Hook.__call__, Recorder.execute = counted, executed  # type: ignore[method-assign]
    atexit.register(finish)
    sys.argv = ["odibi", "record", "--quiet", "--store", store, script]
    odibi()


def alone(command: list[str]) -> float:
    """Return the processor time of a process in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def parts_of(script: Path, store: str) -> dict[str, float]:
    """Return the seconds of the parts of a recorded process."""
    to = Path(store) / "parts.json"
    options = ["--one", str(to), "--store", store]
    line = [sys.executable, "-m", "benchmarks.recorded_cost", str(script), *options]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(line, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return dict(json.loads(to.read_text(encoding="utf-8")))


def measured(script: Path, rounds: int) -> dict[str, float]:
    """Return the milliseconds of a script: alone, in each part as a median, and in the hooks of its first run."""
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as store:
        first = parts_of(script, store)["hooks"]
        for _ in range(rounds):
            parts = parts_of(script, store) | {"alone": alone([sys.executable, str(script)])}
            parts["alone"] -= alone([sys.executable, "-c", ""])
            for name, seconds in parts.items():
                taken.setdefault(name, []).append(seconds * 1e3)
    return {name: median(each) for name, each in taken.items()} | {"first": first * 1e3}


def main() -> None:
    """Print a row for each script, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorded_cost", description="The cost of a record.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        record_one(str(given.folder), given.store, given.one)
        return
    print("| script | alone, ms | start | script | hooks | of alone | end | hooks, first run |\n|---|" + "--:|" * 7)
    sums: dict[str, float] = {}
    for path in sorted(given.folder.glob("*.py")):
        found = measured(path.resolve(), given.rounds)
        for name, each in found.items():
            sums[name] = sums.get(name, 0.0) + each
        _print(path.stem, found)
    _print("all", sums)


def _print(name: str, found: dict[str, float]) -> None:
    numbers = [f"{found[part]:,.0f}" for part in ("alone", "start", "script", "hooks")]
    print(
        f"| {name} | {' | '.join(numbers)} | {found['hooks'] / found['alone']:.1%} | {found['end']:,.0f} "
        f"| {found['first']:,.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
