"""The import path `odibi_core.story_generator`: the story generator, which is in `story`."""

from odibi_core.runtime.story_hook import create_story_hook
from odibi_core.story.generator import StoryGenerator

__all__ = ["StoryGenerator", "create_story_hook"]
