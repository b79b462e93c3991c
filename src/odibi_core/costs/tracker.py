"""What calls cost, said as events; an alert where one is too dear, or where the month's budget is spent."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final

from odibi_core._fork import in_child
from odibi_core.bus.bus import EventBus
from odibi_core.errors import STOPS
from odibi_core.events import kinds
from odibi_core.events.clock import utc_now
from odibi_core.events.context import Context
from odibi_core.process.state import current_bus, singleton
from odibi_core.settings import ObservabilityConfig, get_config
from odibi_core.views.costs import BUDGET_RULE, dollars, units
from odibi_core.views.metrics.calls import COST_RULE

__all__ = ["track_cost", "track_query_performance"]

_AS_GIVEN: Final = frozenset({type(None), bool, int, float, str, bytes})


def track_cost(
    operation: str, bytes_processed: Any, estimated_cost_usd: Any, tags: Mapping[str, Any] | None = None
) -> None:
    """Record what an operation cost, and alert when that passes `COST_ALERT_THRESHOLD_USD`.

    An alert is raised too, once, when what this process spent in a calendar month (UTC) passes the budget of
    `ODIBI_COST__BUDGET_USD`. With `COST_TRACKING_ENABLED=false` nothing is recorded. Amounts may be of any
    numeric type; one that cannot be right (NaN, negative, a text) is recorded as given, with a `cost_note`, and counts
    as unknown. Never raises.

    >>> track_cost("daily_report", 5 * 2**40, 31.25, tags={"team": "sales"})
    """
    amounts = {"bytes_processed": bytes_processed, "estimated_cost_usd": estimated_cost_usd}
    tell_cost({"operation": operation, **amounts, "tags": tags}, current_bus())


def track_query_performance(
    query_type: str,
    duration_seconds: Any,
    rows_returned: Any,
    bytes_processed: Any,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record how a query went. Numbers may be of any numeric type; others are recorded as given. Never raises."""
    fields: dict[str, Any] = {"query_type": query_type, "tags": tags}
    fields |= {"rows_returned": _plain(rows_returned), "bytes_processed": _plain(bytes_processed)}
    seconds = _plain(duration_seconds)
    if type(seconds) in (int, float) and abs(seconds) < 1e12:
        fields["duration_ms"] = seconds * 1000.0
    else:
        fields["duration_seconds"] = seconds
    current_bus().publish(
        kinds.QUERY, fields={name: value for name, value in fields.items() if value is not None}
    )


def tell_cost(fields: dict[str, Any], bus: EventBus, context: Context | None = None) -> None:
    """Say a `cost` event with these fields, and the alerts that it calls for."""
    config = _config()
    if config is not None and not config.cost_tracking_enabled:
        return
    for name in ("bytes_processed", "estimated_cost_usd"):
        fields[name] = _plain(fields.get(name))
    given = fields["estimated_cost_usd"]
    cost = units(given) if type(given) in _AS_GIVEN else None
    if cost is None:
        fields.setdefault("cost_note", "not an amount of money: recorded as given, counted as unknown")
    fields = {name: value for name, value in fields.items() if value is not None}
    kept = ("operation", "tags", "job_id")
    about = {name: value for name, value in fields.items() if name in kept}
    bus.publish(kinds.COST, fields=fields, context=context)
    if cost is None or config is None:
        return
    threshold, budget = units(config.cost_alert_threshold_usd), units(config.cost_budget_usd)
    if threshold is not None and cost > threshold:
        message = f"a call cost {dollars(cost):,.2f} USD, over the threshold of {dollars(threshold):,.2f} USD"
        _alert(bus, context, COST_RULE, message, (cost, threshold), about)
    spent = singleton(_Spent).add(cost, budget or 0)
    if spent is not None and budget:
        message = (
            f"this month's costs are {dollars(spent):,.2f} USD, over the budget of {dollars(budget):,.2f} USD"
        )
        _alert(bus, context, BUDGET_RULE, message, (spent, budget), about)


def _alert(
    bus: EventBus,
    context: Context | None,
    rule: str,
    message: str,
    amounts: tuple[int, int],
    about: dict[str, Any],
) -> None:
    value, threshold = map(dollars, amounts)
    severity = "error" if rule == BUDGET_RULE else "warning"
    fields = {"rule": rule, "severity": severity, "value": value, "threshold": threshold, **about}
    bus.publish(kinds.ALERT_RAISED, message, level=severity, fields=fields, context=context)


def _config() -> ObservabilityConfig | None:
    """The settings; None where they cannot be read, for then costs are recorded all the same."""
    try:
        return get_config()
    except Exception:
        return None


def _plain(value: Any) -> Any:
    """A number of whatever library as JSON knows it; anything else as it was given."""
    if type(value) in _AS_GIVEN:
        return value
    for convert in (operator.index, float):
        try:
            return value if isinstance(value, (str, bytes)) else convert(value)
        except STOPS:
            raise
        except BaseException:
            continue
    return value


class _Spent:
    """What this process has spent this month, as far as it knows."""

    def __init__(self) -> None:
        self.begin()
        in_child(self.begin)

    def begin(self) -> None:
        """Nothing yet: at the start, and in the child of a fork, which is a process of its own."""
        self._lock = RLock()
        self._month = ""
        self._units = 0
        self._told = False

    def add(self, cost: int, budget: int) -> int | None:
        """Add a cost; the sum, when it has just passed the budget."""
        month = f"{utc_now():%Y-%m}"
        with self._lock:
            if month != self._month:
                self._month, self._units, self._told = month, 0, False
            self._units += cost
            if not budget or self._told or self._units <= budget:
                return None
            self._told = True
            return self._units
