"""Differences that are unusual findings of the run as well: noticing weighed those against the earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from odibi_core.events import kinds
from odibi_core.history.comparison.difference import Difference, Family
from odibi_core.history.comparison.run_data import RunData

_FAMILIES: Final[dict[str, tuple[Family, ...]]] = {
    "no rows": ("failure",), "rows": ("rows",), "selectivity": ("rows",), "files": ("rows",), "schema": ("schema",),
    "content": ("rows", "values"), "checks": ("check",), "join": ("join",), "duration": ("duration",),
    "cost": ("cost",), "nulls": ("values",), "distinct": ("values",), "mean": ("values",), "spread": ("values",),
    "length": ("values",), "categories": ("values",), "range": ("values",),
}  # fmt: skip
"""The families of differences by the family of a finding; one that is not here has no difference of its own."""


def mark_unusual(differences: Sequence[Difference], after: RunData) -> None:
    """Set `alert_id` of each difference that the run reported as unusual; such a difference is notable."""
    findings = [row for row in after.rows("alerts") if row["kind"] == kinds.ANOMALY]
    for each in differences:
        found = next((row for row in findings if _is_of(row, each)), None)
        if found is not None:
            each.alert_id, each.is_notable = found["alert_id"], True


def _is_of(finding: dict[str, Any], difference: Difference) -> bool:
    if finding["node_name"] != difference.node or difference.family not in _FAMILIES.get(finding["family"], ()):
        return False
    return finding["column_name"] is None or finding["column_name"] == difference.column
