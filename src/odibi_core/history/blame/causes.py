"""The class of the likely cause of a difference, at the step where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from odibi_core.history.blame.answer import CauseClass
from odibi_core.history.blame.origin import Origin, join_columns
from odibi_core.history.blame.row_changes import changes_of
from odibi_core.history.blame.signals import Effect, Signal
from odibi_core.history.comparison.causes import OF_THE_STEP
from odibi_core.history.comparison.difference import Cause
from odibi_core.history.comparison.run_data import RunData
from odibi_core.views.values import count

_OF_CHANGES: Final[dict[str, CauseClass]] = {
    "code": "code", "plan": "code", "parameter": "parameter", "version": "environment", "environment": "environment",
}  # fmt: skip
_OF_EFFECTS: Final[dict[Effect, CauseClass]] = {
    "schema": "schema drift", "type": "type or unit", "unit": "type or unit", "zone": "type or unit",
    "encoding": "type or unit", "nulls": "missing values", "stale": "input stale", "values": "type or unit",
    "unmatched": "join cardinality", "gained": "join cardinality", "lost": "filter", "rule": "filter", "rows": "volume",
}  # fmt: skip
_LATE: Final = ("FileNotFoundError", "NoFilesError", "EmptyDataError", "NoDataError")
_DECODING: Final = ("UnicodeDecodeError", "UnicodeError")
_OF_COLUMNS: Final = ("KeyError", "ColumnNotFoundError", "SchemaError", "ParserError", "BinderException")
_NO_KIND: Final = (None, "", "unknown", "empty", "made", "same", "columns")
_REPEATED: Final = 1.3
"""The factor of the rows from which on they are thought to be loaded twice, if no value is new."""
_NEW: Final = 1.05
_KEYLIKE: Final = 0.5


def cause_class(
    origin: Origin, effect: Signal | None, changes: Sequence[Cause], before: RunData, after: RunData
) -> CauseClass:
    """Return the class of the likely cause.

    Args:
        origin: The step.
        effect: The largest effect on rows at the step or below it.
        changes: The changes that may concern it, the one of most weight first.
        before: The last good run.
        after: The run in question.
    """
    top = next((each for each in changes if each.score >= OF_THE_STEP and each.kind in _OF_CHANGES), None)
    if top is not None:
        return _OF_CHANGES[top.kind]
    for signal in origin.signals:
        found = _of_signal(signal, origin, effect, (before, after))
        if found is not None:
            return found
    return "unknown"


def _of_signal(
    signal: Signal, origin: Origin, effect: Signal | None, runs: tuple[RunData, RunData]
) -> CauseClass | None:
    before, after = runs
    node = after.nodes.get(origin.step, {})
    match signal.effect:
        case "failure":
            return _of_error(str(node.get("error_type") or ""), str(node.get("error") or ""), origin.is_source)
        case "no rows":
            return "input late" if origin.is_source else _of_step(signal, origin.step, before, after)
        case "rows":
            return _of_rows(signal, origin, effect, runs)
        case "lost" | "rule" | "gained" | "unmatched":
            return _of_step(signal, origin.step, before, after)
        case "values" if not origin.is_source:
            return _of_step(signal, origin.step, before, after)
        case "check":
            return None
        case "values" if origin.certainty == "possible":
            return None
        case "values" if signal.statistic is None and _is_key(signal, after):
            return "join cardinality"
        case "values" if effect is not None and effect.node != origin.step and _is_of_join(effect, before, after):
            return "join cardinality"  # the keys are other ones
        case _:
            return _OF_EFFECTS[signal.effect]


def _is_key(signal: Signal, after: RunData) -> bool:
    """Return whether other values of a source are those of a column that a join below compares."""
    below = [name for name in after.nodes if signal.node in after.ancestors(name)]
    return any(signal.column in join_columns(after, name) for name in below)


def _of_error(error_type: str, message: str, is_source: bool) -> CauseClass | None:
    name = error_type.rpartition(".")[2]
    if name in _LATE or any(each in message for each in _LATE):
        return "input late" if is_source else None
    if name in _DECODING:
        return "type or unit"
    return "schema drift" if name in _OF_COLUMNS else None


def _of_rows(signal: Signal, origin: Origin, effect: Signal | None, runs: tuple[RunData, RunData]) -> CauseClass | None:
    before, after = runs
    if not origin.is_source:
        return _of_step(signal, origin.step, before, after)
    if signal.is_fewer:
        return "input truncated"
    was, now = (count(run.nodes.get(origin.step, {}).get("rows_out")) or 0 for run in runs)
    is_repeated = now >= _REPEATED * was > 0 and _is_repeated(origin.step, before, after)
    return "duplicates" if is_repeated or _is_of_copies(effect, before, after) else "volume"


def _is_of_copies(effect: Signal | None, before: RunData, after: RunData) -> bool:
    """Return whether an effect on rows is that of rows which come twice: dropped as duplicates, or multiplied."""
    if effect is None or (effect.rows or 0) <= effect.usual_rows:
        return False
    return effect.effect == "gained" or (effect.effect == "lost" and _kind_of(effect.node, before, after) == "dedup")


def _is_of_join(effect: Signal, before: RunData, after: RunData) -> bool:
    """Return whether an effect on rows is that of a join which finds fewer partners."""
    return effect.effect in ("unmatched", "lost") and "join" in _kind_of(effect.node, before, after)


def _is_repeated(node: str, before: RunData, after: RunData) -> bool:
    """Return whether more rows have no new values, also in the column that nearly was a key."""
    for key in after.columns.keys() & before.columns.keys():
        if key[0] != node:
            continue
        pairs = [
            (before.columns[key][name], row) for name, row in after.columns[key].items() if name in before.columns[key]
        ]
        known = [(was, now) for was, now in pairs if was["distinct"] and now["distinct"] and was["rows_sampled"]]
        keys = [(was, now) for was, now in known if was["distinct"] >= _KEYLIKE * was["rows_sampled"]]
        if keys and all(now["distinct"] <= _NEW * was["distinct"] for was, now in keys):
            return True
    return False


def _of_step(signal: Signal, step: str, before: RunData, after: RunData) -> CauseClass:
    """Return the class of other rows at a step itself, by its kind."""
    kind = _kind_of(step, before, after)
    if kind == "dedup":
        return "duplicates"
    if "join" in kind or kind == "fan-out":
        return "join cardinality"
    if kind in ("filter", "dropna"):
        return "filter"
    return "duplicates" if signal.effect == "gained" else _OF_EFFECTS[signal.effect]


def _kind_of(step: str, before: RunData, after: RunData) -> str:
    """Return the kind of a step by its row changes in either run, else by its frames."""
    for run in (after, before):
        for key, row in changes_of(run).items():
            if key[0] == step and row["kind"] not in _NO_KIND:
                return str(row["kind"])
    taken = [name for name in after.depends_on.get(step, ()) if any(key[0] == name for key in after.frames)]
    if len(taken) > 1:
        return "join"
    node = after.nodes[step]
    names = [set(after.columns[key]) for key in after.columns if key[0] in taken]
    made = [set(after.columns[key]) for key in after.columns if key[0] == step]
    is_part = len(names) == len(made) == 1 and made[0] <= names[0]
    return "filter" if is_part and (node["rows_out"] or 0) < (node["rows_in"] or 0) else ""
