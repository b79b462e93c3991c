"""The Git state of the working directory, read from the files of the repository; no command is needed but for `dirty`.

Only regular files are opened, and only their beginnings are read: the repository may belong to another user.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core._state import STATE
from odibi_core.redaction.locations import location
from odibi_core.runtime.run_context import git_dirty

UNKNOWN: Final[dict[str, Any]] = {"commit": None, "branch": None, "dirty": None, "remote": None}
"""The state outside of a repository."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES: Final = "refs/heads/"
_LINKS: Final = 5
_SMALL, _LARGE = 1 << 20, 1 << 25
_SECTION: Final = re.compile(r'\s*\[\s*(\w+)\s*(?:"(.*)")?\s*\]')
_LOGIN: Final = re.compile(r"[^/@\s]*@")


class Repository(NamedTuple):
    """A working tree, its own Git directory, and the one that worktrees share."""

    tree: Path
    own: Path
    common: Path


class _Kept:
    """Answers by the state of the file that they were read from."""

    def __init__(self) -> None:
        self.packed: dict[tuple[str, str], tuple[tuple[int, int], str | None]] = {}


_kept: Final = STATE.part(_Kept)


def begin() -> None:
    """Start to look for changed files, in a process of its own; `git_state` takes up the answer."""
    repository = find_repository()
    if repository is not None:
        git_dirty.begin(str(repository.tree))


def git_state() -> dict[str, Any]:
    """Return `commit`, `branch`, `dirty` and `remote` of the working directory; None for each that is unknown."""
    repository = find_repository()
    if repository is None:
        return UNKNOWN
    head = _read(repository.own / "HEAD").strip()
    branch = head.removeprefix("ref:").strip().removeprefix(_BRANCHES) if head.startswith("ref:") else None
    if branch == ".invalid":  # the references are in a table, which only git can read
        branch = None
    return {
        "commit": _commit_of(repository, head),
        "branch": branch,
        "dirty": git_dirty.answer(str(repository.tree)),
        "remote": _remote(_read(repository.common / "config"), branch),
    }


def find_repository() -> Repository | None:
    """Return the repository around the working directory; None if there is none."""
    try:
        here = Path.cwd()
    except OSError:
        return None
    for folder in (here, *here.parents):
        own = _git_folder(folder / ".git")
        if own is not None:
            shared = _read(own / "commondir").strip()
            return Repository(folder, own, own / shared if shared else own)
    return None


def _git_folder(dot_git: Path) -> Path | None:
    """Return the Git directory that `.git` is or, in a worktree or a submodule, names."""
    try:
        mode = os.stat(dot_git).st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):
        return dot_git if (dot_git / "HEAD").exists() else None
    named = _read(dot_git).strip()
    return dot_git.parent / named.removeprefix("gitdir:").strip() if named.startswith("gitdir:") else None


def _commit_of(repository: Repository, head: str) -> str | None:
    """Return the commit that `HEAD` names, directly or by references."""
    for _ in range(_LINKS):
        if not head.startswith("ref:"):
            return head if _COMMIT.fullmatch(head) else None
        name = head.removeprefix("ref:").strip()
        if not name.startswith("refs/") or ".." in name or not name.isprintable():
            return None
        head = (
            _read(repository.own / name).strip()
            or _read(repository.common / name).strip()
            or _packed(repository.common / "packed-refs", name)
            or ""
        )
    return None


def _packed(file: Path, name: str) -> str | None:
    """Return the commit of a packed reference. The file may have megabytes, so its answers are kept."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    key, state = (str(file), name), (found.st_mtime_ns, found.st_size)
    if key not in _kept.packed or _kept.packed[key][0] != state:
        match = re.search(rf"^({_COMMIT.pattern}) {re.escape(name)}$", _read(file, _LARGE), re.MULTILINE)
        if len(_kept.packed) > 100:
            _kept.packed.clear()
        _kept.packed[key] = state, match[1] if match else None
    return _kept.packed[key][1]


def _remote(config: str, branch: str | None) -> str | None:
    """Return the URL of the branch's remote, else of `origin`, else of the first one; without its login."""
    urls: dict[str, str] = {}
    used: dict[str, str] = {}
    kind = name = ""
    for line in config.splitlines():
        if section := _SECTION.match(line):
            kind, name = section[1].lower(), section[2] or ""
            continue
        key, _, value = (part.strip() for part in line.partition("="))
        if (kind, key.lower()) == ("remote", "url"):
            urls.setdefault(name, value.strip('"'))
        elif (kind, key.lower()) == ("branch", "remote"):
            used[name] = value.strip('"')
    url = urls.get(used.get(branch or "", "origin"), urls.get("origin")) or next(iter(urls.values()), None)
    return without_login(url) if url else None


def without_login(url: str) -> str:
    """Return the URL of a remote without user and password; the `git@` of SSH stays.

    A password may itself hold `/` and `@`, so what stands before the last `@` goes.
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    login = _LOGIN.match(rest)
    if login and (":" in login[0] or scheme in ("http", "https")):
        rest = rest.rpartition("@")[2] if ":" in login[0] else rest[login.end() :]
    return str(location(re.split("[?#]", f"{scheme}{separator}{rest}")[0]))


def _read(file: Path, limit: int = _SMALL) -> str:
    """Return the beginning of a regular file; empty if it cannot be read. A pipe would block, so it is not opened."""
    with suppress(OSError, ValueError):
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.read(descriptor, limit).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    return ""
