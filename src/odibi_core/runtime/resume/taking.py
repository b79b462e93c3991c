"""Taking: a step that a run does not run again gets the facts that the earlier run recorded about it.

Its rows, frames, checks, joins and files are then those of this run too, so that no reader of the record mistakes them
for unknown or for less. Its end has `taken_from`, and neither a start nor a duration: nothing ran.
"""

from __future__ import annotations

from typing import Any, Final

from odibi_core import plugins
from odibi_core.events import Event
from odibi_core.events.event import STANDARD
from odibi_core.pipeline import Graph
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.resume.kept_frames import load
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.resume.plan import StepPlan

_OWN: Final = frozenset({"run_id", "node_name", "correlation_id", "memory_mb", "user", "message", "step_id"})
"""Fields that belong to the event and not to the fact."""


def taken_from(past: PastRun, step: str) -> str:
    """Return the run in which a step ran: of a chain of resumed runs the first one."""
    end = past.ends.get(step)
    return str((end.fields.get("taken_from") if end is not None else None) or past.run_id)


def load_frames(graph: Graph, index: int, plan: StepPlan, past: PastRun) -> dict[str, Any]:
    """Return the datasets of a taken step that others need.

    A frame of another library than that of the step's present engine is converted through Arrow.

    Raises:
        StoreError: A file is gone or damaged.
    """
    found = {key: load(past.folder, past.kept[key]) for key in plan.loads}
    step, engine = graph.steps[index], graph.engine_of(index)
    was = past.plan.get(step.name, {}).get("engine")
    if step.operation in ("sql", "read") and was != engine:
        library = plugins.load("engines", engine)()
        found = {key: library.frame(frame) for key, frame in found.items()}
    return found


def publish_taken(events: NodeEvents, past: PastRun, step: str) -> int | None:
    """Publish the facts of a step and its end; return its rows."""
    origin = taken_from(past, step)
    for event in past.facts.get(step, ()):
        events.repeat(event.event_type, event.message, event.level, {**facts_of(event), "taken_from": origin})
    rows = past.rows(step)
    events.taken(rows, origin)
    return rows


def facts_of(event: Event) -> dict[str, Any]:
    """Return the fields of a recorded event that may be published again."""
    standard = {name: value for name in STANDARD - _OWN if (value := getattr(event, name)) is not None}
    return {**standard, **{name: value for name, value in event.fields.items() if name not in _OWN}}
