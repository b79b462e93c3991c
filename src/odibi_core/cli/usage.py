"""`odibi usage`: the use of commands, features and data checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core.cli import options, output, record
from odibi_core.views.usage import UsageView

if TYPE_CHECKING:
    from rich.table import Table


def usage(
    run: options.OnlyRun = None,
    since: options.Since = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the use of commands, features and data checks.

    The counts are read from the store on this machine and sent nowhere. With
    ODIBI_USAGE__ENABLED=false nothing is recorded.
    """
    kept = record.open_store(store)
    with output.waiting("reading the store"):
        answer = record.fold(UsageView(), record.select(kept, run, since)).answer()
    if format is options.TextOrJson.json:
        output.write_json(answer)
    elif any(answer.values()):
        _show(answer)
    else:
        output.nothing("usage", kept.root, run or since, "; `track_cli_command` records it")


def _show(answer: dict[str, Any]) -> None:
    tables = [
        _commands(answer["commands"]),
        _counts("Argument", answer["arguments"]),
        _counts("Feature", answer["features"]),
        _counts("BigQuery operation", answer["bigquery_operations"]),
        _checks(answer["data_quality"]),
    ]
    on = output.console()
    for number, listed in enumerate(table for table in tables if table.row_count):
        if number:
            output.write(on, output.styled(""))
        output.write(on, listed)


def _commands(told: dict[str, dict[str, Any]]) -> Table:
    figures = ("Started", "Succeeded", "Failed", "Average", "Longest", "Users")
    listed = output.table("Command", *figures, right=figures)
    for name, command in told.items():
        listed.add_row(
            output.cell(name, "bold"),
            output.count(command["started"]),
            output.count(command["success"]),
            output.cell(output.count(command["failed"]), "red" if command["failed"] else ""),
            output.duration(command["avg_duration_ms"]),
            output.duration(command["max_duration_ms"]),
            output.count(command["users"]),
        )
    return listed


def _counts(title: str, counts: dict[str, int]) -> Table:
    listed = output.table(title, "Times", right=("Times",))
    for name, number in sorted(counts.items(), key=lambda row: -row[1]):
        listed.add_row(output.cell(name, "bold"), output.count(number))
    return listed


def _checks(told: dict[str, dict[str, Any]]) -> Table:
    figures = ("Asked", "Passed", "Failed", "Not checked", "Rate")
    listed = output.table("Data check", *figures, right=figures)
    for name, check in told.items():
        style = {True: "", False: "red", None: "yellow"}[check["last_passed"]]
        listed.add_row(
            output.cell(name, style or "bold"),
            output.count(check["executed"]),
            output.count(check["passed"]),
            output.count(check["failed"]),
            output.count(check["not_checked"]),
            output.cell("–" if check["pass_rate"] is None else f"{check['pass_rate']:.0%}", style),
        )
    return listed
