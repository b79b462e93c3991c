"""The local copy of a shared store, for the commands that read."""

from __future__ import annotations

from odibi_core.cli import output
from odibi_core.events.clock import utc_now
from odibi_core.history.remote import Mirror, read_address, sync
from odibi_core.history.remote.shipper import ship_left
from odibi_core.settings import Settings
from odibi_core.store.runs import RunStore


def open_shared(settings: Settings) -> RunStore:
    """Bring the local copy of `store.url` up to date, write what is missing as a notice, and return the copy.

    Runs of this machine's store are in it, shipped or not; what was not shipped is shipped in the background.
    """
    address = read_address(settings.store.url)
    with output.waiting(f"reading {address}"):
        mirror = sync(address, settings.store, local=settings.root)
    for problem in problems_of(mirror):
        output.notice(problem)
    if not mirror.problem:
        ship_left(settings.root, settings.store)
    return RunStore(mirror.root)


def problems_of(mirror: Mirror) -> list[str]:
    """Return a sentence for each reason why the answer may not be complete."""
    found = []
    if mirror.problem:
        age = f"of {output.duration((utc_now() - mirror.synced).total_seconds() * 1e3)} ago" if mirror.synced else ""
        copy = f"the answer is that of the local copy {age}" if age else "there is no local copy yet: the answer has"
        found.append(f"{mirror.problem}; {copy}{' and' if age else ''} the runs of this machine")
    if mirror.damaged:
        found.append(f"{output.count(mirror.damaged, 'objects')} of the shared store could not be read")
    if mirror.incomplete:
        found.append(f"of {output.count(mirror.incomplete, 'segments')} a part is missing in the shared store")
    if mirror.left_out:
        found.append(
            f"{output.count(mirror.left_out, 'runs')} of the oldest batches are left out, because the local copy would "
            "become too large; raise ODIBI_STORE__CACHE_MB"
        )
    return found
