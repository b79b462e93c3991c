"""The outbox: notifications on their way, each route with a delivery of its own and a spool in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core._state import STATE
from odibi_core.alerts import log, receivers
from odibi_core.alerts.messages import Payload, payloads_of
from odibi_core.alerts.notifying import Notification
from odibi_core.alerts.routes import Route
from odibi_core.alerts.rulebook import Rulebook
from odibi_core.delivery import Delivery, Limits, Outcome, Spool, refused, try_again
from odibi_core.delivery.spool import folder_of, waiting_in
from odibi_core.errors import ConfigurationError, StoreError, first_line
from odibi_core.events import kinds
from odibi_core.events.clock import read_iso, utc_now
from odibi_core.rules.patterns import length_of
from odibi_core.store.segments import safe_name

EXPIRES: Final = timedelta(days=7)
"""The age at which a notification is dropped, so that one that no receiver takes does not hold up the others."""


class _Deliveries:
    """The deliveries of this process by store and route."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, bytes], Delivery[Payload]] = {}


_deliveries: Final = STATE.part(_Deliveries)


class RouteReceiver:
    """The receiver of one route, for its delivery; it records each result in the store."""

    def __init__(self, root: Path, route: Route) -> None:
        self._root, self._route = root, route
        self._send: receivers.Send | None = None

    def send(self, batch: Sequence[Payload], within_s: float) -> Outcome:
        """Send one payload, and record whether it was delivered."""
        (payload,) = batch
        age = utc_now() - (read_iso(payload["at"]) or utc_now())
        if age > EXPIRES:
            outcome = refused(1, "expired", f"not delivered for {EXPIRES.days} days")
        else:
            outcome = self._attempt(payload, within_s)
        if not outcome.is_unsent:
            self._record(payload, outcome)
        return outcome

    def _attempt(self, payload: Payload, within_s: float) -> Outcome:
        try:
            if self._send is None:
                self._send = receivers.send_of(self._route)
            return self._send(payload, within_s)
        except ConfigurationError as error:  # a variable or a library is missing: it waits until it is there
            return try_again("not_configured", str(error))
        except Exception as error:  # of a library, also at the end of the interpreter: it is not lost by that
            detail = f"route {self._route.name!r}: {type(error).__name__}: {first_line(error)}"
            return try_again(type(error).__name__, detail)

    def _record(self, payload: Payload, outcome: Outcome) -> None:
        status = "failed" if outcome.refused else "delivered"
        fields: dict[str, Any] = {
            "route": self._route.name, "notification_id": payload["notification_id"], "status": status,
        }  # fmt: skip
        words = f"notification {payload['notification_id']} on {self._route.name}: {status}"
        if outcome.refused:
            fields["error"] = outcome.detail or outcome.reason
        try:
            level = "warning" if outcome.refused else "info"
            log.publish(self._root, None, [(kinds.ALERT_DELIVERED, words, level, fields)])
        except StoreError:
            pass  # it was sent; the state shows it as queued


def name_of(route: Route) -> str:
    """Return the name of the delivery of a route."""
    return f"alerts-{safe_name(route.name, 60)}"


def delivery_of(root: Path, route: Route) -> Delivery[Payload]:
    """Return the delivery of a route in a store, which also sends what earlier processes left."""
    key = _key(root, route)
    with STATE.creation_lock:
        if key not in _deliveries.open:
            name = name_of(route)
            spool: Spool[Payload] = Spool(folder_of(root, name), msgspec.json.encode, msgspec.json.decode)
            limits = Limits(batch=1, every_s=0.0, send_within_s=max(0.1, length_of(route.timeout).total_seconds()))
            _deliveries.open[key] = Delivery(name, RouteReceiver(root, route), limits, spool=spool)
        return _deliveries.open[key]


def _key(root: Path, route: Route) -> tuple[str, bytes]:
    """Return the identity of a delivery: a route that is changed in its file has another one."""
    return str(root), msgspec.json.encode(route)


def send(root: Path, book: Rulebook, notifications: Iterable[Notification]) -> None:
    """Hand notifications to the deliveries of their routes. Never waits for a receiver."""
    now = utc_now()
    for notification in notifications:
        if (route := book.route(notification.route)) is not None:
            receivers.prepare(route)
            delivery = delivery_of(root, route)
            for payload in payloads_of(notification, book.by_name, now):
                delivery.put(payload)


class Left(msgspec.Struct, frozen=True):
    """The notifications that wait on a route, and the reason."""

    route: str
    notifications: int
    reason: str


def finish(root: Path, book: Rulebook, timeout: float) -> list[Left]:
    """Send what waits on every route, within `timeout` seconds for all; return what is left."""
    for route in book.routes:
        delivery_of(root, route).begin_close(timeout)
    left = []
    for route in book.routes:
        with STATE.creation_lock:
            delivery = _deliveries.open.pop(_key(root, route))
        delivery.close(timeout)
        if number := waiting_in(folder_of(root, name_of(route)))[0]:
            left.append(Left(route.name, number, delivery.problem or "another process sends it"))
    return left
