"""The parts of a key that are files: by their content, in object stores by the ETag or the version.

Local files are always read. Size and times cannot show each change: both can be set, and a file may change twice
within the resolution of its file system.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.engines import files, formats, object_store
from odibi_core.engines.digests import Digest, NotDigestibleError
from odibi_core.engines.file_remote import without_login
from odibi_core.events.clock import utc_now

_PIECE: Final = 1 << 20
_YOUNG_S: Final = 2.0
"""The coarsest resolution of the times of a file system: a younger file may change again without a sign."""
_VERSIONS: Final = ("ETag", "etag", "e_tag", "generation", "version_id", "content_md5", "md5Hash")


class Guard:
    """The local files of a key. A frame that was read from them belongs to it only if they did not change meanwhile."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[int, ...], bool, str]] = {}

    def content(self, path: str) -> str:
        """Return the digest of the content of a file, and remember its state."""
        state = _state(path)
        is_young = utc_now().timestamp() - max(state[1], state[2]) / 1e9 < _YOUNG_S
        found = content_of(path)
        self._seen[path] = (state, is_young, found)
        return found

    def is_unchanged(self) -> bool:
        """Return whether all files are as they were. Never raises."""
        try:
            return all(
                _state(path) == state and (not is_young or content_of(path) == content)
                for path, (state, is_young, content) in self._seen.items()
            )
        except OSError:
            return False


def _state(path: str) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def content_of(path: str) -> str:
    """Return the digest of the content of a file. Raises `OSError`."""
    digest = Digest()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.stream(piece)
    return digest.hex()


def local_parts(path: str, format: str | None, options: Mapping[str, Any] | None, guard: Guard) -> dict[str, str]:
    """Return the digest of each file of a path, a pattern or a folder.

    Raises:
        EngineError: There is no file, or the version of one cannot be known.
        OSError: A file cannot be read.
    """
    shown = without_login(path)
    if formats.table_named(path, format):
        raise NotDigestibleError(f"{shown!r} is a table, whose content has no fingerprint before it is read")
    sources = files.sources(path, format, options)
    base = _base(path)
    found: dict[str, str] = {}
    for source in sources:
        name = f"file {_name(source, base)!r}"
        if object_store.is_stored(source):
            found[name] = _version(source, options)
        elif files.is_remote(source):
            raise NotDigestibleError(f"{shown!r} is read over the network, and its content has no fingerprint")
        else:
            found[name] = guard.content(source)
    if len(found) != len(sources):
        raise NotDigestibleError(f"two of the files of {shown!r} have one name")
    return found


def _base(path: str) -> str:
    """Return the folder of a path up to its first pattern."""
    parts = files.local(path).replace(os.sep, "/").split("/")
    magic = next((place for place, part in enumerate(parts) if set("*?[") & set(part)), len(parts))
    return "/".join(parts[:magic])


def _name(source: str, base: str) -> str:
    """Return the name of a file below the base; its folders may be columns, and the folders above may be anywhere."""
    source = source.replace(os.sep, "/")
    inside = source.removeprefix(base).lstrip("/") if base and source != base else ""
    columns = [part for part in base.split("/") if "=" in part]
    return "/".join([*columns, inside or source.rpartition("/")[2]])


def _version(uri: str, options: Mapping[str, Any] | None) -> str:
    store = object_store.opened(uri, options)
    info = store.system.info(store.path)
    version = next((str(info[name]) for name in _VERSIONS if info.get(name)), None)
    if version is None:
        raise NotDigestibleError(f"{without_login(uri)!r} has neither an ETag nor a version")
    return f"{version} {info.get('size')}"
