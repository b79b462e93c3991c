"""The hosts of the tests, their environments, and the runs of their programs in them."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import sleep
from typing import NamedTuple

import pytest
from tests.ports import kept_port

from odibi_core import history

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOSTS: tuple[str, ...] = tuple(tomllib.loads((HERE / "hosts.toml").read_text()))
TOGETHER: dict[str, tuple[str, ...]] = {
    "airflow": ("success", "failure", "retry", "states"),
    "dagster": ("success", "failure", "retry", "processes", "killed"),
    "prefect": ("success", "failure", "retry", "processes", "killed"),
}
"""Scenarios that one process of a host runs one after the other, because its start takes seconds."""


class Ended(NamedTuple):
    """The end of a program, and the store that it wrote; `scenario` is its run, if the program had several."""

    returncode: int
    stdout: str
    stderr: str
    store: Path
    scenario: str | None = None

    def sql(self, query: str) -> list[dict[str, object]]:
        """Return the rows of a query over the record."""
        return history(self.store).sql(query).rows

    def run(self) -> dict[str, object]:
        """Return the row of the latest run of the conformance pipeline, or of the one of the scenario."""
        of = "" if self.scenario is None else f"and '{self.scenario}' in (params->>'fault', tags->>'fault')"
        found = self.sql(f"select * from runs where pipeline_name = 'shop' {of} order by started desc limit 1")
        assert found, f"nothing was recorded; standard error was\n{self.stderr[-3000:]}"
        return found[0]

    def nodes(self) -> dict[str, dict[str, object]]:
        """Return the rows of the steps of that run, by the last part of their name."""
        run_id = self.run()["run_id"]
        rows = self.sql(f"select * from nodes where run_id = '{run_id}' order by position")
        return {str(row["node_name"]).rpartition(".")[2]: row for row in rows}


Outcome = Callable[..., Ended]


@cache
def variables_of(host: str) -> dict[str, str]:
    """Return the variables of a host's programs; the first call starts the server that the host needs, if any."""
    if host != "prefect":
        return {}
    folder, port = tempfile.mkdtemp(prefix="odibi-prefect-"), kept_port()
    variables = {
        "PREFECT_HOME": folder, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }  # fmt: skip
    command = [str(python_of(host)), "-m", "prefect", "server", "start", "--port", str(port), "--no-services"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with Path(folder, "server.txt").open("w") as output:
        server = subprocess.Popen(command, env={**environment, **variables}, stdout=output, stderr=output)
    atexit.register(_end_server, server, folder)
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"{variables['PREFECT_API_URL']}/health", timeout=5):
            return variables
        assert server.poll() is None, Path(folder, "server.txt").read_text()
        sleep(0.2)
    raise AssertionError(Path(folder, "server.txt").read_text())


def _end_server(server: subprocess.Popen[bytes], folder: str) -> None:
    server.terminate()
    server.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


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
        "PYTHONWARNINGS": "ignore", **variables_of(host), **environment,
    }  # fmt: skip
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # the environment is used again
    command = [str(python_of(host)), str(HERE / "programs" / (program or f"{host}_program.py")), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=within_s, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr, store)
