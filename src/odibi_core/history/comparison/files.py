"""Changes of files: missing, new, moved, of another content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odibi_core.history.comparison.difference import Change
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData
from odibi_core.views.wording import count, size

Key = tuple[str, str, str]
"""Step, access, and dataset or URI."""


def files(before: RunData, after: RunData, noise: Noise, not_compared: list[str]) -> Iterator[Change]:
    """Yield the files that are not the same in both runs; of written ones only those that are missing or new."""
    was, now = _files(before), _files(after)
    if bool(was) != bool(now):
        which = "the earlier" if now else "this"
        not_compared.append(f"files: {which} run recorded none")
        if not was:
            return
    for key in sorted(was.keys() | now.keys()):
        node, access, name = key
        a, b = was.get(key), now.get(key)
        subject = name or node
        if b is None and a is not None:
            if node in after.nodes:
                yield _change(key, f"{_verb(access)} {subject} ({a['uri']}) is missing", a, b)
        elif a is None and b is not None:
            if node in before.nodes:
                yield _change(key, f"{_verb(access)} {subject} ({b['uri']}) is new", a, b)
        elif a is not None and b is not None and access == "read" and _differs(a, b):
            yield _changed(key, a, b, noise)


def _files(run: RunData) -> dict[Key, dict[str, Any]]:
    """Return the files by step, access and dataset; several of one name by their URI."""
    found: dict[Key, dict[str, Any]] = {}
    for row in run.rows("files"):
        if row["uri"] is None:
            continue  # the number of files that are not listed
        key = (str(row["node_name"] or ""), str(row["access"]), str(row["dataset"] or row["uri"]))
        if key in found and found[key]["uri"] != row["uri"]:
            key = (*key[:2], str(row["uri"]))
        found[key] = row
    return found


def _verb(access: str) -> str:
    return "input" if access == "read" else "output"


def version_of(row: dict[str, Any]) -> Any:
    """Return what identifies the content of a file: its ETag, else size and time of modification."""
    return row["etag"] or (row["bytes"], str(row["modified"]))


def _differs(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return any(a[name] != b[name] for name in ("uri", "bytes", "format", "file_count")) or version_of(a) != version_of(
        b
    )


def _changed(key: Key, a: dict[str, Any], b: dict[str, Any], noise: Noise) -> Change:
    parts = []
    moves = noise.file_moves(key[0], key[2])
    if a["uri"] != b["uri"] and not moves:
        parts.append(f"is {b['uri']}, and was {a['uri']}")
    if a["bytes"] != b["bytes"] and None not in (a["bytes"], b["bytes"]):
        was, now = size(a["bytes"]), size(b["bytes"])
        if was == now:
            was, now = f"{a['bytes']:,} B", f"{b['bytes']:,} B"
        parts.append(f"has {now}, and had {was}")
    if a["file_count"] != b["file_count"] and None not in (a["file_count"], b["file_count"]):
        parts.append(f"has {count(b['file_count'])} files, and had {count(a['file_count'])}")
    if a["row_count"] != b["row_count"] and None not in (a["row_count"], b["row_count"]):
        parts.append(f"{count(b['row_count'])} rows, and {count(a['row_count'])} before")
    if not parts and a["uri"] != b["uri"]:
        parts.append(f"is {b['uri']}, and was {a['uri']}")
    if not parts:
        parts.append(f"was modified: {_moment(b)}, and {_moment(a)} before")
    is_usual = noise.file_is_usual(key[0], key[2], b["bytes"]) and (moves or a["uri"] == b["uri"])
    if moves:  # the place is none of the differences
        a, b = {**a, "uri": None}, {**b, "uri": None}
    return _change(key, f"input {key[2]} {'; '.join(parts)}", a, b, is_usual=is_usual)


def _moment(row: dict[str, Any]) -> str:
    return str(row["etag"] or row["modified"] or "unknown").partition(".")[0]


def _change(
    key: Key, message: str, a: dict[str, Any] | None, b: dict[str, Any] | None, *, is_usual: bool = False
) -> Change:
    kept = ("uri", "bytes", "modified", "etag", "row_count", "file_count")
    before, after = ({name: row[name] for name in kept} if row else None for row in (a, b))
    return Change(
        kind="file", subject=key[2], node=key[0] or None, message=message, before=before, after=after,
        is_usual=is_usual or (key[1] == "write"),
    )  # fmt: skip
