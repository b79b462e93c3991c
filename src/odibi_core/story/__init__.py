"""The story of a run: one HTML file that opens offline, with the verdict first and every step below."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from odibi_core import private_files
from odibi_core.events import clean_text
from odibi_core.story.document import build
from odibi_core.story.masking import safe
from odibi_core.story.page import render

__all__ = ["build", "render", "safe", "write_story"]


def write_story(lineage: dict[str, Any], path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draw `lineage` into the file `path`, atomically: the file is whole or is not there.

    Secrets are masked on the way, since the lineage may come from anywhere. Raises OSError when it cannot be
    written.
    """
    with _no_collection():
        page = render(build(safe(lineage), None if title is None else clean_text(str(title))))
    return private_files.replace(path, page.encode("utf-8", "replace"))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of small lists and dicts are made and none of them is garbage: looking for some doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
