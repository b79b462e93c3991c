"""The program of the child process that answers a query over the history."""

from __future__ import annotations

from odibi_core.history.sql.opening import open_encoded
from odibi_core.store import sql_child


def main() -> None:
    """Answer one request; the whole of the child."""
    sql_child.main(open_encoded)
