"""Routes and silences: where alerts are sent, and when they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from odibi_core.rules.base import SEVERITIES, Severity
from odibi_core.rules.late import DAYS, Day
from odibi_core.rules.patterns import Duration, Name, Patterns, length_of, matcher

Label = Literal["rule", "kind", "pipeline", "step", "severity", "owner"]
TARGETS: Final = ("url", "alertmanager", "webhook", "webhook_tag", "command")
_HTTP: Final = ("http://", "https://", "env:")
Hours = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d)?\Z",
        description='hours are HH:MM-HH:MM, such as "22:00-06:00"',
    ),
]


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver, and the alerts that it gets.

    Exactly one of `url`, `alertmanager`, `webhook`, `webhook_tag` and `command` names the receiver. An address
    `env:NAME` is read from the variable NAME when it is used, so that no file holds a token.

    Args:
        name: The name of the route, once in all files.
        url: An address of Apprise, such as `slack://…` or `mailto://…`.
        alertmanager: The address of an Alertmanager.
        webhook: An address that gets each notification as JSON.
        webhook_tag: The tag of a run that has the address of a webhook. Data chose it: it must be a public one.
        command: A program and its arguments, without a shell; it gets each notification as JSON on its input.
        headers: Headers of `alertmanager` and `webhook`.
        severity: The lowest severity that is sent.
        rules: The rules, as names or patterns.
        pipeline: The pipelines, likewise.
        owner: The owners, likewise.
        tags: Tags that the run of an alert must have.
        group_by: Alerts that are equal in these are one notification.
        interval: The time between two notifications of one group.
        digest: Collect everything and send it at most once in this time; empty for no digest.
        send_resolved: False to send no ends.
        only_escalated: True for a route that gets an alert only after it was escalated to it.
        title: A Jinja template of the title.
        body: A Jinja template of the text.
        timeout: The longest time of one delivery.
    """

    name: Name
    url: str = ""
    alertmanager: str = ""
    webhook: str = ""
    webhook_tag: str = ""
    command: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    severity: Severity = "info"
    rules: Patterns = "*"
    pipeline: Patterns = "*"
    owner: Patterns = "*"
    tags: dict[str, str] = {}
    group_by: tuple[Label, ...] = ("rule", "pipeline")
    interval: Duration = "5m"
    digest: Duration = ""
    send_resolved: bool = True
    only_escalated: bool = False
    title: str = ""
    body: str = ""
    timeout: Duration = "10s"

    def __post_init__(self) -> None:
        """Refuse a route without exactly one receiver.

        Raises:
            ValueError: It has none or several, or an address that is none.
        """
        given = [name for name in TARGETS if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(TARGETS)} must be given, got {', '.join(given) or 'none'}")
        for name in ("alertmanager", "webhook"):
            address = getattr(self, name)
            if address and not address.startswith(_HTTP):
                raise ValueError(f"`{name}` must be http://…, https://… or env:NAME, got an address of another kind")
        if self.url and not self.url.startswith("env:") and "://" not in self.url:
            raise ValueError("`url` must be an address of Apprise, such as slack://… or env:NAME")
        if self.headers and not (self.alertmanager or self.webhook):
            raise ValueError("`headers` are of `alertmanager` and `webhook` only")  # data chose no other address

    @property
    def target(self) -> str:
        """The kind of the receiver: `url`, `alertmanager`, `webhook`, `webhook_tag` or `command`."""
        return next(name for name in TARGETS if getattr(self, name))

    def takes(self, about: Mapping[str, str], severity: str, tags: Mapping[str, str]) -> bool:
        """Return true for an alert that the filters let through."""
        if self.webhook_tag and self.webhook_tag not in tags:
            return False
        return all(tags.get(name) == value for name, value in self.tags.items()) and (
            SEVERITIES.index(_known(severity)) >= SEVERITIES.index(self.severity)
            and matcher(self.rules)(about["rule"])
            and matcher(self.pipeline)(about["pipeline"])
            and matcher(self.owner)(about["owner"])
        )

    def secrets(self) -> Iterator[str]:
        """Yield the names of the variables that the route reads."""
        for value in (self.url, self.alertmanager, self.webhook, *self.headers.values()):
            if value.startswith("env:"):
                yield value.removeprefix("env:")


class Silence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which alerts are recorded and not sent, planned in a file of rules.

    Either `until`, with or without `since`, or `hours` or `days` must be given.

    Args:
        reason: The reason, for readers of the file.
        rules: The rules, as names or patterns.
        pipeline: The pipelines, likewise.
        owner: The owners, likewise.
        since: The start, with a zone or in UTC.
        until: The end.
        hours: Hours of each day, in the zone of the process: `22:00-06:00`.
        days: The days on which the hours begin, or whole days without `hours`.
    """

    reason: str = ""
    rules: Patterns = "*"
    pipeline: Patterns = "*"
    owner: Patterns = "*"
    since: datetime | None = None
    until: datetime | None = None
    hours: Hours = ""
    days: tuple[Day, ...] = DAYS

    def __post_init__(self) -> None:
        """Refuse a silence without an end.

        Raises:
            ValueError: It has none.
        """
        if self.until is None and not self.hours and self.days == DAYS:
            raise ValueError("a silence must have an end: give `until`, `hours` or `days`")
        if self.since is not None and self.until is not None and _aware(self.since) >= _aware(self.until):
            raise ValueError(f"`since` must be before `until`, got {self.since} and {self.until}")

    def covers(self, about: Mapping[str, str], at: datetime) -> bool:
        """Return true for an alert at a time at which it is silent."""
        return (
            matcher(self.rules)(about["rule"])
            and matcher(self.pipeline)(about["pipeline"])
            and matcher(self.owner)(about["owner"])
            and self._is_in_force(at)
        )

    def _is_in_force(self, at: datetime) -> bool:
        if self.since is not None and at < _aware(self.since):
            return False
        if self.until is not None and at >= _aware(self.until):
            return False
        local = at.astimezone()
        today, yesterday = DAYS[local.weekday()] in self.days, DAYS[local.weekday() - 1] in self.days
        if not self.hours:
            return today
        begin, end = (time.fromisoformat(part) for part in self.hours.split("-"))
        now = local.time()
        if begin <= end:
            return today and begin <= now < end
        return (today and now >= begin) or (yesterday and now < end)


def group_of(route: Route, about: Mapping[str, str], tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values that the alerts of one notification share."""
    address = (tags.get(route.webhook_tag, ""),) if route.webhook_tag else ()
    return (*address, *(about[label] for label in route.group_by))


def wait_of(route: Route) -> float:
    """Return the seconds between two notifications of one group."""
    return length_of(route.digest or route.interval).total_seconds()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known(severity: str) -> Severity:
    return next((each for each in SEVERITIES if each == severity), "warning")
