"""Macros for the common questions over a history.

An argument `run` is the id of a run, the beginning or the end of one, or the name of a pipeline for its latest run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_WORD: Final = re.compile(r"\w+")


class Macro(Struct, frozen=True):
    """A macro of the history: `signature` with the defaults of its arguments, and the SQL of its body."""

    signature: str
    description: str
    sql: str
    is_table: bool = True

    @property
    def name(self) -> str:
        """Its name."""
        return self.signature.partition("(")[0]

    @property
    def words(self) -> set[str]:
        """The words of its body: the tables and macros that it reads, among others."""
        return set(_WORD.findall(self.sql))

    @property
    def statement(self) -> str:
        """The statement that creates it."""
        return f"create macro {self.signature} as {'table ' if self.is_table else ''}{self.sql}"


_SCALARS: Final = (
    Macro("share(a, b)", "`a` / `b` as a double; null if `b` is 0 or null.", "a::double / nullif(b::double, 0)", False),
    Macro(
        "run_of(run)",
        "The id of a run; an error if there is none.",
        "coalesce((select run_id from runs where run_id = run or starts_with(run_id, run) or ends_with(run_id, run)"
        " or pipeline_name = run order by run_id = run desc, started desc limit 1), error('there is no run ' || run))",
        False,
    ),
    Macro(
        "good_before(run)",
        "The id of the last successful run of the same pipeline before a run.",
        "(select g.run_id from runs g join runs r on r.run_id = run_of(run) and g.pipeline_name = r.pipeline_name"
        " and g.started < r.started where g.status = 'success' order by g.started desc limit 1)",
        False,
    ),
)
_OF_PIPELINES: Final = (
    Macro(
        "latest(pipeline := null)",
        "The latest run of each pipeline, or of one: rows of `runs`.",
        "select * from runs where pipeline is null or pipeline_name = pipeline"
        " qualify row_number() over (partition by pipeline_name order by started desc) = 1",
    ),
    Macro(
        "last_good(pipeline := null)",
        "The latest successful run of each pipeline, or of one: rows of `runs`.",
        "select * from runs where status = 'success' and (pipeline is null or pipeline_name = pipeline)"
        " qualify row_number() over (partition by pipeline_name order by started desc) = 1",
    ),
    Macro(
        "history_of(pipeline, step)",
        "A step in every run of a pipeline, the newest first: rows of `nodes`.",
        "select * from nodes where pipeline_name = pipeline and node_name = step order by run_started desc",
    ),
    Macro(
        "failing_since(pipeline)",
        "The checks that fail in the latest run of a pipeline, with the first of the runs in a row in which they fail.",
        "with results as (select c.node_name, c.check_name, c.column_name, c.passed, r.run_id, r.started"
        " from checks c join runs r using (run_id) where r.pipeline_name = pipeline),"
        " failing as (select * from results where run_id = run_of(pipeline) and not passed),"
        " streak as (select f.*, (select max(o.started) from results o where o.passed and o.node_name = f.node_name"
        " and o.check_name = f.check_name and o.column_name is not distinct from f.column_name) as last_passed"
        " from failing f)"
        " select s.node_name, s.check_name, s.column_name, arg_min(r.run_id, r.started) as since_run,"
        " min(r.started) as since, count(distinct r.run_id) as runs"
        " from streak s join results r on r.node_name = s.node_name and r.check_name = s.check_name"
        " and r.column_name is not distinct from s.column_name and not r.passed"
        " and (s.last_passed is null or r.started > s.last_passed)"
        " group by all order by since",
    ),
    Macro(
        "schema_changes(pipeline)",
        "The runs in which a dataset that a step made had other columns or types than in the run before.",
        "select run_id, run_started, node_name, dataset, columns_before, columns_after from ("
        " select s.run_id, r.started as run_started, s.node_name, s.dataset, s.column_count as columns_after,"
        " s.schema_hash, lag(s.column_count) over w as columns_before, lag(s.schema_hash) over w as hash_before"
        " from snapshots s join runs r using (run_id) where s.side = 'after' and s.pipeline_name = pipeline"
        " window w as (partition by s.node_name, s.dataset order by r.started))"
        " where hash_before is not null and schema_hash is distinct from hash_before order by run_started desc",
    ),
)
_OF_RUNS: Final = (
    Macro(
        "slowest(run)",
        "The steps of a run, the slowest first, with their share of the time of all steps.",
        "select node_name, duration_ms, share(duration_ms, sum(duration_ms) over ()) as share, rows_out, status"
        " from nodes where run_id = run_of(run) order by duration_ms desc nulls last",
    ),
    Macro(
        "slower(run)",
        "The steps of a run with the median of their duration in the 30 successful runs before, the slowest first.",
        "with this as (from runs where run_id = run_of(run)), earlier as (select n.node_name, n.duration_ms,"
        " row_number() over (partition by n.node_name order by n.run_started desc) as place from nodes n, this r"
        " where n.pipeline_name = r.pipeline_name and n.run_started < r.started and n.status = 'success')"
        " select n.node_name, n.duration_ms, median(e.duration_ms) as usual_ms,"
        " share(n.duration_ms, median(e.duration_ms)) as ratio, count(e.duration_ms) as compared_runs"
        " from nodes n join this r using (run_id)"
        " left join earlier e on e.node_name = n.node_name and e.place <= 30"
        " group by n.node_name, n.duration_ms order by ratio desc nulls last",
    ),
    Macro(
        "changed_rows(run)",
        "The rows that each step of a run made, beside those of the last successful run before.",
        "select n.node_name, n.position, o.rows_out as rows_before, n.rows_out as rows_now,"
        " n.rows_out - o.rows_out as change, share(n.rows_out, o.rows_out) as ratio,"
        " o.selectivity as selectivity_before, n.selectivity as selectivity_now"
        " from nodes n left join nodes o on o.run_id = good_before(run) and o.node_name = n.node_name"
        " where n.run_id = run_of(run) order by n.position",
    ),
    Macro(
        "changed_code(run)",
        "The steps whose source differs from the last successful run before, or that it did not have.",
        "select n.node_name, o.source_hash as source_before, n.source_hash as source_now, n.source_file, n.source_line"
        " from nodes n left join nodes o on o.run_id = good_before(run) and o.node_name = n.node_name"
        " where n.run_id = run_of(run) and good_before(run) is not null"
        " and n.source_hash is distinct from o.source_hash order by n.position",
    ),
    Macro(
        "changed_params(run)",
        "The parameters that differ from the last successful run before.",
        "select coalesce(n.name, o.name) as name, o.value as value_before, n.value as value_now"
        " from (from params where run_id = run_of(run)) n"
        " full join (from params where run_id = good_before(run)) o using (name)"
        " where n.value is distinct from o.value order by name",
    ),
    Macro(
        "changed_packages(run)",
        "The packages whose version differs from the last successful run before.",
        "select coalesce(n.key, o.key) as package, o.value->>'$' as version_before, n.value->>'$' as version_now"
        " from (select unnest(json_keys(packages)) as key, json_extract(packages,"
        " '$.\"' || unnest(json_keys(packages)) || '\"') as value from runs where run_id = run_of(run)) n"
        " full join (select unnest(json_keys(packages)) as key, json_extract(packages,"
        " '$.\"' || unnest(json_keys(packages)) || '\"') as value from runs where run_id = good_before(run)) o"
        " on n.key = o.key where n.value is distinct from o.value order by package",
    ),
    Macro(
        "changed_files(run)",
        "The files that a run read, beside what the last successful run before read for the same dataset.",
        "select n.node_name, n.dataset, n.uri, o.uri as uri_before, o.bytes as bytes_before, n.bytes as bytes_now,"
        " o.modified as modified_before, n.modified as modified_now"
        " from files n left join files o on o.run_id = good_before(run) and o.access = 'read'"
        " and o.node_name is not distinct from n.node_name and o.dataset is not distinct from n.dataset"
        " and (n.dataset is not null or o.uri = n.uri)"
        " where n.run_id = run_of(run) and n.access = 'read' and (n.uri is distinct from o.uri"
        " or n.bytes is distinct from o.bytes or n.modified is distinct from o.modified"
        " or n.etag is distinct from o.etag) order by n.node_name, n.uri",
    ),
    Macro(
        "changed_columns(run)",
        "The columns of the datasets that a run made, whose type or share of nulls differs from the last successful"
        " run before, and those that only one of both has.",
        "select coalesce(n.node_name, o.node_name) as node_name, coalesce(n.column_name, o.column_name) as column_name,"
        " o.type as type_before, n.type as type_now, o.null_share as null_share_before, n.null_share as null_share_now"
        " from (from columns where run_id = run_of(run) and side = 'after') n"
        " full join (from columns where run_id = good_before(run) and side = 'after') o"
        " on o.node_name = n.node_name and o.dataset is not distinct from n.dataset and o.column_name = n.column_name"
        " where n.type is distinct from o.type or n.null_share is distinct from o.null_share"
        " order by node_name, column_name",
    ),
)
MACROS: Final[dict[str, Macro]] = {macro.name: macro for macro in (*_SCALARS, *_OF_PIPELINES, *_OF_RUNS)}
"""The macros by name."""


def with_callees(names: Iterable[str]) -> list[Macro]:
    """Return these macros and all that they call, each after those that it calls."""
    found: dict[str, Macro] = {}

    def add(name: str) -> None:
        macro = MACROS[name]
        for word in macro.words & MACROS.keys() - {name}:
            add(word)
        found[name] = macro

    for name in sorted(names):
        add(name)
    return list(found.values())
