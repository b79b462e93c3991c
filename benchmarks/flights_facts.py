"""The facts that a record has of the flights pipeline on each engine: a table of Markdown for docs/engines.md.

    python -m benchmarks.flights_facts

No times: it shows that the rows, the columns and the checks are the same, and what an engine leaves unknown.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ENGINES = ("pandas", "polars", "pyarrow", "duckdb", "polars-lazy", "spark")
UNKNOWN = "unknown"
_FAMILIES = {
    "Int": "number", "UInt": "number", "Float": "number", "Decimal": "number", "String": "text", "Object": "text",
    "Datetime": "time", "Boolean": "boolean", "Unknown": "null", "Null": "null",
}  # fmt: skip


class Facts(NamedTuple):
    """The facts of a step: its rows, the families of its columns by name, and its checks."""

    rows: int | None
    columns: dict[str, str] | None
    checks: tuple[tuple[str, str, int | None], ...]


def facts_of(engine: str, level: str | None = None, **options: Any) -> dict[str, Facts]:
    """Run the pipeline on an engine with options of the orchestrator, and return the facts of each step."""
    from odibi_core import Orchestrator
    from odibi_core.event_bus import EventBus
    from odibi_core.testing import RecordingSink

    examples = str(Path(__file__).parents[1] / "examples" / "flights")
    if examples not in sys.path:
        sys.path.insert(0, examples)
    from pipeline import build

    sink, bus = RecordingSink(), EventBus()
    bus.subscribe(sink)
    with tempfile.TemporaryDirectory() as folder:
        steps = build(out_dir=folder, engine=engine)
        Orchestrator(steps, engine, store=False, event_bus=bus, snapshot_level=level, **options).execute()
    rows = {event.node_name: event.row_count for event in sink.of_kind("node_complete")}
    columns: dict[str, dict[str, str]] = {}
    for event in sink.of_kind("snapshot"):
        if event.fields["when"] == "after":
            dataset = str(event.fields["dataset"])
            schema = event.fields["schema"]
            columns.setdefault(str(event.node_name), {}).update(
                {f"{dataset}.{each['column']}": family(each["type"]) for each in schema}
            )
    checks: dict[str, list[tuple[str, str, int | None]]] = {}
    for event in sink.of_kind("check_result"):
        name = f"{event.fields['check']} {event.fields.get('column') or ''}".strip()
        checks.setdefault(str(event.node_name), []).append((name, str(event.status), event.fields.get("failed_rows")))
    return {
        str(name): Facts(count, columns.get(str(name)), tuple(checks.get(str(name), ())))
        for name, count in rows.items()
    }


def family(type_name: str) -> str:
    """Return the family of a type, which the engines share where their types differ."""
    return next((name for start, name in _FAMILIES.items() if type_name.startswith(start)), type_name)


def cell(found: Facts | None, wanted: Facts) -> str:
    """Return how the facts of a step differ from those of the first engine; "same" if they do not."""
    if found is None:
        return "not run"
    differs = []
    if found.rows != wanted.rows:
        differs.append("rows " + (UNKNOWN if found.rows is None else f"{found.rows:,}"))
    if found.columns != wanted.columns:
        differs.append("other columns")
    counts: Counter[str] = Counter()
    for own, other in zip(found.checks, wanted.checks, strict=True):
        if own != other:
            counts["not checked" if own[1] == "skipped" else "other"] += 1
    differs += [f"{count} of {len(wanted.checks)} checks {what}" for what, count in counts.items()]
    return ", ".join(differs) or "same"


def table(facts: Mapping[str, dict[str, Facts]]) -> str:
    """Return the table, a row for each step; the first engine has the facts that the others are compared with."""
    first, *others = facts
    lines = [f"| step | rows | columns | checks | {' | '.join(others)} |"]
    lines.append("|" + "---|" * (4 + len(others)))
    for step, wanted in facts[first].items():
        rows = "" if wanted.rows is None else f"{wanted.rows:,}"
        passed = sum(status == "success" for _, status, _ in wanted.checks)
        checks = f"{passed} of {len(wanted.checks)} passed" if wanted.checks else ""
        cells = [cell(facts[name].get(step), wanted) for name in others]
        lines.append(f"| `{step}` | {rows} | {len(wanted.columns or ())} | {checks} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    found: dict[str, dict[str, Any]] = {f"`{name}`": facts_of(name) for name in ENGINES}
    found["`spark` at the level `stats`"] = facts_of("spark", "stats")
    print(table(found))


if __name__ == "__main__":
    main()
