"""`odibi costs`: the costs of queries and operations, and the share of the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.times import moment
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.clock import utc_now
from odibi_core.settings import get_config
from odibi_core.views.costs import CostsView, dollars, month_of, sum_of
from odibi_core.views.wording import plural, size, usd

_BY: Final = ("operation", "run", "day", "statement", "table")
_TAG: Final = "tag:"
_NONE: Final = {"run": "(outside of any run)", "day": "?"}


def costs(
    by: Annotated[str, typer.Option("--by", metavar="KEY", help="Grouping of the rows.")] = "operation",
    since: options.Since = None,
    run: options.OnlyRun = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", min=0, help="Monthly budget.", show_default="the setting")
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the costs of queries and operations.

    Costs are those of the queries of an observed BigQuery client, and those
    given to `track_cost`. --by takes operation, run, day, statement, table or
    tag:KEY. The budget (default: ODIBI_COST__BUDGET_USD) is compared with all
    costs of this calendar month (UTC), whatever the other options select.
    """
    _check(by)
    kept = record.open_store(store)
    limit = get_config().cost_budget_usd if budget is None else budget
    run_id, begin = record.find(kept, run) if run else None, moment(since, "--since")
    wanted, everything = CostsView(), CostsView()
    with output.waiting("reading the costs"):
        for each, events in record.read_many(kept, [run_id] if run_id and not limit else kept.ids()):
            for event in events:
                if limit:
                    everything(event)
                if run_id in (None, each) and (begin is None or event.timestamp >= begin):
                    wanted(event)
    answer = wanted.answer()
    rows = _rows(answer, by)
    of_budget = _budget(everything, limit) if limit else None
    if format is options.TextOrJson.json:
        output.write_json(
            {"by": by, "rows": rows, **{k: answer[k] for k in ("total", "queries", "alerts")}, "budget": of_budget}
        )
    elif answer["total"]["calls"]:
        _show(answer, rows, by, of_budget)
    else:
        output.nothing("cost", kept.root, run or since)


def _check(by: str) -> None:
    if by not in _BY and not by.startswith(_TAG):
        raise ConfigurationError(f"--by must be one of {', '.join(_BY)}, or {_TAG}KEY, got {by!r}{nearest(by, _BY)}")


def _rows(answer: dict[str, Any], by: str) -> list[dict[str, Any]]:
    """Return the groups, each with its share; for a tag, the calls without it come last."""
    total = answer["total"]
    if by.startswith(_TAG):
        tag = by.removeprefix(_TAG)
        if tag not in answer["by_tag"]:
            output.notice(f"no call has the tag {tag!r}{nearest(tag, answer['by_tag'])}")
        rows = answer["by_tag"].get(tag, [])
        rows += _without(rows, total)
    else:
        rows = answer[f"by_{by}"]
    spent = total["cost_usd"]
    return [{**row, "share": row["cost_usd"] / spent if spent else None} for row in rows]


def _without(rows: list[dict[str, Any]], total: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row of the calls without the tag, if there are any."""
    rest = {name: total[name] - sum(row[name] for row in rows) for name in total if name != "cost_usd"}
    cost = dollars(sum_of([total]) - sum_of(rows))
    return [{"value": None, "cost_usd": cost, **rest}] if rest["calls"] else []


def _budget(view: CostsView, limit: float) -> dict[str, Any]:
    month = f"{utc_now():%Y-%m}"
    spent = month_of(view.answer(), month)
    return {"month": month, "spent_usd": spent, "budget_usd": limit, "share": spent / limit}


def _show(answer: dict[str, Any], rows: list[dict[str, Any]], by: str, budget: dict[str, Any] | None) -> None:
    on = output.console()
    total = answer["total"]
    key = "value" if by.startswith(_TAG) else by
    figures = ("Calls", "Bytes", "Cost", "Share")
    listed = output.table(by.removeprefix(_TAG).capitalize(), *figures, right=figures)
    for row in rows:
        name = _NONE.get(by, "(none)") if row[key] is None else row[key]
        listed.add_row(output.cell(name, "bold"), *_figures(row, row["share"]))
    listed.add_row(output.cell("total", "dim"), *_figures(total, 1.0 if total["cost_usd"] else None))
    output.write(on, listed)
    for line in _remarks(answer):
        output.write(on, output.styled(line, "dim"))
    if budget is not None:
        output.write(on, output.styled(_of_budget(budget), "red" if budget["share"] > 1 else "green"))


def _figures(row: dict[str, Any], share: float | None) -> Sequence[Any]:
    return (
        output.count(row["calls"]),
        size(row["bytes_processed"]),
        usd(row["cost_usd"]) if row["unknown_costs"] < row["calls"] else "unknown",
        "" if share is None else f"{share:.0%}",
    )


def _remarks(answer: dict[str, Any]) -> list[str]:
    """Return lines about the queries, the unknown costs and the alerts."""
    queries, raised, unknown = answer["queries"], answer["alerts"]["raised"], answer["total"]["unknown_costs"]
    lines = []
    if queries["count"]:
        parts = [plural(queries["count"], "query", "queries")]
        parts += [f"{queries['cache_hits']:,} from the cache"] if queries["cache_hits"] else []
        parts += [f"{queries['failed']:,} failed"] if queries["failed"] else []
        parts += [f"slot time {output.duration(queries['slot_ms'])}"] if queries["slot_ms"] else []
        lines.append(", ".join(parts))
    if unknown:
        lines.append(f"the cost of {output.count(unknown, 'calls')} is unknown, and not in the sum")
    if count := sum(raised.values()):
        lines.append(f"{output.count(count, 'alerts')} about costs")
    return lines


def _of_budget(budget: dict[str, Any]) -> str:
    """Return `12.40 of 50.00 USD this month (25 %)`."""
    spent = usd(budget["spent_usd"]).removesuffix(" USD")
    return f"{spent} of {usd(budget['budget_usd'])} this month ({budget['share'] * 100:,.0f} %)"
