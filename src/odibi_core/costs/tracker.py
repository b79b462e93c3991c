"""Costs of calls as events, with alerts above a threshold for one call and above a budget for the month."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from threading import RLock
from typing import Any, Final

from odibi_core._fork import in_child
from odibi_core._state import STATE
from odibi_core.bus.bus import EventBus
from odibi_core.errors import STOPS
from odibi_core.events import kinds
from odibi_core.events.clock import utc_now
from odibi_core.events.context import Context
from odibi_core.process.state import current_bus
from odibi_core.settings import ObservabilityConfig, get_config
from odibi_core.views.costs import BUDGET_RULE, dollars, units
from odibi_core.views.metrics.calls import COST_RULE

__all__ = ["track_cost", "track_query_performance"]

_AS_GIVEN: Final = frozenset({type(None), bool, int, float, str, bytes})


def track_cost(
    operation: str, bytes_processed: Any, estimated_cost_usd: Any, tags: Mapping[str, Any] | None = None
) -> None:
    """Record the cost of an operation, with an alert if it exceeds `COST_ALERT_THRESHOLD_USD`.

    One more alert is raised if the costs of this process in a calendar month (UTC) exceed `ODIBI_COST__BUDGET_USD`.
    With `COST_TRACKING_ENABLED=false` nothing is recorded. Never raises.

    Args:
        operation: Name of the operation.
        bytes_processed: Number of bytes, of any numeric type.
        estimated_cost_usd: US dollars, of any numeric type. An impossible amount (NaN, negative, a text) is recorded
            as given, with a `cost_note`, and counts as unknown.
        tags: Further labels, by which `odibi costs` groups.

    >>> track_cost("daily_report", 5 * 2**40, 31.25, tags={"team": "sales"})
    """
    amounts = {"bytes_processed": bytes_processed, "estimated_cost_usd": estimated_cost_usd}
    publish_cost({"operation": operation, **amounts, "tags": tags}, current_bus())


def track_query_performance(
    query_type: str,
    duration_seconds: Any,
    rows_returned: Any,
    bytes_processed: Any,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record a query. Numbers may be of any numeric type; other values are recorded as given. Never raises.

    Args:
        query_type: Kind of statement, such as `SELECT`.
        duration_seconds: Duration in seconds.
        rows_returned: Number of rows.
        bytes_processed: Number of bytes.
        tags: Further labels.
    """
    fields: dict[str, Any] = {"query_type": query_type, "tags": tags}
    fields |= {"rows_returned": _plain(rows_returned), "bytes_processed": _plain(bytes_processed)}
    seconds = _plain(duration_seconds)
    if type(seconds) in (int, float) and abs(seconds) < 1e12:
        fields["duration_ms"] = seconds * 1000.0
    else:
        fields["duration_seconds"] = seconds
    current_bus().publish(kinds.QUERY, fields={name: value for name, value in fields.items() if value is not None})


def publish_cost(fields: dict[str, Any], bus: EventBus, context: Context | None = None) -> None:
    """Publish a `cost` event with these fields, and the alerts that follow from it."""
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
    about: dict[str, Any] = {name: fields[name] for name in ("operation", "tags", "job_id") if name in fields}
    bus.publish(kinds.COST, fields=fields, context=context)
    if cost is None or config is None:
        return
    threshold, budget = units(config.cost_alert_threshold_usd), units(config.cost_budget_usd)
    if threshold is not None and cost > threshold:
        message = f"a call cost {dollars(cost):,.2f} USD, over the threshold of {dollars(threshold):,.2f} USD"
        _alert(bus, context, COST_RULE, message, (cost, threshold), about)
    spent = STATE.singleton(_Spent).add(cost, budget or 0)
    if spent is not None and budget:
        message = f"this month's costs are {dollars(spent):,.2f} USD, over the budget of {dollars(budget):,.2f} USD"
        _alert(bus, context, BUDGET_RULE, message, (spent, budget), about)


def _alert(
    bus: EventBus, context: Context | None, rule: str, message: str, amounts: tuple[int, int], about: dict[str, Any]
) -> None:
    value, threshold = map(dollars, amounts)
    severity = "error" if rule == BUDGET_RULE else "warning"
    fields = {"rule": rule, "severity": severity, "value": value, "threshold": threshold, **about}
    bus.publish(kinds.ALERT_RAISED, message, level=severity, fields=fields, context=context)


def _config() -> ObservabilityConfig | None:
    """Return the settings; None if they cannot be read, because costs are recorded without them, too."""
    try:
        return get_config()
    except Exception:
        return None


def _plain(value: Any) -> Any:
    """Return a number of any library as an int or float, anything else as it was given."""
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
    """The costs of this process in the current month."""

    def __init__(self) -> None:
        self.begin()
        in_child(self.begin)

    def begin(self) -> None:
        """Start from 0; a forked child counts its own costs."""
        self._lock = RLock()
        self._month = ""
        self._units = 0
        self._alerted = False

    def add(self, cost: int, budget: int) -> int | None:
        """Add a cost; return the sum if it exceeds the budget for the first time this month, else None."""
        month = f"{utc_now():%Y-%m}"
        with self._lock:
            if month != self._month:
                self._month, self._units, self._alerted = month, 0, False
            self._units += cost
            if not budget or self._alerted or self._units <= budget:
                return None
            self._alerted = True
            return self._units
