"""Shipping at the end of a program: in a child process, because the libraries of object stores need threads.

When the interpreter ends, Python starts no thread and no future any more, and the run of a whole program ends even
later. A child also costs the program no time of its interpreter.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.errors import RemoteStoreError
from odibi_core.history.remote.address import Address

_START: Final = (
    "import sys; sys.path[:] = sys.argv[5:]; from odibi_core.history.remote.at_exit import main; main(*sys.argv[1:5])"
)
_LONGEST_PROBLEM: Final = 4096


def ship_in_child(root: Path, address: Address, within_s: float) -> str | None:
    """Ship what is left in a store by a child process; end it after `within_s` seconds.

    Returns:
        None if everything was shipped, else the reason; empty if the time was over.
    """
    import subprocess  # here, because a program begins without it

    if not sys.executable:
        return "there is no Python interpreter for shipping at the end"
    arguments = [str(root), address.protocol, address.path, str(private_files.file_mode())]
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, *arguments, *map(os.path.abspath, sys.path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, RuntimeError, ValueError) as error:  # no process, or an argument that none can get
        return f"shipping could not begin: {error}"
    try:
        problem, _ = child.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        child.kill()
        with suppress(OSError):
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
    return None if child.returncode == 0 else problem.decode("utf-8", "replace").strip()


def main(root: str, protocol: str, path: str, mode: str) -> None:
    """Ship a store; at a failure write the reason to stdout and exit with 1."""
    from odibi_core.history.remote.shipping import ship

    private_files.set_file_mode(int(mode))
    try:
        ship(Path(root), Address(protocol, path))
    except RemoteStoreError as error:
        sys.stdout.write(str(error)[:_LONGEST_PROBLEM])
        sys.exit(1)
