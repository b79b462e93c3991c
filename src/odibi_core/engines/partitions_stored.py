"""Partitioned data sets in object stores: new files are put, then those that they replace are removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from odibi_core.engines import object_store
from odibi_core.engines.file_remote import without_login
from odibi_core.errors import EngineError

_OWN: Final = re.compile(r"(?:[^/=]+=[^/]*/)*part-\w+\.parquet")


@contextmanager
def putting(path: str, storage: Mapping[str, Any] | None, mode: str) -> Iterator[str]:
    """Yield a local folder, whose files become those of the data set if the block succeeds.

    A reader may see both old and new files for a moment, and never a part of a file. After a failed put the new files
    are removed again.

    Args:
        path: The URI of the folder.
        storage: The options of fsspec.
        mode: One of `refusals.MODES`.

    Raises:
        EngineError: The folder holds a file that no step has written.
    """
    import tempfile

    store = object_store.opened(path.rstrip("/"), storage)
    there = _there(store)
    with tempfile.TemporaryDirectory(prefix="odibi-") as folder:
        yield folder
        new = sorted(
            os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/")
            for where, _, names in os.walk(folder)
            for name in names
        )
        _put(store, folder, new)
    written = {each.rpartition("/")[0] for each in new}
    old = [each for each in there if mode == "overwrite" or each.rpartition("/")[0] in written]
    if old and mode != "append":
        store.system.rm([f"{store.path}/{each}" for each in old])


def _there(store: object_store.Store) -> list[str]:
    """Return the files of the data set, relative to its folder."""
    try:
        found = [str(each)[len(store.path) :].lstrip("/") for each in store.system.find(store.path)]
    except FileNotFoundError:
        return []
    foreign = next((each for each in found if not _OWN.fullmatch(each)), None)
    if foreign is not None:
        shown = without_login(store.system.unstrip_protocol(store.path))
        named = foreign or "a file of its name"
        raise EngineError(f"the folder {shown!r} holds {named!r}, which no step has written; name another folder")
    return found


def _put(store: object_store.Store, folder: str, new: list[str]) -> None:
    done: list[str] = []
    try:
        for each in new:
            target = f"{store.path}/{each}"
            object_store.put(store._replace(path=target), os.path.join(folder, each))
            done.append(target)
    except BaseException:
        for target in done:
            with suppress(Exception):
                store.system.rm_file(target)
        raise
