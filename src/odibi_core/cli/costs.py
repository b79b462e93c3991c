"""`odibi costs`: what was spent, on what, and how much of the budget that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from odibi_core.cli import options, output, record, times
from odibi_core.cli.times import moment
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.clock import utc_now
from odibi_core.settings import get_config
from odibi_core.views.costs import CostsView, dollars, month_of, sum_of
from odibi_core.views.wording import size

_BY: Final = ("operation", "run", "day", "statement", "table")
_TAG: Final = "tag:"
_NONE: Final = {"run": "(outside of any run)", "day": "?"}


def costs(
    by: Annotated[
        str, typer.Option("--by", help=f"How to divide it: {', '.join(_BY)}, or {_TAG}KEY.")
    ] = "operation",
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help=times.HELP)] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Only this run: its id, a part of it, a pipeline."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget", metavar="USD", min=0, help="What a month may cost. (default: ODIBI_COST__BUDGET_USD)"
        ),
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show what was spent, and on what.

    Of BigQuery, each query that an observed client ran; and whatever `track_cost` was told. The budget is compared with
    all costs of this calendar month (UTC), whatever is asked for.
    """
    _check(by)
    kept = record.open_store(store)
    limit = get_config().cost_budget_usd if budget is None else budget
    run_id, begin = record.find(kept, run) if run else None, moment(since, "--since")
    wanted, everything = CostsView(), CostsView()
    with output.waiting("reading the costs"):
        for each in [run_id] if run_id and not limit else kept.ids():
            for event in record.read(kept, each):
                everything(event)
                if run_id in (None, each) and (begin is None or event.timestamp >= begin):
                    wanted(event)
    answer = wanted.answer()
    rows = _rows(answer, by)
    told = _budget(everything, limit) if limit else None
    if format is options.TextOrJson.json:
        output.write_json(
            {"by": by, "rows": rows, **{k: answer[k] for k in ("total", "queries", "alerts")}, "budget": told}
        )
    elif answer["total"]["calls"]:
        _show(answer, rows, by, told)
    else:
        output.nothing("cost", kept.root, run or since)


def _check(by: str) -> None:
    if by not in _BY and not by.startswith(_TAG):
        raise ConfigurationError(
            f"--by is one of {', '.join(_BY)}, or {_TAG}KEY; given was {by!r}{nearest(by, _BY)}"
        )


def _rows(answer: dict[str, Any], by: str) -> list[dict[str, Any]]:
    """The groups that were asked for, each with its share; of a tag, what does not have it comes last."""
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
    """What has no such tag, as one more row."""
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
    """What the table does not say, where there is something to say."""
    queries, raised, unknown = answer["queries"], answer["alerts"]["raised"], answer["total"]["unknown_costs"]
    said = []
    if queries["count"]:
        parts = [output.count(queries["count"], "queries") if queries["count"] > 1 else "1 query"]
        parts += [f"{queries['cache_hits']:,} from the cache"] if queries["cache_hits"] else []
        parts += [f"{queries['failed']:,} failed"] if queries["failed"] else []
        parts += [f"slot time {output.duration(queries['slot_ms'])}"] if queries["slot_ms"] else []
        said.append(", ".join(parts))
    if unknown:
        said.append(f"of {output.count(unknown, 'calls')} the cost is not known, and not in the sum")
    if count := sum(raised.values()):
        said.append(f"{output.count(count, 'alerts')} about costs")
    return said


def _of_budget(budget: dict[str, Any]) -> str:
    """`12.40 of 50.00 USD this month (25 %)`"""
    spent = usd(budget["spent_usd"]).removesuffix(" USD")
    return f"{spent} of {usd(budget['budget_usd'])} this month ({budget['share'] * 100:,.0f} %)"


def usd(amount: float) -> str:
    """Dollars and cents; of less than a cent, as much as says something."""
    if 0 < amount < 0.01:
        return f"{amount:.6f} USD" if amount >= 0.000001 else "< 0.000001 USD"
    return f"{amount:,.2f} USD"
