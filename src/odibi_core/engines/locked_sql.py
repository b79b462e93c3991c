"""One SELECT over frames and over nothing else: the SQL of checks must not read files or change data.

Two guards: the connection has no files, network, extensions or settings, and the parse tree of the query is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odibi_core.engines import duckdb_sql
from odibi_core.errors import EngineError, QueryError, first_line
from odibi_core.select_only import check_select


def select(query: str, frames: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns and the rows of one SELECT whose only tables are `frames`.

    Raises:
        EngineError: It is not one SELECT, it reads anything else, or it fails.
    """
    import duckdb

    duckdb_sql.refuse_twins(frames)
    refused: dict[str, str] = {}
    cursor = duckdb_sql.base(locked=True).cursor()
    try:
        check_select(cursor, query, map(str.lower, frames), source="the frames of the step")
        refused = duckdb_sql.register(cursor, frames)
        relation = cursor.sql(query)
        if relation is None:
            raise EngineError("the SQL returns no rows")
        return list(relation.columns), relation.fetchall()
    except QueryError as error:
        raise EngineError(str(error)) from None
    except duckdb.Error as error:
        raise EngineError(_reason(error, refused)) from None
    finally:
        cursor.close()


def _reason(error: Exception, refused: Mapping[str, str]) -> str:
    line = first_line(error)
    missing = next((name for name in refused if name in line.casefold()), None)
    if missing is not None:
        return f"the frame {missing!r} cannot be a table: {refused[missing]}"
    return f"the SQL cannot be run: {line}"
