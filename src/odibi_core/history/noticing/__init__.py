"""Noticing: the findings in which a run differs from the earlier runs of its pipeline, and the runs that are missing.

`judge` compares the figures of a run with those of earlier runs, without thresholds to set. `cadence` learns when runs
start. `notes` keeps acknowledgements, mutes and missed runs.
"""

from odibi_core.history.noticing.finding import Finding
from odibi_core.history.noticing.judge import Judgement, judge
from odibi_core.history.noticing.notice import judge_run, notice

__all__ = ["Finding", "Judgement", "judge", "judge_run", "notice"]
