"""The rows that each condition of a WHERE fails, counted by the engine itself."""

from typing import Any

import duckdb
import pytest

from odibi_core.insight.conjuncts import conjunct_counts_sql, sql_conjuncts

IN = "a IN (SELECT a FROM u WHERE a > 3)"
CASES: list[tuple[str, list[tuple[int, list[tuple[str, int, int]]]]]] = [
    (
        "SELECT * FROM t WHERE a >= 3 AND (o = 'x' AND a < 9)",
        [(12, [("a >= 3", 3, 1), ("o = 'x'", 8, 4), ("a < 9", 3, 1)])],
    ),
    ("SELECT o, COUNT(*) FROM t JOIN u USING (a) WHERE o = 'x' GROUP BY o", [(6, [("o = 'x'", 4, 4)])]),
    (
        "WITH c AS (SELECT * FROM t WHERE a > 5) SELECT * FROM c WHERE a < 9",
        [(6, [("a < 9", 3, 3)]), (12, [("a > 5", 6, 6)])],
    ),
    (f"SELECT * FROM t WHERE {IN}", [(12, [(IN, 10, 10)])]),
    ("SELECT * FROM t WHERE FALSE AND a > 1", [(12, [("FALSE", 12, 10), ("a > 1", 2, 0)])]),
    ("SELECT * FROM t", []),
    ("DELETE FROM t WHERE a > 1", []),
    ("SELECT * FROM t WHERE ((", []),
]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_counts_of_conditions(sql: str, expected: Any) -> None:
    """Each WHERE has one query; NULL is no pass, and a subquery in a condition is a part of the condition."""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE u AS SELECT i AS a FROM range(6) t(i)")
        database.execute("CREATE TABLE t AS SELECT i AS a, ['x', 'y', NULL][i % 3 + 1] AS o FROM range(12) t(i)")
        found = []
        for query in conjunct_counts_sql(sql):
            rows, counts = query.counts(database.execute(query.sql).fetchall()[0])
            found.append((rows, [(each.text, each.fails, each.fails_alone) for each in counts]))
    assert found == expected
    assert list(sql_conjuncts(sql)) == [text for text, _, _ in expected[0][1]] if expected else sql_conjuncts(sql) == ()
