"""The column lineage of steps: of SQL and frames that are handed on here, of functions where they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from odibi_core.engines.lineage.base import FrameColumns, Origin, Source, unknown_columns
from odibi_core.engines.lineage.overlay import with_declared
from odibi_core.errors import STOPS, MissingExtraError
from odibi_core.events.clock import monotonic
from odibi_core.pipeline import Step
from odibi_core.pipeline.declared_columns import declared_for
from odibi_core.runtime.node_events import Descriptions, NodeEvents

if TYPE_CHECKING:
    from odibi_core.engines.lineage.items import Found
    from odibi_core.engines.lineage.looks import Look

NO_LOOK: Final = "the level of snapshots allows no look at values"
Columns = Mapping[str, Sequence[str]]
"""The columns of datasets, by key."""


class ColumnFindings(Protocol):
    """Where the lineage of a frame goes; the events of a node have this method."""

    def columns(self, dataset: str, fields: dict[str, Any]) -> None: ...


def publish_columns(step: Step, engine: str, events: NodeEvents, descriptions: Descriptions) -> None:
    """Publish the lineage of the frames of a SQL step, and of a step that writes its frame and hands it on."""
    if not descriptions.lineage or step.operation not in ("sql", "write"):
        return
    began = monotonic()
    taken = events.taken_columns()
    for name, key in step.outputs.items():
        made = descriptions.columns_of(key)
        if made is not None:
            found = _of_sql(step, engine, taken, made) if step.operation == "sql" else _copied(step, made)
            report(step, name, found, taken, events)
    events.add_overhead(monotonic() - began)


def publish_items(
    step: Step, found: Sequence[Found], total: int, events: NodeEvents, descriptions: Descriptions
) -> None:
    """Publish the lineage of the frame that a mapped step combined, from its items that were looked at."""
    from odibi_core.engines.lineage.items import of_items

    for name, key in step.outputs.items():
        made = descriptions.columns_of(key) if descriptions.lineage else None
        if made:
            report(step, name, of_items(found, total, made, NO_LOOK), events.taken_columns(), events)


def report(step: Step, output: str, found: FrameColumns, taken: Columns, findings: ColumnFindings) -> None:
    """Report the lineage of an output, with what the step declares about it."""
    whole = with_declared(found, declared_for(step, output) if step.columns else {}, taken)
    if whole.origins:
        findings.columns(step.outputs[output], whole.record())


def report_function(
    step: Step, output: str, found: FrameColumns, looks: Mapping[str, Look] | str, findings: ColumnFindings
) -> None:
    """Report the lineage of an output of a function."""
    known = {} if isinstance(looks, str) else looks
    report(step, output, found, {step.inputs[name]: look.columns for name, look in known.items()}, findings)


def _of_sql(step: Step, engine: str, taken: Columns, made: Sequence[str]) -> FrameColumns:
    from odibi_core.engines.lineage.sql_columns import sql_columns

    missing = [key for key in step.inputs.values() if key not in taken]
    if missing:
        return unknown_columns(made, f"the input {missing[0]} is not described")
    tables = {name: taken[key] for name, key in step.inputs.items()}
    try:
        return sql_columns(str(step.value), tables, step.inputs, made, engine)
    except MissingExtraError as error:
        return unknown_columns(made, str(error))
    except STOPS:
        raise
    except BaseException as error:  # recording never fails the step
        return unknown_columns(made, f"it could not be found: {type(error).__name__}")


def _copied(step: Step, made: Sequence[str]) -> FrameColumns:
    key = next(iter(step.inputs.values()))
    return FrameColumns([Origin(name, (Source(key, name),), "copy", 1.0) for name in made], ())
