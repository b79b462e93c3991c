"""The rules of another library as one check of a step, with a result for each rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from odibi_core.checks.base import Check, CheckResult, Finding
from odibi_core.checks.frames import eager
from odibi_core.errors import STOPS, NotCheckedError


class RuleResult(NamedTuple):
    """The result of one rule; `severity` is that of the suite if it is None."""

    name: str
    column: str | None
    finding: Finding
    severity: str | None = None
    mostly: float = 1.0
    where: str | None = None


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A check of many rules.

    Args:
        name: The name of the suite.
        judge: Called with a narwhals DataFrame; returns a result for each rule.
        severity: "error", "warn", or None for that of each rule.
        on, collect: See `checks.base.Options`.
    """

    name: str
    judge: Callable[[Any], Sequence[RuleResult]]
    severity: str | None = None
    on: str | None = None
    collect: bool = False

    def __post_init__(self) -> None:
        self._check()

    def _check(self, **more: Any) -> Check:
        given = {"name": self.name, "severity": self.severity or "error", **more}
        return Check(judge=_unused, on=self.on, collect=self.collect, **given)

    def check(self, frames: Mapping[str, Any]) -> list[CheckResult]:
        """Return the result of each rule; one result with the reason if the suite cannot be run."""
        whole = self._check()
        try:
            frame = eager(whole.frame_of(frames), collect=self.collect)
            if frame is None:
                raise NotCheckedError("the frame is lazy; collect=True runs it")
            return [self._result(rule) for rule in self.judge(frame)]
        except STOPS:
            raise
        except BaseException as error:
            return [whole.of_error(error, "suite")]

    def _result(self, rule: RuleResult) -> CheckResult:
        severity = self.severity or rule.severity or "error"
        found = self._check(name=rule.name, column=rule.column, severity=severity, mostly=rule.mostly, where=rule.where)
        return found.result(rule.finding)


def _unused(frame: Any, frames: Mapping[str, Any]) -> Finding:
    raise AssertionError("a rule of a suite is judged by the suite")
