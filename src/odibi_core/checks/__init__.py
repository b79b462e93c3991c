"""Checks of the data of a step: `not_null("tailnum", on="flights").check(frames)` returns a `CheckResult`.

A check is a function that makes a `Check`, and one line in `BUILTIN`, or an entry point `odibi_core.checks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.checks.base import Check, CheckResult, Finding
    from odibi_core.checks.columns import accepted_values, between, matches, not_null, unique
    from odibi_core.checks.tables import references, row_count

BUILTIN: dict[str, str] = {
    "accepted_values": "odibi_core.checks.columns:accepted_values",
    "between": "odibi_core.checks.columns:between",
    "matches": "odibi_core.checks.columns:matches",
    "not_null": "odibi_core.checks.columns:not_null",
    "references": "odibi_core.checks.tables:references",
    "row_count": "odibi_core.checks.tables:row_count",
    "unique": "odibi_core.checks.columns:unique",
}
_MODULES = {name: target.partition(":")[0].removeprefix("odibi_core.") for name, target in BUILTIN.items()}
_MODULES |= dict.fromkeys(("Check", "CheckResult", "Finding"), "checks.base")

__all__ = [
    "Check",
    "CheckResult",
    "Finding",
    "accepted_values",
    "between",
    "matches",
    "not_null",
    "references",
    "row_count",
    "unique",
]


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
