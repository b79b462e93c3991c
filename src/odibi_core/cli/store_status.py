"""`odibi store status`: the runs of a store, their sizes, and the state of what is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from odibi_core.cli import options, output, record, times
from odibi_core.history.retention import size
from odibi_core.settings import read_settings

if TYPE_CHECKING:
    from odibi_core.history.last_compaction import LastCompaction
    from odibi_core.history.maintenance.status import Status


def status(store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """Show the size and the state of the store.

    Runs are hot as long as their journals are the record, and cold when they
    are compacted into Parquet files. A limit of 0 is none.
    """
    from odibi_core.history.maintenance.status import status_of
    from odibi_core.history.retention import limits_of

    kept = record.open_local(store)
    with output.waiting("reading the store"):
        found = status_of(kept, limits_of(read_settings(store={"dir": store or None}).store))
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(found))
        return
    if not found.exists:
        output.notice(f"there is no store in {found.root}; `odibi demo` records a run")
        return
    on = output.console()
    listed = output.table("Store", found.root, whole=("Store",))
    for name, value in _rows(found):
        listed.add_row(output.cell(name), output.styled(value))
    output.write(on, listed)
    for problem in found.problems:
        output.notice(problem)


def _rows(found: Status) -> list[tuple[str, str]]:
    """Return the rows of the table: what is shown, and its value."""
    sizes = found.sizes
    ends = [times.at_second(moment) if moment else "?" for moment in (found.oldest, found.newest)]
    rows = [
        ("Runs", f"{found.runs_hot + found.runs_cold:,}: {found.runs_hot:,} hot, {found.runs_cold:,} cold"),
        ("Batches", f"{found.batches:,} with {found.events_cold:,} events"),
        ("Oldest, newest", " – ".join(ends)),
        ("Size", f"{size(sizes.total)}: journals {size(sizes.journals)}, tables {size(sizes.tables)}, "
         f"exports {size(sizes.exports)}, sources {size(sizes.sources)}, index {size(sizes.index)}, "
         f"trash {size(sizes.trash)}"),
        ("Compression", f"{found.compression:g} : 1" if found.compression else "not known"),
        ("Free disk", size(found.free_bytes) if found.free_bytes is not None else "unknown"),
        ("Index", "present" if found.has_index else "none: the next command that needs it builds it"),
        ("Limits", _limits(found)),
        ("Last compaction", _outcome(found.last_compaction)),
    ]  # fmt: skip
    if found.set_aside:
        rows.append(("Set aside", f"{len(found.set_aside):,} damaged files: {', '.join(found.set_aside[:3])}"))
    if found.is_newer:
        rows.append(("Version", "newer than this odibi-core: the store is read, and not changed"))
    return rows


def _outcome(last: LastCompaction | None) -> str:
    if last is None:
        return "none"
    done = f"failed, {last.error}" if last.error else f"{last.runs:,} runs in {output.duration(last.duration_ms)}"
    return f"{times.at_second(last.ended)}: {done}"


def _limits(found: Status) -> str:
    limits = found.limits
    shown = [
        f"{limits['days']:g} days" if limits["days"] else "",
        f"{limits['runs']:,} runs of each pipeline" if limits["runs"] else "",
        size(limits["bytes"]) if limits["bytes"] else "",
        f"{size(limits['min_free_bytes'])} free" if limits["min_free_bytes"] else "",
    ]
    return ", ".join(filter(None, shown)) or "none: no run is pruned"
