"""The contract of a rule, and its answer.

A rule is a frozen struct: it holds its options alone. `of_run` is called at the end of a run, in the thread that ends
it, and `of_store` by `odibi alerts check`. Both are pure: facts in, firings out; no clock, no file, no network. An
exception counts as "not evaluated": it is recorded with its reason, and leaves the state of the alert as it is.

A firing without a following one means that the condition is over. `is_clear` decides that: it returns false if
the facts lack the subject, because a step that did not run proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec

from odibi_core.rules.facts import PipelineFacts, RunFacts, StoreFacts
from odibi_core.rules.patterns import Duration, Name, Patterns, length_of, matcher

Severity = Literal["info", "warning", "error", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "critical")


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a rule found.

    Firings of one rule, pipeline, step and subject are one alert. `run_id` and `pipeline_name` are those of the facts,
    unless a rule over the store names others.
    """

    message: str
    node_name: str | None = None
    subject: str = ""
    """The part of the step or run, such as a column, a check or a circuit."""
    value: str | float | None = None
    expected: str | float | None = None
    pipeline_name: str | None = None
    run_id: str | None = None
    left_out: int = 0
    """Further firings that this one stands for."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of every rule.

    Args:
        name: The name of the rule, once in all files.
        severity: `info`, `warning`, `error` or `critical`.
        pipeline: The pipelines, as names or patterns.
        steps: The steps, likewise; a rule about a run as a whole does not have it.
        tags: Tags that the run must have.
        owner: The team or person; by default the tag `owner` of the run.
        runbook: The address of the page about this alert.
        repeat: An open alert is sent again after this time; empty for never.
        cooldown: An alert that fires again so soon after it was resolved is the same one, and is not sent again.
        escalate_after: An alert that is not acknowledged for so long is escalated; empty for never.
        escalate_to: The routes of an escalated alert.
        escalate_severity: The severity that it then has.
        notify_resolved: Send a message when the alert is resolved; by default for a state, such as a failing pipeline.
        enabled: False to keep the rule and not evaluate it.
        description: A remark.
    """

    kind: ClassVar[str] = ""
    is_state: ClassVar[bool] = True
    """False for a rule about an event of one run, which the next run ends by itself."""
    of_what: ClassVar[tuple[str, ...]] = ("run",)
    """`run` if it is evaluated at the end of a run, `store` if by `odibi alerts check`."""

    name: Name
    severity: Severity = "warning"
    pipeline: Patterns = "*"
    tags: dict[str, str] = {}
    owner: str = ""
    runbook: str = ""
    repeat: Duration = "1d"
    cooldown: Duration = ""
    escalate_after: Duration = ""
    escalate_to: tuple[str, ...] = ()
    escalate_severity: Severity = "critical"
    notify_resolved: bool | None = None
    enabled: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            ValueError: They do.
        """
        for option in ("repeat", "cooldown", "escalate_after"):
            length_of(getattr(self, option))
        if self.escalate_to and not self.escalate_after:
            raise ValueError("`escalate_to` has no effect without `escalate_after`")
        for problem in self.problems():
            raise ValueError(problem)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the options of this kind of rule."""
        return iter(())

    @property
    def sends_resolved(self) -> bool:
        """True if the end of the alert is sent."""
        return self.is_state if self.notify_resolved is None else self.notify_resolved

    def earlier_runs(self) -> int:
        """Return the number of earlier runs that the rule reads."""
        return 0

    def reads_figures(self) -> bool:
        """Return true if the rule needs the figures of the run, which a very large run does not have."""
        return False

    def reads_costs(self) -> bool:
        """Return true if the rule reads the costs of the month."""
        return False

    def applies_to(self, pipeline_name: str, tags: Mapping[str, str]) -> bool:
        """Return true for a pipeline and tags that the filters let through."""
        if not self.enabled or not matcher(self.pipeline)(pipeline_name):
            return False
        return all(tags.get(name) == value for name, value in self.tags.items())

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield the firings of a run that ends."""
        return iter(())

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield the firings of a store at one moment."""
        return iter(())

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true if the facts show that a subject that did not fire is all right."""
        return node_name is None or facts.steps.get(node_name) == "success"

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true if the facts of a store show that a subject that did not fire is all right."""
        return "store" in self.of_what

    def pipelines(self, facts: StoreFacts) -> Iterator[PipelineFacts]:
        """Yield the pipelines of a store that the filters let through."""
        return (each for each in facts.pipelines.values() if self.applies_to(each.pipeline_name, each.tags))


def of_steps(patterns: Patterns, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the steps that match the patterns."""
    is_match = matcher(patterns)
    return (name for name in names if is_match(name))
