"""A lineage from a file or another program: cleaned, decoded and completed once, into the structs of our own views.

A file may hold no more than the keys of the contract. A value of the wrong type is absent, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from odibi_core.events.clock import read_iso
from odibi_core.redaction.redactor import HIDDEN, hidden
from odibi_core.story.masking import safe
from odibi_core.story.wording import LABELS, STATES
from odibi_core.views import values
from odibi_core.views.answers import Activity, Check, Cost, Edge, Lineage, NodeLineage, SchemaDiff, Snapshot
from odibi_core.views.diffs import recorded_diff
from odibi_core.views.lineage import edges, totals

_S = TypeVar("_S", bound=Struct)
_KEYS: Final[dict[type[Struct], dict[str, tuple[str, ...]]]] = {
    Lineage: {
        "run_id": ("run_id", "pipeline_id"), "nodes": ("steps",), "start": ("start_time",), "end": ("end_time",),
        "error": ("error_message", "error"),
    },
    NodeLineage: {
        "node_name": ("step_name", "name", "node_name"), "state": ("state", "status"), "start": ("start_time",),
        "end": ("end_time",), "error": ("error_message", "error"), "skip_reason": ("skip_reason", "reason"),
        "before": ("before_snapshots",), "after": ("after_snapshot",),
    },
    Snapshot: {"name": ("dataset", "name")},
    Edge: {"source": ("source", "from"), "target": ("target", "to")},
    Cost: {"operation": ("operation", "name")},
}  # fmt: skip
"""The keys of a field, the first that has a value counts; else the key is the field's name."""
_SPELLINGS: Final = {
    "succeeded": "success", "complete": "success", "completed": "success", "ok": "success", "failure": "failed",
    "error": "failed", "canceled": "cancelled", "skip": "skipped", "started": "running",
}  # fmt: skip
_RUN_STATES: Final = ("success", "failed", "cancelled", "lost", "running")


def read_lineage(raw: object) -> Lineage:
    """Return a foreign lineage without secrets, as far as it can be understood.

    A missing status, duration or edge follows from the steps.
    """
    clean = safe(raw)
    found = _decoded(Lineage, clean)
    nodes = [_completed(node, step, found.start) for node, step in zip(_named(found.nodes), _steps(clean), strict=True)]
    status = _state(found.status)
    return replace(
        found,
        nodes=nodes,
        status=status if status in _RUN_STATES else _worst(nodes),
        edges=_usable(found.edges, nodes) or _derived(nodes),
        duration_ms=_duration(found, nodes, clean),
        summary=totals(nodes),
        activity=_activity(found.activity, clean),
    )


def _steps(clean: dict[str, Any]) -> list[dict[str, Any]]:
    return values.records(clean.get("steps"))


def _decoded(kind: type[_S], raw: dict[str, Any]) -> _S:
    return kind(**{name: read(_first(raw, keys)) for name, keys, read in _readers(kind)})


