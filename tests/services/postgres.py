"""A PostgreSQL server on loopback, started for a session of tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.ports import kept_port
from tests.services import servers

PASSWORD = "canary-Pa55w0rd-of-the-tests"


def bin_folder() -> Path | None:
    """Return the folder of the programs of the server; None if it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@contextmanager
def serving() -> Iterator[str]:
    """Run a server until the block ends; the value is the URL of a database, with its password."""
    with tempfile.TemporaryDirectory(prefix="odibi-postgres-") as folder:
        yield from _serving(Path(folder))


def _serving(folder: Path) -> Iterator[str]:
    programs = bin_folder()
    assert programs is not None
    data, port = folder / "data", kept_port()
    owner = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
    folder.chmod(0o755)
    data.mkdir()
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    if owner:
        shutil.chown(data, owner)
    init = [str(programs / "initdb"), "-D", str(data), "-U", "tester", "--auth=scram-sha-256", "--no-sync"]
    done = subprocess.run(
        [*init, f"--pwfile={folder / 'password'}"], user=owner, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    url = f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    command = [programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-F", "-k", ""]
    with servers.serving(command, folder / "log.txt", lambda: _answers(url), user=owner, cwd="/"):
        yield url


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
