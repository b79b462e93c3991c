"""`RowEvents`: the rows that steps lose, gain or leave without a match, as events of their nodes.

Each frame gets a quick look. A rule is looked for if the rows are unusual against the last good run, if there is none
yet, or if the settings ask for it; within a budget of work, so that the answer does not depend on the load.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from msgspec import to_builtins
from msgspec.structs import replace

from odibi_core.engines.frame import row_count
from odibi_core.engines.plan_operators import Operators
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic
from odibi_core.insight.base import Budget, RowChange
from odibi_core.insight.quick import FAILED, quick
from odibi_core.insight.usual import POINTS, Usual, are_new, is_unusual
from odibi_core.settings.frame_sections import Rows

if TYPE_CHECKING:
    from odibi_core.insight.privacy import Show

IN_A_RUN: Final = 4
"""The work of a run, in budgets of one frame."""
FIRST: Final = 6
"""The part of the budget for all frames of a run that only have no earlier run: one of so many."""
FIRST_TESTS: Final = 12
"""Tests of each row of such a frame: after so many, with those of earlier frames, the first run explains no more."""
FIRST_LEAST: Final = 60
"""The part of the budget that such frames always have."""

_log: Final = logging.getLogger("odibi_core")

Asked = Literal["off", "first", "unusual", "unconfirmed", "changed", "all"]
Entries = Mapping[str, Mapping[str, Any]]
"""The last good run's row changes of a step by dataset key, as `history.usual_rows` keeps them."""


class RowFindings(Protocol):
    """Where the findings on rows go; the events of a node have these methods."""

    def row_change(self, fields: dict[str, Any]) -> None: ...
    def add_overhead(self, seconds: float) -> None: ...


class Frames(NamedTuple):
    """The frames of one step: those that it took, with their dataset keys and their rows before it ran, and its own."""

    step: str
    inputs: Mapping[str, Any]
    """By logical name."""
    keys: Mapping[str, str]
    heights: Mapping[str, int]
    made: Mapping[str, Any]
    """By dataset key."""
    source: Any = None
    """The function of the step, or its SQL text."""
    operators: Mapping[str, Operators] = MappingProxyType({})
    """Rows after each operator of the plans that made frames, by dataset key."""
    is_unchanged: Callable[[str, Any], bool | None] | None = None
    """Returns whether the frame of a dataset key is as the step took it; None if it had copies."""
    rows_of: Callable[[str], int | None] = lambda key: None
    """Returns the rows of a dataset key that its execution counted, if the frame is a plan."""
    explained: dict[str, RowChange] | None = None
    """The explanations of several outputs, which are made together with the first of them; None for one output."""


class Spent:
    """The work of explanations in one run and process, in units."""

    def __init__(self) -> None:
        self.units = 0
        self.first = 0
        """Those of frames that only have no earlier run."""
        self.confirming = 0
        """Those of rules of the last good run, for frames whose rows are as usual; they count for themselves."""


class RowTask(NamedTuple):
    """The settings and the usual rows of one step, as a worker gets them."""

    settings: Rows
    usual: Entries | None


def heights_of(frames: Mapping[str, Any]) -> dict[str, int]:
    """Return the rows of frames by logical name, as far as they are known."""
    return {name: rows for name, frame in frames.items() if (rows := row_count(frame)) is not None}


