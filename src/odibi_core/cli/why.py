"""`odibi why`: the rows that the steps of a run lost, doubled or did not match, by which rule, and since when."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Final

import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.completion import steps_of_run

if TYPE_CHECKING:
    from rich.console import Console

    from odibi_core.runtime.why import Why

_STEP: Final = typer.Argument(
    metavar="STEP", help="One step, closely.", show_default="all", autocompletion=steps_of_run
)


def why(
    run: options.Run = None,
    step: Annotated[str | None, _STEP] = None,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=0, help="Examples of rows.")] = 3,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RUN", help="Compare with it.", show_default="last good")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Run steps again.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show which rows the steps of a run lost, and by which rule.

    The first sentence names the step where the run begins to differ from
    the last good one, and the likely cause. Then each step that lost,
    doubled or did not match rows: how many, by which rule, how far that is
    proved, and whether the last good run had it too.

    With STEP, the rule is looked for if the run recorded only counts, with
    the conditions of a SQL step, examples, and the way of one row through
    the steps. This needs the datasets of the run: kept ones
    (ODIBI_KEEP__FRAMES=all), those of the cache, or with --replay those
    that its steps make again. Examples are shown with
    ODIBI_ROWS__SHOW=keys. A part that is not available is named.

    odibi why
    odibi why flights add_weather --against 3fa2c1b7
    """
    from odibi_core.runtime.why import Asked
    from odibi_core.runtime.why import why as answer

    if step is None:
        options.refuse("without a step", {"--replay": replay})
    as_json = format is options.TextOrJson.json
    asked = Asked(step=step, against=against, rows=rows, replays=replay)
    kept = record.open_store(store)
    with output.aside() if as_json else nullcontext(), output.waiting("reading the run"):
        found = answer(kept, run, asked)
    if as_json:
        output.write_json(found.as_dict())
    else:
        _show(found, output.console())


def _show(found: Why, on: Console) -> None:
    from odibi_core.runtime.why.lines import lines

    width = on.width if on.file.isatty() else 80
    for place, line in enumerate(lines(found, width)):
        style = "bold" if place == 0 else "yellow" if line.endswith("UNUSUAL") else ""
        if line.startswith("not known: ") or line.lstrip().startswith("not known: "):
            style = "dim"
        output.write(on, output.styled(line, style))
