"""SQL over the history of a store: every table of `history.schema` as one view over compacted and hot runs.

`collected` lists the files and the rows that a query reads; `opened` makes the views and locks the connection, in this
process or in a child.
"""

from odibi_core.history.sql.collecting import collected
from odibi_core.history.sql.macros import MACROS
from odibi_core.history.sql.opening import opened
from odibi_core.history.sql.source import HistorySource, TableSource

__all__ = ["MACROS", "HistorySource", "TableSource", "collected", "opened"]
