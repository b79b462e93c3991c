"""The story of a run: one HTML file that opens offline, with the verdict first and every step below."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from odibi_core import private_files
from odibi_core.events import sanitize_text
from odibi_core.story.document import build
from odibi_core.story.masking import safe
from odibi_core.story.page import render

__all__ = ["build", "render", "safe", "write_story"]


def write_story(lineage: dict[str, Any], path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draw `lineage` into the file `path`, atomically: the file is whole or is not there.

    Secrets are masked on the way, since the lineage may come from anywhere. Raises OSError when it cannot be
    written.
    """
    page = render(build(safe(lineage), None if title is None else sanitize_text(str(title))))
    return private_files.write_atomic(path, page.encode("utf-8", "replace"))
