"""`odibi demo --days`: a month of daily runs, recorded within a minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from odibi_core.cli import output
from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import SystemClock, utc_now
from odibi_core.observability import EventBus, Orchestrator
from odibi_core.pipeline.loader import load_module
from odibi_core.views.wording import short_id

NAME: Final = "flights_daily"
_HOUR: Final = 4
"""The hour of the day (UTC) at which each run starts."""


class ClockOfADay(SystemClock):
    """The clock of the machine, set to another day; durations are real."""

    def __init__(self, start: datetime) -> None:
        self._offset = start - utc_now()

    def now(self) -> datetime:
        """Return the time of that day."""
        return super().now() + self._offset


def record_days(days: int, examples: Path, out: str, store: str | None, *, as_json: bool) -> None:
    """Record a run for each of the last days; one is missing, and four have a fault."""
    daily = load_module(str(examples / "flights" / "daily.py"))
    delivered = Path(out) / "delivered"
    first = daily.FIRST_DAY
    partitions = daily.days_from(first, days)
    if partitions[-1].year != first.year:
        raise ConfigurationError(
            f"days must be at most {(first.replace(month=12, day=31) - first).days + 1}, got {days}"
        )
    start = _latest_start(utc_now()) - timedelta(days=days - 1)
    recorded: list[dict[str, Any]] = []
    with output.waiting(f"recording {days} days") as waited:
        daily.deliver(delivered, partitions)
        for number, day in enumerate(partitions):
            fault = daily.FAULTS.get(number)
            row = {"partition": day.isoformat(), "run_id": None, "status": None, "fault": fault}
            if number != daily.MISSING:
                daily.spoil(delivered, day, number)
                row |= _record(daily, day, delivered, out, store, start + timedelta(days=number))
            recorded.append(row)
        waited()
    _show(recorded, as_json)


def _latest_start(now: datetime) -> datetime:
    """Return the start of the latest run that has ended for sure; without it, `odibi watch` would report a late one."""
    latest = now.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return latest if now - latest >= timedelta(hours=1) else latest - timedelta(days=1)


def _record(daily: Any, day: Any, delivered: Path, out: str, store: str | None, start: datetime) -> dict[str, Any]:
    number = (day - daily.FIRST_DAY).days
    plan = Orchestrator(
        daily.build(out, changed=number == daily.CHANGED_CODE),
        event_bus=EventBus(clock=ClockOfADay(start)),
        pipeline_name=NAME,
        store=store,
        params=daily.parameters(day, delivered),
        partition=day.isoformat(),
        raise_on_error=False,
        keep=(),
    )
    result = plan.execute()
    return {"run_id": result["run_id"], "status": result["status"]}


def _show(recorded: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        output.write_json(recorded)
        return
    on = output.console()
    shown = output.table("Day", "Status", "Run", "Staged fault", whole=("Day", "Status", "Run"))
    for row in recorded:
        run = short_id(row["run_id"])
        status = row["status"] or "missing"
        shown.add_row(row["partition"], output.cell(status, output.STYLES.get(status, "")), run, row["fault"] or "")
    output.write(on, shown)
    output.notice(f"next: odibi watch, odibi runs {NAME}, odibi history {NAME}, odibi compare")
