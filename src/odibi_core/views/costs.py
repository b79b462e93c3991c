"""Estimated costs by operation, run, day, kind of statement, tables and tag; statistics of queries; the alerts.

Money is added up in whole units of 10⁻¹² of a dollar, each amount as the decimal that was written. So a sum is exact,
0.1 and 0.2 make 0.3, and the order of the events does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from math import inf
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.events.clock import iso
from odibi_core.views import values
from odibi_core.views.metrics.calls import COST_RULE

BUDGET_RULE: Final = "cost_budget"
"""The rule of an alert about the budget of a month."""
OTHERS: Final = "(others)"
"""The group of the keys for which there is no room."""
_PLACES: Final = 12
_EXACT: Final = Context(prec=64)
_MAX_GROUPS: Final = 10_000
_MAX_TAGS: Final = 100
_MAX_ALERTS: Final = 100
_MAX_TEXT: Final = 300


def units(amount: object, most: float = 1e15) -> int | None:
    """Return dollars in units of 10⁻¹²; None for NaN, a text, and an amount below 0 or above `most`."""
    known = values.number(amount)
    if known is None or not 0 <= known <= most:
        return None
    exact = Decimal(known) if isinstance(known, int) else Decimal(float.__repr__(known))
    return int(exact.scaleb(_PLACES, _EXACT).to_integral_value(context=_EXACT))


def dollars(amount: int) -> float:
    """Return units of 10⁻¹² as dollars: the nearest float, which is written as the exact decimal."""
    return float(Decimal(amount).scaleb(-_PLACES, Context(prec=400)))


class CostsView:
    """Every `cost`, `query` and alert about a cost, of one run or of many.

    A call without a valid amount counts as one of unknown cost and adds nothing. Days are UTC. Past 10,000 groups of a
    kind (100 tags), further ones are added up as `(others)`, so that each list has the same sum.
    """

    def __init__(self) -> None:
        self._total = CostSum()
        self._groups: dict[str, _Groups] = {name: _Groups() for name in _KEYS}
        self._tags: dict[str, _Groups] = {}
        self._queries = _Queries()
        self._raised = dict.fromkeys((COST_RULE, BUDGET_RULE), 0)
        self._alerts: list[dict[str, Any]] = []

    def __call__(self, event: Event, /) -> None:
        kind = event.event_type
        if kind == kinds.COST:
            self._add_cost(event)
        elif kind == kinds.QUERY:
            self._queries.add(event)
        elif kind == kinds.ALERT_RAISED:
            self._add_alert(event)

    def _add_cost(self, event: Event) -> None:
        figures = figures_of(event)
        self._total.add(*figures)
        for name, key_of in _KEYS.items():
            self._groups[name].of(key_of(event)).add(*figures)
        for tag, value in values.record(event.fields.get("tags")).items():
            if tag not in self._tags and len(self._tags) >= _MAX_TAGS:
                tag = OTHERS
            self._tags.setdefault(_short(tag) or "", _Groups()).of(_tag_value(value)).add(*figures)

    def _add_alert(self, event: Event) -> None:
        rule = event.fields.get("rule")
        if not isinstance(rule, str) or rule not in self._raised:
            return
        self._raised[rule] += 1
        self._alerts.append(
            {
                "timestamp": iso(event.timestamp),
                "run": values.text(event.run_id),
                "rule": rule,
                "operation": values.text(event.operation),
                "message": values.message(event),
                "value": values.number(event.fields.get("value")),
                "threshold": values.number(event.fields.get("threshold")),
            }
        )
        del self._alerts[:-_MAX_ALERTS]

    def answer(self) -> dict[str, Any]:
        """Return the total, its groups by each key (the most expensive first), queries, and the last 100 alerts."""
        return {
            "total": self._total.row(),
            **{f"by_{name}": groups.rows(name) for name, groups in self._groups.items()},
            "by_tag": {tag: self._tags[tag].rows("value") for tag in sorted(self._tags.copy())},
            "queries": self._queries.answer(),
            "alerts": {"raised": dict(self._raised), "last": self._alerts.copy()},
        }


def figures_of(event: Event) -> tuple[int | None, int, int]:
    """Return the cost of a call in units of 10⁻¹² of a dollar, None if it is unknown, and its bytes."""
    read = event.fields.get
    return units(read("estimated_cost_usd")), _whole(read("bytes_processed")), _whole(read("bytes_billed"))


class CostSum:
    """The sums of a group of calls."""

    __slots__ = ("billed", "bytes", "calls", "unknown", "usd")

    def __init__(self) -> None:
        self.usd = self.calls = self.unknown = self.bytes = self.billed = 0

    def add(self, cost: int | None, processed: int, billed: int) -> None:
        """Add the figures of a call."""
        self.calls += 1
        self.unknown += cost is None
        self.usd += cost or 0
        self.bytes += processed
        self.billed += billed

    def row(self) -> dict[str, Any]:
        """Return the sums as the fields of `Cost`."""
        return {
            "cost_usd": dollars(self.usd),
            "calls": self.calls,
            "unknown_costs": self.unknown,
            "bytes_processed": self.bytes,
            "bytes_billed": self.billed,
        }


class _Groups:
    """Sums by one key, in bounded memory."""

    def __init__(self) -> None:
        self._sums: dict[str | None, CostSum] = {}

    def of(self, key: str | None) -> CostSum:
        found = self._sums.get(key)
        if found is None:
            if len(self._sums) >= _MAX_GROUPS:
                key = OTHERS
            found = self._sums.setdefault(key, CostSum())
        return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the sums, the most expensive first; days by their date."""
        if name == "day":
            ordered = sorted(self._sums.copy().items(), key=lambda each: each[0] or "")
        else:
            ordered = sorted(self._sums.copy().items(), key=lambda each: (-each[1].usd, -each[1].bytes, each[0] or ""))
        return [{name: key, **total.row()} for key, total in ordered]


