"""Programs beside Python that serve on loopback, started for tests."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def running(command: Sequence[Any], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; its output is in the file `log`, and `options` are those of `Popen`."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(command: Sequence[Any], log: Path, is_up: Callable[[], bool], **options: Any) -> Iterator[None]:
    """Run a server as `running` does, and begin the block when it answers.

    Args:
        command: The program.
        log: The file for its output, which is the message if it does not answer within a minute.
        is_up: Returns whether it answers; an `OSError` counts as no answer.
        options: Those of `Popen`.
    """
    with running(command, log, **options) as server:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            if _answers(is_up):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(log.read_text())
        yield


def is_ready(url: str) -> bool:
    """Return whether a server of Prometheus' family is ready."""
    with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
        return bool(answer.status == 200)


def _answers(is_up: Callable[[], bool]) -> bool:
    try:
        return is_up()
    except OSError:
        return False
