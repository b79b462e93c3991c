"""Absolute paths of settings and arguments, also if the working directory or a home does not exist."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core._state import STATE


class _Warned:
    """The paths of which a warning was written."""

    def __init__(self) -> None:
        self.paths: set[str] = set()


_warned: Final = STATE.part(_Warned)


def absolute_path(path: str | os.PathLike[str]) -> Path:
    """Return `path`, absolute and with `~` expanded. Never raises.

    A home that does not exist stays as written, as in a shell, with one warning. A relative path stays relative if the
    working directory does not exist: nothing can be opened there.
    """
    given = Path(path)
    try:
        given = given.expanduser()
    except RuntimeError:
        _warn(str(given))
    try:
        return given.absolute()
    except OSError:
        return given


def _warn(path: str) -> None:
    if path not in _warned.paths:
        _warned.paths.add(path)
        with suppress(Exception):  # stderr may be closed; a log may be at this very path
            sys.stderr.write(f"odibi-core: {path} names no home directory, so it is taken as it is written\n")
