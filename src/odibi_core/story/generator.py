"""`StoryGenerator` and the hook that writes a story at the end of each run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from odibi_core.errors import StoryError
from odibi_core.events import kinds
from odibi_core.store.segments import safe_name
from odibi_core.story import Background, write_story
from odibi_core.views.answers import Lineage

__all__ = ["StoryGenerator", "StoryHook"]

ReadHistory = Callable[[Any, str], dict[str, Any] | None]
"""Returns the background of a run from a store and the id of the run."""


class StoryGenerator:
    """A writer of stories from lineages."""

    def generate_story(
        self,
        lineage_file: str | os.PathLike[str] | dict[str, Any] | Lineage,
        output_file: str | os.PathLike[str] = "story.html",
        title: str | None = None,
        *,
        history: Background | dict[str, Any] | None = None,
    ) -> str:
        """Write the story of a run as one HTML file.

        Args:
            lineage_file: The file that `Tracker.export_lineage(path)` or `Tracker.save()` wrote, its dict, or the
                answer of a `LineageView`.
            output_file: The HTML file; its folder is made.
            title: The heading. (default: the pipeline's name)
            history: The background of the run: its purpose, its findings, the runs before it.

        Returns:
            The path of the file.

        Raises:
            StoryError: There is no lineage in `lineage_file`, or `output_file` cannot be written.
        """
        lineage = lineage_file if isinstance(lineage_file, dict | Lineage) else _read(Path(lineage_file))
        if isinstance(lineage, dict):
            _require_steps(lineage, "the dict" if lineage is lineage_file else str(lineage_file))
        try:
            return str(write_story(lineage, output_file, title, history))
        except OSError as error:
            raise StoryError(
                f"The story could not be written to {str(output_file)!r}: {error}. Give a path that can be written."
            ) from error


def _read(path: Path) -> dict[str, Any]:
    advice = "Give the file that Tracker.export_lineage(path) wrote, or the dict that it returned."
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = "There is no such lineage file" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        raise StoryError(f"{reason}: {str(path)!r}. {advice}") from error
    except (ValueError, RecursionError) as error:
        raise StoryError(f"{str(path)!r} is not a lineage file: not JSON ({error}). {advice}") from error
    if not isinstance(found, dict):
        raise StoryError(f"{str(path)!r} holds a {type(found).__name__}, not a lineage. {advice}")
    return found


def _require_steps(lineage: dict[str, Any], given: str) -> None:
    if not isinstance(lineage.get("steps"), list):
        keys = ", ".join(sorted(map(str, lineage))[:8]) or "none"
        raise StoryError(
            f"No lineage in {given[:200]}: it has no list 'steps' (its keys: {keys[:200]}). "
            "Give what Tracker.export_lineage() returned."
        )


class StoryHook:
    """A hook that writes the story of each run into `output_dir`, as `<run id>.html`.

    Registered for `pipeline_complete` it is called for `pipeline_error` too: the story of a failed run matters most.
    """

    __name__ = "story"
    also_handles = (kinds.PIPELINE_ERROR,)

    def __init__(self, output_dir: str | os.PathLike[str] = ".", history: ReadHistory | None = None) -> None:
        self.output_dir = Path(output_dir)
        self.written: list[Path] = []
        self._history = history

    def __call__(self, event: dict[str, Any]) -> None:
        tracker = event.get("tracker")
        if tracker is None:
            return
        name = safe_name(str(event.get("run_id") or event.get("pipeline_name") or "story"), 120)
        path = self.output_dir / f"{name}.html"
        store, run_id = event.get("store"), event.get("run_id")
        history = self._history(store, run_id) if self._history and store is not None and run_id else None
        self.written.append(Path(StoryGenerator().generate_story(tracker.lineage(), path, history=history)))
