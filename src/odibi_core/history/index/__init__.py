"""The index of a store: a row for each run and step in SQLite, for lists, filters and baselines.

It is a cache. Deleting `index.sqlite` loses nothing: the next command builds it again from the runs.
"""

from odibi_core.history.index.filters import RunFilter
from odibi_core.history.index.index import Index

__all__ = ["Index", "RunFilter"]
