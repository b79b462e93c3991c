"""The program of a local Dask worker: a nanny, which starts the worker process and replaces it if it dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from threading import Thread
from typing import Any


def _end_with_parent() -> None:
    """Wait for the end of the process of the run, which holds the other end of the pipe, and end this one."""
    sys.stdin.buffer.read()
    os._exit(1)  # the worker ends with it


async def _serve(scheduler: str, options: dict[str, Any]) -> None:
    from distributed import Nanny

    async with Nanny(scheduler, **options) as nanny:
        await nanny.finished()


def main() -> None:
    """Serve the scheduler whose address is an argument, until the process of the run ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the process of the run decides
    Thread(target=_end_with_parent, name="odibi-parent", daemon=True).start()
    _, _, scheduler, options, argv = sys.argv
    sys.argv[:] = json.loads(argv)
    asyncio.run(_serve(scheduler, json.loads(options)))
