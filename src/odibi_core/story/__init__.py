"""The story of a run: one HTML file that opens offline, with the verdict first and every step below."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from odibi_core import private_files
from odibi_core.events import sanitize_text
from odibi_core.story.background import Background, read_background
from odibi_core.story.document import build
from odibi_core.story.foreign import read_lineage
from odibi_core.story.page import render
from odibi_core.views.answers import Lineage

__all__ = ["Background", "build", "read_background", "read_lineage", "render", "write_story"]


def write_story(
    lineage: Lineage | dict[str, Any],
    path: str | os.PathLike[str],
    title: str | None = None,
    history: Background | dict[str, Any] | None = None,
) -> Path:
    """Write the story of a run as one HTML file, atomically.

    Args:
        lineage: The answer of a `LineageView`, or a dict from anywhere, which is cleaned of secrets first.
        path: The file; its folder is made.
        title: The heading. (default: the pipeline's name)
        history: The background of the run, as `history.for_story.story_history` returns it.

    Returns:
        The path of the file.

    Raises:
        OSError: The file cannot be written.
    """
    known = lineage if isinstance(lineage, Lineage) else read_lineage(lineage)
    page = render(build(known, None if title is None else sanitize_text(str(title)), read_background(history)))
    return private_files.write_atomic(path, page.encode("utf-8", "replace"))
