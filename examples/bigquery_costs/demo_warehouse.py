"""The data of the demo: three large tables that do not exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

GIB = 2**30
TABLES = {"sales.orders": 2048 * GIB, "sales.customers": 3 * GIB, "web.clicks": 40 * 1024 * GIB}
MINIMUM = 10 * 2**20
SCHEMA = {"fields": [{"name": "country", "type": "STRING"}, {"name": "orders", "type": "INTEGER"}]}
ROWS = [["UK", 41], ["NO", 17], ["DE", 9]]


def answer(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of BigQuery to a query; a query that names its columns reads an eighth of the tables."""
    sql = configuration["query"]["query"]
    named = re.findall(r"(?i)\b(?:from|join)\s+`?([\w.-]+)`?", sql)
    unknown = [name for name in named if name not in TABLES]
    if unknown:
        known = ", ".join(TABLES)
        return {"refused": (404, "notFound", f"Not found: Table {unknown[0]}; the demo has {known}")}
    share = 1 if re.search(r"(?i)select\s+\*", sql) else 8
    processed = sum(TABLES[name] // share for name in named)
    billed = max(processed, MINIMUM) if named else 0
    limit = int(configuration["query"].get("maximumBytesBilled") or configuration.get("maximumBytesBilled") or 0)
    if limit and billed > limit and not configuration.get("dryRun"):
        reason = f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required."
        return {"refused": (400, "bytesBilledLimitExceeded", reason)}
    return {
        "statistics": {**_times(processed), "query": _query(named, processed, billed)},
        "schema": SCHEMA,
        "rows": ROWS if named else [],
    }


def _times(processed: int) -> dict[str, str]:
    """Set the times of the job: it ends now, after a second for each 100 GiB."""
    ended = datetime.now(UTC)
    began = ended - timedelta(seconds=0.2 + processed / (100 * GIB))
    millis = {"creationTime": began, "startTime": began, "endTime": ended}
    return {name: str(int(moment.timestamp() * 1000)) for name, moment in millis.items()}


def _query(named: list[str], processed: int, billed: int) -> dict[str, Any]:
    tables = [name.split(".") for name in named]
    return {
        "statementType": "SELECT",
        "totalBytesProcessed": str(processed),
        "totalBytesBilled": str(billed),
        "totalSlotMs": str(processed // 2_000_000),
        "cacheHit": False,
        "referencedTables": [
            {"projectId": "demo-project", "datasetId": dataset, "tableId": table} for dataset, table in tables
        ],
    }