class RowEvents:
    """Publishes a `row_change` event for each frame that a step made of others. Never raises.

    Args:
        settings: The frames to explain, the budget, and what is shown.
        usual: The last good run's row changes by step; None without a store, which has no earlier runs.
        spent: The work so far, if it is counted elsewhere.
    """

    def __init__(self, settings: Rows, usual: Mapping[str, Entries] | None = None, spent: Spent | None = None) -> None:
        self._settings = settings
        self.usual = usual
        self._spent = Spent() if spent is None else spent

    @property
    def wants_operators(self) -> bool:
        """True if the rows after each operator are recorded."""
        return self._settings.operators

    def task(self, step: str) -> RowTask:
        """Return what a worker needs to compare the rows of a step."""
        return RowTask(self._settings, None if self.usual is None else self.usual.get(step, {}))

    def of_step(self, findings: RowFindings, frames: Frames) -> None:
        """Compare each frame that a step made with those that it took."""
        if len(frames.made) > 1:
            frames = frames._replace(explained={})
        for dataset in frames.made:
            started = monotonic()
            fields = self._compared(dataset, frames)
            findings.add_overhead(monotonic() - started)
            findings.row_change(fields)

    def _compared(self, dataset: str, frames: Frames) -> dict[str, Any]:
        try:
            return self._fields(dataset, frames)
        except STOPS:
            raise
        except BaseException as error:  # of a frame of another library; the step has succeeded
            _log.debug("the rows of step %s could not be compared", frames.step, exc_info=True)
            return {"dataset": dataset, "kind": "unknown", "reason": f"{FAILED[0]}{type(error).__name__}"}

    def _fields(self, dataset: str, frames: Frames) -> dict[str, Any]:
        change = quick(frames.inputs, frames.made[dataset], frames.heights, frames.rows_of(dataset))
        found = frames.operators.get(dataset, Operators())
        change = replace(change, stages=_named_scans(found.stages, frames), stages_reason=found.reason)
        usual = self._usual_of(dataset, frames)
        unusual = None if usual is None else is_unusual(change, usual)
        asked = self._asked(change, unusual)
        confirmed = self._confirmed(dataset, frames, change, usual) if asked == "off" and unusual is False else None
        asked = "unconfirmed" if confirmed is False else asked
        if confirmed and change.rows_in is not None and change.rows_out is not None:
            change = replace(change, lost=change.rows_in - change.rows_out, gained=0)
        explain_ms = None
        if asked != "off":
            began = monotonic()
            change = self._explained(dataset, frames, change, usual, asked)
            explain_ms = round((monotonic() - began) * 1e3, 3)
        if asked == "unconfirmed" and usual is not None:
            share = self._differing(frames, change, usual)
            unusual, confirmed = share is not None and share > POINTS, None if share is None else not share
        if change.causes or change.stages:
            change = self._redacted(change, frames)
        fields = _event_fields(dataset, frames, change, usual)
        return {**fields, "asked": asked, "unusual": unusual, "confirmed": confirmed, "explain_ms": explain_ms}

    def _usual_of(self, dataset: str, frames: Frames) -> Usual | None:
        entry = (self.usual or {}).get(frames.step, {}).get(dataset)
        if entry is None:
            return None
        names = {key: name for name, key in frames.keys.items()}
        return Usual(
            run_id=str(entry.get("run_id")), kind=entry.get("kind") or "unknown",
            main=names.get(entry.get("main_dataset") or "", ""),
            rows_in=entry.get("rows_in"), rows_out=entry.get("rows_out"),
            lost=entry.get("lost"), gained=entry.get("gained"),
            unmatched=entry.get("unmatched") or {}, causes=tuple(entry.get("causes") or ()),
            stages=tuple(entry.get("stages") or ()),
            is_unconfirmed=bool(entry.get("unconfirmed")),
        )  # fmt: skip

    def _confirmed(self, dataset: str, frames: Frames, change: RowChange, usual: Usual | None) -> bool | None:
        """Return whether the rows of today are lost by the rules of the last good run; None if they are not tried."""
        known = None if usual is None or usual.is_unconfirmed else usual.change()
        if known is None or change.reason or self._settings.explain == "off":
            return None
        from odibi_core.insight.confirming import holds

        budget = Budget(max(0, self._settings.confirm - self._spent.confirming))
        found = holds(frames.inputs, frames.made[dataset], known, budget)
        self._spent.confirming += budget.spent
        return found

    def _differing(self, frames: Frames, change: RowChange, usual: Usual) -> float | None:
        """Return the share of the rows that only the rules of today, or of the last good run, select."""
        from odibi_core.insight.confirming import differing

        known, budget = usual.change(), Budget(self._settings.budget)
        return None if known is None else differing(frames.inputs, known, change, budget)

    def _asked(self, change: RowChange, unusual: bool | None) -> Asked:
        """Return the reason to explain a change; `off` for none."""
        wanted = self._settings.explain
        if wanted == "all":
            return "all"
        if wanted == "off" or not (has_changed(change) or unusual):
            return "off"
        if unusual:
            return "unusual"
        if wanted == "changed":
            return "changed"
        return "first" if unusual is None and self.usual is not None else "off"

    def _explained(
        self, dataset: str, frames: Frames, change: RowChange, usual: Usual | None, asked: Asked
    ) -> RowChange:
        from odibi_core.insight.explaining import explain

        if change.reason:
            return change
        if (name := _changed_input(frames)) is not None:
            return replace(change, reason=f"the step changed its input {name} in place")
        if frames.explained is not None:
            return merged(change, self._together(frames, change, asked)[dataset])
        budget = self._budget(asked, change.rows_in or 0)
        known = None if usual is None else usual.change()
        found = explain(frames.inputs, frames.made[dataset], source=frames.source, known=known, budget=budget)
        self._spend(budget, asked)
        return merged(change, found)

    def _together(self, frames: Frames, change: RowChange, asked: Asked) -> dict[str, RowChange]:
        """Return the explanations of all outputs: none of them lost the rows of the others if the step splits them."""
        from odibi_core.insight.explaining import explain_outputs

        explained = {} if frames.explained is None else frames.explained
        if not explained:
            budget, known = self._budget(asked, change.rows_in or 0, len(frames.made)), {}
            for dataset in frames.made:
                usual = self._usual_of(dataset, frames)
                if usual is not None and (before := usual.change()) is not None:
                    known[dataset] = before
            found = explain_outputs(frames.inputs, frames.made, source=frames.source, known=known, budget=budget)
            explained.update(found)
            self._spend(budget, asked)
        return explained

    def _spend(self, budget: Budget, asked: Asked) -> None:
        self._spent.units += budget.spent
        self._spent.first += budget.spent if asked == "first" else 0

    def _first(self, rows_in: int) -> int:
        """Return the work for frames without an earlier run, together, when one made of so many rows is explained."""
        whole = self._settings.budget
        return min(whole // FIRST, max(whole // FIRST_LEAST, FIRST_TESTS * rows_in))

    def _budget(self, asked: Asked, rows_in: int, outputs: int = 1) -> Budget:
        """Return the work for some outputs of a step, within that of the run."""
        whole, spent = self._settings.budget, self._spent
        most = self._share(rows_in) if asked == "first" else whole * outputs
        return Budget(max(0, min(most, whole * IN_A_RUN - spent.units)))

    def _share(self, rows_in: int) -> int:
        """Return the work for one frame without an earlier run: half of what is left, so that later ones have some."""
        left = self._first(rows_in) - self._spent.first
        return max(left // 2, min(left, self._settings.budget // FIRST_LEAST))

    def _redacted(self, change: RowChange, frames: Frames) -> RowChange:
        from odibi_core.insight.privacy import redacted
        from odibi_core.insight.rules.source import hints_of

        show: Show = self._settings.show
        named = hints_of(frames.source).constants if change.causes else frozenset()
        return redacted(change, frames.inputs, show=show, named=named)


def _named_scans(stages: tuple[dict[str, Any], ...], frames: Frames) -> tuple[dict[str, Any], ...]:
    """Return the operators of a plan, in which a scan of a whole input has its name if no other one is as long."""
    by_rows: dict[int, list[str]] = {}
    for name, rows in frames.heights.items():
        by_rows.setdefault(rows, []).append(name)
    named = []
    for stage in stages:
        names = by_rows.get(stage["rows"], []) if stage["operator"] == "TABLE_SCAN" and not stage["detail"] else []
        named.append({**stage, "detail": names[0]} if len(names) == 1 else stage)
    return tuple(named)


def _changed_input(frames: Frames) -> str | None:
    if frames.is_unchanged is None:
        return None
    keys, inputs = frames.keys, frames.inputs
    return next((name for name in inputs if frames.is_unchanged(keys[name], inputs[name]) is False), None)


def has_changed(change: RowChange) -> bool:
    """Return whether a change has lost, gained or unmatched rows, or other rows than its input."""
    if change.rows_in is None or change.kind == "made":
        return False
    return change.rows_in != change.rows_out or bool(change.lost or change.gained or change.unmatched)


def merged(quick_look: RowChange, found: RowChange) -> RowChange:
    """Return an explanation, with the facts of the quick look where it has none."""
    known = {
        name: value for name in ("rows_in", "rows_out", "lost", "gained")
        if getattr(found, name) is None and (value := getattr(quick_look, name)) is not None
    }  # fmt: skip
    if found.main not in ("", quick_look.main):  # the facts of another input
        known = {}
    if found.kind == "unknown":
        known["kind"] = quick_look.kind
    if not found.unmatched and (not found.main or found.main == quick_look.main):
        known["unmatched"] = quick_look.unmatched
    return replace(found, main=found.main or quick_look.main, how=found.how or quick_look.how,
                   stages=found.stages or quick_look.stages, stages_reason=quick_look.stages_reason,
                   **known)  # fmt: skip


def _event_fields(dataset: str, frames: Frames, change: RowChange, usual: Usual | None) -> dict[str, Any]:
    causes = []
    for cause, is_new in zip(change.causes, are_new(change, usual), strict=True):
        plain = to_builtins(cause)
        plain.pop("same_rules", None)
        causes.append({**plain, "level": cause.level, "is_new": is_new})
    fields = {
        "dataset": dataset, "main_dataset": frames.keys.get(change.main), "main": change.main, "kind": change.kind,
        "rows_in": change.rows_in, "rows_out": change.rows_out, "lost": change.lost, "gained": change.gained,
        "unmatched": dict(change.unmatched), "how": change.how, "reason": change.reason, "units": change.units,
        "causes": causes, "stages": list(change.stages),
    }  # fmt: skip
    if change.stages_reason:
        fields["stages_reason"] = change.stages_reason
    return fields if usual is None else {**fields, "usual": usual.facts()}
