"""The commands on a shared store: its local copy for those that read, and its compaction."""

from __future__ import annotations

import msgspec

from odibi_core.cli import options, output
from odibi_core.history.remote import read_address
from odibi_core.history.remote.opening import open_copy
from odibi_core.settings import Settings, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.wording import plural


def open_shared(settings: Settings) -> RunStore:
    """Return the local copy of `store.url`, brought up to date; report what is missing as notices."""
    problems: list[str] = []
    with output.waiting(f"reading {settings.store.url}"):
        copy = open_copy(settings, problems.append)
    for problem in problems:
        output.notice(problem)
    return copy


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
