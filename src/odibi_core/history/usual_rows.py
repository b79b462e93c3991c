"""The rows of each frame in the last good run of a pipeline: one small file that a run reads before its first step.

It is a cache: a file that is missing, damaged or of another version is built again from the runs. It holds what the
events hold, so a constant that they hide is hidden here too. A run whose rows were unusual counts as good for a frame
after `SHIFT_RUNS` such runs in a row: then the rows have a new level.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.history.rows import as_dicts
from odibi_core.store.locks import exclusive
from odibi_core.store.segments import safe_name

if TYPE_CHECKING:
    from odibi_core.history.index.filters import RunFilter

FOLDER: Final = "usual_rows"
SHIFT_RUNS: Final = 3
_VERSION: Final = 1
_PARTITIONS: Final = 40
"""Partitions of one pipeline that are kept, those of the newest runs."""
_ALL: Final = ""
_READ_AGAIN: Final = 5
"""Runs from which the file is built again."""
_WAIT_S: Final = 0.2

Entry = dict[str, Any]
"""The row change of one frame: the columns `_COLUMNS`, `run_id`, `unusual_runs` and `unconfirmed`."""
Steps = dict[str, dict[str, Entry]]
"""Entries by step and dataset."""
Tables = Mapping[str, Sequence[Sequence[Any]]]

_COLUMNS: Final = ("kind", "main_dataset", "rows_in", "rows_out", "lost", "gained")


class ReadIndex(Protocol):
    """The part of the index from which the file is built again."""

    def runs(self, wanted: RunFilter = ..., limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
        """Return the rows of `runs` that pass a filter, the newest first."""
        ...

    def tables(self, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of each table of one run."""
        ...


class _File(msgspec.Struct):
    """The content of the file: the rows of each partition, the newest last, and under `_ALL` those of all runs."""

    version: int
    partitions: dict[str, Steps]


def path_of(root: Path, pipeline_name: str) -> Path:
    """Return the file of a pipeline."""
    return root / FOLDER / f"{safe_name(pipeline_name, 80)}.json"


def read(root: Path, pipeline_name: str, partition: str | None) -> Steps | None:
    """Return the rows of the last good run, of the same partition if there was one; None without a readable file."""
    file = _read(path_of(root, pipeline_name))
    return None if file is None else _chosen(file, partition)


def _chosen(file: _File, partition: str | None) -> Steps:
    return file.partitions.get(partition or _ALL, file.partitions.get(_ALL, {}))


def _read(path: Path) -> _File | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if found.version == _VERSION else None


def has_runs(root: Path, but: str) -> bool:
    """Return whether a store has a run besides that of the folder `but`."""
    from odibi_core.history.index.scan import batch_names, hot_names  # here, because importing odibi loads no index

    return bool(hot_names(root) - {but} or batch_names(root))


def built_again(root: Path, index: ReadIndex, pipeline_name: str, partition: str | None) -> Steps:
    """Build the file from the newest good runs of a pipeline, and return the rows as `read` does."""
    from odibi_core.history.index.filters import RunFilter

    file = _File(_VERSION, {})
    for run in reversed(index.runs(RunFilter(pipeline_name=pipeline_name, status="success"), limit=_READ_AGAIN)):
        _take(file, run["partition"], run["run_id"], index.tables(run["run_id"]))
    with suppress(OSError):
        _write(path_of(root, pipeline_name), file)
    return _chosen(file, partition)


def keep(root: Path, pipeline_name: str, partition: str | None, tables: Tables) -> None:
    """Add the rows of a good run to the file.

    Raises:
        OSError: The file cannot be written.
    """
    run_id = next((row["run_id"] for row in as_dicts("runs", tables.get("runs", ()))), None)
    path = path_of(root, pipeline_name)
    if run_id is None or not (tables.get("row_changes") or path.exists()):
        return
    try:
        with exclusive(path.parent, "lock", within_s=_WAIT_S):  # without it, a run at the same time may be left out
            _add(path, partition, run_id, tables)
    except StoreError:  # a system without locks
        _add(path, partition, run_id, tables)


def _add(path: Path, partition: str | None, run_id: str, tables: Tables) -> None:
    file = _read(path) or _File(_VERSION, {})
    _take(file, partition, run_id, tables)
    _write(path, file)


def _write(path: Path, file: _File) -> None:
    private_files.write_atomic(path, msgspec.json.encode(file))


def _take(file: _File, partition: str | None, run_id: str, tables: Tables) -> None:
    """Put the rows of a run in the place of earlier ones; a step that did not run keeps its own."""
    for key in dict.fromkeys((_ALL, partition or _ALL)):
        file.partitions[key] = _steps(file.partitions.pop(key, {}), run_id, tables)
    for oldest in [key for key in file.partitions if key != _ALL][:-_PARTITIONS]:
        del file.partitions[oldest]


def _steps(known: Steps, run_id: str, tables: Tables) -> Steps:
    names = {row["node_name"] for row in as_dicts("nodes", tables.get("nodes", ()))}
    found: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
    for step, entries in known.items():
        if step in names:
            found[step].update(entries)
    for row in as_dicts("row_changes", tables.get("row_changes", ())):
        entries = found[row["node_name"]]
        entries[row["dataset"]] = _entry(row, entries.get(row["dataset"]), run_id)
    return dict(found)


def _entry(row: Mapping[str, Any], known: Entry | None, run_id: str) -> Entry:
    if known is not None and row["unusual"]:
        unusual_runs = int(known.get("unusual_runs", 0)) + 1
        if unusual_runs < SHIFT_RUNS:
            return {**known, "unusual_runs": unusual_runs}
    causes = _decoded(row["causes"], list)
    if not causes and row["asked"] == "off" and known is not None and not row["unusual"]:
        causes = known.get("causes", [])  # nothing was asked, because the rows were as before
    was_unconfirmed = row["asked"] == "off" and known is not None and bool(known.get("unconfirmed"))
    return {
        **{name: row[name] for name in _COLUMNS},
        "unconfirmed": row["asked"] == "unconfirmed" or was_unconfirmed,
        "run_id": run_id,
        "unmatched": _decoded(row["unmatched_by"], dict),
        "causes": causes,
        "stages": _decoded(row["stages"], list) if row["rows_in"] is None else [],
    }


def _decoded(cell: str | None, kind: type) -> Any:
    value = json.loads(cell) if cell else None
    return value if isinstance(value, kind) else kind()


def forget(root: Path, pipelines: Iterable[str] | None = None) -> None:
    """Delete the files of some pipelines, or of all; the next run builds them again from the runs that are left."""
    paths = root.glob(f"{FOLDER}/*.json") if pipelines is None else [path_of(root, name) for name in pipelines]
    for path in paths:
        path.unlink(missing_ok=True)