class _Queries:
    """The fields of `query` events that `cost` events do not have."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("count", "failed", "cache_hits", "rows_returned", "bytes_processed"), 0)
        self._slot_ms = 0
        self._micros = 0

    def add(self, event: Event) -> None:
        counts = self._counts
        counts["rows_returned"] += _whole(event.fields.get("rows_returned"))
        if event.fields.get("script_parent") is True:  # its statements report the rest
            return
        counts["count"] += 1
        counts["failed"] += event.status == "failed"
        counts["cache_hits"] += event.cache_hit is True
        counts["bytes_processed"] += _whole(event.fields.get("bytes_processed"))
        self._slot_ms += _whole(event.fields.get("slot_millis"))
        duration = values.number(event.duration_ms)
        self._micros += round(duration * 1000) if duration is not None and 0 <= duration < 1e15 else 0

    def answer(self) -> dict[str, Any]:
        return {**self._counts, "slot_ms": self._slot_ms, "duration_ms": self._micros / 1000}


def _whole(value: object) -> int:
    """Return a number of bytes, rows or milliseconds; 0 for any other value."""
    known = values.number(value)
    return int(known) if known is not None and 0 <= known < 2**63 else 0


def _short(value: object) -> str | None:
    known = values.text(value)
    return known if known is None or len(known) <= _MAX_TEXT else f"{known[:_MAX_TEXT]}…"


def _tag_value(value: object) -> str | None:
    return str(value).lower() if isinstance(value, bool) else _short(value)


def _tables(event: Event) -> str | None:
    """Return the tables as one key, because the cost of a query cannot be divided among them."""
    return _short(", ".join(sorted(values.texts(event.fields.get("tables"))))) or None


_KEYS: Final = {
    "operation": lambda event: _short(event.operation),
    "run": lambda event: _short(event.run_id),
    "day": lambda event: iso(event.timestamp)[:10],
    "statement": lambda event: _short(event.fields.get("statement_type")),
    "table": _tables,
}


def sum_of(rows: Iterable[dict[str, Any]]) -> int:
    """Return the cost of some groups together, in units of 10⁻¹² of a dollar."""
    return sum(units(row["cost_usd"], inf) or 0 for row in rows)


def month_of(answer: dict[str, Any], month: str) -> float:
    """Return the cost of a month (`2026-11`) in dollars."""
    return dollars(sum_of(row for row in answer["by_day"] if str(row["day"]).startswith(month)))
