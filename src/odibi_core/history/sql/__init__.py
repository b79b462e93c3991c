"""SQL over the history of a store: every table of `history.schema` as one view over compacted and hot runs.

`collecting` lists the files and the rows that a query reads; `opening` makes the views and locks the connection, in
this process or in `child`, which loads nothing else.
"""

__all__ = ["child", "collecting", "macros", "opening", "schema_page", "source"]
