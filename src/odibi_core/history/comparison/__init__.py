"""The comparison of two runs: what differs, the most important first, and the probable cause of it.

`compare_runs` chooses and reads the runs; `compare` is the pure function over their rows.
"""

from odibi_core.history.comparison.compare import compare
from odibi_core.history.comparison.difference import Cause, Change, Comparison, Difference
from odibi_core.history.comparison.stored import compare_runs

__all__ = ["Cause", "Change", "Comparison", "Difference", "compare", "compare_runs"]
