"""A shared store as an ordinary one: its local copy, brought up to date."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path

from odibi_core.errors import RemoteStoreError
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.mirror import Mirror, locked, mirror_folder, sync
from odibi_core.history.remote.overlay import add_notes, move_notes
from odibi_core.history.remote.shipper import ship_at_end
from odibi_core.history.remote.shipping import is_left, ship
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
    mirror = _synchronized(settings, report)
    if not mirror.problem:
        ship_at_end(settings.root, settings.store)
    # It runs before the shipping at the end, which was registered first.
    atexit.register(_spool_notes, mirror.root, settings.root, report)
    return RunStore(mirror.root)


def refresh_copy(settings: Settings, report: Callable[[str], object]) -> RunStore:
    """Bring the copy that `open_copy` opened up to date, for a program that goes on; ship its notes now.

    Args:
        settings: The settings, with `store.url`.
        report: Called with a sentence for each reason why answers may not be complete.

    Raises:
        StoreError: The copy cannot be written.
    """
    mirror = _synchronized(settings, report)
    address = read_address(settings.store.url)
    if not mirror.problem and is_left(settings.root, address):
        try:
            ship(settings.root, address)
        except RemoteStoreError as error:
            report(f"notes on alerts are not shipped yet: {error}")
    return RunStore(mirror.root)


def _synchronized(settings: Settings, report: Callable[[str], object]) -> Mirror:
    address = read_address(settings.store.url)
    _spool_notes(mirror_folder(address, settings.store), settings.root, report)
    mirror = sync(address, settings.store, local=settings.root)
    for problem in mirror.problems:
        report(problem)
    return mirror


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
