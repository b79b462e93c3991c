"""The steps that make a batch visible at once: begin, write, rename, commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from odibi_core import private_files
from odibi_core.events.clock import new_id, utc_now
from odibi_core.history.batch import Batch, sync
from odibi_core.store.manifest import VERSION, Manifest, encode_manifest

Step = Callable[[str], object]
"""Called with the name of a step that is done. Tests end the process there."""


def do_nothing(step: str) -> None:
    """Continue after a step."""


@contextmanager
def begun(root: Path, threads: int = 2) -> Iterator[Batch]:
    """Begin a batch with a new name; after an error nothing of it is left.

    The mark `manifests/<batch>.tmp` lets the next compaction delete the files of a batch that was killed. A data file
    with neither mark nor manifest is never deleted: its manifest may have been lost.
    """
    name = f"{utc_now():%Y%m%dT%H%M%S%f}-{new_id(8)}"
    mark = mark_of(root, name)
    private_files.make_folder(mark.parent)
    os.close(private_files.create(mark, os.O_WRONLY))
    sync(mark.parent)
    try:
        with Batch(root, name, threads) as batch:
            yield batch
    except BaseException:
        undo(root, name)
        raise


def commit(batch: Batch, replaces: Sequence[str], step: Step = do_nothing) -> Manifest:
    """Write the files of a batch and its manifest, and make it visible.

    Args:
        batch: A batch that was begun, with all of its runs.
        replaces: The names of the batches whose place it takes.
        step: Called after each step.
    """
    step("begun")
    about = Manifest(
        version=VERSION,
        batch=batch.name,
        created=utc_now(),
        runs=[],
        files={},
        fields=batch.fields(),
        replaces=list(replaces),
        unlisted_fields=batch.unlisted,
    )
    files = batch.write(encode_manifest(about)) if batch.runs else {}
    step("written")
    for entry in files.values():
        path = batch.root / entry.path
        path.with_name(f"{path.name}.tmp").rename(path)
        for folder in (path.parent, path.parent.parent):
            sync(folder)
    step("renamed")
    manifest = replace(about, runs=batch.runs, files=files)
    mark = mark_of(batch.root, batch.name)
    mark.write_bytes(encode_manifest(manifest))
    sync(mark)
    step("described")
    mark.rename(manifest_of(batch.root, batch.name))
    sync(mark.parent)
    step("committed")
    return manifest


def mark_of(root: Path, batch: str) -> Path:
    """Return the path of the mark of a batch that was begun; it becomes the manifest."""
    return root / "manifests" / f"{batch}.tmp"


def manifest_of(root: Path, batch: str) -> Path:
    """Return the path of the manifest of a batch."""
    return root / "manifests" / f"{batch}.json"


def undo(root: Path, batch: str) -> None:
    """Delete the files of a batch that was begun and not committed, then its mark. Raises `OSError`."""
    if manifest_of(root, batch).exists():
        return
    for path in files_of(root, batch):
        path.unlink(missing_ok=True)
    mark_of(root, batch).unlink(missing_ok=True)


def files_of(root: Path, batch: str) -> list[Path]:
    """Return the Parquet files of a batch, finished or not."""
    return [*root.glob(f"tables/*/date=*/{batch}.parquet"), *root.glob(f"tables/*/date=*/{batch}.parquet.tmp")]


def delete_batch(root: Path, batch: str) -> None:
    """Delete a batch that another one replaced: its files first, so that an interruption can be continued."""
    for path in files_of(root, batch):
        path.unlink(missing_ok=True)
        with suppress(OSError):  # the last file of a day
            path.parent.rmdir()
    manifest_of(root, batch).unlink(missing_ok=True)
