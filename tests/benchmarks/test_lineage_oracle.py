"""The oracle of column lineage: all sixty functions, and some queries over small tables."""

from __future__ import annotations

import pyarrow as pa
from benchmarks.lineage_functions import PANDAS_ONE, PANDAS_TWO, orders, people
from benchmarks.lineage_oracle import Score, function_scores, functions_score, sql_score
from benchmarks.lineage_rows import score

QUERIES = {
    "group": "select customer, sum(amount) as total, count(*) n from orders where qty > 3 group by customer order by 1",
    "join": "select id, country, amount / age as share from orders join people using (customer) where paid order by id",
    "window": "select id, rank() over (partition by customer order by amount) as place from orders order by id",
    "nested": "select customer, amount from orders where amount > (select avg(amount) from orders) order by id",
}


def test_the_claims_about_functions_hold_when_columns_are_changed() -> None:
    """Precision at least 0.99 and recall at least 0.95 over all; most columns are known."""
    scores = function_scores()
    claimed, right = sum(each.claimed for each in scores), sum(each.right for each in scores)
    true, found = sum(each.true for each in scores), sum(each.found for each in scores)
    assert right / claimed >= 0.99
    assert found / true >= 0.95
    assert sum(each.known for each in scores) > 0.9 * sum(each.columns for each in scores)


def test_the_claims_about_queries_hold_when_columns_are_changed() -> None:
    """Direct and indirect: no edge is wrong, and none is missed."""
    tables = {"orders": pa.Table.from_pandas(orders(60)), "people": pa.Table.from_pandas(people())}
    score = sql_score(QUERIES, tables, lambda query: [name for name in tables if name in query])
    assert (score.wrong, score.missed) == ([], [])
    assert score.claimed > 20


def test_the_claims_about_rows_hold_when_columns_are_changed() -> None:
    """The columns of proved rules and the keys of joins are those that decide; a claim that is none is found."""
    one = {name: PANDAS_ONE[name] for name in ("filter", "query", "distinct", "copy")}
    found = score("rules", one, {"orders": orders()}, "pandas")
    assert (found.known, found.decided, found.functions) == (3, 3, 4)
    assert (found.claimed, found.right, found.true, found.wrong) == (4, 4, 4, [])
    two = score("keys", {"join": PANDAS_TWO["merge, renamed"]}, {"orders": orders(), "people": people()}, "pandas")
    assert (two.claimed, two.right, two.true) == (2, 2, 2)
    found.add("sabotaged", {("orders", "qty")}, {("orders", "amount")})
    assert found.wrong == ["sabotaged: ('orders', 'amount')", "sabotaged: ('orders', 'qty')"]


def test_a_lineage_that_claims_too_much_or_too_little_is_found() -> None:
    """Sabotage: edges that do not hold lower the precision, edges that are left out the recall."""
    right = functions_score("right", {"select": PANDAS_ONE["select"]}, {"orders": orders()}, "pandas")
    assert (right.precision, right.recall) == (1.0, 1.0)
    edges = {("orders", "id", "id"), ("orders", "amount", "amount")}
    score = Score("sabotaged")
    score.add("too much", {*edges, ("orders", "qty", "id")}, (edges, edges), {"id", "amount"}, ["id", "amount"])
    assert score.precision < 0.7
    score.add("too little", set(), (edges, edges), {"id", "amount"}, ["id", "amount"])
    assert score.recall == 0.5
