"""`compare`: the comparison of two runs as a pure function over their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from odibi_core.history.comparison import changes as around
from odibi_core.history.comparison import made, outcomes
from odibi_core.history.comparison.causes import add_causes, unseen_cause
from odibi_core.history.comparison.code import Sources, code
from odibi_core.history.comparison.difference import FAMILIES, WHY, Change, Comparison, Difference
from odibi_core.history.comparison.files import files
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.comparison.unusual import mark_unusual
from odibi_core.history.comparison.values import values

_SUMMARY: Final = (
    "run_id", "pipeline_name", "status", "started", "duration_ms", "partition", "params", "git_commit", "engine",
    "steps", "host", "cost_usd", "unreadable",
)  # fmt: skip


def compare(
    before: RunData, after: RunData, noise: Noise | None = None, sources: Sources = lambda content_hash: None
) -> Comparison:
    """Return what differs between two runs.

    Args:
        before: The run that is compared with.
        after: The run in question.
        noise: The usual values of the pipeline, from its earlier runs.
        sources: The stored text of a source by its hash.
    """
    noise = noise or Noise()
    not_compared: list[str] = []
    changes = [
        *code(before, after, sources, not_compared),
        *around.around(before, after, noise, not_compared),
        *files(before, after, noise, not_compared),
    ]
    differences = [
        *made.failures(before, after),
        *made.schemas(before, after, noise, not_compared),
        *made.rows(before, after, noise),
        *outcomes.joins(before, after, noise),
        *outcomes.checks(before, after),
        *values(before, after, noise, not_compared),
        *outcomes.durations(before, after, noise),
        *outcomes.costs(before, after),
    ]
    for each in differences:
        each.why = WHY[each.family]
    mark_unusual(differences, after)
    add_causes(differences, changes, before, after, sources)
    _note_incomplete(before, after, not_compared)
    ranked = rank(differences, list(after.nodes))
    first = next((each for each in ranked if each.is_notable), None)
    cause = first.cause if first else unseen_cause(changes, before, after, sources)
    return Comparison(
        before=_summary(before), after=_summary(after), differences=ranked, changes=_ranked(changes, ranked),
        cause=cause, not_compared=not_compared, compared_runs=noise.runs,
    )  # fmt: skip


def rank(differences: Sequence[Difference], order: list[str]) -> list[Difference]:
    """Return differences with the most important first.

    Notable ones come before those within the noise, those that begin at their step before those that follow, and
    failures and unusual findings of the run before the others. Then the order is that of `FAMILIES`, that of size
    within a family, and that of the steps.
    """
    places = {name: place for place, name in enumerate(order)}

    def key(each: Difference) -> tuple[Any, ...]:
        place = places.get(each.node or "", len(places))
        follows = each.follows_from is not None and each.kind != "status"
        certain = each.family == "failure" or each.alert_id is not None
        size = (FAMILIES.index(each.family), -each.magnitude)
        return (not each.is_notable, follows, not certain, *size, place, each.message)

    return sorted(differences, key=key)


def _ranked(changes: list[Change], differences: list[Difference]) -> list[Change]:
    """Return changes with the causes first, in the order of what they cause."""
    causes = [(each.cause.kind, each.cause.subject) for each in differences if each.cause is not None]
    places = {cause: place for place, cause in reversed(list(enumerate(causes)))}
    return sorted(changes, key=lambda each: (places.get((each.kind, each.subject), len(places)), each.is_usual))


def _summary(run: RunData) -> dict[str, Any]:
    return {name: run.run.get(name) for name in _SUMMARY}


def _note_incomplete(before: RunData, after: RunData, not_compared: list[str]) -> None:
    for run, which in ((before, "the earlier run"), (after, "this run")):
        status = run.run.get("status")
        if status in ("running", "lost", "cancelled"):
            not_compared.append(f"the rest of {which}: it is {status}")
        if run.run.get("unreadable"):
            not_compared.append(f"{run.run['unreadable']} lines of {which}: they are unreadable")
