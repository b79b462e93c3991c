"""Functions that run on the workers of a cluster, in a module that a worker imports in a moment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from odibi_core.observability import get_logger, get_metrics


def pid() -> int:
    return os.getpid()


def dies(path: str, times: int) -> int:
    """Be killed in the first attempts, and then return the number of attempts."""
    with Path(path).open("a") as file:
        file.write("x")
    number = len(Path(path).read_text())
    if number <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def speaks(word: str = "worked") -> int:
    get_logger("inside").info(word, pid=os.getpid())
    get_metrics().increment("rows_seen", "speaks", 3)
    return 1


def sleeps(path: str, seconds: float) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)


def divides() -> float:
    return 1 / 0


def takes(frames: dict[str, Any], _: Any) -> tuple[dict[str, Any], int]:
    return {}, len(frames["out"])


def sleeps_there(frames: dict[str, Any], began: str) -> tuple[dict[str, Any], int]:
    sleeps(began, 60)
    return {}, 1


def sleeps_for(_: dict[str, Any], seconds: float) -> tuple[dict[str, Any], float]:
    time.sleep(seconds)
    return {}, seconds


def makes(frames: dict[str, Any], _: Any) -> tuple[dict[str, Any], int]:
    import pandas as pd

    return {"out": pd.DataFrame({"a": range(100_000)})}, 1


def no_lines(*_: Any) -> list[bytes]:
    return []
