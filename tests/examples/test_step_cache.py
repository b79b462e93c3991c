"""The example of the step cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "step_cache.py"


def test_the_example_runs_everything_then_nothing_then_one_step(tmp_path: Path) -> None:
    """As its first line states."""
    done = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, cwd=tmp_path, check=True)
    first, second, third = (text.splitlines() for text in done.stdout.strip().split("\n\n"))
    assert [line.partition(" for ")[0] for line in first] == ["Cache miss"] * 3
    assert [line.partition(" for ")[0] for line in second] == ["Cache hit"] * 3
    assert third[-1] == "Cache miss for node 'in_dollars': parameter 'digits' is new"
