"""`odibi trace`: where rows of a recorded dataset came from, and where they went."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from odibi_core.cli import options, output, record
from odibi_core.errors import ConfigurationError


def trace(
    run: options.Run = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="DATASET", help="A dataset of the run; needed.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="A condition on its columns; needed.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=0, help="Rows to show.")] = 3,
    replay: Annotated[bool, typer.Option("--replay", help="Run steps again.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Follow rows of a dataset back to their sources, and forward.

    Each dataset has the rows that belong to those of the condition. A link
    is exact if the values of all rows prove it, likely if other rows have
    the same values, and else unknown, with the reason. Rows that did not
    come through are named with the step and its rule.

    This needs the datasets of the run: kept ones (ODIBI_KEEP__FRAMES=all),
    those of the cache, or with --replay those that its steps make again.
    The rows are shown with ODIBI_ROWS__SHOW=keys, redacted.

    odibi trace flights --dataset joined --where "order_id = 17"
    """
    from odibi_core.runtime.tracing import trace_run

    if dataset is None or where is None:
        name = "--dataset" if dataset is None else "--where"
        raise ConfigurationError(f"{name} must be given, got nothing; such as --dataset orders --where 'order_id = 17'")
    as_json = format is options.TextOrJson.json
    kept = record.open_store(store)
    with output.aside() if as_json else nullcontext(), output.waiting("following the rows"):
        found = trace_run(kept, run, dataset, where, rows=rows, replays=replay)
    if as_json:
        output.write_json(found.as_dict())
        return
    from odibi_core.runtime.tracing.lines import lines

    on = output.console()
    for line in lines(found, on.width if on.file.isatty() else 80):
        style = "bold" if line.startswith("  * ") else "dim" if "unknown, " in line else ""
        output.write(on, output.styled(line, style))
