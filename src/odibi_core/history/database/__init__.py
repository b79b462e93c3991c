"""The tables of a history in a database that other programs query: PostgreSQL, SQLite or DuckDB.

`exporting` compares the runs of a store with those in the database and replaces what is new or has changed. `base`
states the contract of a database; each of the others is one kind of it. `after_runs` exports in the background.
"""

__all__ = [
    "after_runs",
    "base",
    "duckdb_file",
    "exporting",
    "opening",
    "postgresql",
    "sqlite_file",
    "stored_runs",
    "tables",
]
