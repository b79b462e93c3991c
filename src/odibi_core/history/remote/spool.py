"""Files that wait for shipping beside the record, such as the entries of the step cache.

A note in the store names them, so that they are shipped after an outage, and after the end of their process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files

FOLDER: Final = "to_ship"


class Waiting(msgspec.Struct):
    """Files by the names of their objects, in the order in which they are written."""

    files: dict[str, str]


def spool(root: Path, note: str, files: Mapping[str, Path]) -> None:
    """Let files wait for the next shipment of a store.

    Args:
        root: The folder of the store.
        note: A name that no other files have.
        files: The files by the names of their objects; the last one is that which readers look for.

    Raises:
        OSError: The note cannot be written.
    """
    waiting = Waiting({name: str(path) for name, path in files.items()})
    private_files.write_atomic(root / FOLDER / f"{note}.json", msgspec.json.encode(waiting))


def spooled(root: Path) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Yield each note with its files; no file if one of them is gone, because the rest is of no use then."""
    for note in sorted(root.glob(f"{FOLDER}/*.json")):
        try:
            waiting = msgspec.json.decode(note.read_bytes(), type=Waiting)
        except FileNotFoundError:  # another process has shipped it
            continue
        except msgspec.MsgspecError:
            yield note, {}
            continue
        files = {name: Path(path) for name, path in waiting.files.items()}
        yield note, files if all(path.is_file() for path in files.values()) else {}
