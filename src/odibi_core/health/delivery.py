"""The health check `delivery`: what exporters of this process have not delivered, and what waits on disk."""

from __future__ import annotations

from typing import Any

from odibi_core.delivery import deliveries
from odibi_core.delivery.spool import folder_of, waiting_in
from odibi_core.health.monitor import HealthCheckResult, HealthStatus
from odibi_core.settings import read_settings
from odibi_core.views.wording import size


def check_delivery() -> HealthCheckResult:
    """Return the counts of each exporter; one that fails, has dropped items or waits on disk is `degraded`."""
    details: dict[str, Any] = {}
    problems = []
    for delivery in deliveries():
        counts = delivery.counts
        details[delivery.name] = counts.as_dict()
        if delivery.problem:
            details[delivery.name]["problem"] = delivery.problem
            problems.append(f"{delivery.name}: {delivery.problem}")
        elif counts.dropped:
            problems.append(f"{delivery.name}: {counts.dropped.total()} dropped")
    for folder in sorted(folder_of(read_settings().root).glob("*")):
        items, bytes_ = waiting_in(folder)
        if items:
            details.setdefault(folder.name, {}).update(on_disk=items, on_disk_bytes=bytes_)
            problems.append(f"{folder.name}: {items} items ({size(bytes_)}) wait on disk")
    if not details:
        return HealthCheckResult("delivery", HealthStatus.SKIPPED, "no exporter delivers here")
    status = HealthStatus.DEGRADED if problems else HealthStatus.HEALTHY
    return HealthCheckResult("delivery", status, "; ".join(problems) or "every item was sent", details=details)
