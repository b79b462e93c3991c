"""The commands on a shared store: its local copy for those that read, and its compaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import msgspec

from odibi_core.cli import options, output
from odibi_core.errors import STOPS, OdibiError
from odibi_core.history.remote import read_address
from odibi_core.history.remote.address import Address
from odibi_core.history.remote.opening import open_copy
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.wording import plural

_EVERY_S: Final = 5.0
_END_WITHIN_S: Final = 2.0


def open_shared(settings: Settings) -> RunStore:
    """Return the local copy of `store.url`, brought up to date; report what is missing as notices."""
    problems: list[str] = []
    with output.waiting(f"reading {settings.store.url}"):
        copy = open_copy(settings, problems.append)
    for problem in problems:
        output.notice(problem)
    return copy


def address_of(given: str | None) -> Address | None:
    """Return the address of the shared store that a command reads; None if it reads a local one.

    Args:
        given: The value of `--store`.
    """
    url = read_settings(store={"dir": given or None}).store.url
    return None if not url or (given and "://" not in given) else read_address(url)


@contextmanager
def kept_fresh(given: str | None) -> Iterator[Callable[[], str]]:
    """Bring the local copy of a shared store up to date while the block runs; nothing is done for a local store.

    The value of the block is a function that returns the last problem; empty for none.

    Args:
        given: The value of `--store`.
    """
    from odibi_core.history.remote import mirror

    address = address_of(given)
    if address is None:
        yield str
        return
    settings, over, problems = read_settings(store={"dir": given or None}), Event(), list[str]()

    def refresh() -> None:
        while not over.wait(_EVERY_S):
            try:
                problems[:] = mirror.sync(address, settings.store, local=settings.root).problems[:1]
            except STOPS:
                raise
            except BaseException as error:
                reason = str(error) if isinstance(error, OdibiError) else type(error).__name__
                problems[:] = [f"{address} could not be read: {reason}"]

    thread = Thread(target=refresh, name="odibi-shared-copy", daemon=True)
    thread.start()
    try:
        yield lambda: "".join(problems)
    finally:
        over.set()
        thread.join(_END_WITHIN_S)


def compact_url(url: str, limit_s: float | None, format: options.TextOrJson) -> None:
    """Compact a shared store and show the result."""
    from odibi_core.history.compaction import Options
    from odibi_core.history.remote.shared_compaction import compact_shared

    address = read_address(url)
    with output.waiting(f"compacting {address}"):
        report = compact_shared(address, read_settings().store, Options(limit_s=limit_s, grace_s=0.0))
    done = report.compaction
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(report))
    else:
        output.write(
            output.console(),
            output.styled(
                f"{output.count(done.runs, 'runs')} compacted, {plural(done.merged, 'batch', 'batches')} merged; "
                f"{plural(report.uploaded, 'batch', 'batches')} uploaded, "
                f"{output.count(report.removed, 'objects')} removed"
            ),
        )
    for sentence in (*done.mended, *done.problems):
        output.notice(sentence)
