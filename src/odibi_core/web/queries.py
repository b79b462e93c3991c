"""SQL over the tables, in an isolated process with its limits; the questions, the schema, datasets and costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.errors import OdibiError, QueryError, StoreError
from odibi_core.events.clock import monotonic, utc_now
from odibi_core.history.history import History
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.history.sql.collecting import collected, set_damage_aside
from odibi_core.history.sql.macros import MACROS
from odibi_core.mcp_server.questions import questions as fifty_questions
from odibi_core.select_only import check_text
from odibi_core.store.sql_process import LARGEST_ANSWER, Child
from odibi_core.store.sql_text import literal
from odibi_core.web.answers import CostAnswer, DatasetPage, Document, Reference, SqlAnswer
from odibi_core.web.requests import OfCosts, OfDatasets, OfNothing, OfQuery
from odibi_core.web.source import QUERIES

if TYPE_CHECKING:
    from odibi_core.web.source import Source

_CHILD: Final = "odibi_core.history.sql.child"
_TIMEOUT_S: Final = 30.0
_WAIT_S: Final = 10.0
_MONTH: Final = timedelta(days=30)
_MOST_DATASETS: Final = 5_000
_LONGEST: Final = 2_000
"""Characters of one value of an answer."""


class BusyError(OdibiError):
    """The server answers as many queries as it may."""


def sql(source: Source, asked: OfQuery) -> SqlAnswer:
    """Return the answer of one SELECT: its columns, their types, and rows as lists.

    Raises:
        BusyError: Other queries took all processes for too long.
        QueryError: It is not one SELECT, or needs too much time or memory.
    """
    check_text(asked.query)
    chosen = None if asked.run is None else source.find(asked.run)
    if not source.query_slots.acquire(timeout=_WAIT_S):
        raise BusyError(f"{QUERIES} queries are running; try again in some seconds")
    try:
        began = monotonic()
        try:
            found = _answer(source, asked, chosen)
        except (QueryError, StoreError):
            if not set_damage_aside(source.store, asked.query):
                raise
            found = _answer(source, asked, chosen)
        return SqlAnswer(**found, duration_ms=round((monotonic() - began) * 1e3, 1))
    finally:
        source.query_slots.release()


def _answer(source: Source, asked: OfQuery, chosen: str | None) -> Document:
    with Child(_CHILD) as child:
        cursor = child.ask(asked.query, collected(source.store, asked.query, chosen), _TIMEOUT_S, LARGEST_ANSWER)
        rows: list[list[Any]] = []
        more = False
        for batch in cursor.batches:
            rows += [list(map(_plain, row)) for row in batch]
            if len(rows) > asked.limit:
                more = True
                break
        unreadable = cursor.read_errors.torn + cursor.read_errors.unreadable
        return {
            "columns": cursor.columns, "types": cursor.types, "rows": rows[: asked.limit], "more": more,
            "unreadable": unreadable, "notices": cursor.notices,
        }  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: whole numbers that a browser would round, and long values, as texts."""
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if abs(value) <= 1 << 53 else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode().strip('"')
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def questions(source: Source, asked: OfNothing) -> Reference:
    """Return the fifty questions with their SELECTs, and the tables with their columns."""
    return _reference()


@cache
def _reference() -> Reference:
    tables = [
        {
            "name": table.name, "row": table.row,
            "columns": [
                {"name": each.name, "type": DUCKDB_TYPES[each.type], "meaning": each.description}
                for each in table.columns
            ],
        }
        for table in TABLES.values()
    ]  # fmt: skip
    macros = [{"signature": each.signature, "meaning": each.description} for each in MACROS.values()]
    listed = [msgspec.to_builtins(each) for each in fifty_questions()]
    return Reference(questions=listed, tables=tables, macros=macros)


_DATASETS: Final = """
with accesses as (
    select coalesce(uri, dataset) as uri, dataset, format, access, pipeline_name, node_name, run_id, timestamp,
           bytes, row_count, modified
    from files where coalesce(uri, dataset) is not null
),
written as (
    select uri, max(timestamp) as written, arg_max(pipeline_name, timestamp) as pipeline_name,
           arg_max(node_name, timestamp) as node_name, arg_max(run_id, timestamp) as run_id,
           arg_max(row_count, timestamp) as row_count, arg_max(bytes, timestamp) as bytes, count(*) as writes
    from accesses where access = 'write' group by uri
),
taken as (
    select uri, max(timestamp) as last_read, count(*) as reads,
           list(distinct pipeline_name || ' / ' || coalesce(node_name, '') order by 1) as readers
    from (select uri, timestamp, pipeline_name, node_name from accesses where access = 'read') group by uri
),
named as (
    select uri, arg_max(dataset, timestamp) as dataset, arg_max(format, timestamp) as format,
           arg_max(row_count, timestamp) as known_rows, arg_max(modified, timestamp) as modified,
           arg_max(run_id, timestamp) as any_run, arg_max(node_name, timestamp) as any_node
    from accesses group by uri
)
select named.uri, named.dataset, named.format, written.pipeline_name, written.node_name, written.run_id,
       written.written, coalesce(written.row_count, named.known_rows) as row_count, written.bytes, written.writes,
       taken.last_read, taken.reads, taken.readers, named.modified, shape.column_count
from named left join written using (uri) left join taken using (uri)
left join (
    select run_id, node_name, max(column_count) as column_count from snapshots group by all
) shape on shape.run_id = coalesce(written.run_id, named.any_run)
    and shape.node_name = coalesce(written.node_name, named.any_node)
where {condition}
order by coalesce(written.written, taken.last_read) desc, named.uri
limit {limit}
"""


def datasets(source: Source, asked: OfDatasets) -> DatasetPage:
    """Return a page of the files and tables that runs read and wrote: last writer, freshness, rows, readers."""
    text = literal(asked.search.lower())
    condition = f"contains(lower(concat_ws(' ', named.uri, named.dataset)), {text})" if asked.search else "true"
    found = History(source.store).sql(_DATASETS.format(condition=condition, limit=_MOST_DATASETS)).rows
    now = utc_now()
    page = [
        {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in found[asked.offset : asked.offset + asked.limit]
    ]
    return DatasetPage(
        datasets=page, total=len(found), offset=asked.offset, limit=asked.limit, now=now, problems=source.problems
    )


_BY: Final = {
    "operation": "operation", "run": "run_id", "pipeline": "pipeline_name", "day": "strftime(timestamp, '%Y-%m-%d')",
    "step": "concat_ws(' / ', pipeline_name, node_name)",
}  # fmt: skip
_FIGURES: Final = (
    "count(*) as calls, sum(cost_usd) as cost_usd, count(*) - count(cost_usd) as unknown_costs,"
    " sum(bytes_processed) as bytes_processed, sum(bytes_billed) as bytes_billed"
)


def costs(source: Source, asked: OfCosts) -> CostAnswer:
    """Return the known costs of a time by group, the largest first; unknown ones are counted, and not in the sums."""
    since, until = asked.since or utc_now() - _MONTH, asked.until or utc_now()
    first, last = (f"{literal(_naive(each))}::timestamp" for each in (since, until))
    where = f"where timestamp between {first} and {last}"
    history, key = History(source.store), _BY[asked.by]
    order = "1" if asked.by == "day" else "cost_usd desc nulls last, calls desc, 1"
    groups = history.sql(
        f"select {key} as name, {_FIGURES} from costs {where} group by 1 order by {order} limit {asked.limit}"
    ).rows
    total = history.sql(f"select {_FIGURES} from costs {where}").rows[0]
    return CostAnswer(by=asked.by, since=since, rows=groups, total=total)


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
