"""The column lineage of SQL: direct and indirect sources, what is unknown, and why."""

from __future__ import annotations

import sys

import pytest

from odibi_core.engines.lineage.base import FrameColumns
from odibi_core.engines.lineage.sql_columns import sql_columns
from odibi_core.errors import MissingExtraError

TABLES = {"orders": ["id", "customer", "Amount", "day"], "people": ["customer", "country"]}
KEYS = {"orders": "orders", "people": "persons"}


def lineage(query: str, *made: str, engine: str = "duckdb") -> FrameColumns:
    return sql_columns(query, TABLES, KEYS, made, engine)


def sources(query: str, *made: str) -> dict[str, set[str] | str | None]:
    """The sources of each column as `dataset.column SUBTYPE`, or the reason why they are unknown."""
    return {
        origin.column: origin.unknown
        if origin.sources is None
        else {f"{each.dataset}.{each.column} {way.subtype}" for each in origin.sources for way in each.transformations}
        for origin in lineage(query, *made).origins
    }


def deciding(query: str, *made: str) -> set[str]:
    """The columns that decide about rows, as `dataset.column SUBTYPE`."""
    found = lineage(query, *made).indirect
    assert found is not None
    return {f"{each.dataset}.{each.column} {way.subtype}" for each in found for way in each.transformations}


@pytest.mark.parametrize(
    ("query", "column", "expected"),
    [
        ("select amount as x from orders", "x", {"orders.Amount IDENTITY"}),
        ("select amount * 2 as x from orders", "x", {"orders.Amount TRANSFORMATION"}),
        ("select sum(amount * id) as x from orders", "x", {"orders.Amount AGGREGATION", "orders.id AGGREGATION"}),
        ("select count(*) as x from orders", "x", set()),
        ("select 1 as x from orders", "x", set()),
        ("select count(*) filter (where amount > 3) as x from orders", "x", {"orders.Amount FILTER"}),
        ("select if(amount > 3, customer, '') as x from orders", "x",
         {"orders.Amount CONDITIONAL", "orders.customer TRANSFORMATION"}),
        ("select sum(amount) over (partition by customer order by day) as x from orders", "x",
         {"orders.Amount AGGREGATION", "orders.customer WINDOW", "orders.day WINDOW"}),
        ("select lag(amount) over w as x from orders window w as (order by day)", "x",
         {"orders.Amount AGGREGATION", "orders.day WINDOW"}),
        ("select string_agg(customer, ',' order by day) as x from orders", "x",
         {"orders.customer AGGREGATION", "orders.day SORT"}),
        ("with c as (select customer as b from orders) select b as x from c", "x", {"orders.customer IDENTITY"}),
        ("select x from (select amount + id as x from orders)", "x",
         {"orders.Amount TRANSFORMATION", "orders.id TRANSFORMATION"}),
        ("select customer as x from orders union all select customer from people", "x",
         {"orders.customer IDENTITY", "persons.customer IDENTITY"}),
        ("select (select max(country) from people p where p.customer = o.customer) as x from orders o", "x",
         {"persons.country AGGREGATION", "persons.customer FILTER", "orders.customer FILTER"}),
        ("from orders select id as x", "x", {"orders.id IDENTITY"}),
    ],
)  # fmt: skip
def test_a_column_has_its_sources(query: str, column: str, expected: set[str]) -> None:
    """Direct and indirect, through subqueries and set operations, by the real names of the columns."""
    assert sources(query, column) == {column: expected}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select id from orders where amount > 3", {"orders.Amount FILTER"}),
        ("select id from orders o join people p on o.customer = p.customer",
         {"orders.customer JOIN", "persons.customer JOIN"}),
        ("select id from orders join people using (customer)", {"orders.customer JOIN", "persons.customer JOIN"}),
        ("select max(id) from orders group by customer having sum(amount) > 3",
         {"orders.customer GROUP_BY", "orders.Amount FILTER"}),
        ("select id from orders order by amount limit 3", {"orders.Amount SORT"}),
        ("select id as k from orders order by k", {"orders.id SORT"}),
        ("select distinct id from orders", {"orders.id GROUP_BY"}),
        ("select id from orders where exists (from people where country = 'NO' and people.customer = orders.customer)",
         {"persons.country FILTER", "persons.customer FILTER", "orders.customer FILTER"}),
        ("select id from orders qualify row_number() over (order by day) = 1", {"orders.day FILTER"}),
        ("with unused as (select * from people where country = 'NO') select id from orders", set()),
        ("select id from (select id from orders where amount > 3)", {"orders.Amount FILTER"}),
        ("select id from orders except select id from orders where day = 1", {"orders.id FILTER", "orders.day FILTER"}),
    ],
)  # fmt: skip
def test_columns_that_decide_about_rows_are_indirect_sources(query: str, expected: set[str]) -> None:
    """Conditions, joins, groups, order and set operations; a query that is only defined decides nothing."""
    assert deciding(query, "x") == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select * from read_csv('a.csv')", "the columns of a table are not recorded"),
        ("select other.x from other", "the columns of other are not recorded"),
        ("with recursive t as (select 1 as n union all select n + 1 from t) select n from t", "WITH is not resolved"),
        ("select unnested.x from orders, unnest([amount]) as unnested(x)", "UNNEST is not resolved"),
        ("select id, day from orders", "the SELECT was read as 2 columns, and the frame has 1"),
        ("select 1; select 2", "the SQL is 2 statements"),
        ("select 'open", "sqlglot cannot read the SQL: TokenError"),
    ],
)
def test_what_is_not_resolved_is_unknown_with_a_reason(query: str, reason: str) -> None:
    """It is never an empty list of sources, and never an error of the step."""
    assert sources(query, "x") == {"x": reason}


def test_without_sqlglot_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step publishes it as the reason why its columns are unknown."""
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(MissingExtraError, match="lineage"):
        lineage("select 1 as never_asked_before", "x")


def test_a_masking_function_is_named() -> None:
    """The values of the source cannot be seen in the column."""
    (origin,) = lineage("select md5(customer) as x from orders", "x").origins
    assert origin.sources is not None
    assert [way.masking for way in origin.sources[0].transformations] == [True]
