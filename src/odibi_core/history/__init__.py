"""The history of a store: everything over more than one run.

Tables over all runs, SQL, compaction, the index, retention, comparison, baselines and remote copies.
"""

__all__ = ["figures", "index", "rows", "schema"]
