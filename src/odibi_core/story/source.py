"""The source of a step with its failing line, and a traceback with the frames of the program first."""

from __future__ import annotations

import re
from typing import Any, Final

from odibi_core.story.background import Background, Row
from odibi_core.story.steps import compact
from odibi_core.story.wording import cut
from odibi_core.views.answers import NodeLineage

MOST_LINES: Final = 400
MOST_FRAMES: Final = 30
_LONGEST_LINE: Final = 400
_FRAME: Final = re.compile(
    r'^\s*File "(?P<file>[^"\n]{1,1000})", line (?P<line>\d{1,9})(?:, in (?P<name>[^\n]{1,300}))?$'
)
_LIBRARIES: Final = ("/site-packages/", "/dist-packages/", "/lib/python3", "<frozen ", "/odibi_core/")
_COMPILED: Final = (".pyx", ".pxi", ".rs", ".c")
_SQL_LINE: Final = re.compile(r"\bLINE (\d{1,6}):")


def source_of(node: NodeLineage, known: Background) -> dict[str, Any] | None:
    """Return the source of a step; `failing` is the index of the line in which it failed."""
    row = next((row for row in known.nodes if row.get("node_name") == node.node_name), None)
    text = known.sources.get(str(row.get("source_hash"))) if row else None
    if row is None or not text:
        return None
    lines = [line[:_LONGEST_LINE] for line in text.rstrip().split("\n")[:MOST_LINES]]
    first = row.get("source_line")
    return compact(
        {
            "lines": lines,
            "file": cut(row.get("source_file")) if isinstance(row.get("source_file"), str) else None,
            "first": first if isinstance(first, int) else None,
            "failing": _failing(node, row, len(lines)),
            "more": max(0, text.count("\n") + 1 - MOST_LINES) or None,
        }
    )


def _failing(node: NodeLineage, row: Row, lines: int) -> int | None:
    if node.state != "failed":
        return None
    first, file = row.get("source_line"), row.get("source_file")
    if isinstance(first, int) and isinstance(file, str):
        inside = [
            frame["line"] - first
            for frame in frames(node.traceback)
            if _is_same(frame["file"], file) and 0 <= frame["line"] - first < lines
        ]
        return inside[-1] if inside else None
    found = _SQL_LINE.search(node.error or "")
    return int(found[1]) - 1 if found and 0 < int(found[1]) <= lines else None


def _is_same(one: str, other: str) -> bool:
    """Return true if two paths name one file; one of them may be relative."""
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def trace_of(node: NodeLineage) -> dict[str, Any] | None:
    """Return the frames of the program, the innermost first, and the number of those of libraries."""
    found = frames(node.traceback)
    own = [frame for frame in found if frame["own"]][::-1][:MOST_FRAMES]
    if not own:
        return None
    for frame in own:
        del frame["own"]
    return compact({"own": own, "others": len(found) - len(own) or None})


def _is_own(file: str) -> bool:
    return not file.endswith(_COMPILED) and not any(part in file for part in _LIBRARIES)


def frames(traceback: str | None) -> list[dict[str, Any]]:
    """Return the frames of a Python traceback in its order, each with `file`, `line`, `name`, `code` and `own`."""
    found: list[dict[str, Any]] = []
    lines = (traceback or "").split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if (match := _FRAME.match(line)) is None:
            continue
        code = following.strip() if following.startswith("    ") else ""
        shown = code if not code.startswith(("^", "~")) else ""
        found.append(
            {
                "file": match["file"],
                "line": int(match["line"]),
                "name": match["name"] or "",
                "code": shown[:_LONGEST_LINE],
                "own": _is_own(match["file"].replace("\\", "/")),
            }
        )
    return found
