"""The column lineage of a SELECT: sqlglot parses it and resolves its names by the real columns of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from odibi_core.engines.lineage.base import FrameColumns, Origin, Source, Transformation, unknown_columns
from odibi_core.engines.lineage.sql_scopes import Resolver
from odibi_core.engines.lineage.sql_ways import Columns, NotResolvedError, Ways
from odibi_core.errors import STOPS
from odibi_core.plugins import missing_extra

METHOD: Final = "sql"
_DIALECTS: Final = {"spark": "spark"}
_CACHED: Final = 512


def sql_columns(
    query: str, tables: Mapping[str, Sequence[str]], keys: Mapping[str, str], made: Sequence[str], engine: str
) -> FrameColumns:
    """Return the lineage of the frame that a SELECT makes. Never raises for the query: what is unknown has a reason.

    Args:
        query: The SQL text.
        tables: The columns of its tables, by name.
        keys: The dataset keys of the tables, by name.
        made: The columns of the frame, in order.
        engine: The engine, which decides about the dialect.

    Raises:
        MissingExtraError: sqlglot is not installed.
    """
    names = tuple((name, tuple(columns)) for name, columns in tables.items())
    try:
        found = _resolved(query, names, _DIALECTS.get(engine, "duckdb"))
    except NotResolvedError as error:
        return unknown_columns(made, str(error))
    if len(found.columns) != len(made):
        reason = f"the SELECT was read as {len(found.columns)} columns, and the frame has {len(made)}"
        return unknown_columns(made, reason)
    return FrameColumns(
        [_origin(name, ways, keys) for name, ways in zip(made, found.columns.values(), strict=True)],
        _sources(found.indirect, keys),
    )


def _origin(name: str, ways: Ways | str, keys: Mapping[str, str]) -> Origin:
    if isinstance(ways, str):
        return Origin(name, None, unknown=ways)
    return Origin(name, _sources(ways, keys), METHOD, 1.0)


def _sources(ways: Ways, keys: Mapping[str, str]) -> tuple[Source, ...]:
    return tuple(
        Source(keys[table], column, tuple(Transformation(*each) for each in sorted(found)))
        for (table, column), found in ways.items()
    )


@lru_cache(_CACHED)
def _resolved(query: str, tables: tuple[tuple[str, tuple[str, ...]], ...], dialect: str) -> Columns:
    """Return the lineage of a query by the names of its tables; each is read once while the process lives."""
    try:
        import sqlglot
        from sqlglot.optimizer.qualify import qualify
        from sqlglot.optimizer.scope import build_scope
    except ImportError as error:
        raise missing_extra("sqlglot", "the column lineage of SQL") from error
    try:
        statements = [each for each in sqlglot.parse(query, read=dialect) if each is not None]
        if len(statements) != 1:
            raise NotResolvedError(f"the SQL is {len(statements)} statements")
        schema: dict[str, object] = {name: dict.fromkeys(columns, "TEXT") for name, columns in tables}
        found: Any = qualify(
            statements[0], schema=schema, dialect=dialect, validate_qualify_columns=False, identify=False,
            quote_identifiers=False,
        )  # fmt: skip
        scope = build_scope(found)
        if scope is None:
            raise NotResolvedError("the SQL is not one SELECT")
        return Resolver({name.lower(): (name, columns) for name, columns in tables}).resolve(scope)
    except NotResolvedError:
        raise
    except STOPS:
        raise
    except BaseException as error:  # RecursionError too
        raise NotResolvedError(f"sqlglot cannot read the SQL: {type(error).__name__}") from None
