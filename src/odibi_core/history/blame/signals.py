"""Signals: each figure of a step in which a run differs from another one, with what it may mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from odibi_core.events import kinds
from odibi_core.history.comparison.difference import Difference

Effect = Literal[
    "failure", "schema", "type", "unit", "zone", "encoding", "no rows", "rows", "lost", "gained", "unmatched", "rule",
    "nulls", "values", "stale", "check",
]  # fmt: skip

STRENGTH: Final[dict[Effect, float]] = {
    "failure": 1.0, "no rows": 0.97, "schema": 0.9, "type": 0.85, "unit": 0.8, "zone": 0.8, "encoding": 0.75,
    "unmatched": 0.75, "lost": 0.75, "gained": 0.75, "rule": 0.7, "rows": 0.6, "nulls": 0.6, "stale": 0.5,
    "values": 0.3, "check": 0.3,
}  # fmt: skip
"""The weight of an effect against the others, before its size."""

OF_VOLUME: Final = frozenset({"rows", "no rows"})
"""Effects that more or fewer rows of the same kind have too, downstream of where they begin."""
OF_ROWS: Final = frozenset({"lost", "gained", "unmatched", "rule"})
"""Effects on the rows that a step itself took: their shares, or the rule that selects them."""


class Signal(Struct, frozen=True, kw_only=True):
    """A difference at one step."""

    node: str
    effect: Effect
    text: str
    size: float = 0.0
    """From 0 to 1."""
    is_notable: bool = True
    """False for one within the noise that is known or assumed."""
    column: str | None = None
    dataset: str | None = None
    """Of a match rate or a fan-out: the dataset whose rows it is about."""
    side: str | None = None
    """Of an effect on rows: the other input of the join, if it is about one."""
    is_fewer: bool = False
    """True for fewer rows than before."""
    rows: int | None = None
    of: int | None = None
    rule: str | None = None
    level: str | None = None
    is_new: bool | None = None
    usual: float | None = None
    """Of an effect on rows: their share in the last good run."""
    factor: float | None = None
    """Of a number of rows or a mean: how many times it is what it was."""
    statistic: str | None = None
    """Of other values of a column: the statistic by which they differ."""
    is_of_numbers: bool = False
    """True for another type of numbers: in pandas one null makes integers floats."""

    @property
    def strength(self) -> float:
        """The weight of the signal against others."""
        return STRENGTH[self.effect] + 0.3 * min(1.0, self.size)

    @property
    def usual_rows(self) -> float:
        """Of an effect on rows: those that the share of the last good run stands for; 0 if it is unknown."""
        return (self.usual or 0.0) * (self.of or 0)


_OF_VALUES: Final[dict[str, Effect]] = {"nulls": "nulls", "form": "encoding"}
_OF_SCHEMA: Final[dict[str, Effect]] = {"retyped": "type"}
_NUMBERS: Final = frozenset({"Int64", "Int32", "Float64", "Float32"})
_STATISTICS: Final = {"nulls": "null_share", "mean": "mean", "distinct": "distinct", "length": "length_mean"}
_OF_JOIN: Final[dict[str, Effect]] = {"match_rate": "unmatched", "fan_out": "gained"}


def of_differences(differences: Sequence[Difference]) -> Iterator[Signal]:
    """Yield the differences of a comparison that concern a step and its data, as signals."""
    for each in differences:
        effect = _effect(each)
        if effect is None or each.node is None:
            continue
        was, now = each.before, each.after
        counts = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (was, now))
        yield Signal(
            node=each.node, effect=effect, text=each.message, size=each.magnitude, is_notable=each.is_notable,
            column=each.column, is_fewer=counts and now < was,
            dataset=each.dataset if each.family == "join" else None,
            factor=now / was if counts and was else None,
            statistic=_STATISTICS.get(each.kind) if each.family == "values" else None,
            is_of_numbers=each.kind == "retyped" and {was, now} <= _NUMBERS,
        )  # fmt: skip


def _effect(each: Difference) -> Effect | None:
    match each.family:
        case "failure":
            if each.kind == "no_rows":
                return "no rows"
            return "failure" if each.kind == "status" and each.after in ("failed", "lost", "cancelled") else None
        case "schema":
            return _OF_SCHEMA.get(each.kind, "schema")
        case "rows":
            return "rows"
        case "join":
            return _OF_JOIN.get(each.kind)
        case "values":
            return _OF_VALUES.get(each.kind, "values")
        case "check":
            return "check" if each.is_notable else None
        case _:
            return None


_OF_FINDING: Final[dict[str, Effect]] = {
    "no rows": "no rows", "rows": "rows", "selectivity": "lost", "join": "unmatched", "schema": "schema",
    "nulls": "nulls", "categories": "values", "mean": "values", "range": "values", "spread": "values",
    "distinct": "values", "length": "values", "content": "stale", "checks": "check",
}  # fmt: skip
_FOUND_SIZE: Final = 0.3
_OLDER: Final = frozenset({"the same content", "stale", "stuck"})


def of_findings(findings: Sequence[Mapping[str, Any]], joined: Mapping[str, str]) -> Iterator[Signal]:
    """Yield the unusual findings of a run about its data, as signals; those that are muted are left out.

    Args:
        findings: The rows of the findings.
        joined: The dataset whose match rate differs, by step: a finding does not have it.
    """
    for row in findings:
        effect = _OF_FINDING.get(str(row.get("family")))
        if effect is None or row.get("kind") != kinds.ANOMALY or row.get("node_name") is None or row.get("muted"):
            continue
        if effect == "stale" and row.get("actual") == "other content":
            effect = "values"
        elif str(row.get("series")).rpartition(".")[2] in _OLDER:
            effect = "stale"
        yield Signal(
            node=str(row["node_name"]), effect=effect, text=str(row.get("message") or ""), size=_size(effect, row),
            column=row.get("column_name"), is_fewer=_is_fewer(row),
            dataset=joined.get(str(row["node_name"])) if effect == "unmatched" else None,
        )  # fmt: skip


def _size(effect: Effect, row: Mapping[str, Any]) -> float:
    """Return the size of a finding: of a share how far it is off, else that of a finding."""
    now, usual = (_number(row.get(name)) for name in ("actual", "expected"))
    if effect in ("nulls", "lost", "unmatched") and now is not None and usual is not None:
        return min(1.0, abs(now - usual) / (100.0 if "%" in str(row.get("actual")) else 1.0))
    return _FOUND_SIZE


def _is_fewer(row: Mapping[str, Any]) -> bool:
    now, usual = (_number(row.get(name)) for name in ("actual", "expected"))
    return now is not None and usual is not None and now < usual


def _number(value: Any) -> float | None:
    try:
        return float(str(value).replace(",", "").removesuffix("%"))
    except ValueError:
        return None