def _first(raw: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((value for key in keys if (value := raw.get(key)) is not None), None)


@cache
def _readers(kind: type[Struct]) -> list[tuple[str, tuple[str, ...], Callable[[Any], Any]]]:
    """Return for each field its name, its keys, and the function that reads a value of its type."""
    hints = get_type_hints(kind)
    keys = _KEYS.get(kind, {})
    return [(name, keys.get(name, (name,)), _reader(hints[name])) for name in kind.__struct_fields__]


def _reader(hint: Any) -> Callable[[Any], Any]:
    if hint in _READERS:
        return _READERS[hint]
    kind = next((each for each in get_args(hint) if each is not type(None)), hint)
    if get_origin(hint) is list:
        return lambda value: [_decoded(kind, item) for item in values.records(value)]
    if get_origin(kind) is list:  # a list or None
        read_list = _reader(kind)
        return lambda value: read_list(value) if isinstance(value, list) else None
    read = _READERS.get(kind) or (lambda value: _decoded(kind, value))
    return lambda value: read(value) if isinstance(value, dict) else None


def _number(value: object) -> float | None:
    """Return a finite number, also one that is written as text."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _count(value: object) -> int | None:
    known = _number(value)
    return None if known is None else values.count(int(known))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value if isinstance(value, list) else []
    return [known for item in items if (known := values.text(item)) is not None]


def _keys_by_name(value: object) -> dict[str, str]:
    return values.keys_by_name(value if isinstance(value, dict) else _texts(value))


def _counts(value: object) -> dict[str, int]:
    return {name: known for name, item in values.record(value).items() if (known := _count(item)) is not None}


_READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    str: lambda value: values.text(value) or "",
    str | None: lambda value: values.text(value) or None,
    int: lambda value: _count(value) or 0,
    int | None: _count,
    float: lambda value: _number(value) or 0.0,
    float | None: _number,
    bool: lambda value: value is True,
    bool | None: lambda value: None if value is None else bool(value),
    datetime | None: read_iso,
    list[str]: _texts,
    list[Any]: lambda value: value if isinstance(value, list) else [],
    list[dict[str, Any]]: values.records,
    dict[str, Any]: values.record,
    dict[str, str]: _keys_by_name,
    dict[str, int]: _counts,
    SchemaDiff: recorded_diff,
}


def _state(value: str) -> str | None:
    word = value.strip().lower()
    word = _SPELLINGS.get(word, word)
    return word if word in LABELS else None


def _named(nodes: list[NodeLineage]) -> Iterator[NodeLineage]:
    """Yield the steps under names that occur once, as the edges need them."""
    seen: set[str] = set()
    for place, node in enumerate(nodes, start=1):
        name = given = node.node_name or f"step {place}"
        number = 1
        while name in seen:
            number += 1
            name = f"{given}#{number}"
        seen.add(name)
        yield replace(node, node_name=name)


def _completed(node: NodeLineage, raw: dict[str, Any], run_start: datetime | None) -> NodeLineage:
    before = node.before or [_decoded(Snapshot, each) for each in values.records([raw.get("before_snapshot")])]
    before = [_masked_statistics(each) for each in before]
    after = _masked_statistics(node.after) if node.after else None
    took, offset = node.duration_ms, node.started_ms
    if took is None and node.start and node.end:
        took = values.milliseconds(node.start, node.end)
    if offset is None and run_start and node.start:
        offset = values.milliseconds(run_start, node.start)
    return replace(
        node,
        state=_state(node.state) or "pending",
        duration_ms=None if took is None else max(0.0, took),
        started_ms=None if offset is None else max(0.0, offset),
        row_count=after.row_count if node.row_count is None and after else node.row_count,
        before=before,
        after=after,
        checks=[_masked(check) for check in node.checks],
    )


def _masked(check: Check) -> Check:
    """Return a check without examples that are secret: values of a column, but no longer under its name."""
    named = [(check.column, value) for value in check.examples if not isinstance(value, dict)]
    named += [item for value in check.examples if isinstance(value, dict) for item in value.items()]
    if any(name and hidden(str(name), value) for name, value in named):
        return replace(check, examples=[HIDDEN])
    return check


def _masked_statistics(frame: Snapshot) -> Snapshot:
    stats = []
    for each in frame.stats:
        column = values.text(each.get("column")) or ""
        ends = {end: HIDDEN for end in ("min", "max") if hidden(column, each.get(end))}
        stats.append({**each, **ends})
    return replace(frame, stats=stats)


def _worst(nodes: list[NodeLineage]) -> str:
    states = {node.state for node in nodes}
    return next((state for state in STATES if state in states and state not in ("skipped", "pending")), "success")


def _duration(found: Lineage, nodes: list[NodeLineage], clean: dict[str, Any]) -> float | None:
    if found.duration_ms is not None:
        return max(0.0, found.duration_ms)
    if found.start and found.end:
        return values.milliseconds(found.start, found.end)
    ends = [node.started_ms + (node.duration_ms or 0.0) for node in nodes if node.started_ms is not None]
    return max(ends) if ends else _number(values.record(clean.get("summary")).get("total_duration_ms"))


def _usable(edges: list[Edge], nodes: list[NodeLineage]) -> list[Edge]:
    names = {node.node_name for node in nodes}
    return [edge for edge in edges if edge.source != edge.target and {edge.source, edge.target} <= names]


def _derived(nodes: list[NodeLineage]) -> list[Edge]:
    """Return the edges that follow from datasets and `depends_on`; a step without outputs makes the one of its name."""
    makers = [node if node.outputs else replace(node, outputs={"out": node.node_name}) for node in nodes]
    return edges(makers, lambda *_: None)


def _activity(found: Activity | None, clean: dict[str, Any]) -> Activity | None:
    if found is None:
        return None
    costs = values.record(values.record(clean.get("activity")).get("costs"))
    has_costs = _number(values.record(costs.get("total")).get("cost_usd")) is not None
    count = found.error_count or len(found.errors)
    return replace(found, error_count=count, costs=found.costs if has_costs else None)
