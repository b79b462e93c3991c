"""The facts by which a run that ends is worth a comparison with the last good one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_TWO_RUNS = """
import sys
import pandas as pd
from odibi_core import Orchestrator

def numbers() -> pd.DataFrame:
    return pd.DataFrame({"n": range(10)})

for _ in range(2):
    Orchestrator([numbers], pipeline_name="shop", store=sys.argv[1]).execute()
print(*sorted(name for name in sys.modules if name.startswith(("odibi_core.history.b", "odibi_core.history.c"))))
"""


def test_a_usual_run_imports_nothing_of_blame(tmp_path: Path) -> None:
    """Nor of the comparison that it needs: the process of each run would pay for it."""
    command = [sys.executable, "-c", _TWO_RUNS, str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    names = done.stdout.split()
    assert "odibi_core.history.background" in names
    assert not [name for name in names if ".blame" in name or ".comparison" in name]
