"""`why`: the answer about a run of a store, from its record, and from its frames if they are asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from odibi_core.errors import RunNotFoundError, nearest
from odibi_core.history.blame import Blame, blame
from odibi_core.history.blame.row_changes import signals
from odibi_core.history.comparison.run_data import RunData, list_of, object_of
from odibi_core.history.comparison.stored import TwoRuns, run_data, two_runs
from odibi_core.runtime.resume.past_frames import frames_of_run
from odibi_core.runtime.why.answer import Since, StepRows, Why
from odibi_core.runtime.why.examples import examples_of, way_of
from odibi_core.runtime.why.explained import conjuncts_of, explained
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.row_changes import RowChange, row_change
from odibi_core.views.row_operators import main_loss, pairs
from odibi_core.views.row_wording import row_sentence
from odibi_core.views.wording import plural

_MOST_DIFFERENCES: Final = 20
_TOLERATED: Final = 0.02
"""The part of the rows by which a share may differ and still be as before."""


class Asked(Struct, frozen=True, kw_only=True):
    """The options of a question.

    Args:
        step: The one step that it is about; None for all that changed rows.
        against: The run to compare with; None for the last good one.
        rows: Examples of rows.
        replays: Run steps again whose datasets were not kept.
        settings: The settings; None for those of the program.
    """

    step: str | None = None
    against: str | None = None
    rows: int = 3
    replays: bool = False
    settings: Settings | None = None


def why(store: RunStore | str | Path, run: str | None = None, asked: Asked | None = None) -> Why:
    """Return which rows the steps of a run lost, doubled or did not match, by which rule, and whether that is new.

    Args:
        store: The store, or its folder.
        run: A run: an id, a part of one, or a pipeline for its latest run; by default the latest run.
        asked: The options.

    Raises:
        RunNotFoundError: There is no such run or step, or none of `against`.
        ConfigurationError: The runs are of different pipelines, or are one run.
    """
    asked = asked or Asked()
    kept = store if isinstance(store, RunStore) else RunStore(store)
    run_id = kept.find(run)
    missing: list[str] = []
    pair = _pair(kept, run_id, asked.against, missing)
    after = pair.after if pair is not None else run_data(kept, run_id)
    if asked.step is not None and asked.step not in after.nodes:
        raise RunNotFoundError(f"{run_id} has no step {asked.step!r}{nearest(asked.step, after.nodes)}")
    found = _blame_of(after, pair, asked.against)
    steps, unknown, unchanged = _steps(after, pair, asked.step)
    about: dict[str, Any] = {}
    if asked.step is not None:
        steps, about = _closely(kept, after, steps, asked, missing)
    return Why(
        run_id=run_id,
        pipeline_name=after.run.get("pipeline_name"),
        status=after.run.get("status"),
        step=asked.step,
        sentence=_sentence(found, steps, asked.step),
        blame=found,
        compared_with=pair.before.run.get("run_id") if pair is not None else None,
        steps=steps,
        unchanged=unchanged,
        unknown=unknown,
        differences=_differences(pair, asked.step) if asked.against is not None else [],
        missing=missing,
        **about,
    )


def _pair(store: RunStore, run_id: str, against: str | None, missing: list[str]) -> TwoRuns | None:
    """Return the run with the one to compare it with; None if there is no good run before it."""
    try:
        pair = two_runs(store, run_id, against)
    except RunNotFoundError as error:
        if against is not None:
            raise
        missing.append(f"the comparison with another run: {error}")
        return None
    missing += pair.problems
    if pair.after.run.get("run_id") != run_id:  # the named run is the later one: the question is about the other
        pair = pair._replace(before=pair.after, after=pair.before)
    return pair


def _blame_of(after: RunData, pair: TwoRuns | None, against: str | None) -> Blame | None:
    """Return the answer of the record; that of a comparison if another run was named."""
    detail = object_of(after.run.get("blame_detail"))
    known = Blame.of_dict({**detail, "sentence": after.run.get("blame"), "step": after.run.get("blame_step")})
    is_usual = after.run.get("status") == "success" and not after.run.get("unusual")
    if against is None and (known is not None or is_usual):
        return known
    return None if pair is None else blame(pair.before, pair.after, pair.noise, pair.sources)


def _steps(after: RunData, pair: TwoRuns | None, only: str | None) -> tuple[list[StepRows], list[str], int]:
    """Return the steps that changed rows or are unusual, those whose rows are unknown, and the number of the others."""
    earlier = changes_of_run(pair.before) if pair is not None else {}
    found, unknown, unchanged = [], [], 0
    for (step, dataset), change in changes_of_run(after).items():
        if only is not None and step != only:
            continue
        row = StepRows(step, dataset, change, since=_since(change, earlier.get((step, dataset))))
        if only is not None or _has_changed(change):
            found.append(row)
        elif change.lost is None and change.rows_in is None:
            unknown.append(step)
        else:
            unchanged += 1
    found.sort(key=lambda each: (not each.change.unusual, each.since != "new"))
    return found, list(dict.fromkeys(unknown)), unchanged


def _has_changed(change: RowChange) -> bool:
    """Return whether a step lost, gained or did not match rows, or another number of them came out than went in."""
    if change.kind in ("made", "split"):
        return False
    is_other = change.lost is None and change.rows_in is not None and change.rows_in != change.rows_out
    if change.rows_in is None and main_loss(change.stages) is not None:
        return True
    return bool(change.unusual or change.lost or change.gained or any(change.unmatched.values()) or is_other)


def changes_of_run(run: RunData) -> dict[tuple[str, str], RowChange]:
    """Return the row changes of a run by step and dataset, in the order of the steps."""
    rows = sorted(run.rows("row_changes"), key=lambda row: list(run.nodes).index(row["node_name"]))
    return {(str(row["node_name"]), str(row["dataset"] or "")): _change(row) for row in rows}


def _change(row: dict[str, Any]) -> RowChange:
    """Return the row change that a row of `row_changes` holds."""
    usual = {
        "run_id": row["usual_run"], "rows_in": row["usual_rows_in"], "rows_out": row["usual_rows_out"],
        "rule": row["usual_rule"],
    }  # fmt: skip
    parts = {name: list_of(row[name]) for name in ("causes", "stages")}
    return row_change(
        {**row, **parts, "unmatched": object_of(row["unmatched_by"]), "usual": usual if row["usual_run"] else None}
    )


def _since(change: RowChange, earlier: RowChange | None) -> Since:
    """Return whether a step lost, gained and did not match the same shares of its rows by the same rules."""
    if earlier is None:
        return "unknown"
    if not _is_alike(change, earlier):
        return "new"
    rules, known = ({(each.side, each.text) for each in one.causes if each.text} for one in (change, earlier))
    if not rules or not known:  # counts alone
        return "as before"
    return "as before" if rules <= known else "new"


def _is_alike(change: RowChange, earlier: RowChange) -> bool:
    if not change.rows_in or not earlier.rows_in:
        shares = [(now.share, was.share) for now, was in pairs(change.stages, earlier.stages)]
        is_same = change.rows_in == earlier.rows_in and change.rows_out == earlier.rows_out
        return all(abs(now - was) <= _TOLERATED for now, was in shares) if shares else is_same
    names = change.unmatched.keys() | earlier.unmatched.keys()
    numbers = [(change.rows_out, earlier.rows_out), (change.lost, earlier.lost)]
    numbers += [(change.unmatched.get(name, 0), earlier.unmatched.get(name, 0)) for name in names]
    return all(
        abs(now / change.rows_in - was / earlier.rows_in) <= _TOLERATED
        for now, was in numbers
        if now is not None and was is not None
    )


def _closely(
    store: RunStore, after: RunData, steps: list[StepRows], asked: Asked, missing: list[str]
) -> tuple[list[StepRows], dict[str, Any]]:
    """Return the rows of one step, explained if the record has only counts, with conditions, examples and a way."""
    settings = asked.settings or read_settings(store={"dir": str(store.root)})
    step = str(asked.step)
    frames = frames_of_run(store, str(after.run.get("run_id")), settings, replays=asked.replays)
    if not steps:
        missing.append(f"the rows of {step}: the run did not record how they follow from its inputs")
        steps = [StepRows(step, key, row_change({"dataset": key})) for key in frames.outputs_of(step)[:1]]
    steps = [explained(each, frames, after, store.root, settings) for each in steps]
    missing += [each.reason for each in steps if each.reason]
    about: dict[str, Any] = {}
    about["conjuncts"] = conjuncts_of(step, frames, after, store.root, missing)
    first = next((each for each in steps if each.change.causes), steps[0] if steps else None)
    if first is not None:
        about["examples"] = examples_of(first, frames, settings, asked.rows, missing)
        about["way"], about["way_of"] = way_of(first, frames, after, missing)
    return steps, about


def _differences(pair: TwoRuns | None, step: str | None) -> list[str]:
    """Return a sentence for each step that lost, gained or did not match other rows than in the named run."""
    if pair is None:
        return []
    found = [each for each in signals(pair.before, pair.after) if step in (None, each.node)]
    return [each.text for each in sorted(found, key=lambda each: not each.is_notable)][:_MOST_DIFFERENCES]


def _sentence(found: Blame | None, steps: list[StepRows], step: str | None) -> str:
    if found is not None and step in (None, found.step, found.effect_step):
        return found.sentence
    if step is not None:
        return f"{step}: {row_sentence(steps[0].change)}" if steps else f"{step}: its rows are unknown"
    new = [each for each in steps if each.change.unusual or each.since == "new"]
    if new:
        return f"{new[0].step}: {row_sentence(new[0].change)}"
    if steps and all(each.since == "as before" for each in steps):
        return f"nothing is unusual: {plural(len(steps), 'step')} changed rows, as in the last good run"
    if steps:
        return f"{plural(len(steps), 'step')} changed rows; whether that is usual is unknown"
    return "no step is known to have lost, gained or not matched rows"
