"""The command of the scripts that build files from tables: dashboards, rules, monitors."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Check(NamedTuple):
    """One more option of the command, which writes nothing."""

    help: str
    problems: Callable[[], list[str]]


def difference(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the diff from a folder's files to the built ones, by name; a missing file is empty."""
    found: list[str] = []
    for name, wanted in files.items():
        file = folder / name
        there = file.read_text(encoding="utf-8") if file.exists() else ""
        found += difflib.unified_diff(
            there.splitlines(keepends=True), wanted.splitlines(keepends=True), str(file), "as built"
        )
    return found


def main(script: str, build: Callable[[], dict[str, str]], **checks: Check) -> int:
    """Run the command of a script; return its exit code.

    Args:
        script: The path of the script, beside which the files are.
        build: Returns the content of each file, by name.
        checks: Further options by name.
    """
    parser = argparse.ArgumentParser(description=f"Build the files beside {Path(script).name}.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 and a diff if they differ")
    for name, check in checks.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"write nothing; {check.help}")
    parser.add_argument(
        "--folder", type=Path, default=Path(script).resolve().parent, help="where they are (default: beside the script)"
    )
    wanted = vars(parser.parse_args())
    folder: Path = wanted["folder"]
    asked = [check.problems for name, check in checks.items() if wanted[name]]
    if wanted["check"]:
        asked.append(lambda: difference(folder, build()))
    if asked:
        lines = [line for problems in asked for line in problems()]
        sys.stdout.writelines(lines)
        return 1 if lines else 0
    for name, content in build().items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0
