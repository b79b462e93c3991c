"""The fields of the events of a BigQuery job that is done, and its cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from odibi_core.costs.bigquery.price import Prices, billable, usd_for_bytes, usd_for_slots
from odibi_core.errors import STOPS
from odibi_core.events import sanitize_text
from odibi_core.events.clock import utc_now
from odibi_core.events.normalize import to_text

Fields = dict[str, Any]

SCRIPT: Final = "SCRIPT"
MAX_SQL: Final = 10_000
"""Maximum characters of a statement."""
_MAX_TABLES: Final = 100
_ON_DEMAND: Final = frozenset({"", "unreserved", "default-pipeline"})
"""Reservation names of jobs without a reservation."""


def read(owner: Any, name: str) -> Any:
    """Return an attribute of a job; None if it has none, or raises."""
    try:
        return getattr(owner, name, None)
    except STOPS:
        raise
    except BaseException:
        return None


def statistic(job: Any, *path: str) -> Any:
    """Return a part of a job's statistics for which the client has no attribute; only `_properties` holds it."""
    found = read(job, "_properties")
    for name in ("statistics", *path):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def without_none(fields: Fields) -> Fields:
    """Return the fields whose value is known."""
    return {name: value for name, value in fields.items() if value is not None}


def sanitized_sql(sql: Any) -> str | None:
    """Return a statement without secrets, cut to a maximum after the redaction, so that no half of a secret stays."""
    return to_text(sanitize_text(sql), MAX_SQL) if isinstance(sql, str) else None


def job_fields(job: Any) -> Fields:
    """Return the fields of jobs of every kind."""
    failure = read(job, "error_result")
    fields: Fields = {
        "job_id": read(job, "job_id"),
        "location": read(job, "location"),
        "project": read(job, "project"),
        "duration_ms": _duration_ms(read(job, "started") or read(job, "created"), read(job, "ended")),
        "status": "failed" if failure else "success",
        "labels": read(job, "labels") or None,
        "reservation_id": _reservation(read(job, "reservation_id") or statistic(job, "reservation_id")),
    }
    if isinstance(failure, dict):
        fields |= {"error": failure.get("message") or failure.get("reason"), "error_type": failure.get("reason")}
    return without_none(fields)


def query_fields(job: Any, rows: int | None = None) -> Fields:
    """Return the fields of the `query` event of a query job."""
    kind = read(job, "statement_type")
    fields = {
        **job_fields(job),
        "query_type": kind or "unknown",
        "statement_type": kind,
        "parent_job_id": read(job, "parent_job_id"),
        "rows_returned": rows,
        "rows_affected": read(job, "num_dml_affected_rows"),
        "bytes_processed": read(job, "total_bytes_processed"),
        "bytes_billed": read(job, "total_bytes_billed"),
        "slot_millis": read(job, "slot_millis"),
        "edition": statistic(job, "edition"),
        "cache_hit": read(job, "cache_hit"),
        "tables": _names(read(job, "referenced_tables")),
        "sql": sanitized_sql(read(job, "query")),
    }
    if kind == SCRIPT:
        fields |= {"script_parent": True, "child_jobs": read(job, "num_child_jobs")}
    return without_none(fields)


def rows_fields(rows: Any, sql: str) -> Fields:
    """Return the fields of the `query` event of rows without a job."""
    fields = {
        "query_type": "unknown",
        "query_id": read(rows, "query_id"),
        "job_id": read(rows, "job_id"),
        "location": read(rows, "location"),
        "project": read(rows, "project"),
        "duration_ms": _duration_ms(read(rows, "started"), read(rows, "ended")),
        "status": "success",
        "rows_returned": read(rows, "total_rows"),
        "bytes_processed": read(rows, "total_bytes_processed"),
        "slot_millis": read(rows, "slot_millis"),
        "sql": sanitized_sql(sql),
    }
    return without_none(fields)


def operation_fields(job: Any, kind: str) -> Fields:
    """Return the fields of the `bigquery_operation` event of a load, an extract or a copy."""
    table = read(job, "source" if kind == "extract" else "destination")
    names = {
        "load": ("inputFileBytes", "outputRows"),
        "extract": ("inputBytes", ""),
        "copy": ("copiedLogicalBytes", "copiedRows"),
    }
    count, rows = names[kind]
    return {
        **job_fields(job),
        **without_none(
            {
                "operation_type": kind,
                "dataset": read(table, "dataset_id"),
                "table": read(table, "table_id"),
                "bytes_processed": _int(statistic(job, kind, count)),
                "rows_affected": _int(statistic(job, kind, rows)),
            }
        ),
    }


def cost_fields(query: Fields, prices: Prices, ended: datetime | None = None) -> Fields:
    """Return the fields of the `cost` event of a query: the cost, its basis and the price."""
    day = (ended or utc_now()).date()
    kept = (
        "bytes_processed", "bytes_billed", "job_id", "parent_job_id", "statement_type", "cache_hit", "slot_millis",
        "location", "reservation_id", "tables",
    )  # fmt: skip
    about = {name: query[name] for name in kept if name in query}
    usd, basis, note, price = _charge(query, prices, day)
    return {
        **about, "estimated_cost_usd": usd,
        **without_none({"cost_basis": basis, "cost_note": note, "price": price}),
    }  # fmt: skip


_Charge = tuple[Decimal | None, str, str | None, Fields | None]


def _charge(query: Fields, prices: Prices, day: date) -> _Charge:
    """Return the dollars, the basis of the charge, a note, and the price."""
    region, billed, processed = (query.get(name) for name in ("location", "bytes_billed", "bytes_processed"))
    if query.get("cache_hit") is True:
        return Decimal(0), "cached", None, None
    if query.get("statement_type") == "CREATE_MODEL" and not query.get("reservation_id"):
        return None, "unknown", "CREATE MODEL has prices of its own, by the kind of model", None
    if query.get("reservation_id"):
        return _slot_time(query, prices, day)
    if billed is None and query.get("status") == "failed":
        return Decimal(0), "failed", None, None
    if billed is None and processed is None:
        return None, "unknown", "BigQuery reported neither the bytes billed nor those processed", None
    price, note = prices.per_tib(region, day)
    if price is None:
        return None, "unknown", note, None
    if billed is None:
        usd = usd_for_bytes(billable(processed or 0, len(query.get("tables", ()))), price)
        return usd, "bytes_processed", note, price.row()
    return usd_for_bytes(billed, price), "bytes_billed", note, price.row()


def _slot_time(query: Fields, prices: Prices, day: date) -> _Charge:
    """Return the charge for a job's share of a reservation, which is paid for by the hour."""
    price, note = prices.per_slot_hour(query.get("edition"), query.get("location"), day)
    slot_ms = query.get("slot_millis")
    if price is None or slot_ms is None:
        return Decimal(0), "reservation", note or "BigQuery reported no slot time", None
    return usd_for_slots(slot_ms, price), "slot_time", note, price.row()


def _reservation(name: Any) -> str | None:
    return name if isinstance(name, str) and name.rpartition(".")[2] not in _ON_DEMAND else None


def _duration_ms(began: Any, ended: Any) -> float | None:
    if not isinstance(began, datetime) or not isinstance(ended, datetime):
        return None
    return round(max(0.0, (ended - began).total_seconds() * 1000), 3)


def _names(tables: Iterable[Any] | None) -> list[str] | None:
    return [f"{t.project}.{t.dataset_id}.{t.table_id}" for t in islice(tables or (), _MAX_TABLES)] or None


def _int(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
