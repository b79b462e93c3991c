"""Changes of code: the sources of steps as unified diffs, and the commits between both runs."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.history.comparison.difference import Change
from odibi_core.history.comparison.run_data import RunData

Sources = Callable[[str], str | None]
"""The stored text of a hash; None if it is missing."""

_HASH: Final = re.compile("[0-9a-f]{7,64}")
MAX_LINES: Final = 200
_MAX_COMMITS: Final = 20


def code(before: RunData, after: RunData, sources: Sources, not_compared: list[str]) -> Iterator[Change]:
    """Yield the steps of both runs whose source is not the same, then the commit."""
    unknown = []
    for name, node in after.nodes.items():
        earlier = before.nodes.get(name)
        if earlier is None:
            continue
        was, now = earlier["source_hash"], node["source_hash"]
        if was is None and now is None:
            if node["type"] == "sql" or earlier["source_file"] or node["source_file"]:
                unknown.append(name)
        elif was is None or now is None:
            unknown.append(name)
        elif was != now:
            yield _source(name, (was, now), node, sources, not_compared)
    if unknown:
        not_compared.append(f"the source of {_some(unknown)}: at least one run did not record it")
    yield from _commit(before.run, after.run)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more steps" if len(names) > 5 else "")


def _source(
    name: str, hashes: tuple[str, str], node: dict[str, Any], sources: Sources, not_compared: list[str]
) -> Change:
    was, now = (sources(each) for each in hashes)
    detail, cosmetic = None, False
    if was is None or now is None:
        not_compared.append(f"the text of {name}: its source is no longer stored")
        message = f"the code of {name} changed"
    else:
        detail = unified(was, now, name)
        lines = detail.splitlines()
        added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
        removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
        cosmetic = is_cosmetic(was, now, sql=node["type"] == "sql")
        what = "in its form alone" if cosmetic else f"+{added} −{removed} lines"
        message = f"the code of {name} changed ({what})"
    where = f"{node['source_file']}:{node['source_line']}" if node.get("source_file") else None
    return Change(
        kind="code", subject=name, node=name, message=message + (f" in {where}" if where else ""),
        before=hashes[0], after=hashes[1], detail=detail, is_usual=cosmetic,
    )  # fmt: skip


def is_cosmetic(was: str, now: str, *, sql: bool) -> bool:
    """Return whether two sources differ in comments, docstrings and layout alone."""
    if sql:
        from odibi_core.engines.sql_files import tokens_of

        return tokens_of(was) == tokens_of(now)
    try:
        return _meaning(was) == _meaning(now)
    except (SyntaxError, ValueError, RecursionError):
        return False  # a part of an expression, such as a lambda


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def unified(was: str, now: str, name: str) -> str:
    """Return the unified diff of two texts; a long one is cut with a note."""
    lines = list(
        difflib.unified_diff(was.splitlines(), now.splitlines(), f"before/{name}", f"after/{name}", lineterm="")
    )
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"… {len(lines) - MAX_LINES} more lines"]
    return "\n".join(lines)


def _commit(was: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
    a, b = was.get("git_commit"), now.get("git_commit")
    if a and b and a != b:
        message = f"commit {a[:10]}..{b[:10]}{_branches(was, now)}"
        yield Change(kind="code", subject="git", message=message, before=a, after=b, detail=commits(a, b))
    if was.get("git_dirty") != now.get("git_dirty") and None not in (was.get("git_dirty"), now.get("git_dirty")):
        message = "tracked files had changes that are in no commit" if now["git_dirty"] else "the working tree is clean"
        yield Change(
            kind="code", subject="git_dirty", message=f"{message}, and {'not ' if now['git_dirty'] else ''}before",
            before=was["git_dirty"], after=now["git_dirty"],
        )  # fmt: skip


def _branches(was: dict[str, Any], now: dict[str, Any]) -> str:
    a, b = was.get("git_branch"), now.get("git_branch")
    if a == b or b is None:
        return f" on {b}" if b else ""
    return f" on {b}, and {a} before" if a else f" on {b}"


def commits(before: str, after: str) -> str | None:
    """Return the subjects of the commits between two, the latest first; None if this folder's repository lacks them."""
    import subprocess

    if not _HASH.fullmatch(before) or not _HASH.fullmatch(after):
        return None  # an option of git, in a record that was changed
    command = ["git", "log", "--format=%h %s", f"-{_MAX_COMMITS + 1}", f"{before}..{after}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=5, check=False)
    except STOPS:
        raise
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return None
    return "\n".join(lines[:_MAX_COMMITS] + (["…"] if len(lines) > _MAX_COMMITS else []))
