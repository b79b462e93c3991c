"""The rule `late`: a run that was due has not come, by a time of the day or by the cadence that was learned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import PipelineFacts, RunFacts, StoreFacts

Clock = Annotated[
    str, Meta(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d)?\Z", description='a time of the day is HH:MM, such as "06:30"')
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class LateRule(Rule, frozen=True, kw_only=True):
    """A pipeline without a run that was due.

    Args:
        by: The time of the day by which a run of that day must have succeeded, in the zone of the process that checks;
            empty for the cadence that was learned from earlier runs.
        days: The days on which it is due, with `by`.
    """

    kind: ClassVar[str] = "late"
    of_what: ClassVar[tuple[str, ...]] = ("store",)

    by: Clock = ""
    days: tuple[Day, ...] = DAYS

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: days for a learned cadence, or no day."""
        if not self.by and self.days != DAYS:
            yield "`days` has no effect without `by`, a time of the day"
        if not self.days:
            yield "`days` must have at least one day"

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each pipeline that is late."""
        for each in self.pipelines(facts):
            yield from self._by_clock(each, facts.now) if self.by else _by_cadence(each)

    def _by_clock(self, of: PipelineFacts, now: datetime) -> Iterator[Firing]:
        at = time.fromisoformat(self.by)
        local = now.astimezone()
        due = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
        while due > local or DAYS[due.weekday()] not in self.days:
            due -= timedelta(days=1)
        midnight = due.replace(hour=0, minute=0)
        if not any(end >= midnight for end in of.ends):
            yield Firing(
                message=f"{of.pipeline_name} has not succeeded by {due:%Y-%m-%d %H:%M}",
                pipeline_name=of.pipeline_name, value="no run", expected=f"{due:%Y-%m-%d %H:%M}",
            )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a run that succeeded."""
        return facts.status == "success"

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true for a pipeline that is known."""
        return pipeline_name in facts.pipelines


def _by_cadence(of: PipelineFacts) -> Iterator[Firing]:
    waiting = [due for due, _ in of.overdue if of.last_started is None or due > of.last_started]
    if waiting:
        due, verb = waiting[-1], "has not started yet" if of.overdue[-1][1] else "did not run"
        yield Firing(
            message=f"{of.pipeline_name} {verb}: due {due:%Y-%m-%d %H:%M} ({of.cadence})",
            pipeline_name=of.pipeline_name, value="no run", expected=f"{due:%Y-%m-%d %H:%M}",
        )  # fmt: skip
