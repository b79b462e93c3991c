"""Blame: the first step at which a run begins to differ from the last good one, and the likely cause.

`blame` is a pure function over the tables of both runs, so that it answers the same while a run ends and later.
"""

from odibi_core.history.blame.answer import CAUSES, Blame
from odibi_core.history.blame.finding import blame
from odibi_core.history.blame.stored import blame_run

__all__ = ["CAUSES", "Blame", "blame", "blame_run"]
