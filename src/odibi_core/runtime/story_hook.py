"""`create_story_hook`: the hook that writes the story of each run, with the runs before it."""

from __future__ import annotations

import os

from odibi_core.history.for_story import story_history
from odibi_core.story.generator import StoryHook


def create_story_hook(output_dir: str | os.PathLike[str] = ".") -> StoryHook:
    """Return a hook: `bus.register_hook("pipeline_complete", create_story_hook("stories"))`."""
    return StoryHook(output_dir, story_history)
