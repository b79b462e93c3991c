"""`python -m benchmarks.noticing.measure_durations`: real repeats of processes, kept in `durations.json`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

REPEATS = 220
HOME = Path(__file__).resolve().parent
PROCESSES = {
    "sort": "import random; random.seed(1); sorted(random.random() for _ in range(200_000))",
    "compress": "import zlib; zlib.compress(bytes(range(256)) * 12_000, 6)",
    "sqlite": "import sqlite3; c = sqlite3.connect(':memory:'); c.execute('create table t (a, b)'); "
    "c.executemany('insert into t values (?, ?)', ((i, str(i)) for i in range(60_000)))",
    "json": "import json; json.loads(json.dumps([{'a': i, 'b': str(i)} for i in range(60_000)]))",
    "polars": "import polars as pl; pl.DataFrame({'a': range(200_000)}).group_by(pl.col('a') % 7).len()",
}


def main() -> None:
    """Run each process in turn, so that a busy minute is shared by all, and write their milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in PROCESSES}
    for _ in range(REPEATS):
        for name, code in PROCESSES.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            found[name].append(round(1e3 * (time.perf_counter() - started), 2))
    (HOME / "durations.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
