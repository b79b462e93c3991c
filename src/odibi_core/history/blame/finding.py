"""`blame`: where a run begins to differ from another one, and why, as a pure function over the rows of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from odibi_core.history.blame.answer import Blame
from odibi_core.history.blame.causes import cause_class
from odibi_core.history.blame.contents import Contents
from odibi_core.history.blame.origin import Origin, Origins
from odibi_core.history.blame.row_changes import is_beyond, is_beyond_known
from odibi_core.history.blame.row_changes import signals as of_row_changes
from odibi_core.history.blame.sentence import sentence
from odibi_core.history.blame.signals import OF_ROWS, Signal, of_differences, of_findings
from odibi_core.history.comparison import compare
from odibi_core.history.comparison.causes import OF_THE_STEP, Judge
from odibi_core.history.comparison.code import Sources
from odibi_core.history.comparison.difference import Cause, Comparison
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.usual_range import BEYOND, is_beyond_range

_MOST_EVIDENCE: Final = 6
_ENOUGH: Final = 5
"""Earlier runs from which on a new content each time is the rule."""
_YOUNG: Final = 6.0
"""The range of a statistic is widened by a part of its width, twice as large for six earlier runs as for many: a run
has so many statistics that some are beyond the range of a few runs by chance."""
_LEAST_SCORE: Final = 3.0
"""The weight from which on a change counts as evidence."""


def blame(
    before: RunData, after: RunData, noise: Noise | None = None, sources: Sources = lambda content_hash: None
) -> Blame | None:
    """Return the first step at which a run differs from another one, and the likely cause.

    Args:
        before: The last good run.
        after: The run in question.
        noise: The usual values of the pipeline, from its earlier runs.
        sources: The stored text of a source by its hash.

    Returns:
        The answer; None if no step differs.
    """
    compared = compare(before, after, noise, sources)
    noise = noise or Noise()
    contents = Contents(before, after, noise)
    differences = list(of_differences(compared.differences))
    by_size = sorted(differences, key=lambda each: each.size)
    joined = {each.node: each.dataset for each in by_size if each.effect == "unmatched" and each.dataset}
    signals = [
        *_of_their_own(differences, after, noise),
        *_not_from_above(of_findings(after.rows("alerts"), joined), before, after),
        *of_row_changes(before, after, noise),
        *contents.signals(),
        *_stale(before, after, contents, noise),
    ]
    judge = Judge(compared.changes, before, after, sources)
    changed = {name for name in after.nodes if _is_changed(judge.changes(name, ()))}
    origins = Origins(after, contents, signals, changed)
    origin = origins.first()
    return None if origin is None else _answer(origin, origins, compared, judge, (before, after))


def _of_their_own(signals: Iterable[Signal], after: RunData, noise: Noise) -> Iterator[Signal]:
    """Yield signals; those that only pass on what came in are within the noise.

    A step may have other rows because others came in: it makes as many of each one as usual. A column may have other
    values because it has them upstream, within the noise there.
    """
    found = [replace(each, is_notable=False) if _is_of_course(each, after, noise) else each for each in signals]
    known: dict[str, dict[str | None, bool]] = {}
    for each in sorted(found, key=lambda one: len(after.ancestors(one.node))):
        is_notable = each.is_notable
        if each.effect in ("values", "nulls", "type") and is_notable:
            states = (known.get(name, {}).get(each.column) for name in after.ancestors(each.node))
            above = [state for state in states if state is not None]
            is_notable = not above or any(above)
        if each.column is not None:
            of_node = known.setdefault(each.node, {})
            of_node[each.column] = of_node.get(each.column, False) or is_notable
        yield replace(each, is_notable=is_notable)


def _not_from_above(findings: Iterable[Signal], before: RunData, after: RunData) -> Iterator[Signal]:
    """Yield findings; nulls that came in with a column of a step above, where they are no finding, are left out.

    One null of a table is as many nulls of a join as rows have its key.
    """
    found = sorted(findings, key=lambda one: len(after.ancestors(one.node)))
    known = {(each.node, each.column) for each in found if each.effect == "nulls"}
    for each in found:
        own = _more_nulls(each.node, each.column, before, after)
        if each.effect == "nulls" and any(
            (name, each.column) not in known and _more_nulls(name, each.column, before, after) >= own / 2 > 0
            for name in after.depends_on.get(each.node, ())
        ):
            known.discard((each.node, each.column))
        else:
            yield each


def _more_nulls(node: str, column: str | None, before: RunData, after: RunData) -> float:
    """Return by how much the share of nulls in a column of a step is larger than before; 0 if it is unknown."""
    for key, found in after.columns.items():
        was, now = before.columns.get(key, {}).get(column or ""), found.get(column or "")
        if key[0] == node and was and now and None not in (was["null_share"], now["null_share"]):
            return float(now["null_share"] - was["null_share"])
    return 0.0


def _is_of_course(signal: Signal, after: RunData, noise: Noise) -> bool:
    """Return whether a difference follows from other rows: a usual share, a usual statistic, or no null."""
    node = after.nodes.get(signal.node, {})
    if signal.effect == "rows":
        return is_beyond(signal.node, node.get("rows_in"), node.get("rows_out"), noise) is False
    if signal.statistic is not None:
        return not _is_beyond_statistic(signal, after, noise)
    return signal.is_of_numbers and bool(after.depends_on.get(signal.node))


def _is_beyond_statistic(signal: Signal, after: RunData, noise: Noise) -> bool:
    """Return whether a statistic of a column is beyond those of the earlier runs; true if these are unknown."""
    name = signal.statistic or ""
    for key, found in after.columns.items():
        row = found.get(signal.column or "") if key[0] == signal.node else None
        known = noise.statistics((*key, signal.column or ""), name) if row is not None else []
        if row is None or row[name] is None or not known:
            continue
        beyond = BEYOND * (1.0 + _YOUNG / len(known))
        if name == "null_share":
            return is_beyond_known(row[name], known, row["rows_sampled"], beyond)
        return is_beyond_range(float(row[name]), known, beyond)
    return True


def _is_changed(changes: Iterator[Cause]) -> bool:
    return any(each.score >= OF_THE_STEP and each.kind in ("code", "plan", "parameter") for each in changes)


def _answer(
    origin: Origin, origins: Origins, compared: Comparison, judge: Judge, runs: tuple[RunData, RunData]
) -> Blame:
    before, after = runs
    own = [each for each in compared.differences if each.node == origin.step]
    changes = sorted(judge.changes(origin.step, own), key=lambda each: -each.score)
    effect = _effect(origins, origin.step)
    cause = cause_class(origin, effect, changes, before, after)
    return Blame(
        sentence=sentence(origin, effect, cause, changes),
        step=origin.step,
        cause=cause,
        certainty=origin.certainty,
        effect_step=None if effect is None else effect.node,
        rows=None if effect is None else effect.rows,
        of=None if effect is None else effect.of,
        rule=None if effect is None else effect.rule,
        proof=None if effect is None else effect.level,
        is_new=None if effect is None else effect.is_new,
        evidence=tuple(_evidence(origin, effect, changes)),
        compared_with=before.run.get("run_id"),
    )


def _effect(origins: Origins, step: str) -> Signal | None:
    """Return the largest effect on rows at a step or below it."""
    found = [each for name in origins.below(step) for each in origins.of(name) if each.effect in OF_ROWS and each.rows]
    notable = [each for each in found if each.is_notable] or [each for each in found if each.node == step]
    return max(notable, key=_excess, default=None)


def _excess(effect: Signal) -> tuple[int, bool, bool]:
    """Return the order of effects: the rows beyond the usual share, then those with a rule, lost ones first."""
    rows = effect.rows or 0
    beyond = rows if effect.effect == "rule" else abs(rows - round(effect.usual_rows))
    return beyond, effect.rule is not None, effect.effect == "lost"


def _evidence(origin: Origin, effect: Signal | None, changes: Sequence[Cause]) -> list[str]:
    found = [each.text for each in origin.signals if each.is_notable] or [each.text for each in origin.signals]
    if effect is not None and effect.node != origin.step:
        found.insert(1, effect.text)
    strong = [f"{each.message}: {each.reason}" for each in changes if each.score >= _LEAST_SCORE]
    found[1:1] = strong[:2]
    if origin.certainty == "certain":
        found.append(
            "its inputs are those of the last good run" if not origin.is_source else "every other input is the same"
        )
    return list(dict.fromkeys(found))[:_MOST_EVIDENCE]


def _stale(before: RunData, after: RunData, contents: Contents, noise: Noise) -> Iterator[Signal]:
    """Yield each source with the content of the last run, if parameters, the partition or another source changed.

    It is notable if each earlier run had another content.
    """
    sources = [name for name in after.nodes if not after.depends_on.get(name)]
    states = {name: contents.of_step(name) for name in sources}
    moved = before.run.get("partition") != after.run.get("partition") or _other_params(before, after)
    if not moved and "other" not in states.values():
        return
    for name, state in states.items():
        if state != "same":
            continue
        known = [noise.contents(*key) for key in after.frames if key[0] == name]
        is_new_each_time = any(len(each) >= _ENOUGH and len(set(each)) == len(each) for each in known)
        is_constant = any(len(set(each)) < len(each) for each in known)
        if is_new_each_time or (_has_time(after, name) and not is_constant):
            text = f"{name}: the same rows and statistics as in the last good run"
            yield Signal(node=name, effect="stale", text=text, size=0.3, is_notable=is_new_each_time)


def _other_params(before: RunData, after: RunData) -> bool:
    return bool(before.field("params") != after.field("params"))


def _has_time(run: RunData, node: str) -> bool:
    rows: list[dict[str, Any]] = [row for key, found in run.columns.items() if key[0] == node for row in found.values()]
    return any(str(row["type"]).startswith(("Date", "Time")) for row in rows)
