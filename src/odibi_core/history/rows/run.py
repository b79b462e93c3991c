"""The row of a run in the table `runs`, and those of its parameters."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from odibi_core.events import Event
from odibi_core.history.rows.cells import Row, json_text, object_of, real, row_of, type_of, written
from odibi_core.views.answers import RunRow
from odibi_core.views.values import count, flag, message, record, text

_TEXTS = (
    "partition", "command", "python", "system", "os_user", "resumed_from", "parent_run_id", "parent_node",
    "integration", "integration_version", "external_run_id", "external_url",
)  # fmt: skip
_OBJECTS = ("params", "packages", "environment", "selection")


def run_row(run: RunRow, opening: dict[str, Any], closing: Event | None, of_record: dict[str, Any]) -> dict[str, Any]:
    """Return the row by column: of the view, of the first and the last event, and of the record as a whole."""
    git, ending = record(opening.get("git")), closing.fields if closing is not None else {}
    tags = opening.get("tags")
    return {
        **asdict(run),
        **{name: text(opening.get(name)) for name in _TEXTS},
        **{name: object_of(opening.get(name)) for name in _OBJECTS},
        "tags": json_text({name: written(value) for name, value in tags.items()}) if isinstance(tags, dict) else None,
        "started": run.start,
        "ended": run.end,
        "duration_ms": real(run.duration_ms),
        "rows_published": run.rows,
        "git_commit": text(git.get("commit")),
        "git_branch": text(git.get("branch")),
        "git_dirty": flag(git.get("dirty")),
        "git_remote": text(git.get("remote")),
        "unusual": count(ending.get("unusual")),
        "overhead_ms": real(ending.get("overhead_ms")),
        "overhead_pct": real(ending.get("overhead_pct")),
        **of_record,
    }


_OF_BLAME = ("cause", "certainty", "effect_step", "rows", "of", "rule", "proof", "is_new", "evidence", "compared_with")


def blame_columns(event: Event | None) -> dict[str, Any]:
    """Return the columns about the `blame` event of a run; an empty dict without one."""
    if event is None:
        return {}
    detail = {name: event.fields[name] for name in _OF_BLAME if name in event.fields}
    return {
        "blame": message(event),
        "blame_step": text(event.node_name),
        "blame_cause": text(event.fields.get("cause")),
        "blame_detail": json_text(detail),
    }


def param_rows(opening: dict[str, Any], about: dict[str, Any]) -> list[Row]:
    """Return a row for each parameter; `about` has the columns that they share."""
    return [
        row_of("params", {**about, "name": name, "value": written(value), "type": type_of(value)})
        for name, value in record(opening.get("params")).items()
    ]
