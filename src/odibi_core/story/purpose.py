"""The purpose of a run on the page: parameters, tags, partition, code, versions, place and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from odibi_core.events.clock import read_iso
from odibi_core.story.background import Background, Row
from odibi_core.story.steps import compact
from odibi_core.story.wording import cut, date
from odibi_core.views.wording import count, driver, duration, outer_run, size

MOST_FILES: Final = 200
MOST_NAMES: Final = 100
LONGEST: Final = 500
_MOST_MB: Final = 1e12


def purpose(known: Background, places: Mapping[str, int]) -> dict[str, Any] | None:
    """Return what a run was for; None if nothing is known of it."""
    run = known.run
    found = compact(
        {
            "facts": [[name, value] for name, value in _facts(run) if value],
            "params": _pairs(run.get("params")),
            "tags": _pairs(run.get("tags")),
            "packages": _pairs(run.get("packages")),
            "environment": _pairs(run.get("environment")),
            "files": [_file(row, places) for row in known.files[:MOST_FILES]],
            "moreFiles": max(0, len(known.files) - MOST_FILES) or None,
        }
    )
    return found or None


def partition_of(known: Background) -> str | None:
    """Return the partition, or the logical date, that the run was for."""
    return _text(known.run.get("partition"))


def _facts(run: Row) -> list[tuple[str, str | None]]:
    user, host, pid = (_text(run.get(name)) for name in ("os_user", "host", "pid"))
    overhead, share = run.get("overhead_ms"), run.get("overhead_pct")
    recorded = duration(overhead) if isinstance(overhead, int | float) else None
    if recorded and isinstance(share, int | float):
        recorded += f", {share:.1f} % of the run"
    return [
        ("Driven by", driver(run) or None),
        ("Part of", outer_run(run) or None),
        ("Partition", _text(run.get("partition"))),
        ("Commit", _commit(run)),
        ("Repository", _text(run.get("git_remote"))),
        ("Command", _text(run.get("command"))),
        ("Python", _text(run.get("python"))),
        ("System", _text(run.get("system"))),
        ("Host", f"{user}@{host}" if user and host else host),
        ("Process", pid),
        ("Peak memory", _megabytes(run.get("peak_memory_mb"))),
        ("Recording", recorded),
        ("Cost", f"{run['cost_usd']:,.2f} USD" if isinstance(run.get("cost_usd"), int | float) else None),
    ]


def _commit(run: Row) -> str | None:
    commit = _text(run.get("git_commit"))
    if not commit:
        return None
    branch = _text(run.get("git_branch"))
    changed = ", with changes that are not committed" if run.get("git_dirty") in (True, 1) else ""
    return f"{commit[:12]}{f' on {branch}' if branch else ''}{changed}"


def _megabytes(value: object) -> str | None:
    return size(int(value * 2**20)) if isinstance(value, int | float) and abs(value) < _MOST_MB else None


def _file(row: Row, places: Mapping[str, int]) -> dict[str, Any]:
    step = _text(row.get("node_name"))
    files, rows, length = row.get("file_count"), row.get("row_count"), row.get("bytes")
    return compact(
        {
            "access": "written" if row.get("access") == "write" else "read",
            "uri": _text(row.get("uri")) or "",
            "dataset": _text(row.get("dataset")),
            "format": _text(row.get("format")),
            "size": size(length) if isinstance(length, int) else None,
            "modified": date(read_iso(row.get("modified"))) or None,
            "rows": count(rows) if isinstance(rows, int) else None,
            "files": files if isinstance(files, int) else None,
            "step": places.get(step or ""),
            "name": step,
        }
    )


def _pairs(value: object) -> list[list[str]]:
    """Return the members of a JSON object, which may be its text."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return []
    if not isinstance(value, dict):
        return []
    return [[cut(str(name), LONGEST) or "", _shown(item)] for name, item in list(value.items())[:MOST_NAMES]]


def _shown(item: Any) -> str:
    return cut(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str), LONGEST) or ""


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return cut(value, LONGEST) if isinstance(value, str) else None
