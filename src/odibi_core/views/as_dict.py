"""Answers as plain dicts with the keys of the contract, for `Tracker.export_lineage` and `RunStore.rows`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, to_builtins

from odibi_core.events.clock import iso
from odibi_core.views.answers import Lineage, NodeLineage

KEYS: Final[Mapping[type[Struct], Mapping[str, str]]] = {
    Lineage: {"start": "start_time", "end": "end_time", "error": "error_message", "nodes": "steps"},
    NodeLineage: {
        "node_name": "step_name",
        "start": "start_time",
        "end": "end_time",
        "error": "error_message",
        "before": "before_snapshots",
        "after": "after_snapshot",
    },
}
"""The contract's keys, by the fields that have another name."""


def as_json(lineage: dict[str, Any]) -> bytes:
    """Return the content of `lineage.json`."""
    return msgspec.json.format(msgspec.json.encode(lineage), indent=2)


def lineage_dict(lineage: Lineage) -> dict[str, Any]:
    """Return a lineage as plain JSON values, with the contract's keys."""
    whole: dict[str, Any] = to_builtins(lineage, builtin_types=(datetime,))
    nodes = [_node_dict(node) for node in whole.pop("nodes")]
    activity = {"activity": _with_iso_times(whole.pop("activity"))} if lineage.activity is not None else {}
    return {
        "pipeline_id": lineage.run_id,
        **_with_iso_times(_renamed(whole, Lineage)),
        "total_duration_ms": lineage.summary.total_duration_ms,
        "steps": nodes,
        **activity,
    }


def answer_dict(answer: Struct) -> dict[str, Any]:
    """Return any other answer as plain JSON values."""
    found: dict[str, Any] = _with_iso_times(to_builtins(answer, builtin_types=(datetime,)))
    return found


def _node_dict(node: dict[str, Any]) -> dict[str, Any]:
    found = _renamed(node, NodeLineage)
    before, after = found["before_snapshots"], found["after_snapshot"]
    for each in (found, *before, *found["retries"], *([after] if after else [])):
        for name in ("start_time", "end_time", "timestamp"):
            if isinstance(each.get(name), datetime):
                each[name] = iso(each[name])
    return {**found, "before_snapshot": before[0] if before else None}


def _renamed(fields: dict[str, Any], kind: type[Struct]) -> dict[str, Any]:
    return {KEYS[kind].get(name, name): value for name, value in fields.items()}


def _with_iso_times(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, dict):
        return {name: _with_iso_times(item) for name, item in value.items()}
    return [_with_iso_times(item) for item in value] if isinstance(value, list) else value
