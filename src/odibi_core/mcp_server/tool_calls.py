"""The six tools, each a plain function of a store and of arguments that are checked by their types."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from odibi_core.errors import ConfigurationError, OdibiError, nearest
from odibi_core.events.clock import utc_now
from odibi_core.events.sanitize import sanitize_text
from odibi_core.history.comparison import compare_runs
from odibi_core.history.history import History
from odibi_core.history.index.filters import RunFilter
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.history.sql.macros import MACROS
from odibi_core.mcp_server.bounded import MOST_ITEMS, answer_of
from odibi_core.mcp_server.explaining import explain
from odibi_core.mcp_server.questions import questions
from odibi_core.store.runs import RunStore

TIMEOUT_S: Final = 30.0
"""Seconds of a query."""
_RUN: Final = "Run id, part of one, or a pipeline's name for its latest run. "
_OF_LIST: Final = (
    "run_id", "pipeline_name", "partition", "status", "started", "duration_ms", "steps", "failed_count",
    "rows_published", "checks_failed", "unusual", "cost_usd", "error", "host",
)  # fmt: skip


class Arguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of a tool."""


class OfRuns(Arguments, frozen=True):
    """The runs of a list."""

    pipeline: Annotated[str | None, Meta(description="Only this pipeline.")] = None
    status: Literal["success", "failed", "cancelled", "running", "lost"] | None = None
    last_hours: Annotated[float, Meta(ge=0, le=1e6, description="Only runs that began so recently; 0: all.")] = 0.0
    unusual: Annotated[bool, Meta(description="Only runs with unusual findings.")] = False
    limit: Annotated[int, Meta(ge=1, le=MOST_ITEMS)] = 20


class OfOneRun(Arguments, frozen=True):
    """One run."""

    run: Annotated[str | None, Meta(description=f"{_RUN}Default: the latest run.")] = None


class OfTwoRuns(Arguments, frozen=True):
    """Two runs."""

    run: Annotated[str | None, Meta(description=f"{_RUN}Default: the latest run.")] = None
    other: Annotated[str | None, Meta(description="Default: the last good run before it.")] = None


class OfQuestions(Arguments, frozen=True):
    """Some questions."""

    about: Annotated[str, Meta(max_length=200, description="Words that the question or its SQL has.")] = ""


class OfQuery(Arguments, frozen=True):
    """A query."""

    query: Annotated[str, Meta(max_length=20_000, description="One SELECT in DuckDB's SQL.")]
    run: Annotated[str | None, Meta(description="The only run that it sees.")] = None


class OfTable(Arguments, frozen=True):
    """A table."""

    table: Annotated[str | None, Meta(description="Its columns; without it, all tables and macros.")] = None


class Tool(Struct, frozen=True):
    """A tool: its name, its use, and the function that answers."""

    name: str
    description: str
    arguments: type[Arguments]
    call: Callable[[RunStore, Any], dict[str, Any]]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        (found,) = msgspec.json.schema(self.arguments)["$defs"].values()
        return {name: value for name, value in found.items() if name not in ("title", "description")}


def _runs(store: RunStore, asked: OfRuns) -> dict[str, Any]:
    since = utc_now() - timedelta(hours=asked.last_hours) if asked.last_hours else None
    wanted = RunFilter(pipeline_name=asked.pipeline, status=asked.status, since=since, unusual=asked.unusual)
    rows = History(store).runs(wanted, asked.limit + 1)
    found = [{name: row[name] for name in _OF_LIST if row[name] is not None} for row in rows[: asked.limit]]
    return {"runs": found, "there_are_more": len(rows) > asked.limit}


def _explain(store: RunStore, asked: OfOneRun) -> dict[str, Any]:
    return explain(store, store.find(asked.run))


def _compare(store: RunStore, asked: OfTwoRuns) -> dict[str, Any]:
    return {"comparison": compare_runs(store, asked.run, asked.other).as_dict()}


def _questions(store: RunStore, asked: OfQuestions) -> dict[str, Any]:
    words = re.findall(r"\w+", asked.about.lower())
    found = [each for each in questions() if all(word in f"{each.question} {each.sql}".lower() for word in words)]
    return {"questions": [msgspec.to_builtins(each) for each in found], "of": len(questions())}


def _sql(store: RunStore, asked: OfQuery) -> dict[str, Any]:
    answer = History(store).sql(asked.query, run=asked.run, isolated=True, timeout_s=TIMEOUT_S)
    unreadable = answer.read_errors.torn + answer.read_errors.unreadable
    return {
        "columns": answer.columns, "row_count": len(answer.rows), "lines_that_could_not_be_read": unreadable,
        "notices": answer.notices, "rows": answer.rows,
    }  # fmt: skip


def _schema(store: RunStore, asked: OfTable) -> dict[str, Any]:
    if asked.table is None:
        tables = {table.name: {"a_row_for_each": table.row, "columns": list(table.names)} for table in TABLES.values()}
        return {"tables": tables, "macros": {each.signature: each.description for each in MACROS.values()}}
    if asked.table.lower() not in TABLES:
        raise ConfigurationError(
            f"table must be one of {', '.join(TABLES)}, got {asked.table!r}{nearest(asked.table, TABLES)}"
        )
    table = TABLES[asked.table.lower()]
    columns = [{"name": c.name, "type": DUCKDB_TYPES[c.type], "meaning": c.description} for c in table.columns]
    return {"table": table.name, "a_row_for_each": table.row, "columns": columns}


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool("runs", "List runs of pipelines, the newest first.", OfRuns, _runs),
        Tool(
            "explain_run",
            "Explain one run: its errors with tracebacks, failed checks, unusual findings, steps, and what differs "
            "from the last good run, with the probable cause. Use it first to answer why a run failed.",
            OfOneRun,
            _explain,
        ),
        Tool("compare_runs", "Compare two runs in full: code, parameters, packages, data, rows.", OfTwoRuns, _compare),
        Tool("questions", "List fifty common questions about runs, each with its SELECT.", OfQuestions, _questions),
        Tool(
            "sql",
            "Answer one SELECT over the tables of all runs. It can read nothing else and change nothing. Ask `schema` "
            f"for the tables. An answer has at most {MOST_ITEMS} rows: aggregate, or use LIMIT.",
            OfQuery,
            _sql,
        ),
        Tool("schema", "Describe the tables of the history, or the columns of one.", OfTable, _schema),
    )
}
"""The tools by name."""


def call(
    open_store: Callable[[], RunStore], name: str, arguments: dict[str, Any] | None
) -> tuple[dict[str, Any], bool]:
    """Return the answer of a tool, and whether it is an error; never raises because of an argument or a store."""
    try:
        if name not in TOOLS:
            raise ConfigurationError(f"there is no tool {name!r}{nearest(name, TOOLS)}; there are {', '.join(TOOLS)}")
        tool = TOOLS[name]
        return answer_of(tool.call(open_store(), msgspec.convert(arguments or {}, tool.arguments))), False
    except msgspec.ValidationError as error:
        return _error(f"an argument of {name} is wrong: {error}"), True
    except (OdibiError, OSError) as error:
        return _error(str(error)), True
    except Exception as error:
        return _error(f"internal error of odibi-core: {type(error).__name__}"), True


def _error(message: str) -> dict[str, Any]:
    """Return an error: its message may quote the record, and is bounded and marked as an answer is."""
    return answer_of({"error": sanitize_text(message)})
