"""A shared store as an ordinary one: its local copy, brought up to date."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path

from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.mirror import locked, mirror_folder, sync
from odibi_core.history.remote.overlay import add_notes, move_notes
from odibi_core.history.remote.shipper import ship_at_end
from odibi_core.settings import Settings
from odibi_core.store.runs import RunStore


def open_copy(settings: Settings, report: Callable[[str], object]) -> RunStore:
    """Return the local copy of the store at `store.url`.

    Runs of this machine's store are in it, shipped or not; what was not shipped is shipped at the end of the program.

    Args:
        settings: The settings, with `store.url`.
        report: Called with a sentence for each reason why answers may not be complete.

    Raises:
        RemoteStoreError: The shared store cannot be reached, and there is no copy yet.
    """
    address = read_address(settings.store.url)
    root = mirror_folder(address, settings.store)
    _spool_notes(root, settings.root, report)
    mirror = sync(address, settings.store, local=settings.root)
    for problem in mirror.problems:
        report(problem)
    if not mirror.problem:
        ship_at_end(settings.root, settings.store)
    # It runs before the shipping at the end, which was registered first.
    atexit.register(_spool_notes, root, settings.root, report)
    return RunStore(root)


def _spool_notes(root: Path, local: Path, report: Callable[[str], object]) -> None:
    """Move the notes of commands into the local store, which ships them; the copy keeps them under their shared names.

    A command in another folder, with another local store, so reads them from the copy before they are shipped.
    """
    try:
        if move_notes(root, local):
            with locked(root) as is_mine:
                if is_mine:
                    add_notes(local, root)
    except OSError as error:
        report(f"notes on alerts are not shipped, because {local} cannot be written: {error.strerror or error}")
