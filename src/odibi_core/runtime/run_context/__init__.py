"""The context of a run: its purpose, its process, its code and the versions that it uses."""

from odibi_core.runtime.run_context import git
from odibi_core.runtime.run_context.context import run_context
from odibi_core.runtime.run_context.purpose import Purpose, purpose_of
from odibi_core.runtime.run_context.step_source import SourceKeeper

__all__ = ["Purpose", "SourceKeeper", "git", "purpose_of", "run_context"]
