"""Checks of the data of a step: `not_null("tailnum", on="flights").check(frames)` returns a `CheckResult`.

A check is a function that makes a `Check`, and one line in `BUILTIN`, or an entry point `odibi_core.checks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.checks.across import compare, expression
    from odibi_core.checks.aggregates import aggregate
    from odibi_core.checks.base import Check, CheckResult, Finding
    from odibi_core.checks.columns import accepted_values, between, matches, no_duplicates, not_null, unique
    from odibi_core.checks.contract.checks import from_contract
    from odibi_core.checks.counts import Counting
    from odibi_core.checks.frame_schema import schema
    from odibi_core.checks.gx_suite import great_expectations
    from odibi_core.checks.own_function import custom
    from odibi_core.checks.pandera_schema import pandera
    from odibi_core.checks.recency import freshness
    from odibi_core.checks.sql_rules import query, sql
    from odibi_core.checks.tables import references, row_count

BUILTIN: dict[str, str] = {
    "accepted_values": "odibi_core.checks.columns:accepted_values",
    "aggregate": "odibi_core.checks.aggregates:aggregate",
    "between": "odibi_core.checks.columns:between",
    "compare": "odibi_core.checks.across:compare",
    "custom": "odibi_core.checks.own_function:custom",
    "expression": "odibi_core.checks.across:expression",
    "freshness": "odibi_core.checks.recency:freshness",
    "from_contract": "odibi_core.checks.contract.checks:from_contract",
    "great_expectations": "odibi_core.checks.gx_suite:great_expectations",
    "matches": "odibi_core.checks.columns:matches",
    "no_duplicates": "odibi_core.checks.columns:no_duplicates",
    "not_null": "odibi_core.checks.columns:not_null",
    "pandera": "odibi_core.checks.pandera_schema:pandera",
    "query": "odibi_core.checks.sql_rules:query",
    "references": "odibi_core.checks.tables:references",
    "row_count": "odibi_core.checks.tables:row_count",
    "schema": "odibi_core.checks.frame_schema:schema",
    "sql": "odibi_core.checks.sql_rules:sql",
    "unique": "odibi_core.checks.columns:unique",
}
_MODULES = {name: target.partition(":")[0].removeprefix("odibi_core.") for name, target in BUILTIN.items()}
_MODULES |= dict.fromkeys(("Check", "CheckResult", "Finding"), "checks.base") | {"Counting": "checks.counts"}

__all__ = [
    "Check",
    "CheckResult",
    "Counting",
    "Finding",
    "accepted_values",
    "aggregate",
    "between",
    "compare",
    "custom",
    "expression",
    "freshness",
    "from_contract",
    "great_expectations",
    "matches",
    "no_duplicates",
    "not_null",
    "pandera",
    "query",
    "references",
    "row_count",
    "schema",
    "sql",
    "unique",
]


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
