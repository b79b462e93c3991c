"""The rows of a step explained now, from frames that the run kept, a cache has, or a replay makes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins
from msgspec.structs import replace

from odibi_core.engines.locked_sql import select
from odibi_core.errors import EngineError, MissingExtraError, StoreError
from odibi_core.events.sanitize import sanitize_value
from odibi_core.history.comparison.run_data import RunData, object_of
from odibi_core.history.comparison.stored import StoredSources
from odibi_core.redaction import redact_text
from odibi_core.runtime.resume.past_frames import PastFrames
from odibi_core.runtime.why.answer import Conjunct, StepRows
from odibi_core.settings import Settings
from odibi_core.views.row_changes import row_change

_MOST_CONJUNCTS: Final = 30


def explained(rows: StepRows, frames: PastFrames, run: RunData, root: Path, settings: Settings) -> StepRows:
    """Return the rows of a step with their causes; as they were, with the reason, if its frames are not available.

    Args:
        rows: The rows as the run recorded them.
        frames: The datasets of the run.
        run: The rows of the run.
        root: The store, for the source of the step.
        settings: The settings, for what is shown of rules and keys.
    """
    change = rows.change
    has_counts_alone = not change.causes and (change.lost != 0 or change.gained != 0 or any(change.unmatched.values()))
    if not has_counts_alone or change.kind == "made":
        return rows
    from odibi_core.insight.explaining import explain_outputs
    from odibi_core.insight.privacy import redacted
    from odibi_core.insight.rules.source import hints_of

    try:
        inputs, outputs = frames.inputs_of(rows.step), _outputs(rows, frames)
    except StoreError as error:
        return replace(rows, reason=f"the rule of {rows.step}: {error}")
    source = source_of(run, rows.step, root)
    named = hints_of(source).constants
    change_now = explain_outputs(inputs, outputs, source=source)[rows.dataset]
    found = redacted(change_now, inputs, show=settings.rows.show, named=named)
    keys = object_of(run.nodes[rows.step]["inputs"])
    about = {"dataset": rows.dataset, "main_dataset": keys.get(found.main), "unusual": change.unusual}
    known = row_change({**about, **sanitize_value(to_builtins(found))})
    return replace(rows, change=replace(known, usual=change.usual), basis="explained")


def _outputs(rows: StepRows, frames: PastFrames) -> dict[str, Any]:
    """Return the dataset in question, and the others of its step that are available: they may have its other rows."""
    found = {rows.dataset: frames.dataset(rows.dataset)}
    for key in frames.outputs_of(rows.step):
        with suppress(StoreError):
            found[key] = frames.dataset(key)
    return found


def source_of(run: RunData, step: str, root: Path) -> str | None:
    """Return the recorded source of a step: the text of its function or SQL; None if it is unknown."""
    content = run.nodes[step]["source_hash"]
    return None if content is None else StoredSources(root)(content)


def conjuncts_of(step: str, frames: PastFrames, run: RunData, root: Path, missing: list[str]) -> list[Conjunct]:
    """Return the rows of each condition of the `WHERE` of a SQL step; empty for another step, or without a `WHERE`."""
    if run.nodes[step]["type"] != "sql" or (text := source_of(run, step, root)) is None:
        return []
    from odibi_core.insight.conjuncts import conjunct_counts_sql

    dialect = "spark" if run.nodes[step]["engine"] == "spark" else "duckdb"
    try:
        queries = conjunct_counts_sql(text, dialect)
        if not queries:
            return []
        _, rows = select(queries[0].sql, frames.inputs_of(step))
    except (StoreError, EngineError, MissingExtraError) as error:
        missing.append(f"the rows of each condition of {step}: {error}")
        return []
    _, counts = queries[0].counts(rows[0])
    return [Conjunct(redact_text(each.text), each.fails, each.fails_alone) for each in counts[:_MOST_CONJUNCTS]]
