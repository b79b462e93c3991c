"""The rows of one run in every table but `logs`, computed from its events.

A row is a tuple in the order of the columns that `history.schema` declares: timestamps are aware and in UTC, `json`
columns are text.
"""

from odibi_core.history.rows.cells import decoded
from odibi_core.history.rows.tables import RunTables, as_dicts, tables_of

__all__ = ["RunTables", "as_dicts", "decoded", "tables_of"]
