"""Failures counted by expressions, so that a lazy engine checks a step in the pass that it makes over the data anyway.

`Counting(checks, schema)` plans the checks that can be counted. `over` adds `masks` to a frame as columns, and
aggregates them by `aggregations`; the engine gives the row that comes to `results`. `left` has the other checks.
A count gives no examples, because the rows are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odibi_core.checks.base import Check, CheckResult, Finding, Wrong
from odibi_core.checks.planned import HeightNeededError, PlannedFrame
from odibi_core.checks.rows import counted, verdict
from odibi_core.errors import STOPS, CheckError, NotCheckedError
from odibi_core.events.normalize import to_text

TOTAL = "rows"


class Counting:
    """The checks of one frame, as expressions.

    Args:
        checks: The checks; those of other types are left.
        schema: The narwhals types of the frame by column.
        frames: The other frames, for references.
    """

    def __init__(
        self, checks: Sequence[Any], schema: Mapping[str, Any], frames: Mapping[str, Any] | None = None
    ) -> None:
        import narwhals

        self.masks: dict[str, Any] = {}
        self._frames = frames or {}
        self._by_height: set[int] = set()
        self.left: dict[int, CheckResult | None] = {}
        """By the place of the check: its result, or None if it must be checked in another way."""
        self._checks = list(checks)
        self._what: dict[int, str] = {}
        taken = set(schema)
        for place, check in enumerate(self._checks):
            name = _free(f"check {place}", taken)
            try:
                wrong = planned(check, schema, self._frames)
                self.masks[name] = wrong.mask
                self._what[place] = wrong.what
            except HeightNeededError:
                self._by_height.add(place)
            except STOPS:
                raise
            except BaseException as error:
                self.left[place] = _not_counted(check, error)
        self._names = dict(zip(self._what, self.masks, strict=True))
        self.aggregations = {name: narwhals.col(name).cast(narwhals.Int64).sum() for name in self.masks}
        self._total = _free(TOTAL, taken)
        self.aggregations[self._total] = narwhals.len()

    def over(self, frame: Any) -> Any:
        """Return the one row of counts of a narwhals frame; of a lazy one as a lazy frame."""
        masked = frame.with_columns(**self.masks) if self.masks else frame
        return masked.select(**self.aggregations)

    def drop(self, name: str) -> None:
        """Leave the check of a mask that the engine refuses."""
        del self.masks[name], self.aggregations[name]
        self.left.update((place, None) for place, each in self._names.items() if each == name)

    def row(self, counts: Mapping[str, int | None], total: int) -> dict[str, Any]:
        """Return the row for `results`, of counts by mask and the number of rows."""
        return {**counts, self._total: total}

    def known(self, total: int | None) -> list[CheckResult | None] | None:
        """Return the results if no pass over the rows is needed for them; None if one is.

        Args:
            total: The number of rows; None if it is unknown.
        """
        if self.masks or (self._by_height and total is None):
            return None
        return self.results({self._total: total or 0})

    def results(self, row: Mapping[str, Any]) -> list[CheckResult | None]:
        """Return a result for each check, in their order; None for those that must be checked in another way."""
        total = int(row[self._total])
        found: list[CheckResult | None] = []
        for place, check in enumerate(self._checks):
            if place in self.left:
                found.append(self.left[place])
                continue
            if place in self._by_height:
                found.append(self._of_height(check, total))
                continue
            failed = int(row[self._names[place]] or 0)
            passed, message = verdict(check, failed, total, counted(failed, self._what[place], total))
            found.append(check.result(Finding(passed, failed, total, message)))
        return found

    def _of_height(self, check: Check, total: int) -> CheckResult | None:
        try:
            finding = check.judge(range(total), self._frames)
        except STOPS:
            raise
        except BaseException as error:
            return _not_counted(check, error)
        return check.result(finding) if isinstance(finding, Finding) else None


def planned(check: Any, schema: Mapping[str, Any], frames: Mapping[str, Any]) -> Wrong:
    """Return the failing rows of a check as an expression over a frame of that schema.

    Raises:
        NotCheckedError: They cannot be counted while a lazy frame is executed.
        CheckError: The check fails by the schema alone.
    """
    if not isinstance(check, Check):
        raise NotCheckedError(f"{type(check).__name__} takes whole frames; collect=True runs it")
    if check.where is not None:
        raise NotCheckedError("its condition (where) is SQL, which runs over frames in memory; collect=True runs it")
    if check.takes != "eager":
        raise NotCheckedError(f"{check.name} takes whole frames; collect=True runs it")
    found = check.judge(PlannedFrame(schema), frames)
    if not isinstance(found, Wrong):
        raise NotCheckedError(f"{check.name} takes whole frames; collect=True runs it")
    return found


def _not_counted(check: Any, error: BaseException) -> CheckResult | None:
    if not isinstance(check, Check) or check.collect or check.takes == "any":
        return None
    if isinstance(error, CheckError) and not isinstance(error, NotCheckedError):
        return check.of_error(error)
    reason = to_text(error, 200)
    if not isinstance(error, NotCheckedError):
        reason = f"{check.name} takes whole frames; collect=True runs it"
    return check.result(Finding(None, None, None, f"not checked, because {reason}"))


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
