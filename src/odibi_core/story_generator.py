"""The import path `odibi_core.story_generator`: the story generator, which is in `story`."""

from odibi_core.story.generator import StoryGenerator, create_story_hook

__all__ = ["StoryGenerator", "create_story_hook"]
