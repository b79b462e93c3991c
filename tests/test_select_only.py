"""A query is one SELECT over the log, or it is refused before anything runs, in words that name what it was."""

from __future__ import annotations

import duckdb
import pytest

from odibi_core.errors import QueryError
from odibi_core.select_only import LONGEST_QUERY, check_select
from odibi_core.store.sql import query_events
from odibi_core.testing import an_event

REFUSED = {
    "update extensions": "UPDATE",
    "force checkpoint": "CALL",
    "analyze": "VACUUM",
    "set variable a = 1": "SET",
    "copy from database a to b": "SELECT only",
    "comment on table logs is 'x'": "ALTER",
    "merge into a using b on 1 = 1 when matched then delete": "MERGE_INTO",
    "create sequence s": "CREATE",
    "with t as (select 1) insert into x select * from t": "INSERT",
    "select 1 into x": "syntax error",
    "select 1;select 1": "2 statements",
    "pivot logs on level using count(*)": "PIVOT needs its values",
    "select * from (pivot logs on level using count(*))": "PIVOT",
    "select * from duckdb_settings()": "duckdb_settings",
    "select * from duckdb_settings": "no table 'duckdb_settings'",
    "select * from (select 1) a, lateral (select * from duckdb_extensions())": "duckdb_extensions",
    "select 1 where exists (select * from glob('*'))": "glob",
    "select * from checkpoint()": "checkpoint",
    "select * from query('select 1')": "query",
    "select * from query_table('logs')": "query_table",
    "select * from pragma_database_list": "pragma_database_list",
    "select * from information_schema.tables": "tables",
    "select * from pg_catalog.pg_settings": "pg_settings",
    "select * from sqlite_master": "sqlite_master",
    "select * from which_secret('s3://x', 's3')": "which_secret",
    "select current_setting('home_directory')": "current_setting",
    "select list_transform([1], lambda x: current_setting('home_directory'))": "current_setting",
    "select getenv('HOME')": "getenv",
    "select * from 'file.csv'": "no table 'file.csv'",
    "describe duckdb_settings": "duckdb_settings",
    "show databases": "databases",
    "select " + "1," * LONGEST_QUERY: "at most 100,000 characters",
    "select '\udcff'": "must be UTF-8",
}


@pytest.mark.parametrize(("query", "said"), REFUSED.items(), ids=lambda value: value[:40])
def test_what_is_not_a_question_about_the_log_is_refused(query: str, said: str) -> None:
    """Statements, tables and functions that show or change anything else, however deep in the query they stand."""
    with pytest.raises(QueryError) as refused:
        check_select(duckdb.connect(), query)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "from logs",
        "FROM Logs",
        "table logs",
        "values (1)",
        "select 1;",
        "select 1 -- with a comment",
        "describe logs",
        "summarize logs",
        "show tables",
        "with t as (select * from logs) select * from t join T u using (seq)",
        "with recursive t as (select 1 as n union all select n + 1 from t where n < 3) select sum(n) from t",
        "select * from logs, range(3)",
        "select unnest([1, 2])",
        "pivot logs on level in ('info') using count(*)",
        "select count(*) over (partition by level) from logs",
        "select * from main.logs",
        "select * from logs as a asof join logs as b on a.timestamp >= b.timestamp",
        "select now(), now() - interval 1 day",
        "select value from json_each('[1, 2]')",
    ],
)
def test_every_form_of_a_question_is_answered(query: str) -> None:
    """Usual queries are not refused."""
    assert query_events(query, [an_event("a")]).columns
