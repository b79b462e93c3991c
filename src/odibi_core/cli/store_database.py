"""`odibi store export --to URL`: the tables of the history in a database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from odibi_core.cli import options, output, record
from odibi_core.cli.times import moment

if TYPE_CHECKING:
    from odibi_core.history.database.exporting import Exported


class Wanted(msgspec.Struct, frozen=True):
    """The options of the command."""

    to: str
    schema: str
    tables: str | None
    since: str | None
    pipeline: str | None
    store: str | None
    is_dry_run: bool
    format: options.TextOrJson


def export_to_database(wanted: Wanted) -> None:
    """Bring the tables of a database up to date, and write what was done."""
    from odibi_core.history.database.exporting import Export
    from odibi_core.history.index.filters import RunFilter

    names = None if wanted.tables is None else [name.strip() for name in wanted.tables.split(",") if name.strip()]
    runs = RunFilter(pipeline_name=wanted.pipeline, since=moment(wanted.since, "--since"))
    with _progress() as progress:
        work = Export(record.open_store(wanted.store), wanted.to, wanted.schema, names, progress)
        result = work.plan(runs) if wanted.is_dry_run else work.run(runs)
    if wanted.format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(result))
    else:
        _write(result)
    if result.unreadable:
        output.notice(f"{result.unreadable:,} lines could not be read, and are not in `logs`")
    for problem in result.problems:
        output.notice(problem)


def _write(result: Exported) -> None:
    on = output.console()
    verb = "would be exported" if result.is_dry_run else "exported"
    runs = output.count(result.new + result.changed, "runs")
    where = f"{result.to}, schema {result.schema}" if result.schema else result.to
    output.write(on, output.styled(f"{runs} {verb} to {where}"))
    parts = {
        "new": result.new, "changed": result.changed, "as they were": result.unchanged,
        "with more in the database": result.newer, "pruned meanwhile": result.gone,
        "missed runs": result.missed,
    }  # fmt: skip
    output.write(on, output.styled(output.joined([f"{n:,} {what}" for what, n in parts.items() if n] or ["0 new"], on)))
    if result.rows:
        listed = output.table("Table", "Rows", right=("Rows",))
        for name, number in result.rows.items():
            listed.add_row(output.cell(name), output.cell(f"{number:,}"))
        output.write(on, listed)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on the terminal, until the block ends."""
    on = output.console(sys.stderr)
    if not output.is_live(on):
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("exporting runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=on, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
