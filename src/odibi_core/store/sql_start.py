"""The start of the child process of a query, with nothing loaded but what that needs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Final

from odibi_core.errors import QueryError

OF_SEGMENTS: Final = "odibi_core.store.sql_child"
_START: Final = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"


def start(program: str = OF_SEGMENTS) -> subprocess.Popen[bytes]:
    """Start a process that loads a module and calls its `main`; it ends when its stdin does.

    Raises:
        QueryError: The system has no limits for a process, as Windows, or there is no interpreter.
    """
    if find_spec("resource") is None:
        raise QueryError(
            f"a query in a process of its own needs limits of memory and time, which {sys.platform} does not have; in "
            "Python odibi_core.history().sql(query) answers without them"
        )
    if not sys.executable:
        raise QueryError("a query in a process of its own needs a Python interpreter; sys.executable is empty")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, program, *map(os.path.abspath, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
