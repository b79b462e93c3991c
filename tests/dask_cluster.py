"""One Dask cluster of this machine for all tests of a session that use one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60  # seconds that the start of a cluster never needs
PATHS = [str(ROOT / "src"), str(ROOT)]
PROGRAM = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
import dask
from distributed import LocalCluster
if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": int(sys.argv[4])})
    with LocalCluster(n_workers=int(sys.argv[2]), threads_per_worker=1, dashboard_address=None) as cluster:
        with open(sys.argv[3] + ".new", "w") as file:
            file.write(cluster.scheduler_address)
        os.replace(sys.argv[3] + ".new", sys.argv[3])
        sys.stdin.read()
"""


@contextmanager
def cluster(folder: Path, workers: int = 2, allowed_failures: int = 0) -> Iterator[str]:
    """Yield the address of a scheduler in a process of its own, with nannies, as of another program."""
    program, address = folder / "cluster.py", folder / "address"
    program.write_text(PROGRAM)
    child = subprocess.Popen(
        [sys.executable, str(program), json.dumps(PATHS), str(workers), str(address), str(allowed_failures)],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while not address.exists():
            assert child.poll() is None, "the cluster did not start"
            assert time.monotonic() < until
            time.sleep(0.05)
        yield address.read_text()
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
