"""The hosts of the tests, their environments, and the runs of their programs in them."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from odibi_core import history

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOSTS: tuple[str, ...] = tuple(tomllib.loads((HERE / "hosts.toml").read_text()))


class Ended(NamedTuple):
    """The end of a program, and the store that it wrote."""

    returncode: int
    stdout: str
    stderr: str
    store: Path

    def sql(self, query: str) -> list[dict[str, object]]:
        """Return the rows of a query over the record."""
        return history(self.store).sql(query).rows

    def run(self) -> dict[str, object]:
        """Return the row of the latest run of the conformance pipeline."""
        found = self.sql("select * from runs where pipeline_name = 'shop' order by started desc limit 1")
        assert found, f"nothing was recorded; standard error was\n{self.stderr[-3000:]}"
        return found[0]

    def nodes(self) -> dict[str, dict[str, object]]:
        """Return the rows of the steps of that run, by the last part of their name."""
        run_id = self.run()["run_id"]
        rows = self.sql(f"select * from nodes where run_id = '{run_id}' order by position")
        return {str(row["node_name"]).rpartition(".")[2]: row for row in rows}


def python_of(host: str) -> Path:
    """Return the interpreter of a host's environment; skip the test if it was not made."""
    python = ROOT / ".venv-hosts" / host / "bin" / "python"
    if not python.exists():
        pytest.skip(f"the environment of {host} is not there; `make hosts` creates it")
    return python


def run_program(
    host: str, arguments: Sequence[str], folder: Path, *, program: str | None = None, within_s: float = 120.0,
    **environment: str,
) -> Ended:  # fmt: skip
    """Run a program of a host, by default the conformance pipeline, in a folder, with the code of this checkout."""
    store = folder / ".odibi"
    variables = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "ODIBI_STORE__DIR": str(store), "HOME": str(folder),
        "PYTHONWARNINGS": "ignore", **environment,
    }  # fmt: skip
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # the environment is used again
    command = [str(python_of(host)), str(HERE / "programs" / (program or f"{host}_program.py")), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=within_s, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr, store)
