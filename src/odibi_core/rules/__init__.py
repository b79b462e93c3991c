"""Rules of alerts: one file a rule, and one line in `BUILTIN`, or an entry point `odibi_core.rules`.

A rule is a struct: its fields are the keys of a table in a file of rules, and the arguments in code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.rules.anomaly import AnomalyRule
    from odibi_core.rules.base import Firing, Rule
    from odibi_core.rules.budget import BudgetRule
    from odibi_core.rules.check import CheckRule
    from odibi_core.rules.circuit import CircuitRule
    from odibi_core.rules.cost import CostRule
    from odibi_core.rules.failure import FailureRule
    from odibi_core.rules.freshness import FreshnessRule
    from odibi_core.rules.health import HealthRule
    from odibi_core.rules.late import LateRule
    from odibi_core.rules.nulls import NullsRule
    from odibi_core.rules.rows import RowsRule
    from odibi_core.rules.schema import SchemaRule
    from odibi_core.rules.slow import SlowRule
    from odibi_core.rules.sql import SqlRule

BUILTIN: dict[str, str] = {
    "anomaly": "odibi_core.rules.anomaly:AnomalyRule",
    "budget": "odibi_core.rules.budget:BudgetRule",
    "check": "odibi_core.rules.check:CheckRule",
    "circuit": "odibi_core.rules.circuit:CircuitRule",
    "cost": "odibi_core.rules.cost:CostRule",
    "failure": "odibi_core.rules.failure:FailureRule",
    "freshness": "odibi_core.rules.freshness:FreshnessRule",
    "health": "odibi_core.rules.health:HealthRule",
    "late": "odibi_core.rules.late:LateRule",
    "nulls": "odibi_core.rules.nulls:NullsRule",
    "rows": "odibi_core.rules.rows:RowsRule",
    "schema": "odibi_core.rules.schema:SchemaRule",
    "slow": "odibi_core.rules.slow:SlowRule",
    "sql": "odibi_core.rules.sql:SqlRule",
}
_MODULES = {
    target.partition(":")[2]: target.partition(":")[0].removeprefix("odibi_core.") for target in BUILTIN.values()
}
_MODULES |= dict.fromkeys(("Firing", "Rule"), "rules.base")

__all__ = [
    "AnomalyRule",
    "BudgetRule",
    "CheckRule",
    "CircuitRule",
    "CostRule",
    "FailureRule",
    "Firing",
    "FreshnessRule",
    "HealthRule",
    "LateRule",
    "NullsRule",
    "RowsRule",
    "Rule",
    "SchemaRule",
    "SlowRule",
    "SqlRule",
]


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
