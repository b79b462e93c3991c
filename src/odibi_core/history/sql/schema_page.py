"""The page `docs/schema.md`: the tables, their columns and the macros, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.history.sql.macros import MACROS

_INTRODUCTION: Final = """# The tables of the history

<!-- Generated from `history/schema.py` and `history/sql/macros.py`: `python -m odibi_core.history.sql.schema_page`. -->

`odibi sql "SELECT …"` answers one SELECT over these tables: all runs of a store, live ones included, each once,
whether they are compacted or not. In Python it is `odibi_core.history(store).sql("SELECT …")`, whose answer has
`.rows`, `.columns`, `.df()`, `.polars()` and `.arrow()`. The SQL is DuckDB's. [questions.md](questions.md) has fifty
queries.

```sh
odibi demo
odibi sql "select pipeline_name, status, duration_ms from latest()"
odibi sql "select node_name, share from slowest('flights')" --format json
odibi sql --schema nodes
```

## Rules

- **Null** means "unknown" or "does not apply". It is never used for 0, false or an empty text: a count that was not
  taken is null. `passed` of a check is null if it could not be checked, so that `not passed` finds failures only.
- A **timestamp** is UTC without a zone, with microseconds. `now()::timestamp` is the present time in the same form.
  Durations are in milliseconds, by a monotonic clock.
- A **json** column holds one JSON value as text: `params->>'day'` is a text, `packages->>'pandas'` too,
  `json_keys(tags)` the names, `unnest(from_json(depends_on, '["VARCHAR"]'))` the entries of a list of texts.
- `status` of a run or step is `success`, `failed`, `cancelled`, `running` or `lost`, of a step also `pending` or
  `skipped`. A run whose process died is `lost`.
- The **partition** of a run is the logical date that it was for. `started` is the time at which it ran.
- A column never changes its meaning. A later version adds columns at the end of a table.
- In `logs` every field that was ever logged is a column, in snake_case or camelCase, whichever was logged. `event` is
  another name of `event_type`. If a field was logged with several types, it is text.
- A query is one SELECT, without access to files, the network or settings. `show tables`, `describe nodes` and
  `summarize nodes` work.

## Joins

Every table has `run_id` and `pipeline_name`, but `logs` has `run_id` alone.

| from | to | on |
|---|---|---|
| any table | `runs` | `run_id` |
| any table with `node_name` | `nodes` | `run_id, node_name` |
| `columns` | `snapshots` | `run_id, node_name, side, dataset` |
| `edges` | `nodes` | `run_id` and `source` or `target` = `node_name` |
| `alerts.follows_from` | `alerts.alert_id` | the cause of a finding |
| a run | the run before | `lag(…) over (partition by pipeline_name order by started)` |

`nodes`, `columns` and `params` have the start of the run as `run_started`, to order runs without a join.
"""
_MACROS: Final = """## Macros

A table macro is used as a table: `select * from slowest('nightly')`. `share`, `run_of` and `good_before` are
functions. An argument `run` is the id of a run, the beginning or the end of one, or the name of a pipeline for its
latest run.
"""
_EXAMPLES: Final = """## Examples

The last ten runs of a pipeline, with the day that each was for:

```sql
select run_id, partition, status, started, duration_ms, rows_published from runs
where pipeline_name = 'nightly' order by started desc limit 10
```

The steps that lost more than half of their rows in the latest run of each pipeline:

```sql
select pipeline_name, node_name, rows_in, rows_out, selectivity from nodes
where run_id in (select run_id from latest()) and selectivity < 0.5
```

The median and the 95 % quantile of the duration of each step in the last 30 days:

```sql
select pipeline_name, node_name, median(duration_ms) as median, quantile_cont(duration_ms, 0.95) as p95,
  count(*) as runs
from nodes where run_started > now()::timestamp - interval 30 days and status = 'success'
group by all order by median desc
```

The share of nulls of a column over time:

```sql
select run_started, null_share from columns
where pipeline_name = 'nightly' and node_name = 'clean' and column_name = 'price' and side = 'after'
order by run_started
```

A field of the application's own log lines:

```sql
select circuit_name, count(*) as opened from logs
where event = 'circuit_state_change' and new_state = 'open' group by all order by opened desc
```
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, "## Tables\n", *_tables(), _MACROS, *_macros(), _EXAMPLES])


def _tables() -> Iterator[str]:
    for table in TABLES.values():
        yield f"### {table.name}\n"
        yield f"A row for each {table.row}.\n"
        yield "| column | type | meaning |\n|---|---|---|"
        for column in table.columns:
            yield f"| `{column.name}` | {DUCKDB_TYPES[column.type].lower()} | {_cell(column.description)} |"
        yield ""


def _macros() -> Iterator[str]:
    yield "| macro | answer |\n|---|---|"
    for macro in MACROS.values():
        yield f"| `{macro.signature}` | {_cell(macro.description)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
