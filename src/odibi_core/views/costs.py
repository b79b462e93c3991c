"""What things cost: by operation, run, day, kind of statement, tables and tag; what queries did; the alerts.

Money is added up in whole millionths of a millionth of a dollar, each amount read as the decimal that it is written
as. So a sum is exact, 0.1 and 0.2 make 0.3, and the order of the events does not matter.
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
"""The rule that an alert about a month's budget names."""
OTHERS: Final = "(others)"
"""The group into which goes what there is no room for."""
_PLACES: Final = 12
_EXACT: Final = Context(prec=64)
_MAX_GROUPS: Final = 10_000
_MAX_TAGS: Final = 100
_MAX_ALERTS: Final = 100
_MAX_TEXT: Final = 300


def units(amount: object, most: float = 1e15) -> int | None:
    """Dollars as whole 10⁻¹² of one; None for what is no amount: NaN, negative, a text, more than anybody has."""
    known = values.number(amount)
    if known is None or not 0 <= known <= most:
        return None
    exact = Decimal(known) if isinstance(known, int) else Decimal(float.__repr__(known))
    return int(exact.scaleb(_PLACES, _EXACT).to_integral_value(context=_EXACT))


def dollars(amount: int) -> float:
    """Those units as dollars: the float that is nearest, so that it is written as the decimal that is meant."""
    return float(Decimal(amount).scaleb(-_PLACES, Context(prec=400)))


class CostsView:
    """Every `cost`, `query` and alert about a cost, of one run or of many.

    What is no amount counts as a call of unknown cost and adds nothing. Days are UTC's. Past 10,000 groups of a kind
    (100 tags), further ones are added up in one called `(others)`, so that each list has the same sum.
    """

    def __init__(self) -> None:
        self._total = _Sum()
        self._groups: dict[str, _Groups] = {name: _Groups() for name in _KEYS}
        self._tags: dict[str, _Groups] = {}
        self._queries = _Queries()
        self._raised = dict.fromkeys((COST_RULE, BUDGET_RULE), 0)
        self._alerts: list[dict[str, Any]] = []

    def __call__(self, event: Event, /) -> None:
        kind = event.event_type
        if kind == kinds.COST:
            self._hear_cost(event)
        elif kind == kinds.QUERY:
            self._queries.hear(event)
        elif kind == kinds.ALERT_RAISED:
            self._hear_alert(event)

    def _hear_cost(self, event: Event) -> None:
        self._total.add(event)
        for name, key_of in _KEYS.items():
            self._groups[name].of(key_of(event)).add(event)
        for tag, value in values.record(event.fields.get("tags")).items():
            if tag not in self._tags and len(self._tags) >= _MAX_TAGS:
                tag = OTHERS
            self._tags.setdefault(_short(tag) or "", _Groups()).of(_said(value)).add(event)

    def _hear_alert(self, event: Event) -> None:
        rule = event.fields.get("rule")
        if not isinstance(rule, str) or rule not in self._raised:
            return
        self._raised[rule] += 1
        said = {name: values.number(event.fields.get(name)) for name in ("value", "threshold")}
        about = {
            "rule": rule,
            "operation": values.text(event.operation),
            "message": values.message(event),
        }
        self._alerts.append(
            {"timestamp": iso(event.timestamp), "run": values.text(event.run_id), **about, **said}
        )
        del self._alerts[:-_MAX_ALERTS]

    def answer(self) -> dict[str, Any]:
        """The total, each way to divide it (the dearest first), queries, and the last 100 alerts."""
        return {
            "total": self._total.row(),
            **{f"by_{name}": groups.rows(name) for name, groups in self._groups.items()},
            "by_tag": {tag: self._tags[tag].rows("value") for tag in sorted(self._tags.copy())},
            "queries": self._queries.answer(),
            "alerts": {"raised": dict(self._raised), "last": self._alerts.copy()},
        }


class _Sum:
    """What a group of calls came to."""

    __slots__ = ("billed", "bytes", "calls", "unknown", "usd")

    def __init__(self) -> None:
        self.usd = self.calls = self.unknown = self.bytes = self.billed = 0

    def add(self, event: Event) -> None:
        cost = units(event.fields.get("estimated_cost_usd"))
        self.calls += 1
        self.unknown += cost is None
        self.usd += cost or 0
        self.bytes += _whole(event.fields.get("bytes_processed"))
        self.billed += _whole(event.fields.get("bytes_billed"))

    def row(self) -> dict[str, Any]:
        return {
            "cost_usd": dollars(self.usd),
            "calls": self.calls,
            "unknown_costs": self.unknown,
            "bytes_processed": self.bytes,
            "bytes_billed": self.billed,
        }


class _Groups:
    """Sums by one key, in bounded room."""

    def __init__(self) -> None:
        self._sums: dict[str | None, _Sum] = {}

    def of(self, key: str | None) -> _Sum:
        found = self._sums.get(key)
        if found is None:
            if len(self._sums) >= _MAX_GROUPS:
                key = OTHERS
            found = self._sums.setdefault(key, _Sum())
        return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The dearest first, days by their date."""
        if name == "day":
            ordered = sorted(self._sums.copy().items(), key=lambda each: each[0] or "")
        else:
            ordered = sorted(
                self._sums.copy().items(), key=lambda each: (-each[1].usd, -each[1].bytes, each[0] or "")
            )
        return [{name: key, **total.row()} for key, total in ordered]


class _Queries:
    """What `query` events say that `cost` events do not."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("count", "failed", "cache_hits", "rows_returned", "bytes_processed"), 0)
        self._slot_ms = 0
        self._micros = 0

    def hear(self, event: Event) -> None:
        counts = self._counts
        counts["rows_returned"] += _whole(event.fields.get("rows_returned"))
        if event.fields.get("script_parent") is True:  # the rest of what it did is said by its statements
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
    """A number of bytes, rows, milliseconds; 0 for what is none."""
    known = values.number(value)
    return int(known) if known is not None and 0 <= known < 2**63 else 0


def _short(value: object) -> str | None:
    said = values.text(value)
    return said if said is None or len(said) <= _MAX_TEXT else f"{said[:_MAX_TEXT]}…"


def _said(value: object) -> str | None:
    return str(value).lower() if isinstance(value, bool) else _short(value)


def _tables(event: Event) -> str | None:
    """The tables together: a query's cost cannot be divided among them."""
    return _short(", ".join(sorted(values.texts(event.fields.get("tables"))))) or None


_KEYS: Final = {
    "operation": lambda event: _short(event.operation),
    "run": lambda event: _short(event.run_id),
    "day": lambda event: iso(event.timestamp)[:10],
    "statement": lambda event: _short(event.fields.get("statement_type")),
    "table": _tables,
}


def sum_of(rows: Iterable[dict[str, Any]]) -> int:
    """What some groups cost together, in units."""
    return sum(units(row["cost_usd"], inf) or 0 for row in rows)


def month_of(answer: dict[str, Any], month: str) -> float:
    """What the days of a month (`2026-11`) cost together."""
    return dollars(sum_of(row for row in answer["by_day"] if str(row["day"]).startswith(month)))
