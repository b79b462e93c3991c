"""Deletion of the sources that no run of a store refers to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from odibi_core.errors import first_line
from odibi_core.events.clock import utc_now
from odibi_core.store.cold import connected, parquet
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import all_segments
from odibi_core.store.sources import FOLDER

YOUNG: Final = timedelta(days=1)
"""Sources of this age stay: a run that has just begun may be about to refer to one."""
_HASH: Final = re.compile(rb'"source_hash":"([0-9a-f]{64})"')
_BLOCK: Final = 1 << 20
_OVERLAP: Final = 128


def prune_sources(store: RunStore, problems: list[str]) -> int:
    """Delete the sources that no run refers to, and return their number; under the lock of the store.

    None is deleted if a run cannot be read, because it may refer to any of them.
    """
    folder = store.root / FOLDER
    old = [path for path in folder.glob("??/*.txt") if _is_old(path)]
    if not old:
        return 0
    try:
        used = {*_of_hot_runs(store), *_of_batches(store)}
    except Exception as error:  # DuckDB has its own tree of errors
        problems.append(f"no source was deleted: {first_line(error)}")
        return 0
    if store.cold.problems:
        problems.append("no source was deleted, because not every run can be read")
        return 0
    unused = [path for path in old if path.stem not in used]
    for path in unused:
        path.unlink(missing_ok=True)
    if unused:
        os.utime(folder)  # processes that know a source to be stored look again
    return len(unused)


def _is_old(path: Path) -> bool:
    try:
        return utc_now() - datetime.fromtimestamp(path.stat().st_mtime, UTC) > YOUNG
    except OSError:
        return False


def _of_hot_runs(store: RunStore) -> Iterator[str]:
    """Yield the hashes in all segments, also of runs that are in a batch: the lines are searched, not decoded."""
    runs = store.root / "runs"
    for folder in runs.iterdir() if runs.is_dir() else ():
        for path in all_segments(folder / "events"):
            with path.open("rb") as file:
                rest = b""
                while block := file.read(_BLOCK):
                    yield from (found.decode() for found in _HASH.findall(rest + block))
                    rest = block[-_OVERLAP:]


def _of_batches(store: RunStore) -> Iterator[str]:
    """Yield the hashes of the steps of all batches."""
    for manifest in store.cold.manifests():
        entry = manifest.files.get("nodes")
        if entry is None:
            continue
        source = parquet(store.root / entry.path)
        with connected() as connection:
            rows = connection.execute(f"select distinct source_hash from {source} where source_hash is not null")
            yield from (value for (value,) in rows.fetchall())
