"""`odibi errors`: the errors of all runs, grouped by fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from msgspec.structs import replace

from odibi_core.cli import exits, options, output, record, times
from odibi_core.cli.filters import check_pipeline
from odibi_core.cli.times import moment
from odibi_core.errors import nearest
from odibi_core.history.index.error_groups import ErrorRow
from odibi_core.store.runs import RunStore
from odibi_core.views.answers import ErrorGroup, Errors
from odibi_core.views.as_dict import answer_dict
from odibi_core.views.errors import ErrorsView

if TYPE_CHECKING:
    from rich.console import Console

_MESSAGE: Final = 120
"""Characters of a message in the list; a single error is shown whole."""
_PLACE: Final = 40
_LABEL: Final = 14
_WIDE: Final = 100
"""Columns of a terminal that has room for the whole table."""


def errors(
    fingerprint: Annotated[
        str | None,
        typer.Argument(
            metavar="FINGERPRINT", help="Only this error, in full.", show_default="list all",
        ),
    ] = None,
    pipeline: options.OnlyPipeline = None,
    run: options.OnlyRun = None,
    since: options.Since = None,
    until: options.Until = None,
    limit: options.Limit = 20,
    page: options.Page = 1,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:  # fmt: skip
    """List the errors of all runs, grouped by fingerprint.

    The fingerprint is the type, the message without numbers and names, and
    the innermost functions; its beginning is enough for FINGERPRINT. The
    errors seen last come first. An exception that passed through several
    layers counts once.

    odibi errors --since 7d --pipeline nightly
    """
    if fingerprint is not None:
        options.refuse("with FINGERPRINT", {"--limit": limit != 20, "--page": page != 1})
    if not limit:
        options.refuse("with --limit 0", {"--page": page != 1})
    kept = record.open_store(store)
    run_id = record.find(kept, run) if run else None
    begin, end = moment(since, "--since"), moment(until, "--until", to_its_end=True)
    with record.indexed(kept) as index:
        found = index.errors(pipeline, begin, end, run_id)
        if pipeline is not None and not found:
            check_pipeline(index, pipeline)
    if fingerprint is not None:
        shown = _with_examples(kept, [_chosen(found, fingerprint)])
        if not shown:
            raise typer.Exit(exits.UNREADABLE)
        _show_one(shown[0], format)
        return
    groups = found[(page - 1) * limit : page * limit if limit else None]
    if format is options.TextOrJson.json:
        total = sum(group.count for group in found)
        output.write_json(answer_dict(Errors(total, _with_examples(kept, groups), 0)))
    elif groups:
        _list(groups)
    else:
        output.nothing("error", kept.root, pipeline or run or since or until or page > 1)
    if groups:
        output.more(len(found), limit, page, "errors")


def _chosen(groups: list[ErrorRow], wanted: str) -> ErrorRow:
    found = [group for group in groups if group.fingerprint.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    marks = [group.fingerprint for group in groups]
    if found:
        output.complain(f"{wanted!r} is the beginning of {len(found)} fingerprints: {', '.join(marks[:5])}")
    else:
        output.complain(f"there is no error {wanted!r}{nearest(wanted, marks)}; `odibi errors` lists them")
    raise typer.Exit(exits.NOT_FOUND)


def _with_examples(store: RunStore, rows: list[ErrorRow]) -> list[ErrorGroup]:
    """Return the groups, each with its failure in the newest run as the example; a notice counts those without."""
    examples: dict[tuple[str, str], ErrorGroup] = {}
    with output.waiting("reading the errors"):
        for name, events in record.read_many(store, dict.fromkeys(row.name for row in rows)):
            for group in record.fold(ErrorsView(), events).answer().groups:
                examples[name, group.fingerprint] = group
    found = [row for row in rows if (row.name, row.fingerprint) in examples]
    if len(found) < len(rows):
        output.notice(f"{output.count(len(rows) - len(found), 'errors')} left out, because the record cannot be read")
    return [_group(row, examples[row.name, row.fingerprint]) for row in found]


def _group(row: ErrorRow, newest: ErrorGroup) -> ErrorGroup:
    return replace(
        newest, count=row.count, first_seen=row.first_seen, last_seen=row.last_seen, run_count=row.run_count,
        runs=row.runs, nodes=row.nodes, operations=row.operations,
    )  # fmt: skip


def _list(groups: list[ErrorRow]) -> None:
    on = output.console()
    wide = on.width >= _WIDE
    last_seen = f"Last seen ({times.zone(groups[0].last_seen)})"
    more = ("Runs", last_seen) if wide else ()
    listed = output.table(
        "Error", "Message", "Where", "Times", *more, "Fingerprint",
        right=("Times", *more[:1]), whole=(last_seen, "Fingerprint"),
    )  # fmt: skip
    for group in groups:
        lines = (group.message or "").strip().splitlines() or [""]
        name = group.error_type or group.event_type
        beside = (output.count(group.run_count), output.cell(times.at_second(group.last_seen)))
        listed.add_row(
            output.cell(name if wide else name.rpartition(".")[2], "red"),
            output.cell(_cut(lines[0], _MESSAGE)),
            output.cell(_cut(_where(group), _PLACE), "bold"),
            output.count(group.count),
            *(beside if wide else ()),
            output.cell(group.fingerprint, "dim"),
        )
    output.write(on, listed)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _where(group: ErrorRow) -> str:
    """Return the first node or operation and the number of others, or the line of the program that raised."""
    places = group.nodes or group.operations
    if places:
        return str(places[0]) if len(places) == 1 else f"{places[0]} +{len(places) - 1}"
    return group.place or ""


def _show_one(group: ErrorGroup, format: options.TextOrJson) -> None:
    if format is options.TextOrJson.json:
        output.write_json(answer_dict(group))
        return
    on = output.console()
    name = group.error_type or group.example.event_type
    output.write(on, output.styled(f"{name}: {group.message or ''}", "bold red"))
    for label, value in _facts(group, on):
        output.write(on, output.styled(f"{label:<{_LABEL}} {value}"))
    for crumb in group.example.breadcrumbs:
        data = "".join(f" {key}={value}" for key, value in (crumb.get("data") or {}).items())
        text = f"{crumb.get('severity', '')} {crumb.get('category', '')}: {crumb.get('message', '')}{data}"
        output.write(on, output.styled(f"{'before':<{_LABEL}} {_time(crumb.get('at'))} {text}", "dim"))
    trace = group.example.traceback
    for line in ("", *trace.splitlines()) if trace else ():
        output.write(on, output.styled(line))


def _facts(group: ErrorGroup, on: Console) -> Iterator[tuple[str, str]]:
    """Yield the facts of an error, then those of its example."""
    example = group.example
    yield "fingerprint", group.fingerprint
    first, last = (times.at_second(moment) for moment in (group.first_seen, group.last_seen))
    yield "times", f"{group.count:,}, first {first}, last {last} ({times.zone(group.last_seen)})"
    for label, names in (("nodes", group.nodes), ("operations", group.operations), ("runs", group.runs)):
        if names:
            more = group.run_count - len(names) if label == "runs" else 0
            yield label, output.joined([*names, *([f"and {more:,} more"] if more else [])], on)
    for label in ("run_id", "error_id", "user", "correlation_id"):
        if value := getattr(example, label):
            yield label.replace("_", " "), value
    if example.handled is False:
        yield "handled", "no (uncaught)"
    for name, values in {"context": example.context, **example.contexts}.items():
        if values:
            yield output.shown(name), output.as_json(values).decode()


def _time(moment: Any) -> str:
    """Return the time of day of a timestamp, or `?`."""
    try:
        return f"{times.local(moment):%H:%M:%S}"
    except (AttributeError, TypeError, ValueError):
        return "?"
