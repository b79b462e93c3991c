"""The conditions of a WHERE, and the one query that counts the rows that each of them fails, and fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from odibi_core.plugins import missing_extra


@dataclass(frozen=True)
class ConjunctCount:
    """The rows that one condition of a WHERE fails.

    Args:
        text: The condition as SQL.
        fails: Rows that do not pass it; NULL is no pass.
        fails_alone: Those that pass every other condition.
    """

    text: str
    fails: int
    fails_alone: int


@dataclass(frozen=True)
class ConjunctQuery:
    """A query that counts the rows of one WHERE.

    Args:
        conjuncts: Its conditions as SQL, in order.
        sql: The query. It has one row: all rows that reached the WHERE, then two counts for each condition.
    """

    conjuncts: tuple[str, ...]
    sql: str

    def counts(self, row: Sequence[Any]) -> tuple[int, tuple[ConjunctCount, ...]]:
        """Return the rows that reached the WHERE, and the counts of each condition, from the row of the query."""
        numbers = [int(number or 0) for number in row]  # the sum over no rows is NULL
        pairs = zip(self.conjuncts, numbers[1::2], numbers[2::2], strict=True)
        return numbers[0], tuple(ConjunctCount(text, fails, alone) for text, fails, alone in pairs)


def sql_conjuncts(sql: str, dialect: str = "duckdb") -> tuple[str, ...]:
    """Return the conditions of the first WHERE of a query that are joined by AND; empty without one.

    Raises:
        MissingExtraError: sqlglot is not installed.
    """
    found = conjunct_counts_sql(sql, dialect)
    return found[0].conjuncts if found else ()


def conjunct_counts_sql(sql: str, dialect: str = "duckdb") -> list[ConjunctQuery]:
    """Return a query of counts for each WHERE of a query, the outermost first; empty if it cannot be read.

    A WHERE inside an expression depends on the row around it, and has none.

    Args:
        sql: One SELECT.
        dialect: Its dialect, as sqlglot names it.

    Raises:
        MissingExtraError: sqlglot is not installed.
    """
    try:
        import sqlglot
        from sqlglot import errors
    except ImportError as error:
        raise missing_extra("sqlglot", "counting the rows of each condition") from error
    try:
        statements = sqlglot.parse(sql, dialect=dialect)
        if len(statements) != 1 or not isinstance(statements[0], sqlglot.exp.Query):
            return []
        return [_query(select, statements[0], dialect) for select in _filtered(statements[0])]
    except (errors.SqlglotError, RecursionError):
        return []


def _filtered(statement: Any) -> Iterator[Any]:
    """Yield the SELECTs with a WHERE, which read tables, joins or other SELECTs; the outermost first."""
    from sqlglot import exp

    for select in statement.find_all(exp.Select):
        if select.args.get("where") is not None and not _is_inside_expression(select):
            yield select


def _is_inside_expression(select: Any) -> bool:
    from sqlglot import exp

    node = select
    while node.parent is not None:
        inside = node.parent
        if isinstance(inside, exp.Where | exp.Having | exp.Join) and node.arg_key != "this":
            return True
        if isinstance(inside, exp.Select) and node.arg_key == "expressions":
            return True
        if isinstance(inside, exp.Where | exp.Having | exp.Exists | exp.In | exp.Binary):
            return True
        node = inside
    return False


def _query(select: Any, statement: Any, dialect: str) -> ConjunctQuery:
    from sqlglot import exp

    conjuncts = [_unwrapped(each) for each in _flattened(select.args["where"].this)]
    passes = [exp.func("COALESCE", exp.paren(each.copy()), exp.false()) for each in conjuncts]
    counted = [exp.Count(this=exp.Star()).as_("rows_in")]
    for number, each in enumerate(passes, 1):
        rest = [other.copy() for other in passes if other is not each]
        counted.append(_sum(exp.not_(each.copy())).as_(f"fails_{number}"))
        counted.append(_sum(exp.and_(exp.not_(each.copy()), *rest)).as_(f"fails_alone_{number}"))
    query = exp.Select(expressions=counted)
    for part in ("from_", "from", "joins", "laterals"):
        if select.args.get(part):
            value = select.args[part]
            query.set(part, [each.copy() for each in value] if isinstance(value, list) else value.copy())
    for part in ("with_", "with"):
        tables = select.args.get(part) or statement.args.get(part)
        if tables:
            query.set(part, tables.copy())
    texts = tuple(each.sql(dialect=dialect) for each in conjuncts)
    return ConjunctQuery(texts, query.sql(dialect=dialect))


def _flattened(condition: Any) -> Iterator[Any]:
    from sqlglot import exp

    condition = _unwrapped(condition)
    if isinstance(condition, exp.And):
        yield from _flattened(condition.left)
        yield from _flattened(condition.right)
    else:
        yield condition


def _unwrapped(condition: Any) -> Any:
    from sqlglot import exp

    return condition.unnest() if isinstance(condition, exp.Paren) else condition


def _sum(condition: Any) -> Any:
    """Count by SUM and CASE, which every engine has."""
    from sqlglot import exp

    one, none = exp.Literal.number(1), exp.Literal.number(0)
    return exp.Sum(this=exp.Case(ifs=[exp.If(this=condition, true=one)], default=none))
