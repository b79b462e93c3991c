"""A shared store as an ordinary one: its local copy, brought up to date."""

from __future__ import annotations

import atexit
from collections.abc import Callable

from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.mirror import mirror_folder, sync
from odibi_core.history.remote.overlay import move_notes
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
    move_notes(root, settings.root)
    mirror = sync(address, settings.store, local=settings.root)
    for problem in mirror.problems:
        report(problem)
    if not mirror.problem:
        ship_at_end(settings.root, settings.store)
    atexit.register(move_notes, root, settings.root)  # runs before the shipping at the end, which was registered first
    return RunStore(root)
