"""Alerts: rules over runs and the store, their state as events, and the routes on which they are sent.

`evaluation` turns facts and a state into changes, `notifying` turns a state into notifications; both are pure. `state`
is the fold of the events, `log` their place in the store. `of_run` and `checking` join them at the end of a run and in
`odibi alerts check`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core import _lazy

if TYPE_CHECKING:
    from odibi_core.alerts.routes import Route, Silence
    from odibi_core.alerts.rulebook import Rulebook, configure_alerts, read_rules

_MODULES = {
    "Route": "alerts.routes",
    "Rulebook": "alerts.rulebook",
    "Silence": "alerts.routes",
    "configure_alerts": "alerts.rulebook",
    "read_rules": "alerts.rulebook",
}

__all__ = ["Route", "Rulebook", "Silence", "configure_alerts", "read_rules"]


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
