"""`odibi doctor`: what is wrong with a store, and what can be mended."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from odibi_core.cli import exits, options, output, record
from odibi_core.cli.findings import show_findings
from odibi_core.settings import read_settings


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without loss.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Examine the store: interruptions, damage, disk, clock, access.

    With --fix it deletes what interrupted work left, marks lost runs, builds a
    damaged index anew, and closes folders that are open to others. A problem
    that is left is exit code 4. `odibi store verify` reads every byte.
    """
    from odibi_core.history.maintenance.diagnosis import diagnose
    from odibi_core.history.retention import limits_of

    kept, settings = record.open_local(store), read_settings(store={"dir": store or None}).store
    with output.waiting("examining the store"):
        findings = diagnose(kept, limits_of(settings), settings.mode, fix=fix)
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(findings) | {"is_sound": findings.is_sound})
    else:
        show_findings(findings, nothing="nothing is wrong with the store")
    if not findings.is_sound:
        raise typer.Exit(exits.UNREADABLE)
