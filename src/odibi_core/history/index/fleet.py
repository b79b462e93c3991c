"""The pipelines of a store with their days, from the index: the numbers of runs and of those that need a look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from odibi_core.history.index.columns import micros, moment_of

if TYPE_CHECKING:
    from sqlite3 import Connection

_DAY: Final = 86_400_000_000
_MINUTE: Final = 60_000_000
_LAST: Final = (
    "select run_id, status, started, duration_ms, unusual, checks_failed, error from runs"
    " where pipeline_name = ? and run_id is not null order by started desc, id desc limit 1"
)
_NAMES: Final = (
    "with recursive names(name) as (select min(pipeline_name) from runs union all"
    " select (select min(pipeline_name) from runs where pipeline_name > names.name) from names where name is not null)"
    " select name, (select max(started) from runs where pipeline_name = name) from names where name is not null"
)
"""Names with the starts of their last runs, by jumps through the index of pipelines."""


class Day(Struct, frozen=True):
    """The runs of a pipeline on one day: their number by state, and the last of them that is worst."""

    day: int
    """Days since 1970, in the zone that was asked for."""
    runs: int
    failed: int
    """Runs that failed, were cancelled or are lost."""
    running: int
    unusual: int
    warnings: int
    """Successful runs with failed checks."""
    run_id: str
    """The last of the runs that need a look most."""


class PipelineDays(Struct, frozen=True):
    """A pipeline with its last run."""

    pipeline_name: str
    runs: int
    last: dict[str, Any]
    starts: list[datetime]
    """The starts of its last runs, the newest first: its cadence is learned from them."""
    days: list[Day]
    last_success: datetime | None
    """The start of its last successful run."""


def names(connection: Connection) -> list[tuple[str, int]]:
    """Return the pipelines with the starts of their last runs in microseconds, the latest first."""
    found = [(name, started or 0) for name, started in connection.execute(_NAMES)]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def pipeline_days(
    connection: Connection, pipelines: Sequence[str], since: datetime, zone_minutes: int, starts: int
) -> list[PipelineDays]:
    """Return pipelines with their days since a time, in the order given."""
    return [_of(connection, name, since, zone_minutes, starts) for name in pipelines]


def _of(connection: Connection, name: str, since: datetime, zone_minutes: int, starts: int) -> PipelineDays:
    columns = ("run_id", "status", "started", "duration_ms", "unusual", "checks_failed", "error")
    last = dict(zip(columns, connection.execute(_LAST, [name]).fetchone() or (), strict=False))
    if last.get("started") is not None:
        last["started"] = moment_of(last["started"])
    recent = connection.execute(
        "select started from runs where pipeline_name = ? and started is not null order by started desc limit ?",
        [name, starts],
    )
    (number,) = connection.execute("select count(*) from runs where pipeline_name = ?", [name]).fetchone()
    rows = connection.execute(
        "select (started + ?) / ?, count(*), sum(status in ('failed', 'cancelled', 'lost')), sum(status = 'running'),"
        " sum(status = 'success' and coalesce(unusual, 0) > 0),"
        " sum(status = 'success' and coalesce(checks_failed, 0) > 0), run_id,"
        " max(case when status in ('failed', 'cancelled', 'lost') then 4 when checks_failed > 0 then 3"
        " when unusual > 0 then 2 else 1 end * 9000000000000000 + started / 1000000)"
        " from runs where pipeline_name = ? and started >= ? group by 1 order by 1",
        [zone_minutes * _MINUTE, _DAY, name, micros(since)],
    )
    days = [Day(*row[:-1]) for row in rows]
    good = connection.execute("select max(started) from runs where pipeline_name = ? and status = 'success'", [name])
    (last_good,) = good.fetchone()
    return PipelineDays(
        name, number, last, [moment_of(started) for (started,) in recent], days,
        None if last_good is None else moment_of(last_good),
    )  # fmt: skip
