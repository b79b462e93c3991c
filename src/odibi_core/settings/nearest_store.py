"""The nearest store upwards from the working directory, as Git finds its repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from odibi_core import private_files

STORE: Final = ".odibi"
PARTS: Final = frozenset({"delivery", "runs", "manifests", "tables", "notes", "index.sqlite"})
"""Files and folders of a store."""


def nearest_store() -> str | None:
    """Return the path of the nearest store in a parent of the working directory.

    None if there is none, or if the working directory has one itself. A folder of another user is left out, because
    records must not go where others choose; so is a folder `.odibi` that holds other files.
    """
    try:
        here = Path.cwd()
        if os.path.lexists(here / STORE):
            return None
        return next((str(parent / STORE) for parent in here.parents if _is_own_store(parent / STORE)), None)
    except OSError:  # the working directory was deleted
        return None


def _is_own_store(path: Path) -> bool:
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return private_files.is_own(found) and is_store(path)


def is_store(path: Path) -> bool:
    """Return whether a folder holds a store, or nothing yet."""
    try:
        names = set(os.listdir(path))
    except OSError:
        return False
    return not names or bool(names & PARTS)
