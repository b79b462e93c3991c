"""The entries of the step cache in the shared store, so that a host takes what another one has made."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from odibi_core.cache.entries import MANIFEST, CacheFolder, Entry, decoded
from odibi_core.errors import ConfigurationError, EngineError, RemoteStoreError
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.objects import Objects, open_objects
from odibi_core.history.remote.spool import spool
from odibi_core.settings.sections import Settings

_log = logging.getLogger("odibi_core")
FOLDER: Final = "cache"
"""The prefix of the entries in the shared store."""


class Listed(NamedTuple):
    """An entry in the shared store: its files, and its manifest unless that cannot be read."""

    key: str
    names: list[str]
    bytes: int
    modified: float
    """Seconds since 1970, by the clock of the store."""
    entry: Entry | None = None


class SharedEntries:
    """The entries in a shared store: those that a cache lacks are taken from it, new ones wait for shipping.

    `fetch` and `offer` never raise. After a failure nothing more is fetched, and `problem` is the reason.

    Args:
        folder: The cache of this machine.
        root: The store of this machine, whose runs are shipped.
        place: The address of the shared store, for messages.
        objects: The shared store.
    """

    def __init__(self, folder: CacheFolder, root: Path, place: str, objects: Objects) -> None:
        self.problem = ""
        self.place = place
        self._folder = folder
        self._root = root
        self._objects = objects

    def fetch(self, key: str) -> bool:
        """Add an entry to the cache of this machine; return whether there was one."""
        if self.problem:
            return False
        try:
            manifest = self._objects.read(object_of(key, MANIFEST))
            self._folder.receive(key, manifest, lambda name, path: self._objects.download(object_of(key, name), path))
        except (FileNotFoundError, EngineError):  # none, removed meanwhile, or of another version
            return False
        except (RemoteStoreError, OSError) as error:
            self.problem = str(error)
            _log.warning("the step cache does without the shared store in this run: %s", error)
            return False
        return True

    def offer(self, key: str) -> None:
        """Let a new entry wait for shipping."""
        try:
            files = self._folder.files(key)
            spool(self._root, f"cache-{key}", {object_of(key, name): path for name, path in files.items()})
        except (EngineError, OSError) as error:
            _log.warning("an entry of the step cache is not shared: %s", error)

    def all_keys(self) -> list[str]:
        """Return the keys of all entries in the shared store.

        Raises:
            RemoteStoreError: It cannot be reached.
        """
        return [each.key for each in self._found()]

    def listed(self) -> Iterator[Listed]:
        """Yield all entries in the shared store, with one request for each manifest.

        Raises:
            RemoteStoreError: It cannot be reached.
        """
        for each in self._found():
            try:
                yield each._replace(entry=decoded(self._objects.read(object_of(each.key, MANIFEST)), each.key))
            except (FileNotFoundError, EngineError):
                yield each

    def prune(self, most_bytes: float) -> list[str]:
        """Remove the entries that were shipped first, until all take at most so many bytes; return their keys.

        Raises:
            RemoteStoreError: It cannot be reached, or nothing may be deleted there.
        """
        found = sorted(self._found(), key=lambda each: each.modified)
        total, removed = sum(each.bytes for each in found), []
        for each in found:
            if total <= most_bytes:
                break
            self._objects.remove([object_of(each.key, MANIFEST)])  # first, so that no reader finds a part of it
            self._objects.remove(each.names)
            total -= each.bytes
            removed.append(each.key)
        return removed

    def _found(self) -> list[Listed]:
        found: dict[str, Listed] = {}
        for each in self._objects.find(FOLDER):
            key = each.name.split("/")[2]
            known = found.get(key, Listed(key, [], 0, 0.0))
            found[key] = Listed(
                key, [*known.names, each.name], known.bytes + each.size, max(known.modified, each.modified)
            )
        return list(found.values())


def object_of(key: str, name: str) -> str:
    """Return the name of the object of a file of an entry."""
    return f"{FOLDER}/{key[:2]}/{key}/{name}"


def shared_entries(settings: Settings, folder: CacheFolder, *, has_store: bool) -> SharedEntries:
    """Return the entries in the shared store of the settings.

    Raises:
        ConfigurationError: There is no shared store, or no store whose runs are shipped.
    """
    if not settings.store.url or not has_store:
        lacks = "store.url, the shared store" if not settings.store.url else "a run with a store, which ships them"
        raise ConfigurationError(f"a shared cache needs {lacks}; set it, or set ODIBI_CACHE__SHARED=false")
    address = read_address(settings.store.url)
    return SharedEntries(folder, settings.root, str(address), open_objects(address))
