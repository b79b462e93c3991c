"""How many of the statements that make or change frames `odibi record` finds in scripts, and what it costs.

    python -m benchmarks.recorded_scripts FOLDER [--rounds 5]

The truth comes from a tracer (`sys.settrace`) that knows nothing of the recorder: after each line of the script it
compares the frames in the variables, their shapes and the hash of their first rows. A statement of a function that is a
part of another step counts as folded, neither as found nor as missed. Times are of whole processes, in turn.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any, Final

ROWS: Final = 2_000
"""Rows whose values the tracer compares."""


class Tracer:
    """Collects the lines after which a variable of the script holds a new or a changed frame."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.file = file
        self.found: set[int] = set()
        self._starts = dict(_starts(tree))
        self._known: dict[int, tuple[Any, object]] = {}
        self._last: dict[int, int] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        """Trace the frames of the script alone."""
        if frame.f_code.co_filename != self.file:
            return None
        place = id(frame)
        if place in self._last and event in ("line", "return", "exception"):
            self._compare(frame, self._last[place])
        if event == "line":
            self._last[place] = frame.f_lineno
        elif event == "return":
            self._last.pop(place, None)
        return self

    def _compare(self, frame: FrameType, line: int) -> None:
        for name, value in list(frame.f_locals.items()):
            if name.startswith("__"):
                continue
            for each in value.values() if isinstance(value, dict) else value if type(value) is list else (value,):
                if _is_frame(each):
                    looks = _looks(each)
                    known = self._known.get(id(each))
                    if known is None or known[1] != looks:
                        self._known[id(each)] = each, looks
                        self.found.add(self._starts.get(line, line))


def _starts(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Yield each line of a statement with its first line; the inner statement wins."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            last = node.end_lineno if not hasattr(node, "body") else node.lineno
            yield from ((line, node.lineno) for line in range(node.lineno, (last or node.lineno) + 1))


def _is_frame(value: object) -> bool:
    kind = type(value)
    library = kind.__module__.partition(".")[0].lstrip("_")
    named = ("DataFrame", "LazyFrame", "DuckDBPyRelation", "Table")
    return kind.__name__ in named and library in ("pandas", "polars", "duckdb", "pyarrow")


def _looks(frame: Any) -> object:
    """Return the shape, the columns and the values of the first rows; of a lazy frame nothing."""
    try:
        if hasattr(frame, "iloc"):
            top = frame.head(ROWS)
            return frame.shape, tuple(map(str, frame.columns)), str(frame.index[:5]), top.to_csv()
        if hasattr(frame, "write_csv"):
            return frame.shape, tuple(frame.columns), str(frame.head(ROWS).rows())
    except Exception as error:
        return type(error).__name__
    return None


def truth_of(path: str) -> list[int]:
    """Return the first lines of the statements that make or change frames; the script runs here."""
    source = Path(path).read_bytes()
    tree = ast.parse(source)
    tracer = Tracer(path, tree)
    variables: dict[str, Any] = {"__name__": "__main__", "__file__": path}
    code = compile(source, path, "exec")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stdout, before = nowhere, sys.stdout
        sys.settrace(tracer)
        try:
            exec(code, variables)  # noqa: S102 (the script that was named)
        except Exception as error:
            print(f"{path}: {type(error).__name__}", file=sys.stderr)
        finally:
            sys.settrace(None)
            sys.stdout = before
    return sorted(tracer.found)


def found_in(path: str, store: str) -> tuple[set[int], set[int]]:
    """Record a script; return the lines of its steps, and the lines of functions that are a part of steps."""
    from odibi_core.runtime.recording.source import Script
    from odibi_core.store.runs import RunStore

    command = [sys.executable, "-m", "odibi_core", "record", "--quiet", "--no-story", "--store", store, path]
    subprocess.run(command, capture_output=True, check=False)
    runs = RunStore(store)
    steps = [step for event in runs.read(runs.find(None)) for step in event.fields.get("steps") or ()]
    lines = {step["source_line"] for step in steps}
    script = Script(Path(path).read_bytes(), path, {})
    called = [node for each in script.statements if each.node.lineno in lines for node in script.called_by(each)]
    return lines, {line for node in called for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def seconds_of(command: list[str]) -> float:
    """Return the seconds of a process."""
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started


def main() -> None:
    """Print a row for each script, and the sums."""
    parser = argparse.ArgumentParser(description="What `odibi record` finds in scripts, and what it costs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=0, help="rounds of timing; 0 for none")
    parser.add_argument("--truth", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.truth:
        print(json.dumps(truth_of(str(given.folder))))
        return
    total = hits = folded = 0
    print("| script | statements | found | folded | missed, by line | ratio |\n|---|--:|--:|--:|---|--:|")
    for path in sorted(given.folder.glob("*.py")):
        asked = [sys.executable, "-m", "benchmarks.recorded_scripts", "--truth", str(path)]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        truth = set(json.loads(answer.stdout.splitlines()[-1]))
        with tempfile.TemporaryDirectory() as store:
            lines, inside = found_in(str(path), store)
            plain, recorded = [sys.executable, str(path)], [
                sys.executable, "-m", "odibi_core", "record", "--quiet", "--no-story", "--store", store, str(path),
            ]  # fmt: skip
            ratios = [seconds_of(recorded) / seconds_of(plain) for _ in range(given.rounds)]
        within = {line for line in truth - lines if line in inside}
        missed = truth - lines - within
        total, hits, folded = total + len(truth - within), hits + len(truth & lines), folded + len(within)
        ratio = f"{median(ratios):.2f}" if ratios else ""
        shown = " ".join(map(str, sorted(missed)))
        print(f"| {path.stem} | {len(truth)} | {len(truth & lines)} | {len(within)} | {shown} | {ratio} |", flush=True)
    share = f"{hits / total:.1%}" if total else "none"
    print(f"| all | {total + folded} | {hits} | {folded} | {total - hits} | |\n\nfound: {share}")


if __name__ == "__main__":
    main()
