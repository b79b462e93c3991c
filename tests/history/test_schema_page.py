"""The page of the tables is the schema that the code follows."""

from __future__ import annotations

import re

import pytest
from tests.architecture.plan import ROOT

import odibi_core
from odibi_core.history.schema import TABLES
from odibi_core.history.sql.macros import MACROS, with_callees
from odibi_core.history.sql.schema_page import page

PAGE = ROOT / "docs" / "schema.md"


def test_the_page_is_what_the_code_writes() -> None:
    """`python -m odibi_core.history.sql.schema_page > docs/schema.md` makes it equal again."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_column_and_macro_is_on_the_page() -> None:
    """With its description."""
    for table in TABLES.values():
        assert f"### {table.name}\n" in page()
        assert all(f"| `{column.name}` |" in page() and column.description for column in table.columns)
    assert all(f"`{macro.signature}`" in page() and macro.description for macro in MACROS.values())


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.+?)```", page(), re.DOTALL))
def test_every_example_of_the_page_is_a_query(query: str, tmp_path: object) -> None:
    """It is answered, also by an empty store; the last one names fields that this log lacks."""
    if "circuit" in query:
        query = f"with logs as (select *, null as circuit_name, '' as new_state from logs) {query}"
    assert odibi_core.history(str(tmp_path)).sql(query).rows == []


def test_a_macro_comes_after_those_that_it_calls() -> None:
    """DuckDB resolves the names of a macro when it is made."""
    names = [macro.name for macro in with_callees(["changed_rows"])]
    assert names.index("run_of") < names.index("good_before") < names.index("changed_rows")
