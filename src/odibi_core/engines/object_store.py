"""Files of object stores, by fsspec: `s3://`, `gs://`, `az://`, `memory://` and every other protocol that it knows.

A file is written whole to a local one first, and then put in its place: by one put where the store makes an object
visible with its last byte, else beside the real name and renamed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from odibi_core.engines.file_remote import without_login
from odibi_core.errors import EngineError, SourceNotFoundError
from odibi_core.events import clock
from odibi_core.plugins import OBJECT_STORES, missing_extra

_BY_LIBRARY: Final = frozenset({"http", "https", "ftp", "hf"})
"""Protocols that are left to the library of the engine."""
_MAGIC: Final = re.compile(r"[*?\[]")
_MARKERS: Final = (".", "_")


class Store(NamedTuple):
    """A file system and the path in it."""

    system: Any
    path: str


def is_stored(path: str) -> bool:
    """Return whether a path is a URI that fsspec opens here."""
    scheme, found, _ = path.partition("://")
    return bool(found) and scheme.lower() not in _BY_LIBRARY


def problems(path: str) -> list[str]:
    """Return a sentence if the library of the protocol is not installed, or if the URI has a password."""
    if not is_stored(path):
        return []
    scheme = path.partition("://")[0].lower()
    if "@" in path.partition("://")[2].partition("/")[0]:
        return [f"{without_login(path)!r} must have no credentials in it, got some; set them by storage_options="]
    library = OBJECT_STORES.get(scheme, "fsspec")
    return [] if find_spec(library) is not None else [str(missing_extra(library, f"a file at {scheme}://"))]


def opened(path: str, options: Mapping[str, Any] | None) -> Store:
    """Return the file system of a URI; the program's own cached one, whose listings are not used."""
    from fsspec.core import url_to_fs

    try:
        system, inside = url_to_fs(path, **{**dict(options or {}), "use_listings_cache": False})
    except (ImportError, ValueError) as error:
        raise EngineError(f"{without_login(path)!r} cannot be opened: {error}") from error
    return Store(system, inside)


def stream(path: str, options: Mapping[str, Any] | None) -> Any:
    """Open a file to read."""
    store = opened(path, options)
    try:
        return store.system.open(store.path, "rb")
    except FileNotFoundError:
        raise SourceNotFoundError(f"there is no file {without_login(path)!r}; check its bucket and its name") from None


def sources(path: str, options: Mapping[str, Any] | None, suffixes: tuple[str, ...]) -> list[str]:
    """Return the URIs of a file, a pattern or a folder, sorted.

    Args:
        path: The URI.
        options: Those of fsspec.
        suffixes: Of the files of a folder; others are none of the data.

    Raises:
        SourceNotFoundError: No file is there.
        EngineError: The folder is a Delta table.
    """
    system, inside = opened(path, options)
    if _MAGIC.search(inside):
        found = [each for each in system.glob(inside) if not _name(each).startswith(_MARKERS)]
    elif not path.endswith("/") and (suffixes == () or inside.lower().endswith(suffixes) or system.isfile(inside)):
        return [path]
    else:
        found = _inside(system, inside, suffixes)
    if not found:
        raise SourceNotFoundError(f"there is no file at {without_login(path)!r}; check its bucket and its name")
    return [system.unstrip_protocol(each) for each in sorted(found)]


def _inside(system: Any, folder: str, suffixes: tuple[str, ...]) -> list[str]:
    every = system.find(folder.rstrip("/"))
    if any("/_delta_log/" in each for each in every):
        raise EngineError(f"{system.unstrip_protocol(folder)!r} is a Delta table; set format='delta'")
    return [each for each in every if each.lower().endswith(suffixes) and _is_data(each, folder)]


def _is_data(path: str, folder: str) -> bool:
    """Return false for a file with a name, or in a folder with a name, that begins with . or _."""
    return not any(part.startswith(_MARKERS) for part in path[len(folder.rstrip("/")) :].split("/"))


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


@contextmanager
def replacing(path: str, options: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a local file, which becomes the remote one if the block succeeds (atomic write)."""
    import tempfile

    store = opened(path, options)
    with tempfile.TemporaryDirectory(prefix="odibi-") as folder:
        local = os.path.join(folder, _name(store.path) or "file")
        yield local
        put(store, local)


def put(store: Store, local: str) -> None:
    """Put a local file in the place of a remote one."""
    system, path = store
    protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    if protocols & set(OBJECT_STORES):  # a put is atomic there
        system.put_file(local, path)
        return
    folder, _, name = path.rpartition("/")
    with suppress(NotImplementedError):
        system.makedirs(folder, exist_ok=True)
    beside = f"{folder}/.{clock.new_id()}.{name}.tmp"
    try:
        system.put_file(local, beside)
        system.mv(beside, path)
    except BaseException:
        with suppress(Exception):
            system.rm_file(beside)
        raise
